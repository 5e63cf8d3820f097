"""A mood meets the emotion that reviews of products speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError, MissingPackage, UsageError, did_you_mean
from mmsearch.features.base import Fact, Medium
from mmsearch.features.emotion_words import EMOTIONS
from mmsearch.features.voice_emotion import VoiceEmotion
from mmsearch.media import MediaError
from mmsearch.ranking.base import Scores
from mmsearch.ranking.lift import lift
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker

HEARD = "heard"

#: As in `mmsearch.search.rerank.season`: conventions, not measured.
_PRIOR, _FARTHEST = 4.0, 2.0

#: Mood → the emotions that reviews are to speak of more often than others (below 0: less often); the sizes sum to 1.
MOODS: Mapping[str, Mapping[str, float]] = {
    "joyful": {"joy": 1.0},
    "excited": {"joy": 0.5, "surprise": 0.5},
    "surprised": {"surprise": 1.0},
    "calm": {"anger": -1 / 3, "fear": -1 / 3, "disgust": -1 / 3},
    "sad": {"sadness": 1.0},
    "afraid": {"fear": 1.0},
    "angry": {"anger": 1.0},
    "disgusted": {"disgust": 1.0},
}
_WORDS = {
    "joyful": "happy cheerful merry glad delighted joy happiness 开心 高兴 快乐 愉快 喜悦 欢乐 欢快",
    "excited": "exciting thrilled thrilling excitement 兴奋 激动 惊喜 刺激",
    "surprised": "surprising surprise astonished amazed amazing 惊讶 惊奇 意外 吃惊",
    "calm": "relaxed relaxing peaceful serene quiet cosy cozy 平静 放松 安静 宁静 轻松 舒缓",
    "sad": "melancholy melancholic sadness gloomy 悲伤 伤心 难过 忧郁 伤感",
    "afraid": "scared scary spooky fear creepy 害怕 恐怖 恐惧 惊悚",
    "angry": "furious anger mad 愤怒 生气",
    "disgusted": "disgusting disgust gross 恶心 厌恶",
}
_MOOD_OF = {word: mood for mood, words in _WORDS.items() for word in (mood, *words.split())}


class Mood(Reranker):
    """Adds weight · Σ of a mood's emotions · log2(how many times as often as of others the reviews of the product speak of them).

    So `weight` is what twice as often is worth, in standard deviations of score; four times as often is the most that counts. Four more
    reviews that speak of it as often as all do hold back products with few. One of whose reviews none speaks of an emotion keeps its score.

    Parameters
    ----------
    of : a mood (joyful, excited, surprised, calm, sad, afraid, angry, disgusted), a word for one in English or Chinese, or heard: how the
        voice of a spoken query sounds (`heard_mood`). By default what the query says.

    Raises
    ------
    UsageError : an unknown mood, no facts about emotions, or heard without a spoken query. InputError : a voice that cannot be heard.
    """

    def __init__(self, of: str | None = None, weight: float = 0.2):
        if not np.isfinite(weight):
            raise ValueError(f"weight must be a number, not {weight:g}")
        if of is not None:
            mood_of(of)
        self.of, self.weight = of, weight

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        asked = self.of or candidates.shopper.mood
        if asked is None:
            raise UsageError("mood: which one?", hint=f"--mood joyful, or 'mood(joyful)'; there are: {', '.join(MOODS)}, {HEARD}")
        strength, notes = 1.0, list[str]()
        if (mood := mood_of(asked)) == HEARD:
            mood, strength, note = heard_mood(candidates.spoken)
            notes.append(note)
        change = self.weight * strength * candidates.unit * _meets(mood, ~np.isnan(scores), candidates, notes)
        return Reranked({f"mood {mood}": change}, notes=notes)


def mood_of(word: str) -> str:
    """The mood that a word stands for, 'heard' itself. Raises UsageError, which names those there are."""
    name = word.strip().casefold()
    if name == HEARD:
        return HEARD
    if name not in _MOOD_OF:
        hint = f"moods: {', '.join(MOODS)}; {HEARD} is how a spoken query sounds"
        raise UsageError(f"there is no mood '{word}'{did_you_mean(name, _MOOD_OF)}", hint=hint)
    return _MOOD_OF[name]


def heard_mood(files: Sequence[str]) -> tuple[str, float, str]:
    """The mood that the voice of a spoken query asks for, how much (0 to 1), and a line for a person.

    By the quadrant of the circumplex (Russell, "A circumplex model of affect", JPSP 1980): a voice that is pleased and excited gets what
    excites, pleased and calm what is calm; one that is displeased does not get what displeases, but what mends a mood (Zillmann, "Mood
    management through communication choices", American Behavioral Scientist 1988): excited what is calm, calm what is joyful. A usual
    voice asks for nothing. An estimate of an estimate: neither was tested.
    """
    if not files:
        raise UsageError(f"--mood {HEARD} listens to a spoken query, and there is none", hint="mmsearch search --speech FILE --mood heard")
    facts = [fact for file in files for fact in _listened(file)]
    pleased, excited = (_mean(facts, name) for name in ("voice_valence", "voice_arousal"))
    if pleased is None or excited is None:
        return "calm", 0.0, f"no voice is heard in {', '.join(files)}: the mood changes nothing"
    mood = ("excited" if excited >= 0.5 else "calm") if pleased >= 0.5 else ("calm" if excited >= 0.5 else "joyful")
    strength = min(1.0, 2 * max(abs(pleased - 0.5), abs(excited - 0.5)))
    return mood, strength, f"heard (an estimate): pleased {pleased:.2f}, excited {excited:.2f}, 0.5 is usual; mood {mood}, {strength:.0%}"


def _listened(file: str) -> list[Fact]:
    try:
        return VoiceEmotion().prepare(Medium(Path(file), Path(file)))
    except MediaError as error:
        raise InputError(f"the mood of the query speech {file} cannot be heard: {error.message}", hint=error.hint) from error
    except ModuleNotFoundError as error:
        raise MissingPackage(f"--mood {HEARD}", error.name or str(error)) from error


def _mean(facts: Sequence[Fact], name: str) -> float | None:
    values = [float(fact.value) for fact in facts if fact.name == name]
    return sum(values) / len(values) if values else None


def _meets(mood: str, listed: NDArray[np.bool_], candidates: Candidates, notes: list[str]) -> Scores:
    """How much the reviews of each candidate (n,) meet a mood beside those of all that are listed (n,), 0 where nothing is known."""
    try:
        reviews = np.where(listed, candidates.numbers("fact.emotion_reviews"), np.nan)
        shares = {emotion: candidates.numbers(f"fact.emotion.{emotion}") for emotion in EMOTIONS if emotion in MOODS[mood]}
    except UsageError as error:
        hint = "they are found in reviews: mmsearch ingest reviews.csv, and then mmsearch embed --features emotion"
        raise UsageError("the store knows of no emotions of its products", hint=hint) from error
    total = float(np.nansum(reviews))
    if not total:
        notes.append("none of the products found has reviews that speak of an emotion: the mood changes nothing")
        return np.zeros(len(reviews))
    found = np.zeros(len(reviews))
    for emotion, share in shares.items():
        observed = share * reviews
        expected = reviews * float(np.nansum(observed)) / total
        found += MOODS[mood][emotion] * np.clip(lift(observed, expected, _PRIOR), -_FARTHEST, _FARTHEST)
    return found
