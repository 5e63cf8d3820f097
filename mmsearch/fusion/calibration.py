"""What similarities mean: mean and spread of each (query modality, product modality) for unrelated pairs, and how far
cross-modal evidence can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Batch, Fuser, Matrix
from mmsearch.ranking.base import Evidence, Joint, together
from mmsearch.ranking.calibrated import Calibrated

QUERIES = 400  # products that stand in for queries
PRODUCTS = 2_000  # products that they meet
SAMPLE = QUERIES + PRODUCTS  # products that a calibration looks at
_TOP = 10  # places at the top of a ranking that are made fair
_FEWEST_PLACES = 5  # fewer are decided by chance
_FEWEST_FOR_TAILS = 40  # products with both kinds of evidence; fewer say nothing of the top ten
_FEWEST = 8  # below this many products no statistic means anything: scores stay plain similarities
LEAST_RELIABILITY = 0.05  # shrunk, never zeroed
_MOST_RELIABILITY = 0.95  # cross-modal evidence never outranks direct evidence of equal standing
#: Reliability of a comparison in a space that text and image share, where the store has nothing to measure it by (photos without titles).
SHARED = 0.5

#: kind ('text>image') → the query vectors of some products (q, d), in the space of the other side's own vectors; zero rows for those that
#: have none. Only asked for the products that stand in for queries.
Shared = Mapping[str, Callable[[NDArray[np.int64]], Matrix]]

#: kind ('image>words') → the similarities (q, n) of products that stand in for queries (q,) with others (n,), NaN where a side has no such.
Compared = Mapping[str, Callable[[NDArray[np.int64], NDArray[np.int64]], Matrix]]


@dataclass(frozen=True)
class Pair:
    """Similarity of unrelated pairs of one kind, and the reliability of that kind (see `mmsearch.ranking.base.Evidence`)."""

    mean: float = 0.0
    std: float = 1.0
    reliability: float = 1.0


@dataclass(frozen=True)
class Calibration:
    """kind ('text>image') → `Pair`, and how kinds behave together (see `mmsearch.ranking.base.Joint`)."""

    pairs: dict[str, Pair] = field(default_factory=dict)
    correlations: dict[str, float] = field(default_factory=dict)
    tails: dict[str, float] = field(default_factory=dict)

    def pair(self, kind: str) -> Pair:
        """What was measured of a kind; for one that was not, plain similarities, and a cross-modal one counts least."""
        return self.pairs.get(kind, Pair(reliability=_unmeasured(kind)))

    def merged(self, other: Calibration) -> Calibration:
        """Both; `other` wins."""
        return Calibration(self.pairs | other.pairs, self.correlations | other.correlations, self.tails | other.tails)

    def without(self, kinds: Collection[str]) -> Calibration:
        """What says nothing of some kinds, alone or beside others."""

        def kept(values: Mapping[str, float]) -> dict[str, float]:
            return {key: value for key, value in values.items() if not set(key.split("|")) & set(kinds)}

        return Calibration({k: p for k, p in self.pairs.items() if k not in kinds}, kept(self.correlations), kept(self.tails))

    def to_json(self) -> dict[str, Any]:
        return {
            "pairs": {k: [p.mean, p.std, p.reliability] for k, p in self.pairs.items()},
            "correlations": self.correlations,
            "tails": self.tails,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any] | None) -> Calibration:
        if not value:
            return Calibration()
        return Calibration({k: Pair(*p) for k, p in value["pairs"].items()}, dict(value["correlations"]), dict(value["tails"]))


def calibrate(
    batch: Batch,
    fuser: Fuser | None,
    reliability: Mapping[str, float],
    seed: int = 0,
    *,
    products: int | None = None,
    shared: Shared | None = None,
    compared: Compared | None = None,
) -> Calibration:
    """Measure every kind of comparison that is possible, on a sample of the products themselves.

    A product stands in for a query (its title for a text, its photo for a photo), another for what it meets; pairs of a
    product with itself are left out.

    Parameters
    ----------
    fuser : adds the cross-modal kinds and those of the fused vectors ('text>fused:image+text').
    reliability : of the cross-modal kinds, from `mmsearch.fusion.reliability`.
    products : how many the catalogue has, where `batch` is a random sample of `SAMPLE` of them.
    shared : kinds that are compared in a space that both sides share; nothing is learned, so their reliability is measured here.
    compared : kinds that are compared without vectors, with their reliability in `reliability`.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(batch))[:SAMPLE]
    sample = batch.take(rows)
    # The same products serve on both sides where a catalogue is small.
    queries, met = (np.arange(min(QUERIES, len(rows))), np.arange(len(rows)))
    unrelated = queries[:, None] != met[None, :]
    similarities = similarities_of(sample, fuser, queries)
    if shared:
        similarities |= _met(sample, rows[queries], shared)
        reliability = dict(reliability) | {kind: _foretold(similarities, kind, unrelated) for kind in shared if kind in similarities}
    for kind, compare in (compared or {}).items():
        similarities[kind] = compare(rows[queries], rows)
    pairs, kept = {}, {}
    for kind, matrix in similarities.items():
        usable = unrelated & ~np.isnan(matrix)
        if usable.any(axis=1).sum() < _FEWEST:
            continue
        values = matrix[usable]
        pairs[kind] = Pair(float(values.mean()), float(max(values.std(), 1e-4)), float(reliability.get(kind, _unmeasured(kind))))
        kept[kind] = np.where(usable, matrix, np.nan)
    found = Calibration(pairs, _correlations(kept))
    return Calibration(found.pairs, found.correlations, _tails(kept, found, len(batch) if products is None else products, rng))


