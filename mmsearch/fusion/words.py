"""The words of products, to which words read off a query photo are compared, and how far such a comparison can be trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.sources import items
from mmsearch.fusion.calibration import trusted
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.facts import read_rows

if TYPE_CHECKING:
    from mmsearch.fusion.base import Matrix

#: The feature that reads photos, and the kind of evidence that its words are.
FEATURE = "ocr"
KIND = "image>words"
_FEWEST = 8  # photos with words, of products with titles, below which nothing can be measured


def reads_photos(store: Store) -> dict[str, Any] | None:
    """The record of the feature that reads photos, None where it is off."""
    return store.record.get(f"feature/{FEATURE}")


@dataclass(frozen=True)
class ProductWords:
    """The words of products (n): `said` by the catalogue (titles, brand) and `read` off their photos; '' where there are none."""

    said: list[str]
    read: list[str]

    def all(self) -> list[str]:
        """Both, (n,)."""
        return [f"{said}\n{read}" for said, read in zip(self.said, self.read, strict=True)]


def product_words(store: Store, ids: Sequence[str]) -> ProductWords:
    """The words of some products, in the order of `ids`."""
    place = {id: n for n, id in enumerate(ids)}
    said, read = [""] * len(ids), [""] * len(ids)
    for item in items(store, "title"):
        if (n := place.get(item.id)) is not None:
            said[n] = str(item.content)
    if column := load_attributes(store).columns.get("brand", {}).get("text"):
        for batch in store.batches(PRODUCTS, ["id", column]):
            for id, brand in zip(*(one.to_pylist() for one in batch.columns), strict=True):
                # A brand that the title names does not count twice: not every product's title does.
                if brand and (n := place.get(id)) is not None and brand.casefold() not in said[n].casefold():
                    said[n] = f"{said[n]}\n{brand}"
    for id, lines in _lines(store, place).items():
        read[place[id]] = "\n".join(lines)
    return ProductWords(said, read)


def _lines(store: Store, wanted: Collection[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in sorted(read_rows(store, FEATURE), key=lambda one: (one.id, one.part)):
        if row.id in wanted:
            found[row.id] += [str(fact["value"]) for fact in row.facts]
    return found


def compared(words: ProductWords) -> Callable[[NDArray[np.int64], NDArray[np.int64]], Matrix]:
    """For a calibration: the words on the photos of some products (q) with all the words of others (n), (q, n)."""
    from mmsearch.ranking.letters import Letters

    def compare(queries: NDArray[np.int64], rows: NDArray[np.int64]) -> Matrix:
        every = words.all()
        return Letters([every[row] for row in rows]).compare([words.read[row] for row in queries])

    return compare


def reliability(words: ProductWords, queries: int) -> float | None:
    """How well words on a photo name the product: the mean reciprocal rank of its own title among all titles, within .05 and .95.

    None where too few products have both. The words on the product's own photo are the query, so they do not count on the other side.
    """
    from mmsearch.ranking.letters import Letters

    asking = [row for row, (said, read) in enumerate(zip(words.said, words.read, strict=True)) if said and read][:queries]
    if len(asking) < _FEWEST:
        return None
    similarity = np.nan_to_num(Letters(words.said).compare([words.read[row] for row in asking]), nan=-1.0)
    own = similarity[np.arange(len(asking)), asking][:, None]
    # The middle of those that tie: words that say nothing rank all titles alike.
    rank = 1 + (similarity > own).sum(axis=1) + ((similarity == own).sum(axis=1) - 1) / 2
    return trusted(float((1 / rank).mean()))
