"""What Whisper hears where nobody speaks, and what it costs to doubt it: the figures of docs/decisions/0045-doubted-transcripts.md.

    python -m bench.speech_doubt DATA_FOLDER             # test parts: with the rule, and without
    python -m bench.speech_doubt DATA_FOLDER --choose    # validation parts: rules that were tried

Where nobody speaks: the sounds of sample_data (bells, beeps, whistles, tunes; every other validates), each as it is and 13 times changed:
played slower and faster, with white noise, four times in a row. They are synthetic; no real recordings of music or noise were at hand.
The filter that leaves out what is no speech lets few of them pass; with `--choose` every fourth is also given to Whisper past that filter.
Speech: spoken digits, takes 0 to 3 of three speakers validate, 4 to 7 of the other three test. Sentences: the 22 recordings of speech/.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.sound_quality import digits, samples, wav
from bench.speech_quality import MODELS, NUMBERS, words
from bench.tables import print_table
from mmsearch.features import FEATURES, transcript
from mmsearch.features.transcript import Transcript

SOUNDS = Path(__file__).resolve().parents[1] / "sample_data"
SPEEDS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0)
DECIBELS = (10, 0)  # of the sound over white noise


@dataclass(frozen=True)
class Sentence:
    """What Whisper heard: how probable its words are, that nobody speaks, and the language (1 where the model knows but one)."""

    text: str
    words: float
    nobody: float
    language: float


@dataclass(frozen=True)
class Recording:
    name: str  # of a spoken word: the word
    heard: tuple[Sentence, ...]


CHOSEN = "words x someone speaks"
RULES: dict[str, tuple[Callable[[Sentence], float], tuple[float, ...]]] = {
    "words": (lambda s: s.words, (0.4, 0.45, 0.5, 0.55)),
    "someone speaks": (lambda s: 1 - s.nobody, (0.3, 0.4, 0.5, 0.6)),
    "language": (lambda s: s.language, (0.5, 0.55, 0.6, 0.7)),
    "words x language": (lambda s: s.words * s.language, (0.2, 0.25, 0.3, 0.35)),
    CHOSEN: (lambda s: s.words * (1 - s.nobody), (0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--choose", action="store_true", help="the validation parts, with what was tried")
    given = parser.parse_args()
    for model in MODELS:
        feature: Transcript = FEATURES.create(f"transcript(model={model})")
        sounds = list(nobody(validation=given.choose))
        quiet = [recording(feature, name, content) for name, content in sounds]
        past = [recording(feature, name, content, past=True) for name, content in sounds[::4]] if given.choose else []
        said = [recording(feature, word, file) for file, word in single_words(given.data, validation=given.choose)]
        title = f"{model}: {len(quiet)} sounds where nobody speaks, {len(said)} spoken digits"
        if given.choose:
            rows = [row("none", lambda _: 1.0, 0.0, quiet, past, said)]
            rows += [row(name, rule, least, quiet, past, said) for name, (rule, tried) in RULES.items() for least in tried]
            print_table(f"{title}, validation; {len(past)} sounds past the filter", rows)
            continue
        files = sorted((given.data / "speech").rglob("*.wav"))
        sentences = [sentence for file in files for sentence in recording(feature, file.stem, file).heard]
        rule, rows = RULES[CHOSEN][0], []
        for least in (0.0, transcript._LEAST_SPOKEN):
            kept = {"sentences": len(sentences), "of them kept": sum(rule(sentence) >= least for sentence in sentences)}
            rows.append(row(CHOSEN, rule, least, quiet, past, said) | kept)
        print_table(f"{title}, test", rows)
        for one in quiet:
            if kept_of_it := [sentence.text for sentence in one.heard if rule(sentence) >= transcript._LEAST_SPOKEN]:
                print(f"still heard in {one.name}: {' '.join(kept_of_it)[:80]}")
    return 0


def single_words(data: Path, *, validation: bool) -> list[tuple[Path, str]]:
    """File and word; the speakers of one part are not those of the other."""
    clips = digits(data, validation=validation)
    speakers = sorted({speaker for *_, speaker in clips})
    mine = speakers[: len(speakers) // 2] if validation else speakers[len(speakers) // 2 :]
    return [(file, NUMBERS[int(word)]) for file, word, speaker in clips if speaker in mine][::2]


def nobody(*, validation: bool) -> Iterator[tuple[str, bytes]]:
    """Name and WAV of each sound, as it is and changed."""
    for file in sorted((*(SOUNDS / "sounds").glob("*.wav"), SOUNDS / "queries" / "bell.wav"))[1 if validation else 0 :: 2]:
        x = samples(file)
        yield file.stem, wav(x)
        for speed in SPEEDS:
            yield f"{file.stem}, {speed} times as fast", wav(np.interp(np.arange(0, len(x) - 1, speed), np.arange(len(x)), x))
        for decibels in DECIBELS:
            noise = np.random.default_rng(0).normal(0, 1, len(x)) * np.sqrt(np.mean(x**2)) * 10 ** (-decibels / 20)
            yield f"{file.stem}, {decibels} dB over noise", wav(0.8 * (x + noise) / np.abs(x + noise).max())
        yield f"{file.stem}, four times", wav(np.tile(x, 4))


def recording(feature: Transcript, name: str, content: Path | bytes, *, past: bool = False) -> Recording:
    """What is heard where only the words are asked how sure they are, as before this rule; `past` the filter of what is no speech."""
    segments: list[Any] = []
    own, least, speech = transcript._is_sure, transcript._LEAST_SPOKEN, transcript._speech

    def noted(segment: Any) -> bool:
        if sure := own(segment):
            segments.append(segment)
        return sure

    patched: Any = transcript
    patched._is_sure, patched._LEAST_SPOKEN = noted, 0.0
    if past:
        patched._speech = lambda x: [{"start": 0, "end": len(x)}]
    try:
        facts = feature.listen(content)
    finally:
        patched._is_sure, patched._LEAST_SPOKEN, patched._speech = own, least, speech
    language = next((fact.score for fact in facts if fact.name == "spoken_language" and fact.score is not None), 1.0)
    return Recording(name, tuple(Sentence(s.text.strip(), math.exp(s.avg_logprob), s.no_speech_prob, language) for s in segments))


def row(
    name: str,
    rule: Callable[[Sentence], float],
    least: float,
    quiet: Sequence[Recording],
    past: Sequence[Recording],
    spoken: Sequence[Recording],
) -> dict[str, Any]:
    def kept(one: Recording) -> list[str]:
        return words(" ".join(sentence.text for sentence in one.heard if rule(sentence) >= least))

    beside = {"past the filter": sum(bool(kept(one)) for one in past)} if past else {}
    return {
        "rule": name,
        "at least": least,
        "sounds with words": sum(bool(kept(one)) for one in quiet),
        **beside,
        "digits with words": sum(bool(kept(one)) for one in spoken),
        "digits right": sum(kept(one) == words(one.name) for one in spoken),
    }


if __name__ == "__main__":
    sys.exit(main())
