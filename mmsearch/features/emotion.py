"""The emotion of reviews: joy, anger, sadness, fear, surprise or disgust, by small word lists. An estimate, and meant to be one."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmsearch.catalog.language import detect_many
from mmsearch.catalog.segment import words
from mmsearch.encoders.weights import fingerprint
from mmsearch.features.base import Fact, Feature, Found
from mmsearch.features.emotion_words import EMOTIONS, SIGNS, WORDS
from mmsearch.features.opinion_words import NEGATIONS

_RECIPE = "emotion 1"
_MOST = 5_000  # characters of a text that are read
_LONGEST = 3  # words of an entry
_REACH = {"en": 3, "zh": 2}  # words before an emotion in which a negation takes it away: not at all happy, 不太高兴

_ENGLISH_NEGATIONS = frozenset(("not", "no", "never", "without", "hardly", "barely", "cannot", "nothing", "nor", "neither", "less"))
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)*")
_CLAUSE = {"en": re.compile(r"[.!?;:,\n]+|\bbut\b|\balthough\b"), "zh": re.compile(r"[。！？!?；;，,、~～\s…:：]+|但是|但(?!凡)|不过|可是")}


class Emotion(Feature):
    """Reviews → the emotion that their words and emoji speak of: joy, anger, sadness, fear, surprise or disgust, unless negated.

    Word lists are blind to irony and to what is only told ('my mother was worried'). Most reviews speak of no emotion and have none. Of a
    product: the strongest of its reviews, the share of each among the reviews that have one (they sum to 1), and how many these are.
    """

    sources: ClassVar[tuple[str, ...]] = ("review",)
    names: ClassVar[Mapping[str, str]] = {
        "emotion": "text",
        "emotion_reviews": "number",
        **{f"emotion.{one}": "number" for one in EMOTIONS},
    }
    batch: ClassVar[int] = 256

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        lists = [[(word, sorted(found)) for word, found in sorted(WORDS[language].items())] for language in sorted(WORDS)]
        content = json.dumps([lists, sorted(SIGNS.items()), sorted(NEGATIONS)], ensure_ascii=True)
        return fingerprint("emotion", {"recipe": _RECIPE, "words": hashlib.sha256(content.encode()).hexdigest()}, {})

    def extract(self, prepared: Sequence[str]) -> list[list[Fact]]:
        """Reviews (n) → the emotions of each, the strongest first, with its share as score."""
        return [
            [Fact("emotion", emotion, round(share, 4)) for emotion, share in emotions(text, language).items()]
            for text, language in zip(prepared, detect_many(prepared), strict=True)
        ]

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """See the class. Every review counts 1, shared by its emotions."""
        total = Counter[str]()
        with_one = 0
        for one in found:
            mine = {str(fact.value): fact.score or 0.0 for fact in one.facts if fact.name == "emotion"}
            total.update(mine)
            with_one += bool(mine)
        if not with_one:
            return {}
        shares = {f"emotion.{emotion}": round(total[emotion] / with_one, 4) for emotion in EMOTIONS}
        return {"emotion": max(EMOTIONS, key=lambda emotion: total[emotion]), "emotion_reviews": float(with_one), **shares}


def emotions(text: str, language: str | None) -> dict[str, float]:
    """emotion → its share of the emotional words and emoji of a text, the strongest first; {} where it has none.

    Parameters
    ----------
    language : 'en' and 'zh' have words, and a text whose language is not known is read as English; of others only the emoji are.

    >>> emotions("Not happy. I am furious 😡", "en")
    {'anger': 1.0}
    """
    text = text[:_MOST]
    counts = Counter[str](SIGNS[sign] for sign in text if sign in SIGNS)
    read = language or "en"
    for clause in _CLAUSE[read].split(text.lower()) if read in WORDS else ():
        cut = words(clause, "zh") if read == "zh" else _WORD.findall(clause.replace("’", "'"))
        at = 0
        while at < len(cut):
            length, named = _entry(cut, at, read)
            if named and not _negated(cut[max(0, at - _REACH[read]) : at], read):
                counts.update(named)
            at += max(1, length)
    total = counts.total()
    strongest = sorted(counts, key=lambda emotion: (-counts[emotion], EMOTIONS.index(emotion)))
    return {emotion: counts[emotion] / total for emotion in strongest}


def _entry(cut: Sequence[str], at: int, language: str) -> tuple[int, frozenset[str]]:
    """How many words from here are one entry, and its emotions; jieba may have parted a Chinese one."""
    between = "" if language == "zh" else " "
    for length in range(min(_LONGEST, len(cut) - at), 0, -1):
        if named := WORDS[language].get(between.join(cut[at : at + length])):
            return length, named
    return 0, frozenset()


def _negated(before: Sequence[str], language: str) -> bool:
    if language == "zh":
        return any(word in NEGATIONS for word in before) or "".join(before) in NEGATIONS
    return any(word in _ENGLISH_NEGATIONS or word.endswith("n't") for word in before)
