"""Query photos are read, and their words compared with those of products: in a store whose photos were read, too (the feature `ocr`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.errors import MMSearchError
from mmsearch.features import FEATURES
from mmsearch.fusion.words import product_words, reads_photos
from mmsearch.media import MediaError
from mmsearch.search.query import Part
from mmsearch.search.rows import Places
from mmsearch.store import ATTRIBUTES, PRODUCTS, Store
from mmsearch.store.facts import facts_table

if TYPE_CHECKING:
    from mmsearch.ranking.letters import Letters

Scores = NDArray[np.float64]
LABEL = "words on the photo"
_AT_ONCE = 16  # photos decoded at a time


class Words:
    """Reads query photos and knows the words of all products. Nothing is loaded before the first query photo."""

    def __init__(self, store: Store):
        self._store = store
        self._reader: tuple[str, Any] | None = None
        self._letters: tuple[tuple[int, ...], Letters] | None = None

    def read(self, parts: Sequence[Part]) -> tuple[dict[Part, str], list[str]]:
        """The photos among query parts → part → the lines on it, those that have any; and what a person should know.

        A photo that cannot be opened is left out: the encoder, which opens it too, says so.
        """
        known = reads_photos(self._store)
        photos = list(dict.fromkeys(part for part in parts if part.kind == "image"))
        if known is None or not photos:
            return {}, []
        try:
            reader = self._made(known["spec"])
        except MMSearchError as error:  # a photo can still be searched by; but not without saying so
            return {}, [f"the words on query photos were not read: {error.message} ({error.hint})"]
        found = {}
        for start in range(0, len(photos), _AT_ONCE):
            opened: dict[Part, Any] = {}
            for part in photos[start : start + _AT_ONCE]:
                try:
                    opened[part] = reader.open(Path(part.content))
                except MediaError:
                    continue
            for part, facts in zip(opened, reader.extract(list(opened.values())), strict=True):
                if facts:
                    found[part] = "\n".join(str(fact.value) for fact in facts)
        return found, []

    def compare(self, text: str, products: pa.Array) -> Read | None:
        """A text with the words of all products (n,); None where it shares nothing with any."""
        similarity = self._known(products).compare([text])[0].astype(np.float64)
        return Read(similarity) if np.nan_to_num(similarity).max(initial=0) > 0 else None

    def _made(self, spec: str) -> Any:
        if self._reader is None or self._reader[0] != spec:
            self._reader = spec, FEATURES.create(spec)
        return self._reader[1]

    def _known(self, products: pa.Array) -> Letters:
        from mmsearch.ranking.letters import Letters

        versions = tuple(self._store.version(table) for table in (PRODUCTS, ATTRIBUTES, facts_table("ocr")))
        if self._letters is None or self._letters[0] != versions or len(self._letters[1]) != len(products):
            self._letters = versions, Letters(product_words(self._store, products.to_pylist()).all())
        return self._letters[1]


class Read:
    """The words of a photo compared with those of all products (n,), NaN for one without words: a `mmsearch.search.targets.Met`."""

    best = None
    notes: Sequence[str] = ()

    def __init__(self, similarity: Scores):
        self._similarity = similarity

    def anything(self) -> bool:
        """Always: words on a photo that share nothing with any product are left out before."""
        return True

    def everything(self) -> Scores:
        """Of all products, (n,)."""
        return self._similarity

    def among(self, candidates: Places) -> tuple[Scores, Scores]:
        """Of some products, in their order, and of all, which stand for the store."""
        return self._similarity[candidates], self._similarity

    def elsewhere(self, candidates: Places | None = None) -> None:
        """Runs of letters are compared whatever they are of."""

    def near(self, depth: int) -> Places:
        """The places of the products whose words are the most alike, those that share anything."""
        known = np.nan_to_num(self._similarity)
        best = np.argsort(-known, kind="stable")[:depth]
        return best[known[best] > 0]

    def terms(self, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """Nothing: letters that are read wrongly are compared in runs, which are no words."""
        return {}
