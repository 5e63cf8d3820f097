"""What reviews speak of (battery, 物流), and what they say of it: aspects learned from a store's reviews, each with its own sentiment."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mmsearch.catalog.segment import dictionary_tags, stop_words, tagged, words
from mmsearch.encoders.base import Items, NotFitted, spread
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.weights import fingerprint
from mmsearch.features import aspect_words, opinion
from mmsearch.features.base import Fact, Feature, Found
from mmsearch.features.opinion_words import BUT, CHINESE, DEGREES, UNREAL
from mmsearch.store import Store

_RECIPE = "aspects 1"
_LEARN = 20_000  # reviews that are learned from, spread over all
_BATCH = 256
_WORDS = 3  # of a phrase at most
_SAYS = 0.05  # a clause with less says nothing of its aspect
_OPINIONATED = 0.4  # of the reviews that mention an aspect, the share that must say something of it: others are no aspects ('afternoon')
_PHRASE = 0.25  # a phrase must make up this share of its rarer word, or its words stand apart ('red camera')
_MOST_SHOWN = 10


class _Mention(NamedTuple):
    aspect: str
    value: float  # of its clause; 0 where that says nothing


class Aspects(Feature):
    """Reviews → the aspects that they speak of, and the sentiment of the clauses that do.

    Learned from the store's reviews: nouns and short runs of nouns, cut at stop words, verbs and words of opinion as in RAKE (Rose et al.,
    "Automatic Keyword Extraction from Individual Documents", in: Text Mining, 2010), that many reviews name and say something of. Nouns
    are told by jieba's dictionary in Chinese and by rules in English, so some words that are none slip in. A word stands for itself:
    'screen' and 'display' are two aspects. No more is learned than the words, and none that fewer than `least` reviews name.
    """

    sources: ClassVar[tuple[str, ...]] = ("review",)
    names: ClassVar[Mapping[str, str]] = {"aspects": "list", "sentiment.*": "number"}
    learns: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("vaderSentiment", "snownlp")
    batch: ClassVar[int] = 256

    def __init__(self, most: int = 20, least: int = 5):
        """
        Parameters
        ----------
        most : aspects of each language, 1 to 200: the most often named.
        least : reviews that must name an aspect, 2 or more.
        """
        if not 1 <= most <= 200:
            raise ValueError(f"most must be 1 to 200, not {most}")
        if least < 2:
            raise ValueError(f"least must be 2 or more, not {least}: what one person wrote is no aspect")
        self._most, self._least = most, least
        self._known: dict[str, list[str]] | None = None  # language → aspects, the most often named first

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        parameters = {"recipe": _RECIPE, "opinion": opinion.fingerprint(), "most": self._most, "least": self._least}
        return fingerprint("aspects", {**parameters, "learned": digest(self.state())}, {})

    def fit(self, items: Items, store: Store) -> None:
        """Learn which words are aspects. Too few reviews teach none, and are no error."""
        named: dict[str, Counter[str]] = {language: Counter() for language in opinion.LANGUAGES}
        judged: dict[str, Counter[str]] = {language: Counter() for language in opinion.LANGUAGES}
        for text, language in _read(items):
            mentions = [mention for run, value in _runs(text, language) for mention in _phrases(run, value)]
            named[language].update({mention.aspect for mention in mentions})
            judged[language].update({mention.aspect for mention in mentions if abs(mention.value) >= _SAYS})
        self._known = {language: self._chosen(named[language], judged[language]) for language in opinion.LANGUAGES}

    def _chosen(self, named: Counter[str], judged: Counter[str]) -> list[str]:
        """The aspects of one language. What a chosen phrase has of a word does not count for the word."""
        often = {phrase: n for phrase, n in named.items() if n >= self._least and judged[phrase] >= _OPINIONATED * n}
        for phrase in sorted(often, key=lambda phrase: (-phrase.count(" "), phrase)):
            parts = phrase.split(" ")
            if len(parts) > 1:
                if often[phrase] < _PHRASE * min(named[part] for part in parts):
                    del often[phrase]
                    continue
                for part in parts:
                    if part in often:
                        often[part] -= often[phrase]
        kept = [phrase for phrase, n in often.items() if n >= self._least]
        return sorted(kept, key=lambda phrase: (-often[phrase], phrase))[: self._most]

    def state(self) -> bytes:
        """See `Feature.state`."""
        return pack({"version": np.ones(1, np.int32)}, {"aspects": self._learned()})

    def restore(self, state: bytes) -> None:
        """See `Feature.restore`."""
        known = unpack(state)[1].get("aspects")
        if not isinstance(known, dict) or not all(isinstance(v, list) and all(isinstance(a, str) for a in v) for v in known.values()):
            raise ValueError("not what aspects learned: it has no lists of words")
        self._known = {language: list(known.get(language, [])) for language in opinion.LANGUAGES}

    def _learned(self) -> dict[str, list[str]]:
        if self._known is None:
            raise NotFitted("aspects")
        return self._known

    def extract(self, prepared: Sequence[str]) -> list[list[Fact]]:
        """Reviews (n) → of each 'aspects' (one fact each) and `sentiment.ASPECT` where a clause with the aspect says something."""
        known = {language: frozenset(aspects) for language, aspects in self._learned().items()}
        found = []
        for text, language in zip(prepared, opinion.languages_of(prepared), strict=True):
            aspects = known.get(language or "")
            found.append(_facts(_mentions(text, str(language), aspects)) if aspects else [])
        return found

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """The aspects that most of the product's reviews name, and for each the mean of what they say of it."""
        named = Counter(str(fact.value) for one in found for fact in one.facts if fact.name == "aspects")
        if not named:
            return {}
        shown = sorted(named, key=lambda aspect: (-named[aspect], aspect))[:_MOST_SHOWN]
        values: dict[str, Any] = {"aspects": shown}
        for aspect in shown:
            name = _name(aspect)
            if said := [float(fact.value) for one in found for fact in one.facts if fact.name == name]:
                values[name] = round(math.fsum(said) / len(said), 4)
        return values


