"""Sounds and videos in the space of texts and photos: which of them go together well enough, and the maps of all of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion import lacking
from mmsearch.fusion.base import Batch, FitReport, Matrix, Side
from mmsearch.fusion.cca import CanonicalMap
from mmsearch.fusion.gcca import Items, fit_maps
from mmsearch.fusion.shared_space import same_product
from mmsearch.fusion.views import Seen, Views

Rows = NDArray[np.int64]
Float64 = NDArray[np.float64]

NAMES = {"audio": "sound", "video": "video"}

_MOST = 1_000  # products that it is measured on whether a modality joins
_LANDMARKS = 300  # of each modality, where that is measured
_LEAST_HELD = 5
_HELD_QUERIES = 200  # over repeated splits where one is small
_MOST_SPLITS = 10
_ERRORS = 2.0  # standard errors by which it must be better than chance: by one, every sixth modality of mere noise would be


@dataclasses.dataclass(frozen=True)
class Further:
    """What there is to learn from beside n pairs of a text and a photo; n may be 0, where a catalogue has no photos, or no texts.

    Products are counted from 0: the pairs first, then those that have a sound or a video with one of the two.
    """

    pairs: int
    products: int  # in all
    items: Mapping[str, tuple[Rows, Side]]  # modality → its products and their items; of text and image, those beyond the pairs

    @staticmethod
    def read(batch: Batch, pairs: Rows, modalities: list[str]) -> Further | None:
        """Of the modalities that join; None where none does. `pairs`: products with both a text and a photo, rising."""
        if not modalities:
            return None
        have = {m: batch.present[m] for m in ("text", "image", *modalities) if m in batch.present}
        paired = np.zeros(len(batch), bool)
        paired[pairs] = True
        others = np.flatnonzero((np.sum(list(have.values()), axis=0) > 1) & ~paired)
        rows = np.concatenate([pairs, others])
        items = {}
        for m, present in have.items():
            of = np.arange(len(pairs) if m in ("text", "image") else 0, len(rows))
            of = of[present[rows[of]]]
            items[m] = (of, batch.side(m, rows[of]))
        return Further(len(pairs), len(rows), items)

    def take(self, kept: Rows) -> Further:
        """Without the pairs that are not kept; the other products stay."""
        place = np.full(self.products, -1)
        place[kept] = np.arange(len(kept))
        place[self.pairs :] = np.arange(self.products - self.pairs) + len(kept)
        items = {}
        for m, (of, side) in self.items.items():
            there = np.flatnonzero(place[of] >= 0)
            items[m] = (place[of[there]], side.take(there))
        return Further(len(kept), len(kept) + self.products - self.pairs, items)

    def modalities(self) -> list[str]:
        return [m for m in self.items if m in NAMES]

    def learn(
        self, texts: Seen, photos: Seen, looks: Mapping[str, Views], **params: Any
    ) -> tuple[dict[str, CanonicalMap], dict[str, Views]] | None:
        """Maps of all modalities, and how the further ones are looked at; None where nothing is shared.

        Parameters
        ----------
        texts, photos : of the pairs, and of the same photos with further texts beyond them.
        params : of `fit_maps`.
        """
        more = {m: Views.learn(side, {}) for m, (_, side) in self.items.items() if m in NAMES}
        beyond = self.products + np.arange(len(texts) - self.pairs)
        all: dict[str, Items] = {}
        for m, seen in (("text", texts), ("image", photos)):
            of, side = self.items[m]
            all[m] = Items(seen.joined(looks[m](side)), np.concatenate([np.arange(self.pairs), beyond, of]))
        all |= {m: Items(more[m](side), of) for m, (of, side) in self.items.items() if m in NAMES}
        found = fit_maps(all, among=self.products, **params)
        return None if found is None else (found[0], more)

    def by_product(self, modality: str, projected: Matrix) -> Matrix:
        """The projections of a modality's items, each in the row of its pair (pairs, d), or of its product where there are no pairs;
        zero rows where there is none."""
        of, _ = self.items[modality]
        n = self.pairs or self.products
        out = np.zeros((n, projected.shape[1]), np.float32)
        out[of[of < n]] = projected[of < n]
        return out


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Which modalities join, what was measured of each that could, and why one stays out."""

    joined: list[str]
    measured: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    told: list[str] = dataclasses.field(default_factory=list)


