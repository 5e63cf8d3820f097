"""Texts compared by their letters: runs of characters, weighted by how rare they are. What a misread letter costs is three runs of many."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Lengths of the runs. Of Chinese a run of two says as much as one of three of Latin letters; see `docs/facts.md`.
RUNS = (2, 3)

_BITS = 20  # runs are told apart by so many bits of a hash
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 20_000  # texts whose runs are counted at a time: about 200 MB
_QUERY = 20_000  # characters of a query that are looked at


class Letters:
    """Texts (n) to which others are compared: the cosine of tf-idf weighted runs of characters.

    Runs stand misread letters (Cavnar & Trenkle 1994); weights are (1 + ln tf) · ln((1 + n) / (1 + df)) (Salton & Buckley 1988).
    Case, spaces and punctuation do not count: OCR loses them first. A run does not go from one line to the next.
    """

    def __init__(self, texts: Sequence[str]):
        """
        Parameters
        ----------
        texts : one each; '' for one that says nothing. Lines are separated by line breaks.
        """
        from scipy.sparse import coo_array, csr_array, vstack

        blocks = []
        for start in range(0, len(texts), _AT_ONCE):
            some = texts[start : start + _AT_ONCE]
            owner, run = _runs(some)
            key, counts = np.unique(owner * np.int64(1 << _BITS) + run, return_counts=True)
            weights = (1 + np.log(counts)).astype(np.float32)
            blocks.append(coo_array((weights, (key >> _BITS, key & ((1 << _BITS) - 1))), (len(some), 1 << _BITS)).tocsr())
        matrix = vstack(blocks, format="csr") if blocks else csr_array((0, 1 << _BITS), dtype=np.float32)
        df = np.bincount(matrix.indices, minlength=1 << _BITS)
        self._idf = np.log((1 + len(texts)) / (1 + df)).astype(np.float32)
        matrix.data *= self._idf[matrix.indices]
        owners = np.repeat(np.arange(len(texts)), np.diff(matrix.indptr))
        lengths = np.sqrt(np.bincount(owners, matrix.data.astype(np.float64) ** 2, len(texts)))
        #: (n,) Which texts say anything.
        self.there: NDArray[np.bool_] = lengths > 0
        matrix.data /= np.where(self.there, lengths, 1)[owners]
        self._matrix: Any = matrix

    def __len__(self) -> int:
        return int(self._matrix.shape[0])

    def compare(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts (m) with each of those known (m, n): 0 to 1, NaN where either says nothing that the other could share."""
        out = np.full((len(texts), len(self)), np.nan, np.float32)
        for row, text in enumerate(texts):
            _, runs = _runs([text[:_QUERY]])
            run, counts = np.unique(runs, return_counts=True)
            weights = (1 + np.log(counts)) * self._idf[run]
            length = float(np.linalg.norm(weights))
            if length > 0:
                out[row, self.there] = (self._by_run[run].T @ (weights / length).astype(np.float32))[self.there]
        return out

    @functools.cached_property
    def _by_run(self) -> Any:
        return self._matrix.T.tocsr()


def _runs(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All runs of characters in texts: (which text, which run) each (k,)."""
    kept = ["\n".join(filter(None, map(plain, text.splitlines()))) + "\n" for text in texts]
    codes = np.frombuffer("".join(kept).encode("utf-32-le"), np.uint32).astype(np.uint64)
    owner = np.repeat(np.arange(len(texts), dtype=np.int64), [len(text) for text in kept])
    breaks = codes == ord("\n")
    owners, found = [], []
    for n in RUNS:
        if len(codes) < n:
            continue
        starts = len(codes) - n + 1
        value = np.full(starts, n, np.uint64)
        whole = np.ones(starts, np.bool_)
        for offset in range(n):
            value = (value ^ codes[offset : offset + starts]) * _MULTIPLIER
            value ^= value >> np.uint64(29)
            whole &= ~breaks[offset : offset + starts]
        owners.append(owner[:starts][whole])
        found.append((value[whole] >> np.uint64(64 - _BITS)).astype(np.int64))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(owners), np.concatenate(found)


def plain(line: str) -> str:
    """A line's letters and digits alone, folded.

    >>> plain("Crème Fraîche, 15 %")
    'crèmefraîche15'
    """
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", line).casefold()))
