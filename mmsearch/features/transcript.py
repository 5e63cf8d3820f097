"""What is said in sounds and clips: text with its second, which filters ask and searches look in."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmsearch.encoders.sources import count_items, items
from mmsearch.encoders.weights import fingerprint
from mmsearch.errors import UsageError, did_you_mean
from mmsearch.features.base import Fact, Feature, Found, Medium
from mmsearch.features.whisper import AUTO, bundled, find, load
from mmsearch.media import MediaError, NoSound
from mmsearch.media.audio import Samples, probe_sound
from mmsearch.media.windows import sound_stretches
from mmsearch.store import Store

RATE = 16_000
#: Characters of a product's transcript: what a filter asks of a two-hour talk is in its beginning, searches look in every sentence.
CHARACTERS = 2_000
#: The store's sounds and clips together, up to which the feature runs by itself: some minutes of work (docs/models.md, Speech).
FEW, SHORT = 200, 1_200.0  # files; seconds

_RECIPE = "transcript 2"
_BEAM = 5  # as Whisper's authors chose; `python -m bench.speech_quality DATA_FOLDER --choose` compares it with 1
_STRETCH = 300.0  # seconds that are in memory at a time: 19 MB of samples, 10 MB of spectrum
_SURE = 0.5  # how probable a language must be, else it is the likelier of those that most shops sell in
_LIKELY = ("en", "zh")
#: "The following sentences are in Mandarin", in simplified characters: in these Whisper then goes on, else often in traditional ones.
_PROMPTS: dict[str | None, str] = {"zh": "以下是普通话的句子。"}
#: Text that Whisper is so unsure of, or that repeats itself so much, is not what was said (Radford et al. 2022, section 4.5).
_LEAST_LOGPROB, _MOST_REPEATED = -1.0, 2.4
#: How probable its words are, times how probable it is that someone speaks at all (docs/decisions/0045-doubted-transcripts.md).
_LEAST_SPOKEN = 0.125
_Spoken = tuple[str, float | None] | None  # the language and how probable it is, once it is known
_LANGUAGE = re.compile("[a-z]{2,3}")


class Transcript(Feature):
    """What is said in sounds and clips, by Whisper: sentences with their second, and the language.

    Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, run by faster-whisper in 8 bits. What is no speech
    is left out first (Silero's voice activity detection), since Whisper hears words in silence and in music.
    """

    sources: ClassVar[tuple[str, ...]] = ("audio", "video")
    names: ClassVar[Mapping[str, str]] = {"transcript": "text", "spoken_language": "text"}
    searchable: ClassVar[bool] = True
    batch: ClassVar[int] = 1  # the model runs in `prepare`
    packages: ClassVar[tuple[str, ...]] = ("faster_whisper",)
    download: ClassVar[str] = "the hub model that is named; bundled or a folder: nothing"

    def __init__(self, model: str = AUTO, language: str | None = None):
        """
        Parameters
        ----------
        model : 'auto' (the bundled model of 99 languages where it is installed, else the English one), 'base', 'tiny.en', a folder with
            a Whisper model in CTranslate2's format, or the hub name of one ('organisation/name').
        language : that is spoken ('en', 'zh'); found out for each sound where it is not given.
        """
        if language is not None and not _LANGUAGE.fullmatch(language):
            raise ValueError(f"language must be a code such as en or zh, not '{language}'")
        if importlib.util.find_spec("faster_whisper") is None:
            raise ModuleNotFoundError("No module named 'faster_whisper'", name="faster_whisper")
        self._weights, self._language = find(model, language), language

    @classmethod
    def by_default(cls, store: Store) -> bool:
        """Where a bundled model is installed and the store's sounds and clips are few and short. See `Feature.by_default`."""
        return bundled() is not None and _few_and_short(store)

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        return fingerprint("transcript", {"recipe": _RECIPE, "language": self._language}, self._weights.hashes())

    def load(self) -> None:
        """Load the model.

        Raises
        ------
        InputError : it is damaged. UsageError : it does not understand the language.
        """
        known = load(self._weights).supported_languages
        if self._language is not None and self._language not in known:
            near = did_you_mean(self._language, known) if len(known) > 1 else f": it understands {', '.join(known)} only"
            raise UsageError(f"the model {self._weights.name} does not understand '{self._language}'{near}")

    def prepare(self, item: str | Medium) -> list[Fact]:
        """A sound or clip → its facts; none where nobody speaks, or a clip has no sound track. Raises MediaError.

        The model runs here, not in `extract`: an hour of speech would be 230 MB to hold.
        """
        if not isinstance(item, Medium):
            raise MediaError("no sound: a text")
        return self.listen(item.content, item.go_on)

    def extract(self, prepared: Sequence[list[Fact]]) -> list[list[Fact]]:
        """What `prepare` found."""
        return list(prepared)

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """All that is said in a product's sounds and clips, one after the other, and the language of the surest of them."""
        said = [[fact for fact in one.facts if fact.name == "transcript"] for one in found]
        texts = [str(fact.value) for one in said for fact in sorted(one, key=lambda fact: fact.second or 0.0)]
        values = super().roll_up(found)
        return values | {"transcript": shortened(" ".join(texts), CHARACTERS)} if texts else values

    def listen(self, source: str | Path | bytes, go_on: Callable[[], None] = lambda: None) -> list[Fact]:
        """The facts of a sound, or of the sound track of a clip: 'transcript' for each stretch of speech, then 'spoken_language'.

        Thread-safe. `go_on` is called after each half minute of speech; what it raises ends the listening. Raises MediaError.
        """
        said: list[Fact] = []
        spoken: _Spoken = (self._language, None) if self._language else None
        try:
            for second, samples in sound_stretches(source, RATE, _STRETCH):
                go_on()
                if speech := _speech(samples):
                    segments, spoken = self._understood(samples, speech, spoken, go_on)
                    said += [_fact(segment, second) for segment in segments]
        except NoSound:  # nobody speaks in it
            pass
        if said and spoken is not None:
            said.append(Fact("spoken_language", spoken[0], score=spoken[1]))
        return said

    def _understood(
        self, samples: Samples, speech: list[dict[str, int]], spoken: _Spoken, go_on: Callable[[], None]
    ) -> tuple[list[Any], _Spoken]:
        """Whisper's segments of a stretch, those that can be trusted, and the language, unless the model knows but one."""
        from faster_whisper.transcribe import restore_speech_timestamps

        model = load(self._weights)
        heard = np.concatenate([samples[one["start"] : one["end"]] for one in speech])
        # One temperature: others would be drawn by lot, and a sound would not say the same twice.
        options = {"beam_size": _BEAM, "temperature": [0.0], "condition_on_previous_text": False}
        language = spoken[0] if spoken else None
        segments, info = model.transcribe(heard, language=language, initial_prompt=_PROMPTS.get(language), **options)  # decodes nothing yet
        if spoken is None and model.model.is_multilingual:
            spoken = _surest(info)
            if spoken[0] != info.language or spoken[0] in _PROMPTS:
                segments, _ = model.transcribe(heard, language=spoken[0], initial_prompt=_PROMPTS.get(spoken[0]), **options)
        sure = []
        go_on()
        for one in restore_speech_timestamps(segments, speech, RATE):  # each half minute is decoded when its first sentence is asked for
            go_on()
            if _is_sure(one):
                sure.append(one)
        return sure, spoken


def shortened(text: str, characters: int) -> str:
    """A text of at most so many characters, cut behind a word.

    >>> shortened("red running shoes", 12), shortened("red", 12)
    ('red running…', 'red')
    """
    if len(text) <= characters:
        return text
    cut = text[: characters - 1]
    behind = cut.rfind(" ")
    return (cut[:behind] if behind > characters // 2 and text[characters - 1] != " " else cut).rstrip() + "…"


def _speech(samples: Samples) -> list[dict[str, int]]:
    """Where someone speaks: {start, end} in samples, with some of what is around it."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    found: list[dict[str, int]] = get_speech_timestamps(samples, VadOptions())
    return found


def _surest(info: Any) -> tuple[str, float]:
    """The language, and how probable it is."""
    if info.language_probability >= _SURE:
        return str(info.language), round(float(info.language_probability), 4)
    probable = dict(info.all_language_probs)
    best = max(_LIKELY, key=lambda language: probable.get(language, 0.0))
    return best, round(float(probable.get(best, 0.0)), 4)


def _is_sure(segment: Any) -> bool:
    """By its own words: Whisper's own measure of repetition is of half a minute, in which an advert may say a sentence five times."""
    from faster_whisper.transcribe import get_compression_ratio

    text = segment.text.strip()
    marks_alone = not any(mark.isalnum() for mark in text)
    echoed = any(text.rstrip("。.") == prompt.rstrip("。") for prompt in _PROMPTS.values())  # what it says where it understands nothing
    guessed = segment.avg_logprob < _LEAST_LOGPROB or math.exp(segment.avg_logprob) * (1 - segment.no_speech_prob) < _LEAST_SPOKEN
    return not (marks_alone or echoed or guessed or get_compression_ratio(text) > _MOST_REPEATED)


def _fact(segment: Any, second: float) -> Fact:
    start, end = round(second + segment.start, 2), round(second + max(segment.start, segment.end), 2)
    return Fact("transcript", segment.text.strip(), round(min(1.0, math.exp(segment.avg_logprob)), 4), start, end)


def _few_and_short(store: Store) -> bool:
    """By the headers of the files, without decoding one; one whose header does not say counts as long."""
    files, seconds = 0, 0.0
    for source in Transcript.sources:
        if count_items(store, source) > FEW:
            return False
        for item in items(store, source):
            files += 1
            try:
                seconds += probe_sound(Path(item.content)) or SHORT
            except MediaError:  # it costs nothing
                continue
            if files > FEW or seconds > SHORT:
                return False
    return True