def which_join(batch: Batch, encoders: Mapping[str, Encoder], sizes: Mapping[str, Mapping[str, int]], least: int, seed: int) -> Chosen:
    """Those that `least` products have together with a text or a photo, and that find held-out partners better than chance.

    A video whose vectors lie in the space of photos needs no map of its own: it stands in for them (`mmsearch.fusion.stand_ins`).
    """
    joined, measured, told = [], {}, []
    image = encoders["image"].space if "image" in encoders else None
    for m, name in NAMES.items():
        here = batch.present.get(m)
        if here is None or not here.any() or (m in encoders and encoders[m].space == image):
            continue
        partners = [p for p in ("text", "image") if p in batch.present]
        rows = np.flatnonzero(here & np.any([batch.present[p] for p in partners], axis=0))
        if len(rows) < max(least, 2 * _LEAST_HELD):
            told.append(f"{m} stays out: only {len(rows)} products have a {name} together with a text or a photo, and {least} are needed")
            continue
        some = batch.take(np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST]))
        found = _found(some, m, partners, sizes, seed)
        measured[m] = found | {"products": len(rows)}
        line = (
            f"held-out {name}s find their text or photo with RR {found['RR']:.3f} ± {found['error']:.3f}, by chance {found['chance']:.3f}"
        )
        if found["RR"] - found["chance"] > _ERRORS * found["error"]:
            joined.append(m)
            told.append(f"{m} joins: {line}")
        else:
            told.append(f"{m} stays out: {line}")
    return Chosen(joined, measured, told)


@dataclasses.dataclass(frozen=True)
class Alone:
    """The maps of sounds or videos and of texts, or of photos, where a catalogue lacks the other."""

    maps: dict[str, CanonicalMap]
    looks: dict[str, Views]
    beside: Further
    report: FitReport


def learn_alone(
    batch: Batch, encoders: Mapping[str, Encoder], least: int, params: Mapping[str, Any], joined: list[str] | None = None
) -> Alone | None:
    """From products with a sound or a video where there are no photos at all, or no texts; None where there are both, or neither.

    `params` are those of `fit_maps`; `joined` are the modalities that join, where that is known already. Raises InputError where there are
    sounds or videos and none goes together with what there is.
    """
    there = [m for m in ("text", "image") if m in batch.present and batch.present[m].any()]
    if len(there) != 1 or not any(m in NAMES and here.any() for m, here in batch.present.items()):
        return None
    sizes = {m: dict(encoders[m].views) for m in there if m in encoders}
    chosen = which_join(batch, encoders, sizes, least, int(params["seed"])) if joined is None else Chosen(joined)
    beside = Further.read(batch, np.empty(0, np.int64), chosen.joined)
    looks, found = {}, None
    if beside is not None:
        looks = {m: Views.learn(side, sizes.get(m, {})) for m, (_, side) in beside.items.items()}
        found = fit_maps({m: Items(looks[m](side), of) for m, (of, side) in beside.items.items()}, among=beside.products, **params)
    if beside is None or found is None:
        why = "".join(f"; {line}" for line in chosen.told)
        problem, hint = lacking.told(batch.store, "image" if there == ["text"] else "text")
        raise InputError(f"nothing to align: {problem}{why}", hint=hint)
    scores = {"method": "gcca", "products": beside.products, "further": {"joined": chosen.joined, "measured": chosen.measured}}
    report = FitReport("; ".join([f"aligned on {beside.products} products: {', '.join(found[0])}", *chosen.told]), scores)
    return Alone(found[0], looks, beside, report)


