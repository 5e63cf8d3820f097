"""Features without a model, registered by conftest.py: `fake-shade` looks at photos, `fake-words` at titles and reviews,
`fake-talk` at sounds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from mmsearch.encoders.base import Items
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.features.base import Fact, Feature, Found, Medium
from mmsearch.media import MediaError
from mmsearch.store import PRODUCTS, Store


class FakeShade(Feature):
    """How bright a photo is."""

    sources: ClassVar[tuple[str, ...]] = ("image",)
    names: ClassVar[Mapping[str, str]] = {"shade": "text", "brightness": "number", "shades": "list", "bright": "bool"}
    seen: ClassVar[Counter[bytes]] = Counter()  # how often each photo was prepared

    def __init__(self, limit: float = 0.5) -> None:
        self.limit = limit

    def fingerprint(self) -> str:
        return hashlib.sha256(f"fake-shade {self.limit}".encode()).hexdigest()

    def prepare(self, item: str | Medium) -> float:
        assert isinstance(item, Medium)
        self.seen[item.content] += 1
        return float(np.asarray(item.image).mean()) / 255

    def extract(self, prepared: Sequence[float]) -> list[list[Fact]]:
        shades = ["light" if one > self.limit else "dark" for one in prepared]
        return [
            [
                Fact("shade", shade, score=one, box=(0, 0, 1, 1)),
                Fact("shades", shade),
                Fact("brightness", one),
                Fact("bright", one > self.limit),
            ]
            for shade, one in zip(shades, prepared, strict=True)
        ]


class FakeWords(Feature):
    """The capitalised words of titles and reviews; it learns which words every product has, and leaves them out."""

    sources: ClassVar[tuple[str, ...]] = ("title", "review")
    names: ClassVar[Mapping[str, str]] = {"words": "list", "words.*": "number"}
    learns: ClassVar[bool] = True

    def __init__(self) -> None:
        self._common: list[str] | None = None

    def fingerprint(self) -> str:
        return hashlib.sha256(f"fake-words {digest(self.state())}".encode()).hexdigest()

    def fit(self, items: Items, store: Store) -> None:
        counts = Counter(word for item in items for word in set(item.split()))
        self._common = sorted(word for word, count in counts.items() if count == store.count(PRODUCTS) > 1)

    def state(self) -> bytes:
        return pack({}, {"common": self._common})

    def restore(self, state: bytes) -> None:
        self._common = unpack(state)[1]["common"]

    def prepare(self, item: str | Medium) -> str:
        if item == "unreadable":
            raise MediaError("no words: it is unreadable")
        if item == "broken":
            raise RuntimeError("a bug of the feature")
        return str(item)

    def extract(self, prepared: Sequence[str]) -> list[list[Fact]]:
        if "fails" in prepared:
            raise RuntimeError("a bug of the model")
        common = self._common or []
        return [[Fact("words", w) for w in text.split() if w[0].isupper() and w not in common] for text in prepared]

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        counts = Counter(str(fact.value) for one in found for fact in one.facts)
        return {"words": sorted(counts)} | {f"words.{word}": count for word, count in counts.items()} if counts else {}


class FakeTalk(Feature):
    """Says of each sound how long it is, in two sentences."""

    sources: ClassVar[tuple[str, ...]] = ("audio",)
    names: ClassVar[Mapping[str, str]] = {"talk": "text"}
    searchable: ClassVar[bool] = True

    def fingerprint(self) -> str:
        return hashlib.sha256(b"fake-talk").hexdigest()

    def extract(self, prepared: Sequence[Medium]) -> list[list[Fact]]:
        return [
            [Fact("talk", f"the sound {item.path.stem}", second=0.0, end=1.0), Fact("talk", "purple " * 40, second=1.0, end=2.0)]
            for item in prepared
        ]
