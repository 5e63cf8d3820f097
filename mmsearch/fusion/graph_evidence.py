"""What propagation changes, on edges that it did not see: purchases by which `alpha` is chosen, and values of products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.bought import Purchases, among, bought_together
from mmsearch.fusion.propagation import ROWS, Relation, propagate
from mmsearch.fusion.sparse import Sparse, csr, row_of_each, scaled

ALPHAS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8)
_FEWEST = 200  # held-out purchases below which nothing is chosen by them
_MOST = 5_000  # people asked about at most
_AT_ONCE = 128  # of these
_SCORES = 100_000_000  # similarities counted for one alpha at most
_DECAY = 0.6  # of one step back in a person's purchases, as the content recommender has it
_DEPTH = 20  # places in which a held-out purchase is looked for
_QUERIES = 300  # products whose values are hidden
_FEW = 50  # of these, fewer say nothing
_TOP = 10  # neighbours among which they are looked for
_SURE = 2.0  # standard errors that a gain or a loss must have to be more than chance


class Compared(NamedTuple):
    """A measure without and with propagation: means over n cases, and the standard error of their difference."""

    measure: str
    before: float
    after: float
    n: int
    error: float

    @property
    def worse(self) -> bool:
        """A loss that is more than chance."""
        return self.before - self.after > max(_SURE * self.error, 1e-9)


def compared(measure: str, before: NDArray[np.float64], after: NDArray[np.float64]) -> Compared:
    """What the same cases (n,) have before and after."""
    return Compared(measure, float(before.mean()), float(after.mean()), len(before), _error(after - before))


def _error(values: NDArray[np.float64]) -> float:
    """Standard error of their mean."""
    return float(values.std() / np.sqrt(len(values)))


@dataclass(frozen=True)
class Evidence:
    """The alpha that was taken, why, and what it changes: type of held-out edge → measures."""

    alpha: float
    reason: str  # 'asked for', 'chosen', 'unsure' (purchases do not tell), 'untold' (too few of them)
    changes: dict[str, Compared] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As a profile records it."""
        return {"alpha_is": self.reason} | {name: dict(c._asdict()) for name, c in self.changes.items()}


def evidence_of(
    H: Matrix,
    relations: Sequence[tuple[str, Relation]],
    bought: Purchases,
    ids: Sequence[str],
    hops: int,
    asked: float | None,
    untold: float,
    seed: int,
) -> Evidence:
    """Choose alpha where it is not asked for, and measure what it changes.

    Purchases: each person's last one is left out of the graph, and looked for from the others (full ranking, history left out); alpha is
    the one with the highest nDCG@20, 0 among them. With too few purchases it is `untold`. Values: of some products all edges of a type are
    hidden, and products with the same value are looked for among their nearest.

    Parameters
    ----------
    H : (n, d) base vectors. relations : (type, edges) among these products. ids : (n,). asked : the user's alpha.
    untold : the alpha where nothing chooses one.
    """
    alphas = sorted({0.0, *((*ALPHAS, untold) if asked is None else (asked,))})
    purchases = _held_out(H, relations, bought, ids, hops, alphas, seed)
    changes: dict[str, Compared] = {}
    alpha, reason = (untold, "untold") if asked is None else (asked, "asked for")
    if purchases is not None:
        if asked is None:
            alpha, reason = chosen_alpha(purchases, untold)
        changes["bought"] = compared(f"nDCG@{_DEPTH}", purchases[0.0], purchases[alpha])
    tried = alpha or untold  # where none is taken, what a little of it would change is told
    changes |= {type: c for type in dict(relations) if (c := _hidden_values(H, relations, type, tried, hops, seed)) is not None}
    return Evidence(alpha, reason, changes)