def _found(batch: Batch, modality: str, partners: list[str], sizes: Mapping[str, Mapping[str, int]], seed: int) -> dict[str, Any]:
    """How held-out products find themselves from one modality to its partners and back.

    Returns
    -------
    RR : mean reciprocal rank, first over what was asked of a product and then over products. chance : that of a random order.
    error : standard error of RR − chance over products.
    """
    n = len(batch)
    gained: list[list[float]] = [[] for _ in range(n)]
    by_chance: list[list[float]] = [[] for _ in range(n)]
    for kept, out in _splits(n, seed):
        projected = _projected(batch, [modality, *partners], sizes, kept, out, seed)
        for partner in partners:
            both = np.flatnonzero(batch.present[partner][out])
            if modality not in projected or partner not in projected or len(both) < 2:
                continue
            A, B = projected[modality][both], projected[partner][both]
            same = same_product(batch.vectors[modality][out[both]], batch.vectors[partner][out[both]])
            for similarity in (A @ B.T, B @ A.T):
                reciprocal, chance = reciprocal_ranks(similarity, same)
                for row, value, expected in zip(out[both].tolist(), reciprocal.tolist(), chance.tolist(), strict=True):
                    gained[row].append(value)
                    by_chance[row].append(expected)
    asked = [row for row in range(n) if gained[row]]
    if len(asked) < 2:
        return {"RR": 0.0, "chance": 0.0, "error": math.inf, "asked": len(asked)}
    R, C = (np.array([np.mean(values[row]) for row in asked]) for values in (gained, by_chance))
    error = float((R - C).std(ddof=1) / math.sqrt(len(asked)))
    return {"RR": float(R.mean()), "chance": float(C.mean()), "error": error, "asked": len(asked)}


def _projected(
    batch: Batch, modalities: list[str], sizes: Mapping[str, Mapping[str, int]], kept: Rows, out: Rows, seed: int
) -> dict[str, Matrix]:
    """Held-out products by maps that are learned from the others; zero rows for what they lack. {} where nothing is learned."""
    items, looks = {}, {}
    for m in modalities:
        of = np.flatnonzero(batch.present[m][kept])
        if len(of):
            side = batch.side(m, kept[of])
            looks[m] = Views.learn(side, sizes.get(m, {}))
            items[m] = Items(looks[m](side), of)
    found = fit_maps(items, among=len(kept), dim=256, landmarks=_LANDMARKS, seed=seed) if len(items) > 1 else None
    if found is None:
        return {}
    projected = {}
    for m, map in found[0].items():
        here = batch.present[m][out]
        projected[m] = np.zeros((len(out), map.weight.shape[1]), np.float32)
        if here.any():
            projected[m][here] = map(looks[m](batch.side(m, out[here])))
    return projected


def reciprocal_ranks(similarity: Matrix, same: NDArray[np.bool_]) -> tuple[Float64, Float64]:
    """1/rank of the first right answer (n,), and what a random order would give.

    Parameters
    ----------
    similarity : (n, n) of queries with answers. same : (n, n), which answers are right. Ties with a wrong answer count against.
    """
    best = np.where(same, similarity, -np.inf).max(axis=1, keepdims=True)
    above = (~same & (similarity >= best)).sum(axis=1)
    n = len(same)
    expected = {int(right): _expected(n, int(right)) for right in np.unique(same.sum(axis=1))}
    return 1 / (above + 1), np.array([expected[right] for right in same.sum(axis=1).tolist()])


def _expected(n: int, right: int) -> float:
    """The mean of 1/rank of the first of some right answers among n in a random order."""
    total, missed = 0.0, 1.0  # missed: the probability that all answers before this rank are wrong
    for rank in range(1, n - right + 2):
        hit = right / (n - rank + 1)
        total += missed * hit / rank
        missed *= 1 - hit
    return total


def _splits(n: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Parts of n products in turn as the held-out one: a tenth, or five at least; 200 of them in all at most, where there are more."""
    parts = max(2, min(_MOST_SPLITS, n // _LEAST_HELD))
    order = np.random.default_rng(seed).permutation(n)
    asked = 0
    for out in np.array_split(order, parts):
        if asked >= _HELD_QUERIES:
            return
        asked += len(out)
        yield np.sort(np.setdiff1d(order, out)), np.sort(out)