def trusted(value: float) -> float:
    """A reliability as it counts: shrunk, never zeroed, and never above direct evidence."""
    return float(np.clip(np.nan_to_num(value), LEAST_RELIABILITY, _MOST_RELIABILITY))


def _unmeasured(kind: str) -> float:
    """The reliability of a kind of which it was not measured."""
    query, _, product = kind.partition(">")
    return 1.0 if product in (query, "words") or product.startswith("fused") else LEAST_RELIABILITY


def _met(sample: Batch, rows: NDArray[np.int64], shared: Shared) -> dict[str, Matrix]:
    """The shared kinds as `similarities_of` gives the others; `rows` are those of the batch that stand in for queries."""
    found = {}
    for kind, asked in shared.items():
        product = kind.partition(">")[2]
        if product in sample.vectors:
            Q = asked(rows)
            found[kind] = _masked(Q @ sample.vectors[product].T, np.linalg.norm(Q, axis=1) > 0.5, sample.present[product])
    return found


def _foretold(similarities: Mapping[str, Matrix], kind: str, unrelated: NDArray[np.bool_]) -> float:
    """Reliability of a shared kind, as `mmsearch.fusion.reliability` has it for learned ones."""
    query = kind.partition(">")[0]
    direct = similarities.get(f"{query}>{query}")
    if direct is None:
        return SHARED
    both = unrelated & ~np.isnan(direct) & ~np.isnan(similarities[kind])
    if both.any(axis=1).sum() < _FEWEST:
        return SHARED
    agreement = correlation(similarities[kind][both], direct[both])
    return trusted(agreement)


def pattern(modalities: Collection[str]) -> str:
    """The name of what a fused vector is made of: 'image+text'."""
    return "+".join(sorted(modalities))


def patterns(batch: Batch, modalities: Sequence[str]) -> NDArray[np.str_]:
    """The pattern of each product, (n,)."""
    return np.array(
        [pattern([m for m in modalities if m in batch.present and batch.present[m][i]]) for i in range(len(batch))], dtype=np.str_
    )


def similarities_of(batch: Batch, fuser: Fuser | None, queries: NDArray[np.int64]) -> dict[str, Matrix]:
    """kind → (queries, products) cosines, NaN where either side has no such vector."""
    found = {}
    for query, X in batch.vectors.items():
        asking = batch.present[query][queries]
        direct = X[queries] @ X.T
        found[f"{query}>{query}"] = _masked(direct, asking, batch.present[query])
        if fuser is None or query not in fuser.modalities():
            continue
        mapped = _projected(fuser, batch, query, queries, asking=True)
        for product in fuser.modalities():
            if product in batch.vectors and product != query and fuser.compares(query, product):
                cross = mapped @ _projected(fuser, batch, product, np.arange(len(batch))).T
                found[f"{query}>{product}"] = _masked(cross, asking, batch.present[product])
        fused = mapped @ fuser.items(batch).T
        made_of = patterns(batch, fuser.modalities())
        for name in sorted(set(made_of)):
            if name:
                found[f"{query}>fused:{name}"] = _masked(fused, asking, made_of == name)
    return found