def chosen_alpha(found: Mapping[float, NDArray[np.float64]], untold: float) -> tuple[float, str]:
    """The alpha with the highest mean of its cases (n,), of equal ones the smallest, and why it is taken.

    Where that is not 0, but its gain over 0 is less than twice its standard error, it may be chance: then `untold`.
    """
    best = min(found, key=lambda alpha: (-found[alpha].mean(), alpha))
    gains = found[best] - found[0.0]
    if not best or gains.mean() >= _SURE * _error(gains):
        return best, "chosen"
    return untold, "unsure"


def summary(found: Evidence, scores: Mapping[str, Any], base: str) -> str:
    """One line for people."""
    edges = ", ".join(f"{count:,} {name}" for name, count in scores["edges"].items() if count)
    how = {
        "chosen": "chosen by held-out purchases",
        "asked for": "as asked for",
        "unsure": "held-out purchases do not tell which is best",
        "untold": "too few purchases to choose it by",
    }[found.reason]
    told = "; ".join(f"{name} {c.measure} {c.before:.3f} → {c.after:.3f}" for name, c in found.changes.items())
    line = f"{edges} edges, {scores['hops']} hop{'s' * (scores['hops'] != 1)}, alpha {found.alpha:g} ({how})"
    line += f"; held out: {told or 'nothing to measure'}"
    if worse := [name for name, c in found.changes.items() if c.worse]:
        line += f"; WORSE for {' and '.join(worse)}" + ("" if found.alpha else ", so that nothing is propagated")
    elif not found.alpha and found.reason == "chosen":
        line += "; propagation does not help, so that nothing is propagated"
    if "given" in scores and scores["given"]["astray"]:
        known = scores["given"]
        named = ", ".join(known["astray_such_as"]) + (" …" if known["astray"] > len(known["astray_such_as"]) else "")
        line += f"; {known['astray']} of {known['concepts']} labels of triples belong to no product ({named})"
    if "given" in scores and scores["given"]["loops"]:
        line += f"; triples go in a loop: {' → '.join(scores['given']['loops'][0][:6])}"
    return f"{line}. Base: {base}"


# -- purchases ---------------------------------------------------------------------------------------------------------


