"""How much a text praises or blames, as a whole and clause by clause: English by VADER, Chinese by words and snownlp, on one scale."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, NamedTuple

from mmsearch.catalog.language import detect_many
from mmsearch.catalog.segment import words
from mmsearch.errors import MissingPackage
from mmsearch.features.opinion_words import BUT, CHINESE, DEGREES, ENGLISH, ENGLISH_NEUTRAL, NEGATIONS, UNREAL

_RECIPE = "opinion 1"
#: Languages whose opinions are read.
LANGUAGES = ("en", "zh")

_MOST = 5_000  # characters of a text that are read: what is longer is no review
_SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|[\n;]+")
_ENGLISH_CLAUSE = re.compile(
    r"(?<=[.!?…])[\"')\]]*\s+|[\n;:]+|,\s+(?=but\b)|\s+(?=but\b|although\b|though\b|however\b)|,\s+", re.IGNORECASE
)
_CHINESE_CLAUSE = re.compile(r"[。！？!?；;，,、~～\s…:：]+|\.{2,}|(?<!\d)\.|\.(?!\d)|(?=但是|不过|可是|然而|但(?!是|凡))")

# 'work' alone is no praise ('for work'), so that negation would find nothing to turn.
_NOT_WORKING = re.compile(r"(?:\bnot|n['’]t|\bnever|\bbarely|\bstop(?:s|ped)?|\bquit) work(?:s|ed|ing)?\b", re.IGNORECASE)

# Everything below was chosen on the validation halves that bench/review_quality.py makes (seed 0).
# Log-odds that a text praises, from its evidence. Chinese: both evidences bounded as VADER bounds its sum, x / √(x² + 15), so that
# neither decides alone. English: the mean over sentences of VADER's compound, times √sentences, since many that agree are surer than
# one; people use words of praise in complaints too, so a sentence must exceed _USUAL.
_WORDS, _SNOWNLP = 3.3, 1.5
_SENTENCES, _USUAL = 3.6, 0.09
_BOUND = 15
_TURNED = -0.75  # what negation makes of a strength: not good is less bad than bad
_UNREAL = 0.3  # what a wish leaves of praise
_BEFORE_BUT, _AFTER_BUT = 0.6, 1.3
_REACH = 3  # words that a negation reaches over


class Clause(NamedTuple):
    """A part of a text with an opinion of its own, or none."""

    text: str
    value: float  # −1 (blame) to 1 (praise); 0 where nothing is said


def fingerprint() -> str:
    """Of what decides an opinion: the rules' version, the words, and the versions of both packages."""
    words_of_ours = [sorted(table.items()) for table in (CHINESE, ENGLISH, DEGREES)] + [
        sorted(s) for s in (ENGLISH_NEUTRAL, NEGATIONS, BUT, UNREAL)
    ]
    packages = [_version(name) for name in ("vaderSentiment", "snownlp", "jieba")]
    return hashlib.sha256(json.dumps([_RECIPE, packages, words_of_ours]).encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""  # an opinion then fails with MissingPackage, unless the language does not need it


def languages_of(texts: Sequence[str]) -> list[str | None]:
    """Of each text 'en', 'zh', another code, or None where it cannot be told.

    Latin texts that are too short for the detector are taken for English where VADER knows a word of them ("Great!").
    """
    found = detect_many(texts)
    for at, language in enumerate(found):
        if language is None and texts[at].isascii() and any(word in _vader().lexicon for word in _plain_words(texts[at][:200])):
            found[at] = "en"
    return found


def opinion(text: str, language: str) -> float:
    """−1 (blames) to 1 (praises): 2 P − 1, P the probability that a reader would say that the text praises; 0 where it says neither.

    English: VADER (Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014)
    by sentences, with the words of shops that its lexicon lacks. Chinese: a lexicon with VADER's kind of rules (negation, degree, 'but'),
    and the naive Bayes model of snownlp on jieba's words.

    Raises
    ------
    ValueError : `language` is none of LANGUAGES.
    MissingPackage : vaderSentiment or snownlp is not installed.
    """
    return _reader(language)(text[:_MOST])


def clauses(text: str, language: str) -> list[Clause]:
    """The clauses of a text in order, with what each says by its own words (snownlp is not asked: it cannot judge five words).

    Raises as `opinion`.
    """
    _reader(language)
    text = text[:_MOST]
    if language == "zh":
        parts = _chinese_parts(text)
        return [Clause(part, _from_log_odds(_WORDS * _bounded(_weighed(words(part, "zh")).strength))) for part in parts]
    parts = [part for part in _ENGLISH_CLAUSE.split(text) if part and part.strip()]
    return [Clause(part.strip(), _from_log_odds(_SENTENCES * _compound(part))) for part in parts]


def judges(english: str) -> bool:
    """Whether an English word in lower case says something by itself."""
    return english in _vader().lexicon


def _reader(language: str) -> Callable[[str], float]:
    readers = {"en": _english, "zh": _chinese}
    if language not in readers:
        raise ValueError(f"opinions are read in {', '.join(LANGUAGES)}, not in {language!r}")
    return readers[language]


def _english(text: str) -> float:
    compounds = [compound for part in _SENTENCE.split(text) if part and (compound := _compound(part))]
    return _from_log_odds(_SENTENCES * sum(c - _USUAL for c in compounds) / math.sqrt(len(compounds))) if compounds else 0.0


def _compound(part: str) -> float:
    part = _NOT_WORKING.sub(" malfunctions", part)
    return float(_vader().polarity_scores(part)["compound"]) if part.strip() else 0.0


def _chinese(text: str) -> float:
    cut = [words(part, "zh") for part in _chinese_parts(text)]
    weighed = [_weighed(part) for part in cut]
    strengths = [part.strength for part in weighed]
    for at, part in enumerate(weighed):
        if part.turns:
            for before in range(max(0, at - 3), at):
                strengths[before] *= _BEFORE_BUT
            for after in range(at, min(at + 2, len(strengths))):
                strengths[after] *= _AFTER_BUT
    if not any(part.found for part in weighed) and sum(map(len, cut)) < _REACH:
        return 0.0  # '收到': nothing to judge by
    evidence = _WORDS * _bounded(sum(strengths)) + _SNOWNLP * _bounded(_snownlp_log_odds([word for part in cut for word in part]))
    return _from_log_odds(evidence)


def _chinese_parts(text: str) -> list[str]:
    return [part for part in _CHINESE_CLAUSE.split(text) if part]


class _Weighed(NamedTuple):
    strength: float  # the sum over its words, as in CHINESE
    found: int  # words of praise and blame
    turns: bool  # it has a 'but'


def _weighed(cut: Sequence[str]) -> _Weighed:
    """The words of one clause → what they say together."""
    strength, found, turns = 0.0, 0, False
    sign, degree, factor, gap = 1, 1.0, 1.0, 0
    at = 0
    while at < len(cut):
        length = _entry(cut, at)
        word = "".join(cut[at : at + length]) if length else cut[at]
        if length:
            value = CHINESE[word] * degree
            value *= _TURNED if sign < 0 else 1
            strength += value * (factor if value > 0 else 1)
            found, sign, degree = found + 1, 1, 1.0
        elif (pair := "".join(cut[at : at + 2])) in NEGATIONS or word in NEGATIONS:
            sign, gap, length = -sign, 0, 2 if pair in NEGATIONS and pair != word else 1
        elif word in DEGREES:
            degree *= DEGREES[word]
        elif word in BUT:
            turns = True
        elif word in UNREAL:
            factor = _UNREAL
        else:
            gap += 1
            if gap > _REACH:
                sign, degree = 1, 1.0
        at += max(1, length)
    return _Weighed(strength, found, turns)


def _entry(cut: Sequence[str], at: int) -> int:
    """How many words from here are one entry of the lexicon, which jieba may have split; 0: none.

    好 before an entry is a degree ('so'), no praise.
    """
    for length in (3, 2):
        if "".join(cut[at : at + length]) in CHINESE and at + length <= len(cut):
            return length
    if cut[at] not in CHINESE:
        return 0
    return 0 if cut[at] in DEGREES and at + 1 < len(cut) and cut[at + 1] in CHINESE else 1


def _bounded(x: float) -> float:
    return x / math.sqrt(x * x + _BOUND)


def _from_log_odds(x: float) -> float:
    """Log-odds of praise → 2 P − 1."""
    return math.tanh(x / 2)


def _snownlp_log_odds(cut: Sequence[str]) -> float:
    """log P(positive) − log P(negative) by snownlp's naive Bayes model, as its `Bayes.classify` has it.

    Of jieba's words: its own cutter takes 35 times as long and is no better here.
    """
    model = _snownlp()
    return -model.unseen + sum(model.log_odds.get(word, model.unseen) for word in cut)


class _Snownlp(NamedTuple):
    log_odds: dict[str, float]  # of a word; 0 for the stop words, which it leaves out
    unseen: float  # of a word that it does not know; the prior is the opposite, since both come of the sizes of its classes


@functools.cache
def _snownlp() -> _Snownlp:
    try:
        from snownlp import normal
        from snownlp.sentiment import classifier
    except ImportError as error:
        raise MissingPackage("the sentiment of Chinese reviews", "snownlp") from error
    positive, negative = classifier.classifier.d["pos"], classifier.classifier.d["neg"]
    known = {*positive.samples(), *negative.samples()}
    log_odds = {word: math.log(positive.freq(word)) - math.log(negative.freq(word)) for word in known}
    log_odds |= dict.fromkeys(normal.stop, 0.0)
    return _Snownlp(log_odds, math.log(negative.getsum()) - math.log(positive.getsum()))


def _plain_words(text: str) -> list[str]:
    return re.findall(r"[a-z'-]+", text.lower())


@functools.cache
def _vader() -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError as error:
        raise MissingPackage("the sentiment of English reviews", "vaderSentiment") from error
    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(ENGLISH)
    for word in ENGLISH_NEUTRAL:
        analyzer.lexicon.pop(word, None)
    return analyzer
