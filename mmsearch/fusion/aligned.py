"""Text, photos and what goes with them in one space, learned from the catalogue's own pairs of title and photo."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion.base import Batch, FitReport, Matrix, Side, unit_rows
from mmsearch.fusion.category_texts import CategoryTexts
from mmsearch.fusion.cca import LEAST_REG, CanonicalMap, fit_cca
from mmsearch.fusion.conse import Conse
from mmsearch.fusion.further import Further, choose, learn_alone
from mmsearch.fusion.hubness import Hubness
from mmsearch.fusion.shared_space import SharedSpace, pair_recall, same_product
from mmsearch.fusion.views import Views
from mmsearch.settings import MODALITIES

Rows = NDArray[np.int64]

_SIDES = ("text", "image")

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
    another catalogue.

    Sounds and videos join the space where enough products have them and held-out ones find their text or photo better than chance
    (`mmsearch.fusion.further`); all maps are then learned together, by generalised CCA. One that stays out is compared in its own vectors.

    Texts are seen by their vector and by their words, photos by their vector and the further views that their encoder gives. The path of
    a product's category is a further text of its photo: people ask in fewer words than titles have. What a product owes to being near
    everything is taken off (`mmsearch.fusion.hubness`).
    """

    reads: ClassVar[tuple[str, ...]] = ("text",)
    sees_views: ClassVar[bool] = True

    def __init__(
        self,
        dim: int = 256,
        landmarks: int = _LANDMARKS,
        reg: float | None = None,
        power: float = 1.0,
        prior: float = 40.0,
        min_pairs: int = _LEAST_PAIRS,
        hubness: float = 0.5,
        views: bool = True,
        words: bool = True,
        categories: bool = True,
        text: float = 1.0,
        image: float = 1.0,
        audio: float = 1.0,
        video: float = 1.0,
    ):
        """
        Parameters
        ----------
        dim : canonical directions at most.
        landmarks : pairs at most by whose similarity a title or a photo is described; 0 for linear CCA.
        reg : ridge, as a share of the total variance; None is 1 / pairs.
        power : directions are weighted by their correlation to this power.
        prior : how many pairs ConSE is worth; 0 leaves it out.
        min_pairs : with fewer pairs than this ConSE stands alone, where the image encoder has classes; and as many products must have a
            sound, or a video, together with a text or a photo, for it to join.
        hubness : share of what a product owes to being near everything that is taken off; 0 leaves it.
        views, words, categories : whether the further views of photos, the words of texts and the products' categories are looked at.
        text, image, audio, video : weights of what a product has in its fused vector, as far as it is mapped; 0 for audio or video leaves
            it out altogether.
        """
        super().__init__(text, image, audio=audio, video=video)
        for name, value, least in (
            ("dim", dim, 1),
            ("landmarks", landmarks, 0),
            ("min_pairs", min_pairs, 2),
            ("power", power, 0),
            ("prior", prior, 0),
            ("hubness", hubness, 0),
        ):
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{name} must be at least {least}, not {value:g}")
        if reg is not None and not (math.isfinite(reg) and reg >= LEAST_REG):
            raise ValueError(f"reg must be at least {LEAST_REG:g}, not {reg:g}")
        self._dim, self._landmarks, self._reg, self._power = dim, landmarks, reg, power
        self._prior, self._min_pairs, self._strength = prior, min_pairs, hubness
        self._looks = {"image": views, "text": words}
        self._categories = categories
        self._space = _Space()

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Measure on held-out pairs, then learn from all. See `Fuser.fit`.

        Raises
        ------
        InputError : no titles or no photos have vectors; or there are too few pairs and ConSE cannot stand in.
        """
        if (alone := self._without_pairs(batch, encoders, seed)) is not None:
            return alone
        pairs = _pairs(batch)
        conse, unable = _conse(batch, encoders, seed)
        T, G = (self._side(batch, m, pairs) for m in _SIDES)
        sizes = {m: dict(encoders[m].views) if m in encoders else {} for m in _SIDES}
        named = CategoryTexts.read(batch.take(pairs), encoders) if self._categories and len(pairs) else None
        learn = functools.partial(self._learn, sizes=sizes, conse=conse, seed=seed)
        needed = self._min_pairs if conse else min(self._min_pairs, _LEAST_PAIRS)
        chosen = choose(self._looked_at(batch), encoders, sizes, needed, seed) if len(pairs) >= needed else None
        beside = Further.read(self._looked_at(batch), pairs, chosen.joined) if chosen else None
        space = learn(T, G, named=named, beside=beside) if len(pairs) >= needed else None
        if space is None:
            few = f"only {len(pairs)} products have both a title and a photo, and {needed} are needed"
            reason = few if len(pairs) < needed else "all titles or all photos of the catalogue are alike"
            if conse is None:
                raise InputError(
                    f"nothing to align: {reason}; and ConSE cannot stand in: {unable}", hint="ingest more products with photos"
                )
            self._stand(_Space(conse=conse, share=1.0))
            return FitReport(f"ConSE, because {reason}", {"method": "conse", "pairs": len(pairs)})
        scores = _held_out(T, G, named, beside, learn, conse, seed)
        if conse is not None and "before" in scores and _quality(scores["before"]) > _quality(scores["recall"]):
            space = _Space(conse=conse, share=1.0)
        self._stand(space)
        method = "conse" if not space.maps else "cca+conse" if space.share else "cca"
        found = {"pairs": len(pairs), "conse_share": space.share, "reg": self._ridge(len(pairs)), "categories": len(named or ())}
        scores = {"method": method} | found | scores
        if chosen and chosen.told:
            scores["further"] = {"joined": [m for m in self.modalities() if m in chosen.joined], "measured": chosen.measured}
        told = chosen.told if chosen and space.maps else [f"{m} stays out of it" for m in (chosen.joined if chosen else ())]
        return FitReport("; ".join([_summary(scores), *told]), scores)

    def modalities(self) -> list[str]:
        """See `Fuser.modalities`: text, image and what has joined them; sound and text where a catalogue has no photos."""
        return [m for m in MODALITIES if m in self._space.maps] or list(_SIDES)

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`."""
        if modality not in self.modalities():
            raise KeyError(modality)
        return self._space.products(modality, side)

    def query(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.query`: nothing is taken off a query."""
        if modality not in self.modalities():
            raise KeyError(modality)
        return self._space.queries(modality, side)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        return self._space.state()

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        self._stand(_Space.restored(arrays, values))

    def _without_pairs(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport | None:
        """Learn from sounds or videos with texts alone, or with photos alone, where a catalogue lacks the other; else None."""
        alone = learn_alone(self._looked_at(batch), encoders, self._min_pairs, self._params(seed))
        if alone is None:
            return None
        space = _Space(alone.maps, alone.looks)
        projected = {m: alone.beside.by_product(m, space.joined(m, alone.beside.items[m][1])) for m in space.maps}
        self._stand(dataclasses.replace(space, hubness=Hubness.learn(self._strength, projected, seed)))
        return alone.report

    def _params(self, seed: int) -> dict[str, Any]:
        return {"dim": self._dim, "landmarks": self._landmarks, "reg": self._reg, "power": self._power, "seed": seed}

    def _side(self, batch: Batch, modality: str, rows: Rows) -> Side:
        """What is looked at of a modality."""
        return self._looked_at(batch).side(modality, rows)

    def _looked_at(self, batch: Batch) -> Batch:
        """The batch without what is not looked at."""
        contents = {"text": batch.contents["text"]} if "text" in batch.contents and self._looks["text"] else {}
        views = {"image": batch.views["image"]} if "image" in batch.views and self._looks["image"] else {}
        kept = [m for m in batch.vectors if self._weights[m] or m in _SIDES]
        vectors, present = {m: batch.vectors[m] for m in kept}, {m: batch.present[m] for m in kept}
        return dataclasses.replace(batch, vectors=vectors, present=present, contents=contents, views=views)

    def _learn(
        self,
        T: Side,
        G: Side,
        *,
        named: CategoryTexts | None,
        beside: Further | None,
        sizes: Mapping[str, Mapping[str, int]],
        conse: Conse | None,
        seed: int,
    ) -> _Space | None:
        """Texts and photos of pairs (n), and what there is beside them → the space; None where one side does not vary."""
        n = len(T)
        looks = {m: Views.learn(side, sizes[m]) for m, side in zip(_SIDES, (T, G), strict=True)}
        X, Y = looks["text"](T), looks["image"](G)
        if named is not None:  # the same photos again, with the names of what they are of
            rows, texts = named.texts()
            X, Y = X.joined(looks["text"](texts)), Y.joined(Y[rows])
        maps: dict[str, CanonicalMap]
        if beside is None:
            found = fit_cca(X, Y, dim=self._dim, landmarks=self._landmarks, reg=self._ridge(n), power=self._power, seed=seed, among=n)
            if found is None:
                return None
            maps = {"text": found.x, "image": found.y}
        else:
            joint = beside.learn(X, Y, looks, **self._params(seed))
            if joint is None or not set(_SIDES) <= set(joint[0]):
                return None
            maps, looks = joint[0], looks | joint[1]
        share = self._prior_share(n) if conse else 0.0
        space = _Space(maps, looks, conse if share else None, share)
        projected = {"text": space.joined("text", T), "image": space.joined("image", G)}
        if beside is not None:
            projected |= {m: beside.by_product(m, space.joined(m, beside.items[m][1])) for m in maps if m not in _SIDES}
        return dataclasses.replace(space, hubness=Hubness.learn(self._strength, projected, seed))

    def _ridge(self, pairs: int) -> float:
        return self._reg if self._reg is not None else max(LEAST_REG, 1 / pairs)

    def _prior_share(self, pairs: int) -> float:
        share = self._prior / (self._prior + pairs)
        return share if share >= _LEAST_SHARE else 0.0

    def _stand(self, space: _Space) -> None:
        self._space, self.dim = space, space.dim


@dataclasses.dataclass(frozen=True)
class _Space:
    """What was learned: the maps with how they look at items, ConSE and its share, and what is taken off products."""

    maps: Mapping[str, CanonicalMap] = dataclasses.field(default_factory=dict)
    looks: Mapping[str, Views] = dataclasses.field(default_factory=dict)
    conse: Conse | None = None
    share: float = 0.0
    hubness: Hubness | None = None

    @property
    def dim(self) -> int:
        found = sum(m.weight.shape[1] for m in list(self.maps.values())[:1]) + (self.conse.dim if self.conse else 0)
        return int(max(1, found)) + (2 if self.hubness else 0)

    def joined(self, modality: str, side: Side) -> Matrix:
        """The blocks side by side, each by the root of its share, so that cosines mix by their shares: (n, d) unit rows."""
        blocks = []
        if self.maps:
            blocks.append(math.sqrt(1 - self.share) * self.maps[modality](self.looks[modality](side)))
        if self.conse is not None and self.share:
            named = self.conse.project(modality, side) if modality in _SIDES else np.zeros((len(side), self.conse.dim), np.float32)
            blocks.append(math.sqrt(self.share) * named)
        if not blocks:
            return np.zeros((len(side), 1), np.float32)
        return unit_rows(np.hstack(blocks))

    def products(self, modality: str, side: Side) -> Matrix:
        P = self.joined(modality, side)
        return P if self.hubness is None else self.hubness.products(modality, P)

    def queries(self, modality: str, side: Side) -> Matrix:
        Q = self.joined(modality, side)
        return Q if self.hubness is None else self.hubness.queries(Q)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
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
        if self.hubness is not None:
            values["hubness"] = keep("hubness", self.hubness.state())
        return arrays, values

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> _Space:
        def under(prefix: str) -> dict[str, Matrix]:
            return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}

        maps = {m: CanonicalMap.restored(under(f"map.{m}"), known) for m, known in values["maps"].items()}
        looks = {m: Views.restored(under(f"look.{m}"), known) for m, known in values["looks"].items()}
        conse = None
        if "conse" in values:
            conse = Conse()
            conse.load_state(under("conse"), values["conse"])
        hubness = Hubness.restored(under("hubness"), values["hubness"]) if "hubness" in values else None
        return _Space(maps, looks, conse, float(values["share"]), hubness)


def _held_out(
    T: Side, G: Side, named: CategoryTexts | None, beside: Further | None, learn: Any, conse: Conse | None, seed: int
) -> dict[str, Any]:
    """Recall on pairs that were kept out of the fit, and ConSE's on the same pairs."""
    after, before, held = [], [], 0
    for kept, out in _splits(len(T), seed):
        t, g = T.take(out), G.take(out)
        same = same_product(t.X, g.X)
        rest = (None if part is None else part.take(kept) for part in (named, beside))
        space = learn(T.take(kept), G.take(kept), **dict(zip(("named", "beside"), rest, strict=True)))
        space = space if space is not None else _Space(conse=conse, share=1.0)
        ask, there = ([by(m, s) for m, s in (("text", t), ("image", g))] for by in (space.queries, space.products))
        after.append(pair_recall(ask[0], there[1], same, photos=ask[1], texts=there[0]))
        held = len(out)
        if conse is not None:
            before.append(pair_recall(conse.project("text", t), conse.project("image", g), same))
    scores: dict[str, Any] = {"held_out": held, "splits": len(after), "chance": {"R@1": 1 / held, "R@10": min(1.0, 10 / held)}}
    return scores | {"recall": _mean(after)} | ({"before": _mean(before)} if before else {})


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
