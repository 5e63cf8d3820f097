"""What titles name: brand, model code, size, measures, material, pieces in a pack, colour and kind of product, in English and Chinese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mmsearch.encoders.base import Items, NotFitted
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.weights import fingerprint
from mmsearch.features import entity_patterns as patterns
from mmsearch.features.base import Fact, Feature, Found
from mmsearch.features.entity_brands import Brands, fold, learn_brands
from mmsearch.features.entity_types import Types, learn_types
from mmsearch.store import PRODUCTS, Store

_RECIPE = "entities 1"
_ROWS = 10_000
_NAMED = 3  # of the brands that it does not know


class Entities(Feature):
    """Titles → what they name: brand and kind of product of the catalogue's own, model codes, sizes, measures, materials, colours, pieces.

    Materials and colours have one name for both languages, and Chinese titles the word as written beside it: `material has 'cotton'` and
    `material has '纯棉'`. Measures are numbers in base units, the largest of each: `measure.ml`, `measure.mm`, `measure.GB`, ….
    """

    sources: ClassVar[tuple[str, ...]] = ("title",)
    names: ClassVar[Mapping[str, str]] = {
        "entity_brand": "text",
        "product_type": "text",
        "model_code": "list",
        "size": "list",
        "material": "list",
        "title_colour": "list",
        "quantity": "number",
        "measure.*": "number",
    }
    learns: ClassVar[bool] = True
    batch: ClassVar[int] = 256

    def __init__(self) -> None:
        self._brands: Brands | None = None
        self._types: Types | None = None

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        return fingerprint("entities", {"recipe": _RECIPE, "patterns": patterns.fingerprint(), "learned": digest(self.state())}, {})

    def fit(self, items: Items, store: Store) -> None:
        """Learn the brands and the kinds of products from the store's own columns. A store without them has only what patterns tell."""
        self._brands = learn_brands((title, brand) for title, brand, _ in _products(store))
        self._types = learn_types((title, category) for title, _, category in _products(store))

    def learn(self, brands: Brands, types: Types) -> None:
        """Take brands and types that were learned elsewhere, without a store."""
        self._brands, self._types = brands, types

    def state(self) -> bytes:
        """See `Feature.state`."""
        brands, types = self._learned()
        known = [[folded, name, where] for folded, (name, where) in sorted(brands.known.items())]
        words = {"words": sorted(brands.words)} if brands.words else {}
        return pack({"version": np.ones(1, np.int32)}, {"brands": known, "types": sorted(types.known.items()), **words})

    def restore(self, state: bytes) -> None:
        """See `Feature.restore`."""
        facts = unpack(state)[1]
        try:
            brands = {str(folded): (str(name), str(where)) for folded, name, where in facts["brands"]}
            types = {str(folded): str(name) for folded, name in facts["types"]}
            words = frozenset(map(str, facts.get("words", ())))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not what entities learned: {error}") from error
        self._brands = Brands(brands, max((folded.count(" ") + 1 for folded in brands), default=0), words)
        self._types = Types(types)

    def behind(self, store: Store) -> str | None:
        """See `Feature.behind`: products whose brands were not there when it learned."""
        brands, _ = self._learned()
        counts = Counter[str]()
        for batch in store.batches(PRODUCTS, ["brand"], _ROWS):
            for one in batch.column(0).drop_null().value_counts().to_pylist():
                counts[one["values"]] += one["counts"]
        known = brands.known.keys() | brands.words
        new = Counter({brand: count for brand, count in counts.items() if (own := " ".join(fold(brand))) and own not in known})
        if not new:
            return None
        first = ", ".join(brand for brand, _ in new.most_common(_NAMED))
        products = "1 product has a brand" if new.total() == 1 else f"{new.total():,} products have brands"
        return f"{products} that came since it learned: {first}{', …' if len(new) > _NAMED else ''}"

    def _learned(self) -> tuple[Brands, Types]:
        if self._brands is None or self._types is None:
            raise NotFitted("entities")
        return self._brands, self._types

    def extract(self, prepared: Sequence[str]) -> list[list[Fact]]:
        """Titles (n) → the facts of each; the score of a brand says how sure it is."""
        brands, types = self._learned()
        return [list(_facts(title, brands, types)) for title in prepared]

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """The facts of the product's title; of several measures in one unit the largest."""
        values = super().roll_up(found)
        largest: dict[str, float] = {}
        for fact in (fact for one in found for fact in one.facts if fact.name.startswith("measure.")):
            largest[fact.name] = max(largest.get(fact.name, 0.0), float(fact.value))
        return values | dict(sorted(largest.items()))


def _facts(title: str, brands: Brands, types: Types) -> Iterator[Fact]:
    title = patterns.plain(title)
    brand = brands.find(title)
    if brand:
        yield Fact("entity_brand", brand[0], brand[1])
    if kind := types.find(title):
        yield Fact("product_type", kind)
    own = (brand[0] if brand else "").lower()
    yield from (Fact("model_code", code) for code in patterns.model_codes(title) if code.lower() != own)
    yield from (Fact("size", size) for size in patterns.sizes(title))
    yield from (Fact("material", material) for material in patterns.materials(title))
    yield from (Fact("title_colour", colour) for colour in patterns.colours(title))
    if pieces := patterns.pieces(title):
        yield Fact("quantity", float(pieces))
    yield from (Fact(f"measure.{unit}", value) for value, unit in patterns.measures(title))


def _products(store: Store) -> Iterator[tuple[str, str | None, str | None]]:
    for batch in store.batches(PRODUCTS, ["title", "brand", "category"], _ROWS):
        for title, brand, category in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if title:
                yield title, brand, category