def _projected(fuser: Fuser, batch: Batch, modality: str, rows: NDArray[np.int64], *, asking: bool = False) -> Matrix:
    """Projections of those of the rows that are there, zero rows for the others; `asking`: as queries."""
    out = np.zeros((len(rows), fuser.dim), np.float32)
    present = batch.present[modality][rows]
    if present.any():
        side = batch.side(modality, rows[present])
        out[present] = fuser.query(modality, side) if asking else fuser.project(modality, side)
    return out


def _masked(matrix: Matrix, asking: NDArray[np.bool_], present: NDArray[np.bool_]) -> Matrix:
    return np.where(asking[:, None] & present[None, :], matrix, np.nan)


def _correlations(matrices: Mapping[str, Matrix]) -> dict[str, float]:
    kinds = sorted(k for k in matrices if ">fused:" not in k)
    found = {}
    for i, one in enumerate(kinds):
        for other in kinds[i + 1 :]:
            both = ~np.isnan(matrices[one]) & ~np.isnan(matrices[other])
            if both.sum() >= _FEWEST**2:
                found[f"{one}|{other}"] = round(correlation(matrices[one][both], matrices[other][both]), 6)
    return found


def correlation(a: Matrix, b: Matrix) -> float:
    """Of two rows of numbers (n,); 0 where one of them is always the same (a catalogue whose titles are all equal)."""
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(np.corrcoef(a, b)[0, 1]))


def _tails(matrices: Mapping[str, Matrix], known: Calibration, products: int, rng: np.random.Generator) -> dict[str, float]:
    """For direct and cross-modal evidence together, the factor that makes the top of a ranking fair.

    A random half of the products loses the cross-modal evidence; the factor is the one with which that half still holds
    half of the top-10 places over all queries. Spread over unrelated pairs cannot tell: it is in the likely products, at
    the top, that two kinds of evidence agree and add up.
    """
    tails = {}
    for cross in matrices:
        query, _, product = cross.partition(">")
        direct = f"{query}>{query}"
        if product == query or ":" in product or direct not in matrices:
            continue
        kinds = [direct, cross]
        both: NDArray[np.bool_] = np.isfinite(matrices[direct]) & np.isfinite(matrices[cross])
        usable = np.flatnonzero(np.count_nonzero(both, axis=1) >= _FEWEST_FOR_TAILS)
        if not len(usable):
            continue
        joint = Joint(known.correlations)
        lost: NDArray[np.bool_] = np.asarray(rng.random(both.shape[1]) < 0.5)
        full, single = [], []
        for row in usable:
            here = both[row]
            evidence = [Evidence(0, 1.0, k, _standardised(matrices[k][row][here]), reliability=known.pair(k).reliability) for k in kinds]
            full.append(np.where(lost[here], -np.inf, Calibrated().combine(evidence, joint).total))
            single.append(np.where(lost[here], evidence[0].similarity, -np.inf))
        # As high up among these products as the top ten are among all.
        places = max(_FEWEST_PLACES, round(_TOP * float(np.median(np.count_nonzero(both[usable], axis=1))) / products))
        low, high = 0.2, 2.0
        for _ in range(20):
            middle = (low + high) / 2
            held = [_share_of_top(middle * f, s, places) for f, s in zip(full, single, strict=True)]
            low, high = (low, middle) if float(np.mean(held)) > 0.5 else (middle, high)
        tails[together(kinds)] = round(low, 4)
    return tails


def _standardised(similarity: Matrix) -> NDArray[np.float64]:
    values = similarity.astype(np.float64)
    scores: NDArray[np.float64] = (values - values.mean()) / max(float(values.std()), 1e-6)
    return scores


def _share_of_top(full: NDArray[np.float64], single: NDArray[np.float64], places: int) -> float:
    """Share of the best places that products with all their evidence hold."""
    best = np.maximum(full, single)
    top = np.argpartition(-best, places - 1)[:places]
    return float((full[top] >= single[top]).mean())