def _held_out(
    H: Matrix,
    relations: Sequence[tuple[str, Relation]],
    bought: Purchases,
    ids: Sequence[str],
    hops: int,
    alphas: Sequence[float],
    seed: int,
) -> dict[float, NDArray[np.float64]] | None:
    """alpha → nDCG@20 of each person's last purchase (u,); None where there are too few people."""
    place = {id: i for i, id in enumerate(ids)}
    row = np.array([place.get(id, -1) for id in bought.ids], dtype=np.int64)
    with_vector = np.append(np.asarray(H.any(axis=1)), False)  # place -1: a product that the fit does not see
    usable = bought.take(with_vector[row[bought.products]])
    last = np.flatnonzero(np.diff(usable.users, append=-1) != 0)
    first = np.flatnonzero(np.diff(usable.users, prepend=-1) != 0)
    several = last > first
    last, first = last[several], first[several]
    if len(last) < _FEWEST:
        return None
    kept = np.ones(len(usable.users), dtype=bool)
    kept[last] = False
    train = usable.take(kept)
    neighbours = among(bought_together(train), train.places(), ids)
    known = [Relation(r.weight, neighbours, False) if type == "bought" else r for type, r in relations]
    asking = np.sort(np.random.default_rng(seed).permutation(len(last))[: max(1, min(_MOST, _SCORES // len(H)))])
    cases = _cases([row[usable.products[first[i] : last[i]]] for i in asking.tolist()], len(H))
    answers = row[usable.products[last[asking]]]
    return {alpha: _gains(cases, propagate(H, known, alpha, hops)[0] if alpha else H, answers) for alpha in alphas}


def _cases(histories: Sequence[NDArray[np.int64]], n: int) -> Sparse:
    """(u, n): what each person bought, weighted by how long ago in their purchases."""
    lengths = [len(h) for h in histories]
    weights = np.concatenate([_DECAY ** np.arange(length - 1, -1, -1, dtype=np.float64) for length in lengths])
    return csr(weights, np.repeat(np.arange(len(histories)), lengths), np.concatenate(histories), (len(histories), n))


def _gains(cases: Sparse, Z: Matrix, answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """nDCG@20 of one answer a case (u,), among all products but those of the history."""
    gains = []
    for start in range(0, cases.shape[0], _AT_ONCE):
        mine, right = cases[start : start + _AT_ONCE], answers[start : start + _AT_ONCE]
        scores = np.asarray(mine @ Z, dtype=np.float32) @ Z.T
        scores[row_of_each(mine), mine.indices] = -np.inf
        best = scores[np.arange(len(right)), right]
        rank = (scores >= best[:, None]).sum(axis=1)
        gains.append(np.where((rank <= _DEPTH) & np.isfinite(best), 1 / np.log2(1 + np.maximum(rank, 1)), 0))
    return np.concatenate(gains)


# -- values ------------------------------------------------------------------------------------------------------------


def _hidden_values(H: Matrix, relations: Sequence[tuple[str, Relation]], type: str, alpha: float, hops: int, seed: int) -> Compared | None:
    """P@10: of some products' nearest, how many share their rarest value, before and after.

    Their edges of the type are hidden, for themselves and for the means of the values.
    """
    at = next((i for i, (name, r) in enumerate(relations) if name == type and r.values), None)
    if at is None:
        return None
    edges = relations[at][1].belongs
    sizes = np.asarray((edges > 0).sum(axis=0)).ravel()
    rarest = _rarest(edges, sizes)
    able = np.flatnonzero((rarest >= 0) & H.any(axis=1))
    able = able[sizes[rarest[able]] > _TOP]
    if len(able) < _FEW:
        return None
    asking = np.sort(np.random.default_rng(seed).permutation(able)[:_QUERIES])
    seen = np.ones(len(H), np.float32)
    seen[asking] = 0
    known = [Relation(r.weight, scaled(edges, rows=seen)) if i == at else r for i, (_, r) in enumerate(relations)]
    shares = (edges[:, rarest[asking]] > 0).T.tocsr()  # (q, n)
    before, after = _precision(H, asking, shares), _precision(propagate(H, known, alpha, hops)[0], asking, shares)
    return compared(f"P@{_TOP}", before, after)


def _rarest(edges: Sparse, sizes: NDArray[Any]) -> NDArray[np.int64]:
    """The value that the fewest others have, of each product (n,); -1 where it has none."""
    out = np.full(edges.shape[0], -1, dtype=np.int64)
    of_row = row_of_each(edges)
    order = np.lexsort((edges.indices, sizes[edges.indices], of_row))
    rows, first = np.unique(of_row[order], return_index=True)
    out[rows] = edges.indices[order][first]
    return out


def _precision(Z: Matrix, asking: NDArray[np.int64], shares: Sparse) -> NDArray[np.float64]:
    """Share of each one's nearest ten (the product itself left out) that have the same value (q,)."""
    best = np.full((len(asking), _TOP), -np.inf, np.float32)
    hit = np.zeros((len(asking), _TOP), bool)
    Q = unit_rows(Z[asking])
    for start in range(0, len(Z), ROWS):
        block = slice(start, start + ROWS)
        scores = Q @ Z[block].T
        mine = (asking >= start) & (asking < start + ROWS)
        scores[mine, asking[mine] - start] = -np.inf
        scores, same = np.hstack([best, scores]), np.hstack([hit, shares[:, block].toarray()])
        top = np.argpartition(-scores, _TOP - 1, axis=1)[:, :_TOP]
        best, hit = np.take_along_axis(scores, top, axis=1), np.take_along_axis(same, top, axis=1)
    return np.asarray((hit & np.isfinite(best)).mean(axis=1), dtype=np.float64)
