"""The default combination: calibrated scores, equal spread whatever evidence a product happens to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmsearch.ranking.base import Combined, Combiner, Evidence, Joint, Scores

Mask = NDArray[np.bool_]

#: Exponent of the reliability in the weight of cross-modal evidence beside direct evidence (docs/decisions/0003-calibrated-scores.md).
TRUST = 2.0

#: What the best match by words counts beside the vectors of the same part, in standard deviations (docs/decisions/0026-hybrid-search.md).
WORDS = 24.0

#: Standard deviations up to which a part's score goes straight on; beyond, by their logarithm: an article number found in one product of
#: a million is a hundred of them, and would leave the other parts of a query nothing to say.
STRAIGHT = 4.0


#: Products with words that a product without them is measured by; fewer say nothing of where it would stand.
FEWEST = 8


class Calibrated(Combiner):
    """Score = Σ over parts of share · (standardised evidence of the part).

    One idea at two levels: *a product's score has the same spread over unrelated queries whatever it is made of*.

    - A similarity s becomes z = (s − mean) / std, so that cosines of different spaces compare.
    - Within a part, evidence e counts with weight w_e = r_e² of its reliability: u = Σ w_e z_e. It is divided by the standard
      deviation that u has for unrelated pairs, √(Σ w_e w_f c_ef), times a factor measured at `fuse` for the top of a
      ranking, where likely products are (see `Joint.tails`), and scaled by the largest r_e there. So direct evidence
      alone gives z, cross-modal evidence alone r·z (shrunk, never zero), and a product with both stands no higher for it.
    - Words (BM25) are the direct evidence of texts, beside the vectors: u' = u + λ · a · b / b_max, where b_max is the best match of the
      store and λ = `WORDS`. They are added to whatever else a product has, so that a photo neither thins nor thickens them. The sum is
      brought back to the spread of u, and bent beyond `STRAIGHT`. A product without words, or with none in the script of the query, is
      completed: it stands, at the least, where its u would stand among the u of the others.
    - Weights a_e that the query or the profile asks for multiply w_e: evidence stands as if its reliability were r_e √(a_e / max a),
      the largest of the part. They bring the factor for the top nearer to 1, for it makes up for mixing evidence: see `_tail`.
    - A product without any evidence for a part has that part completed rather than zeroed: the others are scaled by
      √(Σ share²) / √(Σ present share²), which again keeps the spread.
    - Parts that lower a product subtract where they speak for a likeness (z > 0) and never lift one.

    Scores are in standard deviations: 0 is a product that has nothing to do with the query.
    """

    unit = 1.0

    def combine(self, evidence: Sequence[Evidence], joint: Joint) -> Combined:
        parts = list(dict.fromkeys(e.part for e in evidence))
        if len(parts) == 1 and evidence[0].share == 1:  # a query alone, by far the most frequent: nothing to weigh or to complete
            scores, total = _with_words(evidence, joint)
            known = _any_of(evidence)
            return Combined(total if known.all() else np.where(known, total, np.nan), scores)
        n = len(evidence[0].similarity)
        contributions = np.zeros((len(evidence), n))
        squares, present_squares = 0.0, np.zeros(n)
        known = np.zeros(n, dtype=bool)
        for part in parts:
            rows = [i for i, e in enumerate(evidence) if e.part == part]
            mine, share = [evidence[i] for i in rows], evidence[rows[0]].share
            scores, total = _with_words(mine, joint)
            present = _any_of(mine)
            if share < 0:
                scores = np.where(total > 0, scores, 0.0)
            else:
                squares += share**2
                present_squares += share**2 * present
                known |= present
            contributions[rows] = share * scores
        if len({e.part for e in evidence if e.share > 0}) > 1:  # with one part there is nothing to complete it by
            positive = np.array([e.share > 0 for e in evidence])
            contributions[positive] *= np.sqrt(np.divide(squares, present_squares, out=np.ones(n), where=present_squares > 0))
        total = contributions.sum(axis=0)
        return Combined(total if known.all() else np.where(known, total, np.nan), contributions)


def _any_of(evidence: Sequence[Evidence]) -> Mask:
    """The products (n,) that have some of the evidence."""
    whole = next((e.there for e in evidence if e.everywhere), None)
    found: Mask = np.any([e.there for e in evidence], axis=0) if whole is None else whole
    return found


def _with_words(evidence: Sequence[Evidence], joint: Joint) -> tuple[Scores, Scores]:
    """The evidence of one part with that of words, at most one of them, (e, n); and the sums of it (n,)."""
    plain = [i for i, e in enumerate(evidence) if e.best is None]
    if len(plain) == len(evidence):
        scores = _part(evidence, joint)
        return scores, scores.sum(axis=0)
    scores = np.empty((len(evidence), len(evidence[0].similarity)))
    if plain:
        scores[plain] = _part([evidence[i] for i in plain], joint)
    total: Scores | None = None
    for i, e in enumerate(evidence):
        if e.best is None:
            continue
        if not e.best:  # no product says any of the words
            scores[i] = 0.0
            continue
        weight = WORDS * e.weight / max((evidence[j].weight for j in plain), default=e.weight)
        here = e.there
        lacking = not e.everywhere or (e.elsewhere is not None and bool(e.elsewhere.any()))
        before = scores[plain].sum(axis=0) if lacking else None
        np.subtract(e.similarity, e.mean, out=scores[i])
        scores[i] *= weight / e.best
        if not e.everywhere:
            np.copyto(scores[i], 0.0, where=~here)
        scores[:, slice(None) if e.everywhere else np.flatnonzero(here)] *= 1 / np.sqrt(1 + (weight * e.std / e.best) ** 2)
        total = scores.sum(axis=0)
        high = np.flatnonzero(total > STRAIGHT)
        high = high if e.everywhere else high[here[high]]
        scores[:, high] *= _bent(total[high])
        total[high] = scores[:, high].sum(axis=0)
        if before is not None:
            present = _any_of([evidence[j] for j in plain]) if plain else np.zeros(len(here), bool)
            others = np.array([one.there if one.best is None else np.zeros(len(here), bool) for one in evidence])
            _complete(scores, before, here & present, (~here if e.elsewhere is None else ~here | e.elsewhere) & present, here, others)
            total = scores.sum(axis=0)
    return scores, scores.sum(axis=0) if total is None else total


def _complete(
    scores: Scores,
    before: Scores,
    known: NDArray[np.bool_],
    lacking: NDArray[np.bool_],
    here: NDArray[np.bool_],
    present: NDArray[np.bool_],
) -> None:
    """Lift products that are `lacking` (n,) words (not `here`), or have none in the query's script, to where they stood among the others,
    which are `known` (n,) and not lacking, `before` (n,) words were added: quantile for quantile. What is added is divided over their
    evidence (e, n), as far as it is `present`, as it stands.
    """
    lack, rest = np.flatnonzero(lacking), np.flatnonzero(known & ~lacking)  # places: masks over two dimensions take twice as long
    if len(rest) < FEWEST or not len(lack):
        return
    whole = scores.sum(axis=0)
    was, now = np.sort(before[rest]), np.sort(whole[rest])
    total, stood = whole[lack], before[lack]
    order, lifted = np.argsort(stood), np.empty_like(stood)
    lifted[order] = np.interp(stood[order], was, now)  # in order, each is found beside the one before
    lifted += np.minimum(stood - was[0], 0)
    added = np.where(here[lack], np.maximum(lifted - total, 0), lifted - total)
    own, there = scores[:, lack], present[:, lack]
    shares = np.abs(own) * there + 1e-9 * there
    scores[:, lack] = own + added * shares / shares.sum(axis=0)


def _bent(total: Scores) -> Scores:
    """The factors (n,) that bend scores (n,) beyond `STRAIGHT`; order stays as it is."""
    factors: Scores = (STRAIGHT + np.log1p(total - STRAIGHT)) / total
    return factors


def _part(evidence: Sequence[Evidence], joint: Joint) -> Scores:
    """The standardised evidence of one part, (e, n): rows add up to the part's score, 0 where there is none."""
    if len(evidence) == 1:
        z = np.subtract(evidence[0].similarity, evidence[0].mean)
        z *= evidence[0].reliability / evidence[0].std
        if not evidence[0].everywhere:
            np.copyto(z, 0.0, where=~evidence[0].there)
        alone: Scores = z[None, :]
        return alone
    present = np.array([e.there for e in evidence])
    z = np.array([np.nan_to_num((e.similarity - e.mean) / e.std) for e in evidence]) * present
    measured = np.array([np.broadcast_to(e.reliability, z.shape[1:]) for e in evidence])
    asked = np.array([[float(e.weight)] for e in evidence])
    reliability = measured * np.sqrt(asked / asked.max())
    even, weighted = measured**TRUST * present, reliability**TRUST * present
    c = np.array([[joint.correlation(a.kind, b.kind) for b in evidence] for a in evidence])
    spread = np.sqrt(np.maximum(np.einsum("en,ef,fn->n", weighted, c, weighted), 1e-12))
    strongest = (reliability * present).max(axis=0)
    scale: Scores = np.where(strongest > 0, strongest / spread, 0.0)
    codes = np.left_shift(1, np.arange(len(evidence))) @ present  # which kinds of evidence a product has, as a number
    for code in np.unique(codes).tolist():
        here = codes == code
        tail = joint.tail(e.kind for i, e in enumerate(evidence) if code >> i & 1)
        scale[here] *= _tail(tail, weighted[:, here], even[:, here])
    scores: Scores = weighted * z * scale
    return scores


def _tail(measured: float, weighted: Scores, even: Scores) -> Scores:
    """The factor for the top of a ranking, (n,), where evidence counts as `weighted` (e, n) and it was measured with `even` weights.

    It is 1 where one kind decides alone and what was measured where nothing was asked for; in between it goes with how mixed the evidence
    is, 1 − Σ p² of its shares p.
    """
    mixed, measured_at = (_mixed(w) for w in (weighted, even))
    share = np.divide(mixed, measured_at, out=np.zeros_like(mixed), where=measured_at > 0)
    factor: Scores = 1 + (measured - 1) * np.minimum(share, 1)
    return factor


def _mixed(weights: Scores) -> Scores:
    total = weights.sum(axis=0)
    shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    mixed: Scores = np.maximum(1 - (shares**2).sum(axis=0), 0)
    return mixed