def _name(aspect: str) -> str:
    return "sentiment." + aspect.replace(" ", "_")


def _facts(mentions: Sequence[_Mention]) -> list[Fact]:
    facts = []
    for aspect in dict.fromkeys(mention.aspect for mention in mentions):
        facts.append(Fact("aspects", aspect))
        said = [mention.value for mention in mentions if mention.aspect == aspect and abs(mention.value) >= _SAYS]
        if said:
            facts.append(Fact(_name(aspect), round(sum(said) / len(said), 4)))
    return facts


def _read(items: Items) -> Iterator[tuple[str, str]]:
    """(text, language) of the reviews that are in one that opinions are read in."""
    batch: list[str] = []

    def told() -> Iterator[tuple[str, str]]:
        for text, language in zip(batch, opinion.languages_of(batch), strict=True):
            if language in opinion.LANGUAGES:
                yield text, language
        batch.clear()

    for item in spread(items, _LEARN):
        batch.append(item)
        if len(batch) == _BATCH:
            yield from told()
    yield from told()


def _runs(text: str, language: str) -> Iterator[tuple[list[str], float]]:
    """Runs of nouns of each clause, folded, with the clause's value."""
    for clause in opinion.clauses(text, language):
        run: list[str] = []
        for word in _chinese_nouns(clause.text) if language == "zh" else _english_nouns(clause.text):
            if word is not None:
                run.append(word)
            if run and (word is None or language == "zh"):  # 服务态度 is one word of jieba's; what it parts does not belong together
                yield run, clause.value
                run = []
        if run:
            yield run, clause.value


def _phrases(run: Sequence[str], value: float) -> Iterator[_Mention]:
    for length in range(1, _WORDS + 1):
        for at in range(len(run) - length + 1):
            yield _Mention(" ".join(run[at : at + length]), value)


def _mentions(text: str, language: str, aspects: frozenset[str]) -> list[_Mention]:
    """The aspects of a text in order: of a run the longest that fits, from the left."""
    found = []
    for run, value in _runs(text, language):
        at = 0
        while at < len(run):
            length = next((n for n in range(_WORDS, 0, -1) if at + n <= len(run) and " ".join(run[at : at + n]) in aspects), 0)
            if length:
                found.append(_Mention(" ".join(run[at : at + length]), value))
            at += max(1, length)
    return found


def _chinese_nouns(clause: str) -> Iterator[str | None]:
    """Each word of a clause: itself where it may be an aspect, else None."""
    cut = words(clause, "zh")
    for word, tag in zip(cut, dictionary_tags(cut), strict=True):
        yield word if tag == "noun" and len(word) > 1 and word not in _NO_CHINESE else None


def _english_nouns(clause: str) -> Iterator[str | None]:
    for word, tag in tagged(clause, "en"):
        folded = word.lower().removesuffix("'s").removesuffix("’s")
        noun = tag in ("noun", "name") and len(folded) > 2 and folded.isalpha() and folded.isascii()
        if noun and folded not in aspect_words.ENGLISH and folded not in stop_words("en") and not opinion.judges(folded):
            yield _singular(folded)
        else:
            yield None


_NO_CHINESE = aspect_words.CHINESE | CHINESE.keys() | DEGREES.keys() | BUT | UNREAL


def _singular(word: str) -> str:
    """batteries → battery, lenses → lens, songs → song; by rules, so that a rare word may come out wrong."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes", "nses")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word != "lens" else word
