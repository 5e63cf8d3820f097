"""Text, photos and what goes with them in one space, learned from the catalogue's own pairs of title and photo."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.encoders.trainable import Trainable
from mmsearch.errors import InputError
from mmsearch.fusion import finetuning, lacking
from mmsearch.fusion.aligned_report import Learn, held_out, recall_of, summary
from mmsearch.fusion.aligned_space import Space
from mmsearch.fusion.base import Batch, FitReport, Matrix, Side
from mmsearch.fusion.category_texts import CategoryTexts
from mmsearch.fusion.cca import LEAST_REG, CanonicalMap, fit_cca
from mmsearch.fusion.conse import PHOTO, Conse
from mmsearch.fusion.further import Chosen, Further, learn_alone, which_join
from mmsearch.fusion.hubness import Hubness
from mmsearch.fusion.pairs import SIDES, Pairs, quality, splits
from mmsearch.fusion.refinement import KINDS, LEAST_PAIRS, Choice, Refinement, choose, refined
from mmsearch.fusion.shared_space import SharedSpace
from mmsearch.fusion.views import Views
from mmsearch.settings import MODALITIES
from mmsearch.store import PRODUCTS

_LEAST_SHARE = 0.05  # a smaller share of ConSE helps no longer, and its block would triple the vectors

# Chosen on the validation split of the fashion data, by R@1 / R@10 of both directions (`bench/alignment.py`):
# 0 landmarks .217/.735, 500 .209/.741, 1,000 .236/.770, 1,500 .247/.780, 2,000 .257/.787 at twice the cost of 1,500.
_LANDMARKS = 1_500
_LEAST_PAIRS = 20  # enough to beat ConSE by mixing with it: fashion .028/.203 against .026/.189, grocery .231/.666 against .130/.471


@dataclasses.dataclass(frozen=True)
class _Material:
    """What there is to learn a space from."""

    rows: NDArray[np.int64]  # of the batch, those that are pairs
    pairs: Pairs
    learn: Learn
    needed: int  # pairs, below which nothing is learned from them
    chosen: Chosen | None  # which sounds and videos join; None with too few pairs
    conse: Conse | None
    unable: str  # why there is no ConSE


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
    everything is taken off (`mmsearch.fusion.hubness`). Contrastive heads may stand beside the canonical directions
    (`mmsearch.fusion.refinement`), and below these the last blocks of the photos' own network trained (`mmsearch.fusion.finetuning`).
    """

    reads: ClassVar[tuple[str, ...]] = ("text",)
    sees_views: ClassVar[bool] = True
    learns_most: ClassVar[int | None] = 50_000  # more pairs than landmarks can tell apart; their vectors and views are .9 GB

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
        refine: str = "none",
        hard: float = 0.0,
        finetune: int = 0,
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
        refine : 'linear' or 'mlp' heads that InfoNCE learns from the same pairs, beside the canonical directions, where held-out pairs
            find each other better with them.
        hard : share of what heads are told apart from at a time that is of one category.
        finetune : how many of the last blocks of the photos' network are trained below the heads (linear ones where `refine` is none),
            where held-out pairs find each other better by it.
        text, image, audio, video : weights of what a product has in its fused vector, as far as it is mapped; 0 for audio or video leaves
            it out altogether.
        """
        super().__init__(text, image, audio=audio, video=video)
        self._asked = self._weights
        for name, value, least in (
            ("dim", dim, 1),
            ("landmarks", landmarks, 0),
            ("min_pairs", min_pairs, 2),
            ("power", power, 0),
            ("prior", prior, 0),
            ("hubness", hubness, 0),
            ("finetune", finetune, 0),
        ):
            if not (math.isfinite(value) and value >= least):
                raise ValueError(f"{name} must be at least {least}, not {value:g}")
        if reg is not None and not (math.isfinite(reg) and reg >= LEAST_REG):
            raise ValueError(f"reg must be at least {LEAST_REG:g}, not {reg:g}")
        if refine not in KINDS or not 0 <= hard <= 1:
            wrong = f"hard must be from 0 to 1, not {hard:g}" if refine in KINDS else f"refine must be {', '.join(KINDS)}, not {refine}"
            raise ValueError(wrong)
        self._dim, self._landmarks, self._reg, self._power = dim, landmarks, reg, power
        self._prior, self._min_pairs, self._strength = prior, min_pairs, hubness
        self._looks = {"image": views, "text": words}
        self._categories, self._refine, self._hard = categories, refine if refine != "none" or not finetune else "linear", hard
        self._blocks = finetune
        if categories:
            self.learns_from = {PRODUCTS: ("id", "category")}  # type: ignore[misc]
        if finetune:
            self.reads = ("text", "image")  # type: ignore[misc]
        self._space = Space()

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Measure on held-out pairs, then learn from all. See `Fuser.fit`.

        Raises
        ------
        InputError : no titles or no photos have vectors; or there are too few pairs and ConSE cannot stand in.
        """
        trainable = finetuning.trainable_of(encoders, self._blocks) if self._blocks else None
        if (alone := self._without_pairs(batch, encoders, seed)) is not None:
            return alone
        material = self._material(batch, encoders, seed, trainable=trainable)
        pairs, learn, conse, chosen = material.pairs, material.learn, material.conse, material.chosen
        space, reason = _space_of(material)
        if reason:
            self._stand(space)
            return FitReport(f"ConSE, because {reason}", {"method": "conse", "pairs": len(pairs)})
        choice = self._chosen(pairs, learn, trainable, seed)
        refine = None
        if choice is not None and choice.share:
            below = choice.tower.epochs if choice.tower is not None and choice.tower.kept else 0
            refine = functools.partial(self._refined, share=choice.share, epochs=choice.epochs, below=below, trainable=trainable, seed=seed)
        scores = held_out(pairs, learn, refine, conse, seed)
        if self._refine != "none":
            scores["refine"] = {"kind": self._refine, "kept": False} | (choice.to_json() if choice else {})
        if refine is not None and quality(scores["refined"]) > quality(scores["recall"]):
            scores["refine"]["kept"], scores["unrefined"], scores["recall"] = True, scores["recall"], scores["refined"]
            space = refine(space, pairs)
        if trainable is not None:
            ids = [batch.ids[row] for row in material.rows.tolist()] if batch.ids else ()
            scores["finetune"] = finetuning.report(self._blocks, choice.tower if choice else None, pairs.below, ids)
            scores["finetune"]["kept"] &= scores["refine"]["kept"]
        if conse is not None and "before" in scores and quality(scores["before"]) > quality(scores["recall"]):
            space = Space(conse=conse, share=1.0)
        self._stand(space)
        method = "conse" if not space.maps else "cca+conse" if space.share else "cca"
        found = {"pairs": len(pairs), "conse_share": space.share, "reg": self._ridge(len(pairs)), "categories": len(pairs.named or ())}
        scores = {"method": method} | found | scores
        if chosen and chosen.told:
            scores["further"] = {"joined": [m for m in self.modalities() if m in chosen.joined], "measured": chosen.measured}
        told = chosen.told if chosen and space.maps else [f"{m} stays out of it" for m in (chosen.joined if chosen else ())]
        return FitReport("; ".join([summary(scores), *told]), scores)

    def refit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> None:
        """See `Fuser.refit`: whether ConSE stands alone, which modalities join and the share of heads stay as they are."""
        known = self._space
        if self._without_pairs(batch, encoders, seed, known) is not None:
            return
        heads = known.refinement
        trainable = finetuning.trainable_of(encoders, self._blocks) if heads is not None and heads.below else None
        material = self._material(batch, encoders, seed, known, trainable)
        space = Space(conse=material.conse, share=1.0)
        if known.maps:
            space, _ = _space_of(material)
            if heads is not None and space.maps:
                space = self._refined(
                    space, material.pairs, share=heads.share, epochs=heads.epochs, below=heads.below, trainable=trainable, seed=seed
                )
        self._stand(space)

    def modalities(self) -> list[str]:
        """See `Fuser.modalities`: text, image and what has joined them; sound and text where a catalogue has no photos."""
        return [m for m in MODALITIES if m in self._space.maps] or list(SIDES)

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
        self._stand(Space.restored(arrays, values))

    def _material(
        self,
        batch: Batch,
        encoders: Mapping[str, Encoder],
        seed: int,
        known: Space | None = None,
        trainable: Trainable | None = None,
    ) -> _Material:
        """What there is to learn from; `known`: of what was learned from others, whose ConSE and modalities are taken."""
        rows = _paired(batch, encoders)
        conse, unable = _conse(batch, encoders, seed, known)
        looked_at = self._looked_at(batch)
        sizes = {m: dict(encoders[m].views) if m in encoders else {} for m in SIDES}
        named = None
        if self._categories and len(rows):
            named = CategoryTexts.read([batch.ids[row] for row in rows.tolist()] if len(batch.ids) else [], batch.store, encoders)
        needed = self._min_pairs if conse else min(self._min_pairs, _LEAST_PAIRS)
        chosen = None
        if len(rows) >= needed:
            chosen = which_join(looked_at, encoders, sizes, needed, seed) if known is None else Chosen(_joined(known))
        beside = Further.read(looked_at, rows, chosen.joined) if chosen else None
        pairs = Pairs(looked_at.side("text", rows), looked_at.side("image", rows), named, beside)
        learn = functools.partial(self._learn, sizes=sizes, conse=conse, seed=seed)
        if trainable is not None and len(pairs) >= LEAST_PAIRS:
            pairs = finetuning.with_photos(trainable, pairs, batch.side("image", rows))
        return _Material(rows, pairs, learn, needed, chosen, conse, unable)

    def _without_pairs(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int, known: Space | None = None) -> FitReport | None:
        """Learn from sounds or videos with texts alone, or with photos alone, where a catalogue lacks the other; else None."""
        joined = None if known is None else _joined(known)
        alone = learn_alone(self._looked_at(batch), encoders, self._min_pairs, self._params(seed), joined)
        if alone is None:
            return None
        space = Space(alone.maps, alone.looks)
        projected = {m: alone.beside.by_product(m, space.joined(m, alone.beside.items[m][1])) for m in space.maps}
        self._stand(dataclasses.replace(space, hubness=Hubness.learn(self._strength, projected, seed)))
        return alone.report

    def _params(self, seed: int) -> dict[str, Any]:
        return {"dim": self._dim, "landmarks": self._landmarks, "reg": self._reg, "power": self._power, "seed": seed}

    def _looked_at(self, batch: Batch) -> Batch:
        """The batch without what is not looked at."""
        contents = {"text": batch.contents["text"]} if "text" in batch.contents and self._looks["text"] else {}
        views = {"image": batch.views["image"]} if "image" in batch.views and self._looks["image"] else {}
        kept = [m for m in batch.vectors if self._weights[m] or m in SIDES]
        vectors, present = {m: batch.vectors[m] for m in kept}, {m: batch.present[m] for m in kept}
        return dataclasses.replace(batch, vectors=vectors, present=present, contents=contents, views=views)

    def _learn(self, pairs: Pairs, *, sizes: Mapping[str, Mapping[str, int]], conse: Conse | None, seed: int) -> Space | None:
        """Texts and photos of pairs (n), and what there is beside them → the space; None where one side does not vary."""
        T, G, named, beside = pairs.texts, pairs.photos, pairs.named, pairs.beside
        n = len(T)
        looks = {"text": Views.learn(T, sizes["text"]), "image": Views.learn(dataclasses.replace(G, contents=None), sizes["image"])}
        X, Y = looks["text"](T), looks["image"](G)
        if named is not None:  # the same photos again, with the names of what they are of
            rows, texts = named.texts()
            X = X.joined(looks["text"](texts))
            Y = Y.joined(Y, rows)
        maps: dict[str, CanonicalMap]
        if beside is None:
            found = fit_cca(X, Y, dim=self._dim, landmarks=self._landmarks, reg=self._ridge(n), power=self._power, seed=seed, among=n)
            if found is None:
                return None
            maps = {"text": found.x, "image": found.y}
        else:
            joint = beside.learn(X, Y, looks, **self._params(seed))
            if joint is None or not set(SIDES) <= set(joint[0]):
                return None
            maps, looks = joint[0], looks | joint[1]
        share = self._prior_share(n) if conse else 0.0
        space = Space(maps, looks, conse if share else None, share)
        return space.corrected(self._strength, pairs, seed)

    def _chosen(self, pairs: Pairs, learn: Learn, trainable: Trainable | None, seed: int) -> Choice | None:
        """How a space would be refined: None where nobody asks, or too few pairs are known to tell."""
        if self._refine == "none" or len(pairs) < LEAST_PAIRS:
            return None
        known = next(splits(len(pairs), seed))[0]  # the pairs that recall is measured on choose nothing
        kept, out = (pairs.take(known[rows]) for rows in next(splits(len(known), seed)))
        space = learn(kept)
        if space is None:
            return None

        def told(refinement: Refinement | None) -> float:
            return quality(recall_of(dataclasses.replace(space, refinement=refinement).corrected(self._strength, kept, seed), out))

        tune = functools.partial(finetuning.tuned, trainable, space.looks, kept, out, seed) if trainable is not None else None
        return choose(self._refine, space.seen(kept), space.seen(out), told, **self._params_of_heads(kept, seed), tune=tune)

    def _refined(
        self, space: Space, pairs: Pairs, *, share: float, epochs: int, below: int, trainable: Trainable | None, seed: int
    ) -> Space:
        """A space with heads that were learned from the same pairs (n) beside its directions."""
        tune = functools.partial(finetuning.tuned, trainable, space.looks, pairs, None, seed) if trainable is not None else None
        params = self._params_of_heads(pairs, seed)
        found = refined(self._refine, share, epochs, space.seen(pairs), **params, tune=tune, below=below)
        return dataclasses.replace(space, refinement=found).corrected(self._strength, pairs, seed)

    def _params_of_heads(self, pairs: Pairs, seed: int) -> dict[str, Any]:
        groups = None if pairs.named is None else pairs.named.of
        return {"groups": groups, "hard": self._hard, "dim": self._dim, "seed": seed}

    def _ridge(self, pairs: int) -> float:
        return self._reg if self._reg is not None else max(LEAST_REG, 1 / pairs)

    def _prior_share(self, pairs: int) -> float:
        share = self._prior / (self._prior + pairs)
        return share if share >= _LEAST_SHARE else 0.0

    def _stand(self, space: Space) -> None:
        self._space, self.dim = space, space.dim
        # Where ConSE stands alone, a product is what ConSE makes of it.
        alone = space.conse is not None and not space.maps
        self._weights = self._asked | ({"image": PHOTO * self._asked["image"]} if alone else {})


