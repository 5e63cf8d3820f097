"""Attention-gated fusion: whatever a product has, mapped into one space and weighed by a learned gate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion.base import EVERY, Batch, FitReport, Fuser, Matrix, Side
from mmsearch.fusion.concat import Concat
from mmsearch.fusion.gate import Tower, gated, mean_shares
from mmsearch.fusion.gated_training import Settings, measured, ndcg, train, varies
from mmsearch.fusion.together import Relation, read_categories, read_together
from mmsearch.settings import MODALITIES
from mmsearch.store import INTERACTIONS, PRODUCTS

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

_ARRAYS = ("weight", "bias", "inner", "inner_bias", "outer")  # of a tower

SUPERVISION = ("auto", "together", "category")

_FEWEST_PRODUCTS = 10  # with vectors of a modality: fewer teach no map, and the modality is left out; of both: fewer join no two
_FEWEST_PAIRS = 20  # of products that belong together: fewer teach nothing
_ENOUGH_PRODUCTS = 0.5  # share of the products that were taken with another, where the categories could teach instead
_MOST = 50_000  # products that are learned from: one linear map a modality needs no more
_MOST_HELD = 1_000
_LEAST_HELD = 20

_BRING_EVENTS = "mmsearch ingest events.csv (user, product)"
_BRING_CATEGORIES = "mmsearch ingest products.csv with a column 'category'"
_NOTHING_LEARNED = "to fuse without learning: mmsearch fuse --method concat"


class Gated(Fuser):
    """x = Σ_m g_m·h_m over the modalities m that a product has, of length 1.

    h_m = unit(x_m·W_m + w_m) is the modality's vector in one space of `dim`, and g = softmax over what is there of
    a_m = v_m·tanh(x_m·U_m + u_m) + b_m: a modality that says nothing of what belongs together is hardly heard.

    Learned (`mmsearch.fusion.gated_training`) so that products which the same people took, or which are of one category, lie together,
    whatever each of them lacks, and so that a product seen through one modality lies where it lies seen through the others, apart from
    all other products. A tenth of the products is held out: half of them say when to stop, by the other half the result is measured.
    """

    #: Interactions, and of the products their categories.
    learns_from: ClassVar[Mapping[str, tuple[str, ...]]] = {INTERACTIONS: EVERY, PRODUCTS: ("id", "category")}

    def __init__(
        self,
        dim: int = 256,
        supervision: str = "auto",
        dropout: float = 0.3,
        own: float = 0.3,
        temperature: float = 0.1,
        rate: float = 0.001,
        rounds: int = 60,
    ):
        """
        Parameters
        ----------
        dim : of the fused space.
        supervision : what teaches what belongs together: `together` (what the same people took, a few steps apart), `category` (the
            category path), or `auto`: the first where it tells of half of the products, else the second, else whatever there is.
        dropout : chance that a product loses a modality while it is learned from.
        own : share of pairs that are a product and itself, seen through different modalities; one that has a single modality is seen
            through different components of its vector.
        temperature : similarities are divided by it, to begin with; it is learned, too.
        rate : step size of learning.
        rounds : times at most that every product is learned from.
        """
        if supervision not in SUPERVISION:
            raise ValueError(f"supervision must be one of {', '.join(SUPERVISION)}, not {supervision}")
        for name, value in (("dim", dim), ("rounds", rounds)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        for name, chance in (("dropout", dropout), ("own", own)):
            if not 0 <= chance < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {chance:g}")
        for name, number in (("temperature", temperature), ("rate", rate)):
            if not (math.isfinite(number) and number > 0):
                raise ValueError(f"{name} must be above 0, not {number:g}")
        self._dim, self._supervision = dim, supervision
        self._dropout, self._own, self._temperature, self._rate, self._rounds = dropout, own, temperature, rate, rounds
        self._towers: dict[str, Tower] = {}
        self._held: Rows | None = None
        self._joined: list[list[str]] = []  # modalities [a, b] that some products have both, so that it was learned how they go together

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Learn from what belongs together. See `Fuser.fit`.

        Raises
        ------
        InputError : no vectors, or vectors that are all alike; neither interactions nor categories to learn from, or those asked for are
            missing, too few, or of one user alone.
        """
        modalities, notes = _modalities(batch)
        kind, relation, why = _relation(batch, modalities, self._supervision)
        notes += why
        everything, pairs, rows = batch, relation.pairs, np.arange(len(batch))
        if len(batch) > _MOST:
            order = np.random.default_rng(seed).permutation(len(batch))
            rows = np.sort(order[np.argsort(-relation.strength()[order], kind="stable")[:_MOST]])
            batch, relation = batch.take(rows), relation.take(rows)
            notes.append(f"learned from {_MOST:,} of {len(everything):,} products, those that were taken most or, by category, any")
        watched, asked = _held_out(batch, modalities, relation, seed)
        kept = np.ones(len(batch), bool)
        kept[watched] = kept[asked] = False
        settings = Settings(self._dim, self._dropout, self._own, self._temperature, self._rate, self._rounds)
        # Matrices this small gain nothing from threads, and sums in one order make one result of one seed on any machine.
        with ThreadpoolController().limit(limits=1, user_api="blas"):
            trained = train(batch, modalities, relation, kept, watched, settings, seed)
        self.dim, self._towers, self._held = self._dim, trained.towers, rows[np.flatnonzero(~kept)]
        both = {(a, b): int((batch.present[a] & batch.present[b]).sum()) for a in modalities for b in modalities}
        self._joined = [[a, b] for (a, b), count in both.items() if a != b and count >= _FEWEST_PRODUCTS]
        found = measured(self._towers, batch.vectors, batch.present, relation, asked)
        scores = {
            "supervision": kind,
            "pairs": pairs,
            "held_out": len(asked),
            "ndcg": found["belongs"],
            "itself": found["itself"],
            "before": _before(batch, modalities, asked, relation),
            "gate": mean_shares(self._towers, everything.vectors, everything.present),
            "round": trained.round,
            "ended": trained.ended,
            "notes": notes,
        }
        return FitReport(_summary(scores), scores)

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`: where an item lies that is known by this modality alone."""
        return self._towers[modality].project(side.X)

    def items(self, batch: Batch) -> Matrix:
        """See `Fuser.items`."""
        return gated(self._towers, batch.vectors, batch.present)

    def held_out(self) -> Rows | None:
        """The rows of the fitted batch that it did not learn from: by them others may judge it without a further fit. None before a fit."""
        return self._held

    def modalities(self) -> list[str]:
        """See `Fuser.modalities`."""
        return list(self._towers)

    def compares(self, query: str, product: str) -> bool:
        """Like with like, and those that enough products have both."""
        return (query == product and query in self._towers) or [query, product] in self._joined

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        arrays = {f"{m}.{name}": getattr(tower, name) for m, tower in self._towers.items() for name in _ARRAYS}
        return arrays, {"dim": self.dim, "joined": self._joined, "level": {m: tower.level for m, tower in self._towers.items()}}

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        self.dim, self._joined = int(values["dim"]), [list(pair) for pair in values["joined"]]
        self._towers = {m: Tower(**{name: arrays[f"{m}.{name}"] for name in _ARRAYS}, level=level) for m, level in values["level"].items()}


def _modalities(batch: Batch) -> tuple[list[str], list[str]]:
    """The modalities that can be learned from, and what there is to say of the others. Raises InputError where there is none."""
    there = [m for m in MODALITIES if m in batch.present and batch.present[m].any()]
    if not there:
        raise InputError("no product has a vector to fuse", hint="make vectors: mmsearch embed")
    few = [m for m in there if batch.present[m].sum() < _FEWEST_PRODUCTS]
    alike = [m for m in there if m not in few and not varies(batch.vectors[m][batch.present[m]])]
    usable = [m for m in there if m not in few and m not in alike]
    notes = [f"{m} is left out: {batch.present[m].sum()} products have it, and {_FEWEST_PRODUCTS} are needed" for m in few]
    notes += [f"{m} is left out: its vectors are all alike" for m in alike]
    if not usable:
        raise InputError(f"nothing to learn a gate from: {'; '.join(notes)}", hint=f"ingest and embed more products; {_NOTHING_LEARNED}")
    if len(usable) == 1:
        notes.append(f"{usable[0]} is the only modality, so the gate has nothing to choose")
    return usable, notes


def _relation(batch: Batch, modalities: list[str], supervision: str) -> tuple[str, Relation, list[str]]:
    """What belongs together, of products with a vector; which supervision that is; and why not the other one, where `auto` chose.

    Raises InputError where there is nothing to learn from.
    """
    either = f"bring what teaches it: {_BRING_EVENTS}, or {_BRING_CATEGORIES}; {_NOTHING_LEARNED}"
    if batch.store is None or not len(batch.ids):
        raise InputError("gated learns from interactions or categories, and these vectors come without either", hint=either)
    here = np.logical_or.reduce([batch.present[m] for m in modalities])
    missing = {}
    found: dict[str, Relation] = {}
    if supervision != "category":
        together, persons = read_together(batch.store, batch.ids)
        found["together"] = together.among(here)
        if persons == 1 and together.pairs:
            missing["together"] = "all interactions are of one user: they say what that person likes, not what belongs together"
        elif (pairs := found["together"].pairs) < _FEWEST_PAIRS:
            few = f"only {pairs} pairs of products were taken by the same user, and {_FEWEST_PAIRS} are needed"
            missing["together"] = few if pairs else "no two products were taken by the same user"
    if supervision != "together":
        categories = read_categories(batch.store, batch.ids).among(here)
        found["category"] = categories
        if categories.pairs < _FEWEST_PAIRS:
            missing["category"] = f"only {categories.pairs} pairs of products are of one category, and {_FEWEST_PAIRS} are needed"
        elif categories.labels == 1 and categories.some().sum() == here.sum():
            missing["category"] = "all products are of one category"
    usable = {kind: relation for kind, relation in found.items() if kind not in missing}
    if not usable:
        hint = {"together": f"bring more: {_BRING_EVENTS}; or learn from categories: gated(supervision=category)"}
        hint |= {"category": f"bring them: {_BRING_CATEGORIES}; or learn from interactions: gated(supervision=together)", "auto": either}
        raise InputError(f"gated has nothing to learn from: {'; '.join(missing.values())}", hint=hint[supervision])
    first = next(iter(usable))
    if first == "together" and "category" in usable:
        told = int(usable["together"].some().sum())
        if told < _ENOUGH_PRODUCTS * here.sum():
            reason = f"it learns from categories, because only {told} of {here.sum()} products were taken with another by the same user"
            return "category", usable["category"], [reason]
    tried = first == "category" and "together" in missing and found["together"].pairs
    return first, usable[first], [f"it learns from categories, because {missing['together']}"] if tried else []


def _held_out(batch: Batch, modalities: list[str], relation: Relation, seed: int) -> tuple[Rows, Rows]:
    """Products that are not learned from: those that say when to stop, and those by which the result is measured."""
    some = np.flatnonzero(relation.some() & np.logical_or.reduce([batch.present[m] for m in modalities]))
    held = min(_MOST_HELD, max(_LEAST_HELD, len(some) // 10), len(some) // 4)
    order = np.random.default_rng(seed).permutation(some)[:held]
    return np.sort(order[: held // 2]), np.sort(order[held // 2 :])


def _before(batch: Batch, modalities: list[str], rows: Rows, relation: Relation) -> float | None:
    """nDCG@10 of the same products with the vectors side by side, equal weights; None where it cannot be measured."""
    plain = Concat(**dict.fromkeys(modalities, 1.0))
    plain.fit(batch, {}, 0)
    value = ndcg(plain.items(batch), rows, relation)
    return None if math.isnan(value) else value


def _summary(scores: Mapping[str, Any]) -> str:
    """One line for people."""
    what = {"together": "products that the same people took", "category": "products of one category"}[scores["supervision"]]
    parts = [f"gated on {scores['pairs']:,} pairs of {what}"]
    after, before = scores["ndcg"].get("all"), scores["before"]
    if after is None or before is None:
        parts.append("too few products to measure it on any held out")
    else:
        held = f"{scores['held_out']} products held out find theirs with nDCG@10 {after:.3f}, concatenated {before:.3f}"
        worse = "; it is worse than concatenation here: use --method concat" if after < before else ""
        parts.append(held + worse)
    if len(scores["gate"]) > 1:
        parts.append("mean gate " + ", ".join(f"{m} {share:.2f}" for m, share in scores["gate"].items()))
    if scores["ended"] == "not finite":
        parts.append(
            f"learning broke off, because the loss was no number any more; what is kept is of round {scores['round']}: lower the rate"
        )
    elif scores["round"] == 0:
        parts.append("training made nothing better, so the maps are as they were before it")
    return "; ".join([*parts, *scores["notes"]])
