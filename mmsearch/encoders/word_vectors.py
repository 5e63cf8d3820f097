"""A text as the weighted mean of its words' vectors: what the encoders `word2vec` and `vectors` share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.catalog.segment import stop_words, words
from mmsearch.encoders.base import Encoder, Items, Matrix, NotFitted, spread
from mmsearch.encoders.plain_text import readable
from mmsearch.errors import InputError
from mmsearch.media import MediaError

WEIGHTINGS = ("sif", "idf", "mean")

_CHARACTERS = 4_000  # of a text that are read
_SIF = 1e-3  # the `a` of Arora et al. 2017, who find 1e-3 to 1e-4 best on every set
_LEARNED_ITEMS = 100_000  # products, spread over the catalogue, that word statistics and word2vec are learned from
_LEARNED_WORDS = 200  # of each
_HAN = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")
_STOP = stop_words("en") | stop_words("zh")


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, Chinese by jieba, without stop words (unless there are no others).

    >>> tokens("The Men's running-shoes, 12.5 inch"), tokens("to be")
    (['men', 's', 'running', 'shoes', '12.5', 'inch'], ['to', 'be'])
    """
    lower = text.casefold()
    found = [word for word in words(lower) for word in _WORD.findall(word)] if _HAN.search(lower) else _WORD.findall(lower)
    return [word for word in found if word not in _STOP] or found


def corpus(items: Items) -> list[list[str]]:
    """The words of the texts that are learned from: at most 20 million. Raises InputError if there are none."""
    read: dict[str, str] = {}  # one object a word
    texts = [[read.setdefault(w, w) for w in tokens(text)[:_LEARNED_WORDS]] for text in spread(items, _LEARNED_ITEMS) if text]
    if not read:
        raise InputError("there are no words to learn from", hint="an encoder that learns nothing of the store: mmsearch embed --text usem")
    return texts


@dataclass(frozen=True)
class Counts:
    """How often words occur in the texts that were learned from."""

    texts: int
    times: Mapping[str, int]  # word → how often it occurs
    found_in: Mapping[str, int]  # word → in how many texts

    @staticmethod
    def of(texts: Iterable[Sequence[str]]) -> Counts:
        times: Counter[str] = Counter()
        found_in: Counter[str] = Counter()
        number = 0
        for text in texts:
            number += 1
            times.update(text)
            found_in.update(set(text))
        return Counts(number, times, found_in)

    def weights(self, known: Sequence[str], weighting: str) -> NDArray[np.float32]:
        """The weight of each word (n,).

        'sif': a / (a + p), p the word's share of all words; 'idf': log((1 + texts) / (1 + texts that have it)) + 1; 'mean': 1.
        """
        if weighting == "mean":
            return np.ones(len(known), np.float32)
        if weighting == "idf":
            found_in = np.array([self.found_in.get(word, 0) for word in known], np.float64)
            return (np.log((1 + self.texts) / (1 + found_in)) + 1).astype(np.float32)
        share = np.array([self.times.get(word, 0) for word in known], np.float64) / max(1, sum(self.times.values()))
        return (_SIF / (_SIF + share)).astype(np.float32)


@dataclass(frozen=True)
class Lexicon:
    """Words with their vectors and weights, and the direction that is taken out of every text's vector."""

    rows: Mapping[str, int]  # word → its row
    vectors: Matrix  # (n, d)
    weights: NDArray[np.float32]  # (n,)
    common: Matrix | None = None  # (d,) of length 1

    def known(self, text: Sequence[str]) -> NDArray[np.int64]:
        """The rows of a text's words (m,), without those that are not known."""
        return np.array([row for word in text if (row := self.rows.get(word)) is not None], np.int64)

    def means(self, texts: Sequence[NDArray[np.int64]]) -> Matrix:
        """Texts as rows of words → their weighted means (n, d), without what is common to all."""
        if not texts:
            return np.empty((0, self.vectors.shape[1]), np.float32)
        means = np.stack([self.weights[rows] @ self.vectors[rows] / max(1, len(rows)) for rows in texts])
        if self.common is not None:
            means = means - np.outer(means @ self.common, self.common)
        return means.astype(np.float32)


def common_direction(lexicon: Lexicon, texts: Iterable[Sequence[str]], most: int = 20_000) -> Matrix | None:
    """The first singular vector of the texts' means (d,): what is in nearly every text tells none from another.

    Arora, Liang, Ma, "A simple but tough-to-beat baseline for sentence embeddings", ICLR 2017. None for fewer than three texts
    or when they are all the same, where it would leave nothing.
    """
    known = [rows for text in texts if len(rows := lexicon.known(text))][:most]
    means = lexicon.means(known).astype(np.float64)
    if len(means) < 3:
        return None
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    values, directions = np.linalg.eigh(means.T @ means)
    if values[-2] < 1e-6 * values[-1]:
        return None
    first = directions[:, -1]
    common: Matrix = (first * np.sign(first[np.abs(first).argmax()])).astype(np.float32)  # eigh leaves the sign to chance
    return common


class WordMean(Encoder):
    """An encoder whose text vectors are weighted means of word vectors. A subclass has `fit` and `restore`, which calls `known`."""

    modality: ClassVar[str] = "text"
    learns: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("jieba",)
    batch: ClassVar[int] = 1_024

    def __init__(self, weighting: str):
        if weighting not in WEIGHTINGS:
            raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, not {weighting}")
        self.weighting = weighting
        self._known: tuple[Lexicon, bytes] | None = None

    def known(self, lexicon: Lexicon, state: bytes) -> None:
        """From now on it encodes by these words, which `state` holds."""
        self._known = lexicon, state

    @property
    def lexicon(self) -> Lexicon:
        """The words that are known. Raises NotFitted."""
        return self._learned()[0]

    def state(self) -> bytes:
        """See `Encoder.state`."""
        return self._learned()[1]

    def _learned(self) -> tuple[Lexicon, bytes]:
        if self._known is None:
            raise NotFitted(type(self).__name__.lower())
        return self._known

    def prepare(self, item: Any) -> NDArray[np.int64]:
        """A text → the rows of its known words. Raises MediaError for what is no text, blank, or has no known word."""
        rows = self.lexicon.known(tokens(readable(item, _CHARACTERS)))
        if not len(rows):
            raise MediaError("none of its words is known to the encoder")
        return rows

    def encode_batch(self, prepared: Sequence[NDArray[np.int64]]) -> Matrix:
        """Rows of words (n) → (n, dim) float32."""
        return self.lexicon.means(prepared)


def joined(known: Iterable[str]) -> NDArray[np.uint8]:
    """Words → one array of bytes, as states and files keep them."""
    return np.frombuffer("\n".join(known).encode("utf-8"), np.uint8)


def parted(array: NDArray[np.uint8]) -> list[str]:
    """What `joined` was given. Raises ValueError."""
    text = array.tobytes().decode("utf-8")
    return text.split("\n") if text else []