def _space_of(material: _Material) -> tuple[Space, str]:
    """What all pairs teach, and ''; or ConSE alone, and why. Raises InputError where there is neither."""
    n = len(material.pairs)
    space = material.learn(material.pairs) if n >= material.needed else None
    if space is not None:
        return space, ""
    few = f"only {n} products have both a title and a photo, and {material.needed} are needed"
    reason = few if n < material.needed else "all titles or all photos of the catalogue are alike"
    if material.conse is None:
        unable = f"nothing to align: {reason}; and ConSE cannot stand in: {material.unable}"
        raise InputError(unable, hint="ingest more products with photos")
    return Space(conse=material.conse, share=1.0), reason


def _paired(batch: Batch, encoders: Mapping[str, Encoder]) -> NDArray[np.int64]:
    """Products with both a title and a photo. Raises InputError where the catalogue lacks one of the two altogether."""
    for modality in SIDES:
        here = batch.present.get(modality)
        if here is None or not here.any():
            by_names = {"text", "image"} <= set(encoders) and encoders["image"].classes() is not None
            problem, hint = lacking.told(batch.store, modality, by_names=by_names)
            raise InputError(f"aligned learns from titles and photos, but {problem}", hint=hint)
    return np.flatnonzero(batch.present["text"] & batch.present["image"])


def _joined(space: Space) -> list[str]:
    """The sounds and videos of a space."""
    return [m for m in space.maps if m not in SIDES]


def _conse(batch: Batch, encoders: Mapping[str, Encoder], seed: int, known: Space | None) -> tuple[Conse | None, str]:
    """ConSE on the same catalogue, or why it is not possible; of a space that is known, the one that has a share there."""
    conse = Conse()
    if known is not None:
        if known.conse is None:
            return None, "it had no share in what was learned"
        conse.load_state(*known.conse.state())
        conse.refit(batch, encoders, seed)
        return conse, ""
    try:
        conse.fit(batch, encoders, seed)
    except InputError as error:
        return None, error.message
    return conse, ""
