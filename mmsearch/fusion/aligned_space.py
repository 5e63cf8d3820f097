"""The space that `aligned` learns: blocks side by side, each by its share of a cosine, and what products owe taken off."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmsearch.fusion.base import Matrix, Side, unit_rows
from mmsearch.fusion.cca import CanonicalMap
from mmsearch.fusion.conse import Conse
from mmsearch.fusion.hubness import Hubness
from mmsearch.fusion.pairs import SIDES, Pairs
from mmsearch.fusion.refinement import Refinement
from mmsearch.fusion.views import Seen, Views


@dataclasses.dataclass(frozen=True)
class Space:
    """What was learned: the maps with how they look at items, heads beside them, ConSE and its share, and what is taken off products."""

    maps: Mapping[str, CanonicalMap] = dataclasses.field(default_factory=dict)
    looks: Mapping[str, Views] = dataclasses.field(default_factory=dict)
    conse: Conse | None = None
    share: float = 0.0
    hubness: Hubness | None = None
    refinement: Refinement | None = None

    @property
    def dim(self) -> int:
        """Of its vectors."""
        found = sum(m.weight.shape[1] for m in list(self.maps.values())[:1]) + (self.conse.dim if self.conse else 0)
        found += self.refinement.dim if self.refinement else 0
        return int(max(1, found)) + (2 if self.hubness else 0)

    def joined(self, modality: str, side: Side) -> Matrix:
        """The blocks side by side, each by the root of its share, so that cosines mix by their shares: (n, d) unit rows."""
        blocks = []
        if self.maps:
            seen = self.looks[modality](side)
            block = self.maps[modality](seen)
            if self.refinement is not None:
                if modality == "image" and self.refinement.tower is not None:
                    seen = self.looks[modality](self.refinement.tower(side))
                block = self.refinement.beside(modality, seen, block)
            blocks.append(math.sqrt(1 - self.share) * block)
        if self.conse is not None and self.share:
            named = self.conse.project(modality, side) if modality in SIDES else np.zeros((len(side), self.conse.dim), np.float32)
            blocks.append(math.sqrt(self.share) * named)
        if not blocks:
            return np.zeros((len(side), 1), np.float32)
        return unit_rows(np.hstack(blocks))

    def seen(self, pairs: Pairs) -> tuple[Seen, Seen]:
        """Texts and photos as the maps see them."""
        return self.looks["text"](pairs.texts), self.looks["image"](pairs.photos)

    def corrected(self, strength: float, pairs: Pairs, seed: int) -> Space:
        """The same, with what products owe to being near everything, as the pairs (n) that it was learned from tell."""
        projected = {"text": self.joined("text", pairs.texts), "image": self.joined("image", pairs.photos)}
        if (beside := pairs.beside) is not None:
            further = [m for m in self.maps if m not in SIDES]
            projected |= {m: beside.by_product(m, self.joined(m, beside.items[m][1])) for m in further}
        return dataclasses.replace(self, hubness=Hubness.learn(strength, projected, seed))

    def products(self, modality: str, side: Side) -> Matrix:
        """Items of products in the space."""
        P = self.joined(modality, side)
        return P if self.hubness is None else self.hubness.products(modality, P)

    def queries(self, modality: str, side: Side) -> Matrix:
        """Items that are asked for."""
        Q = self.joined(modality, side)
        return Q if self.hubness is None else self.hubness.queries(Q)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """Named arrays and JSON values, for the fuser's own."""
        arrays: dict[str, Matrix] = {}
        values: dict[str, Any] = {"share": self.share, "maps": {}, "looks": {}}

        def keep(prefix: str, part: tuple[dict[str, Matrix], dict[str, Any]]) -> dict[str, Any]:
            arrays.update({f"{prefix}.{name}": array for name, array in part[0].items()})
            return part[1]

        for modality, map in self.maps.items():
            values["maps"][modality] = keep(f"map.{modality}", map.state())
            values["looks"][modality] = keep(f"look.{modality}", self.looks[modality].state())
        if self.conse is not None:
            values["conse"] = keep("conse", self.conse.state())
        if self.refinement is not None:
            values["refinement"] = keep("refinement", self.refinement.state())
        if self.hubness is not None:
            values["hubness"] = keep("hubness", self.hubness.state())
        return arrays, values

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> Space:
        """What `state` gave."""

        def under(prefix: str) -> dict[str, Matrix]:
            return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}

        maps = {m: CanonicalMap.restored(under(f"map.{m}"), known) for m, known in values["maps"].items()}
        looks = {m: Views.restored(under(f"look.{m}"), known) for m, known in values["looks"].items()}
        conse = None
        if "conse" in values:
            conse = Conse()
            conse.load_state(under("conse"), values["conse"])
        hubness = Hubness.restored(under("hubness"), values["hubness"]) if "hubness" in values else None
        refinement = Refinement.restored(under("refinement"), values["refinement"]) if "refinement" in values else None
        return Space(maps, looks, conse, float(values["share"]), hubness, refinement)
