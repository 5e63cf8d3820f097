"""What items are seen by when a space is learned: their vector, further views of photos, the words of texts."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.word_vectors import tokens
from mmsearch.fusion.base import Matrix, Side, unit_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Share of each further view beside 1 for the vector itself, and that of words beside 1 for the sentence vector. Chosen on the validation
#: products of fashion (docs/decisions/0021-aligned-views.md).
SHARES = {"means": 0.4, "maxima": 0.3, "layout": 0.2, "colours": 0.1}
_OTHER = 0.2  # of a view of another name
_COUNTS = ("colours", "layout")
WORDS = 0.4

_KEPT = 128  # principal components of a view
_POWER = 0.25  # of their standard deviation that is divided out: 0 leaves it, 1 is full whitening
_LEARNED_FROM = 20_000  # products
_CHUNK = 4_096  # items whose views are in memory in full precision at a time
_FEWEST = 20  # products that can tell components
_VOCABULARY = 50_000
_LEAST_TEXTS = 2  # that have a word: one alone joins nothing


@dataclass(frozen=True)
class Seen:
    """n items as a map sees them. Squared distances are those of `dense`, and those of `words` where there are any, by their shares."""

    dense: Matrix  # (n, d), unit rows
    words: csr_array | None = None  # (n, v), unit rows, zero where there is no known word

    def __len__(self) -> int:
        return len(self.dense)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Seen:
        return Seen(self.dense[rows], None if self.words is None else self.words[rows])

    def joined(self, others: Seen, rows: NDArray[np.int64] | None = None) -> Seen:
        """These and then the others, or some rows of them; both know the same words, or none."""
        from scipy.sparse import vstack

        n, words = len(self), None
        if self.words is not None and others.words is not None:
            words = vstack([self.words, others.words if rows is None else others.words[rows]], format="csr")
        dense = np.empty((n + len(others if rows is None else rows), self.dense.shape[1]), np.float32)
        dense[:n] = self.dense
        if rows is None:
            dense[n:] = others.dense
        else:
            np.take(others.dense, rows, axis=0, out=dense[n:], mode="clip")  # no copy in between: this is the largest array of a fit
        return Seen(dense, words)

    def similarity(self, others: Seen, product: Callable[[Matrix, Matrix], Matrix] = np.matmul) -> Matrix:
        """Weighted mean of the cosines (n, m) of what both sides are seen by; `product` multiplies matrices."""
        dense = product(self.dense, others.dense.T)
        if self.words is None or others.words is None:
            return dense
        shared = np.asarray((self.words @ others.words.T).todense(), np.float32)
        both: Matrix = ((dense + WORDS * shared) / (1 + WORDS)).astype(np.float32)
        return both

    def spread(self) -> float:
        """Total variance (n,) of what is seen: mean squared distance from the mean."""
        found = 1 - float(np.square(self.dense.mean(axis=0, dtype=np.float64)).sum())
        if self.words is None:
            return found
        lengths = float(self.words.multiply(self.words).sum()) / max(1, len(self))
        words = lengths - float(np.square(np.asarray(self.words.mean(axis=0))).sum())
        return (found + WORDS * words) / (1 + WORDS)


@dataclass(frozen=True)
class Vocabulary:
    """The words and pairs of neighbouring words of a catalogue's texts, with how much each says (TF-IDF)."""

    places: Mapping[str, int]
    idf: Matrix  # (v,)

    @staticmethod
    def learn(texts: Iterable[str | None]) -> Vocabulary | None:
        """From the texts of products; None where no word is in two of them."""
        found: Counter[str] = Counter()
        n = 0
        for text in texts:
            if text:
                found.update(set(_terms(text)))
                n += 1
        kept = sorted((term for term, count in found.items() if count >= _LEAST_TEXTS), key=lambda term: (-found[term], term))[:_VOCABULARY]
        if not kept:
            return None
        idf = np.log((1 + n) / (1 + np.array([found[term] for term in kept]))) + 1
        return Vocabulary({term: place for place, term in enumerate(kept)}, idf.astype(np.float32))

    def __call__(self, texts: Sequence[str | None]) -> csr_array:
        """Texts (n) → (n, v), unit rows: 1 + ln(times) of each word, times its idf."""
        from scipy.sparse import csr_array

        starts = [0]
        columns: list[int] = []
        values: list[float] = []
        for text in texts:
            counts = Counter(place for term in _terms(text or "") if (place := self.places.get(term)) is not None)
            weights = [(1 + math.log(times)) * float(self.idf[place]) for place, times in counts.items()]
            length = math.sqrt(sum(weight * weight for weight in weights)) or 1.0
            columns += counts.keys()
            values += [weight / length for weight in weights]
            starts.append(len(columns))
        shape = (len(texts), len(self.idf))
        return csr_array((np.array(values, np.float32), np.array(columns, np.int32), np.array(starts, np.int32)), shape=shape)


@functools.lru_cache(20_000)  # a fit looks at the same texts again and again, with others left out
def _terms(text: str) -> tuple[str, ...]:
    words = tokens(text)
    return (*words, *(f"{a} {b}" for a, b in pairwise(words)))


