"""Text and photos in one space, learned from the catalogue's own pairs of title and photo."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion.base import Batch, FitReport, Matrix, Side, unit_rows
from mmsearch.fusion.cca import LEAST_REG, CanonicalMap, Features, fit_cca
from mmsearch.fusion.conse import Conse
from mmsearch.fusion.shared_space import SharedSpace, pair_recall, same_product

Rows = NDArray[np.int64]

_LEAST_SHARE = 0.05  # a smaller share of ConSE helps no longer, and its block would triple the vectors

# Chosen on the validation split of the fashion data, by R@1 / R@10 of both directions (`bench/alignment.py`):
# 0 landmarks .217/.735, 500 .209/.741, 1,000 .236/.770, 1,500 .247/.780, 2,000 .257/.787 at twice the cost of 1,500.
_LANDMARKS = 1_500
_LEAST_PAIRS = 20  # enough to beat ConSE by mixing with it: fashion .028/.203 against .026/.189, grocery .231/.666 against .130/.471

_MOST_HELD = 500
_LEAST_HELD = 20
_HELD_QUERIES = 200  # held out in all, over repeated splits where one is small: few queries are a noisy measure
_MOST_SPLITS = 10


class Aligned(SharedSpace):
    """Regularised kernel CCA of (title, photo) pairs, with ConSE as what is believed before there are pairs.

    The space has two blocks: the canonical directions, and ConSE's mean class names. A cosine in it is
    (1 − s)·cos_CCA + s·cos_ConSE with s = prior / (prior + pairs), so ConSE fades as pairs come in; below `min_pairs`, or
    where held-out pairs say that it is better alone, it stands alone. Learned per store: a map does not carry over to
    another catalogue. Audio and video are not aligned; they are compared in their own vectors.
    """

    def __init__(
        self,
        dim: int = 256,
        landmarks: int = _LANDMARKS,
        reg: float | None = None,
        power: float = 1.0,
        prior: float = 40.0,
        min_pairs: int = _LEAST_PAIRS,
        text: float = 1.0,
        image: float = 1.0,
    ):
        """
        Parameters
        ----------
        dim : canonical directions at most.
        landmarks : pairs at most by whose similarity a title or a photo is described; 0 for linear CCA.
        reg : ridge, as a share of the total variance; None is 1 / pairs.
        power : directions are weighted by their correlation to this power.
        prior : how many pairs ConSE is worth; 0 leaves it out.
        min_pairs : with fewer pairs than this ConSE stands alone, where the image encoder has classes.
        text, image : weights of a product's text and photo in its fused vector.
        """
        super().__init__(text, image)
        for name, value, least in (
            ("dim", dim, 1),
            ("landmarks", landmarks, 0),
            ("min_pairs", min_pairs, 2),
            ("power", power, 0),
            ("prior", prior, 0),
        ):
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{name} must be at least {least}, not {value:g}")
        if reg is not None and not (math.isfinite(reg) and reg >= LEAST_REG):
            raise ValueError(f"reg must be at least {LEAST_REG:g}, not {reg:g}")
        self._dim, self._landmarks, self._reg, self._power = dim, landmarks, reg, power
        self._prior, self._min_pairs = prior, min_pairs
        self._maps: dict[str, CanonicalMap] = {}
        self._conse: Conse | None = None
        self._share = 0.0

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Measure on held-out pairs, then learn from all. See `Fuser.fit`.

        Raises
        ------
        InputError : no titles or no photos have vectors; or there are too few pairs and ConSE cannot stand in.
        """
        pairs = _pairs(batch)
        conse, unable = _conse(batch, encoders, seed)
        T, G = batch.vectors["text"][pairs], batch.vectors["image"][pairs]
        needed = self._min_pairs if conse else min(self._min_pairs, _LEAST_PAIRS)
        maps = self._learn(T, G, seed) if len(pairs) >= needed else None
        if maps is None:
            few = f"only {len(pairs)} products have both a title and a photo, and {needed} are needed"
            reason = few if len(pairs) < needed else "all titles or all photos of the catalogue are alike"
            if conse is None:
                raise InputError(
                    f"nothing to align: {reason}; and ConSE cannot stand in: {unable}", hint="ingest more products with photos"
                )
            self._stand(None, conse, 1.0)
            return FitReport(f"ConSE, because {reason}", {"method": "conse", "pairs": len(pairs)})
        scores = self._held_out(T, G, conse, seed)
        if "before" in scores and _quality(scores["before"]) > _quality(scores["recall"]):
            self._stand(None, conse, 1.0)
        else:
            self._stand(maps, conse, self._prior_share(len(pairs)) if conse else 0.0)
        method = "conse" if not self._maps else "cca+conse" if self._share else "cca"
        scores = {"method": method, "pairs": len(pairs), "conse_share": self._share, "reg": self._ridge(len(pairs))} | scores
        return FitReport(_summary(scores), scores)

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`."""
        if modality not in self.modalities():
            raise KeyError(modality)
        return _joined(modality, side.X, self._maps, self._conse, self._share)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        arrays: dict[str, Matrix] = {}
        values: dict[str, Any] = {"dim": self.dim, "share": self._share, "maps": {}}
        for modality, map in self._maps.items():
            arrays |= {f"{modality}.landmarks": map.features.landmarks, f"{modality}.mean": map.mean, f"{modality}.weight": map.weight}
            values["maps"][modality] = {"rooted": map.features.rooted, "sharpness": map.features.sharpness}
        if self._conse is not None:
            inner, values["conse"] = self._conse.state()
            arrays |= {f"conse.{name}": array for name, array in inner.items()}
        return arrays, values

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        self.dim, self._share, self._conse = int(values["dim"]), float(values["share"]), None
        self._maps = {}
        for m, known in values["maps"].items():
            features = Features(known["rooted"], arrays[f"{m}.landmarks"], known["sharpness"])
            self._maps[m] = CanonicalMap(features, arrays[f"{m}.mean"], arrays[f"{m}.weight"])
        if "conse" in values:
            self._conse = Conse()
            inner = {name.removeprefix("conse."): array for name, array in arrays.items() if name.startswith("conse.")}
            self._conse.load_state(inner, values["conse"])

    def _learn(self, T: Matrix, G: Matrix, seed: int) -> dict[str, CanonicalMap] | None:
        """Titles and photos of pairs (n, d) → the two maps; None where one side does not vary."""
        found = fit_cca(T, G, dim=self._dim, landmarks=self._landmarks, reg=self._ridge(len(T)), power=self._power, seed=seed)
        return {"text": found.x, "image": found.y} if found else None

    def _ridge(self, pairs: int) -> float:
        return self._reg if self._reg is not None else max(LEAST_REG, 1 / pairs)

    def _prior_share(self, pairs: int) -> float:
        share = self._prior / (self._prior + pairs)
        return share if share >= _LEAST_SHARE else 0.0

    def _stand(self, maps: dict[str, CanonicalMap] | None, conse: Conse | None, share: float) -> None:
        self._maps, self._share = maps or {}, share
        self._conse = conse if share else None
        self.dim = sum(m.weight.shape[1] for m in list(self._maps.values())[:1]) + (self._conse.dim if self._conse else 0)

    def _held_out(self, T: Matrix, G: Matrix, conse: Conse | None, seed: int) -> dict[str, Any]:
        """Recall on pairs that were kept out of the fit, and ConSE's on the same pairs."""
        after, before, held = [], [], 0
        for kept, out in _splits(len(T), seed):
            same = same_product(T[out], G[out])
            maps = self._learn(T[kept], G[kept], seed)
            share = (1.0 if maps is None else self._prior_share(len(kept))) if conse else 0.0
            both = [_joined(m, X[out], maps or {}, conse, share) for m, X in (("text", T), ("image", G))]
            after.append(pair_recall(both[0], both[1], same))
            held = len(out)
            if conse is not None:
                before.append(pair_recall(conse.project("text", Side(T[out])), conse.project("image", Side(G[out])), same))
        scores: dict[str, Any] = {"held_out": held, "splits": len(after), "chance": {"R@1": 1 / held, "R@10": min(1.0, 10 / held)}}
        return scores | {"recall": _mean(after)} | ({"before": _mean(before)} if before else {})


def _joined(modality: str, X: Matrix, maps: Mapping[str, CanonicalMap], conse: Conse | None, share: float) -> Matrix:
    """The blocks side by side, each by the root of its share, so that cosines mix by their shares."""
    blocks = []
    if maps:
        blocks.append(math.sqrt(1 - share) * maps[modality](X))
    if conse is not None and share:
        blocks.append(math.sqrt(share) * conse.project(modality, Side(X)))
    if not blocks:
        return np.zeros((len(X), 1), np.float32)
    return unit_rows(np.hstack(blocks))


def _pairs(batch: Batch) -> Rows:
    """Products with both a title and a photo. Raises InputError where the catalogue lacks one of the two altogether."""
    for modality, word in (("text", "texts"), ("image", "photos")):
        here = batch.present.get(modality)
        if here is None or not here.any():
            hint = "make vectors: mmsearch embed" + ("; photos alone: mmsearch fuse --method conse" if modality == "text" else "")
            raise InputError(f"aligned learns from titles and photos, but no product has a vector of {word}", hint=hint)
    return np.flatnonzero(batch.present["text"] & batch.present["image"])


def _conse(batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> tuple[Conse | None, str]:
    """ConSE on the same catalogue, or why it is not possible."""
    conse = Conse()
    try:
        conse.fit(batch, encoders, seed)
    except InputError as error:
        return None, error.message
    return conse, ""


def _splits(n: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Random splits of n pairs into kept and held out: a tenth, from 20 to 500, but never more than half."""
    held = min(_MOST_HELD, max(_LEAST_HELD, n // 10), n // 2)
    rng = np.random.default_rng(seed)
    for _ in range(min(_MOST_SPLITS, max(1, _HELD_QUERIES // held))):
        order = rng.permutation(n)
        yield np.sort(order[held:]), np.sort(order[:held])


def _mean(measured: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {way: {k: float(np.mean([m[way][k] for m in measured])) for k in found} for way, found in measured[0].items()}


def _quality(recall: Mapping[str, Mapping[str, float]]) -> float:
    """One number to choose by: the mean reciprocal rank of both directions, the least noisy of those that are measured."""
    return float(np.mean([found["RR"] for found in recall.values()]))


def _summary(scores: Mapping[str, Any]) -> str:
    def text_to_image(found: Mapping[str, Any]) -> str:
        return f"R@1 {found['text>image']['R@1']:.3f}, R@10 {found['text>image']['R@10']:.3f}"

    pairs = f"{scores['pairs']} pairs of title and photo"
    if scores["method"] == "conse":
        learned = f"ConSE, because what {pairs} teach is worse ({text_to_image(scores['recall'])})"
        return f"{learned}: a held-out title finds its photo among {scores['held_out']} with {text_to_image(scores['before'])}"
    mixed = f", mixed with {scores['conse_share']:.0%} ConSE" if scores["conse_share"] else ""
    before = f"; ConSE alone {text_to_image(scores['before'])}" if "before" in scores else ""
    found = f"a held-out title finds its photo among {scores['held_out']} with {text_to_image(scores['recall'])}"
    return f"aligned on {pairs}{mixed}: {found}{before}"
