"""The words that `mm-model` reads: of products, and of what its users wrote themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.word_vectors import tokens
from mmsearch.store import REVIEWS, SEARCHES, Store

Rows = NDArray[np.int64]

_CHARACTERS = 2_000  # of a text that are read
_SAID_WORDS = 64  # of what a user wrote at once


@dataclass(frozen=True)
class Said:
    """Something that a user wrote: its words, and the products that it is about (it must not foretell that the user took those)."""

    words: list[str]
    about: frozenset[str]
    time: float


@dataclass(frozen=True)
class Vocabulary:
    """Words by number, from 1; 0 is no word."""

    words: Sequence[str]
    numbers: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", {word: number for number, word in enumerate(self.words, 1)})

    def known(self, words: Iterable[str]) -> Rows:
        """The numbers of those words that are known (m,)."""
        return np.array([number for word in words if (number := self.numbers.get(word)) is not None], np.int64)


def learn_words(products: Iterable[Sequence[str]], said: Mapping[str, Sequence[Said]], least_users: int, most: int) -> Vocabulary:
    """The commonest words of products, and of users' own those that at least `least_users` different users wrote.

    What one person alone wrote (a name, an address) is thereby not kept, unless a product's own text has the word.
    """
    times: Counter[str] = Counter()
    for words in products:
        times.update(words)
    by: Counter[str] = Counter()
    for texts in said.values():
        by.update({word for text in texts for word in text.words})
    # Of a word that users wrote, no more is counted than how many did: one who repeats it must not bring it in.
    counted = times + Counter({word: users for word, users in by.items() if users >= least_users or word in times})
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return Vocabulary([word for word, _ in ordered[:most]])


def words_of(text: str) -> list[str]:
    """A text's words in order, Chinese by jieba, without stop words."""
    return tokens(text[:_CHARACTERS].encode("utf-8", "ignore").decode("utf-8"))


def own_texts(store: Store | None, users: Iterable[str]) -> dict[str, list[Said]]:
    """user → what each of some users searched for and reviewed, the newest first."""
    wanted = set(users)
    found: dict[str, list[Said]] = {}
    if store is None:
        return found
    for batch in store.batches(SEARCHES, ["user", "text", "clicked", "time"]):
        for user, text, clicked, time in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if user in wanted and text:
                found.setdefault(user, []).append(Said(words_of(text)[:_SAID_WORDS], frozenset(clicked or ()), time or 0.0))
    for batch in store.batches(REVIEWS, ["user", "product", "title", "text", "time"]):
        for user, product, title, text, time in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            whole = ". ".join(part for part in (title, text) if part)
            if user in wanted and whole:
                found.setdefault(user, []).append(Said(words_of(whole)[:_SAID_WORDS], frozenset((product,)), time or 0.0))
    return {user: sorted(texts, key=lambda said: (-said.time, said.words)) for user, texts in found.items()}
