"""How good speech recognition is, on real recordings: the figures of docs/models.md, section Speech.

    python -m bench.speech_quality DATA_FOLDER             # sentences, test part of the digits, search
    python -m bench.speech_quality DATA_FOLDER --choose    # validation part of the digits: beams and models

Word error rate: edit distance between words over the words that were said (Levenshtein), after lower case, without punctuation, number
words as digits ("four" is 4), "mr" as "mister". Sentences: the recordings of transcripts.tsv, which all have a transcript that its makers
vouch for; the other recordings have none. Single words: spoken digits, each file's name says which; takes 0 to 3 validate, 4 to 7 test.
Search: the same recordings as products without any text; a query is the middle half of what was said.
Seconds of CPU are those of all threads: they stay the same on a machine that is busy.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from bench.sound_quality import digits
from bench.tables import print_table
from mmsearch.features import FEATURES, transcript
from mmsearch.features.transcript import Transcript
from mmsearch.media import MediaError
from mmsearch.shop import Shop

MODELS = ("tiny.en", "base")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SAME = {word: str(number) for number, word in enumerate(NUMBERS)} | {"mr": "mister"}
Said = list[tuple[Path, str]]  # file, what is said


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--choose", action="store_true", help="the validation part, with what was tried")
    given = parser.parse_args()
    spoken = [(file, NUMBERS[int(word)]) for file, word, _ in digits(given.data, validation=given.choose)]
    spoken = spoken[::4]  # each costs half a minute of Whisper's time, however short it is
    if given.choose:
        rows = []
        for beam in (1, 5):
            transcript._BEAM = beam
            rows += [{"model": model, "beam": beam, **heard(model, spoken)} for model in MODELS]
        print_table(f"{len(spoken)} spoken digits, validation", rows)
        return 0
    said = sentences(given.data)
    print_table(f"{len(said)} sentences", [{"model": model, **heard(model, said)} for model in MODELS])
    print_table("recordings found by what is said in them", [{"model": model, **found(model, said)} for model in MODELS])
    print_table(f"{len(spoken)} spoken digits, test", [{"model": model, **heard(model, spoken)} for model in MODELS])
    return 0


def sentences(data: Path) -> Said:
    lines = (data / "speech" / "transcripts.tsv").read_text(encoding="utf-8").splitlines()
    return [(data / "speech" / file, text) for file, text in (line.split("\t") for line in lines if line.strip())]


def words(text: str) -> list[str]:
    return [SAME.get(word, word) for word in re.sub(r"[^\w\s']", " ", text.lower()).split()]


def edits(a: Sequence[str], b: Sequence[str]) -> int:
    """Insertions, deletions and substitutions that make b of a (Levenshtein 1966).

    >>> edits("a b c".split(), "a x c d".split())
    2
    """
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        now = [i]
        for j, y in enumerate(b, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (x != y)))
        before = now
    return before[-1]


def listened(feature: Transcript, file: Path) -> str:
    try:
        return " ".join(str(fact.value) for fact in feature.listen(file) if fact.name == "transcript")
    except MediaError:
        return ""


def heard(model: str, said: Said) -> dict[str, Any]:
    feature: Transcript = FEATURES.create(f"transcript(model={model})")
    listened(feature, said[0][0])  # loads the model
    cpu, started = time.process_time(), time.perf_counter()
    answers = [listened(feature, file) for file, _ in said]
    cpu, took = time.process_time() - cpu, time.perf_counter() - started
    right = [edits(words(text), words(answer)) for (_, text), answer in zip(said, answers, strict=True)]
    spoken, seconds = sum(len(words(text)) for _, text in said), sum(soundfile.info(file).duration for file, _ in said)
    return {
        "words": spoken,
        "word error rate": sum(right) / spoken,
        "without a mistake": sum(not wrong for wrong in right) / len(said),
        "nothing heard": sum(not answer for answer in answers) / len(said),
        "s of CPU per s": cpu / seconds,
        "s per s": took / seconds,
    }


def found(model: str, said: Said) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "products.jsonl"
        catalogue.write_text("\n".join(json.dumps({"id": file.stem, "audio": str(file)}) for file, _ in said))
        shop = Shop(Path(folder) / "store")
        shop.ingest(catalogue, allow_outside=True)
        shop.embed(features=[f"transcript(model={model})"])
        ranks = []
        for file, text in said:
            spoken = text.split()
            half = spoken[len(spoken) // 4 : len(spoken) - len(spoken) // 4]
            hits = [hit.id for hit in shop.search(" ".join(half), within="text", k=len(said))]
            ranks.append(hits.index(file.stem) + 1 if file.stem in hits else 0)
    return {"recordings": len(said), "R@1": sum(rank == 1 for rank in ranks) / len(said), "RR": sum(1 / r for r in ranks if r) / len(said)}


if __name__ == "__main__":
    sys.exit(main())
