"""The estimate of a voice's emotion: what the literature says of its directions, on changed versions of real clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_sounds import RATE, by_ffmpeg, silence, tone, written

from mmsearch.features import FEATURES
from mmsearch.features.base import Fact, Found, Medium
from mmsearch.features.voice_emotion import MEASURES, VoiceEmotion, estimated, measured
from mmsearch.media import MediaError
from mmsearch.media.audio import sound_blocks

USUAL = {name: usual for name, (usual, *_) in MEASURES.items()}


def medium(content: bytes) -> Medium:
    return Medium(content, Path("a.wav"))


def as_loud(x: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (x * np.sqrt(np.square(other).mean() / np.square(x).mean())).astype(np.float32)


@pytest.fixture(scope="module")
def voices(data: Path) -> list[np.ndarray]:
    files = sorted((data / "speech").rglob("*.wav"))[::3]
    return [np.concatenate(list(sound_blocks(file, RATE))) for file in files]


def test_it_is_never_a_default() -> None:
    assert VoiceEmotion.by_default(None) is False


def test_a_usual_voice_is_in_the_middle_and_each_number_moves_it_its_way() -> None:
    assert estimated(USUAL) == {"voice_arousal": 0.5, "voice_valence": 0.5}
    for name, (usual, deviation, _, in_valence) in MEASURES.items():
        more, most = (estimated(USUAL | {name: usual + n * deviation}) for n in (1, 2))
        assert 0.5 < more["voice_arousal"] < most["voice_arousal"] < 1
        assert np.sign(more["voice_valence"] - 0.5) == np.sign(in_valence)
        assert estimated(USUAL | {name: usual + 1e9}) == estimated(USUAL | {name: usual + 3 * deviation}), "one odd number decides little"


@pytest.mark.data
def test_louder_and_higher_voices_sound_more_excited(voices: list[np.ndarray]) -> None:
    import librosa

    for x in voices:
        before = estimated(measured(x) or {})["voice_arousal"]
        assert estimated(measured(2 * x) or {})["voice_arousal"] > before
        higher = as_loud(librosa.effects.pitch_shift(x, sr=RATE, n_steps=4), x)
        assert estimated(measured(higher) or {})["voice_arousal"] > before


@pytest.mark.data
def test_faster_speech_has_a_faster_pace_and_nothing_else_of_it_is_pitch(voices: list[np.ndarray]) -> None:
    import librosa

    paces, pitches = [], []
    for rate in (0.8, 1.0, 1.5):
        changed = [measured(x if rate == 1 else librosa.effects.time_stretch(x, rate=rate, n_fft=512)) or {} for x in voices]
        paces.append(np.mean([numbers["pace"] for numbers in changed]))
        pitches.append(np.mean([numbers["pitch"] for numbers in changed]))
    assert paces[0] < paces[1] < paces[2]
    assert max(pitches) - min(pitches) < 1, "semitones"


@pytest.mark.parametrize(
    "sound",
    [silence(2), np.random.default_rng(0).normal(0, 0.1, 2 * RATE), tone(2_000, 2), tone(150, 0.1)],
    ids=["silence", "noise", "a whistle", "a moment"],
)
def test_there_is_no_emotion_where_there_is_no_voice(sound: np.ndarray) -> None:
    feature = FEATURES.create("voice-emotion")
    assert feature.extract([feature.prepare(medium(written(sound)))]) == [[]]


@pytest.mark.data
def test_each_half_minute_has_its_own(voices: list[np.ndarray]) -> None:
    feature = FEATURES.create("voice-emotion")
    x = np.concatenate([np.resize(voices[0], 29 * RATE), silence(1), np.resize(3 * voices[0], 20 * RATE)])
    facts = feature.prepare(medium(written(np.clip(x, -1, 1))))
    assert [fact.name for fact in facts] == ["voice_arousal", "voice_valence"] * 2
    assert facts[0].second == 0 and 27 < (facts[2].second or 0) <= 30
    assert facts[2].value > facts[0].value


def test_what_follows_is_the_mean() -> None:
    found = [Found("a", (Fact("voice_arousal", 0.2), Fact("voice_valence", 0.5))), Found("b", (Fact("voice_arousal", 0.6),))]
    assert FEATURES.create("voice-emotion").roll_up(found) == pytest.approx({"voice_arousal": 0.4, "voice_valence": 0.5})


def test_media_that_have_no_sound() -> None:
    feature = FEATURES.create("voice-emotion")
    assert feature.prepare(medium(by_ffmpeg(tone(440, 1), "", "mp4", picture=True))) == []
    with pytest.raises(MediaError, match="not a sound"):
        feature.prepare(medium(b"%PDF-1.7"))