@dataclass(frozen=True)
class Components:
    """The principal components of one view: x → unit((x − mean) @ weight)."""

    mean: Matrix  # (d,)
    weight: Matrix  # (d, 128), zero beyond the rank

    @staticmethod
    def learn(X: NDArray[np.floating[Any]], *, standardise: bool) -> Components:
        """Rows (n, d) → partly whitened components. Channels of a network are standardised; counts of colours have a common scale."""
        Z = X.astype(np.float64)
        mean = Z.mean(axis=0)
        Z -= mean
        own = np.maximum(np.sqrt(np.einsum("nd,nd->d", Z, Z) / len(Z)), 1e-6) if standardise else np.ones(X.shape[1])
        Z /= own
        if len(Z) < Z.shape[1]:  # of few items the directions among them
            _, lengths, rows = np.linalg.svd(Z, full_matrices=False)
            values, V = np.square(lengths) / max(1, len(Z) - 1), rows.T
        else:
            values, V = np.linalg.eigh(Z.T @ Z / max(1, len(Z) - 1))
            values, V = values[::-1], V[:, ::-1]
        kept = min(_KEPT, int((values > 1e-8 * max(float(values[0]), 1e-12)).sum()))
        weight = np.zeros((X.shape[1], _KEPT), np.float32)
        weight[:, :kept] = V[:, :kept] / np.sqrt(values[:kept]) ** _POWER / own[:, None]
        return Components(mean.astype(np.float32), weight)

    def __call__(self, X: NDArray[np.floating[Any]]) -> Matrix:
        """(n, d) → (n, 128), unit rows."""
        return unit_rows((X - self.mean) @ self.weight)


@dataclass(frozen=True)
class Views:
    """How the items of one modality are looked at: learned from a catalogue's own."""

    sizes: Mapping[str, int]  # name → dimensions of the further views, in their order
    components: Mapping[str, Components]  # of those that are used
    vocabulary: Vocabulary | None = None
    rooted: bool = False  # the vectors are non-negative, and their square roots are used beside further views

    @staticmethod
    def learn(side: Side, sizes: Mapping[str, int]) -> Views:
        """From items (n); with too few of them, or none with views, the vector alone is looked at."""
        components = {}
        if side.views is not None and len(side) >= _FEWEST:
            some = np.linspace(0, len(side) - 1, min(len(side), _LEARNED_FROM)).astype(np.int64)
            for name, block in _blocks(side.views[some], sizes).items():
                components[name] = Components.learn(block, standardise=name not in _COUNTS)
        vocabulary = Vocabulary.learn(side.contents) if side.contents is not None else None
        return Views(dict(sizes), components, vocabulary, bool(components) and bool(side.X.min() >= 0))

    def __call__(self, side: Side) -> Seen:
        """Items (n) as a map sees them. One without views is seen by its vector alone."""
        words = self.vocabulary(side.contents or [None] * len(side)) if self.vocabulary is not None else None
        if not self.components:
            return Seen(side.X, words)
        dense = np.empty((len(side), side.X.shape[1] + _KEPT * len(self.components)), np.float32)
        for start in range(0, len(side), _CHUNK):
            piece = slice(start, start + _CHUNK)
            dense[piece] = self._dense(side.X[piece], None if side.views is None else side.views[piece])
        return Seen(dense, words)

    def _dense(self, X: Matrix, views: NDArray[np.floating[Any]] | None) -> Matrix:
        """Vectors (n, d) and further views (n, e) → (n, d + 128 for each that is used), unit rows."""
        blocks = [unit_rows(np.sqrt(np.maximum(X, 0))) if self.rooted else X]
        if views is None:
            views = np.zeros((len(X), sum(self.sizes.values())), np.float32)
        for name, block in _blocks(views, self.sizes).items():
            if name in self.components:
                seen = self.components[name](block) * block.any(axis=1, keepdims=True)
                blocks.append(math.sqrt(SHARES.get(name, _OTHER)) * seen)
        return unit_rows(np.hstack(blocks))

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """Named arrays and JSON values, for a fuser's own."""
        arrays: dict[str, Matrix] = {}
        for name, one in self.components.items():
            arrays |= {f"{name}.mean": one.mean, f"{name}.weight": one.weight}
        values: dict[str, Any] = {"sizes": dict(self.sizes), "components": list(self.components), "rooted": self.rooted}
        if self.vocabulary is not None:
            arrays["idf"] = self.vocabulary.idf
            values["words"] = list(self.vocabulary.places)
        return arrays, values

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> Views:
        """What `state` gave."""
        components = {name: Components(arrays[f"{name}.mean"], arrays[f"{name}.weight"]) for name in values["components"]}
        words = values.get("words")
        known = None if words is None else Vocabulary({term: place for place, term in enumerate(words)}, arrays["idf"])
        return Views(values["sizes"], components, known, values["rooted"])


def _blocks(views: NDArray[np.floating[Any]], sizes: Mapping[str, int]) -> dict[str, NDArray[np.floating[Any]]]:
    ends = np.cumsum(list(sizes.values()))
    return {name: views[:, end - size : end] for (name, size), end in zip(sizes.items(), ends.tolist(), strict=True)}
