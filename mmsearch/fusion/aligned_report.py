"""What a fit of `aligned` says of itself: how held-out pairs find each other, in numbers and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mmsearch.fusion import finetuning
from mmsearch.fusion.aligned_space import Space
from mmsearch.fusion.conse import Conse
from mmsearch.fusion.pairs import Pairs, splits
from mmsearch.fusion.refinement import told
from mmsearch.fusion.shared_space import pair_recall, same_product

Learn = Callable[[Pairs], Space | None]


def recall_of(space: Space, pairs: Pairs) -> dict[str, dict[str, float]]:
    """How pairs (n) find each other in a space."""
    both = (("text", pairs.texts), ("image", pairs.photos))
    ask, there = ([by(m, side) for m, side in both] for by in (space.queries, space.products))
    return pair_recall(ask[0], there[1], same_product(pairs.texts.X, pairs.photos.X), photos=ask[1], texts=there[0])


def held_out(pairs: Pairs, learn: Learn, refine: Callable[[Space, Pairs], Space] | None, conse: Conse | None, seed: int) -> dict[str, Any]:
    """Recall on pairs that were kept out of the fit, that with heads where there are any, and ConSE's on the same pairs."""
    after, better, before, held = [], [], [], 0
    for kept, out in splits(len(pairs), seed):
        known, asked = pairs.take(kept), pairs.take(out)
        space = learn(known)
        after.append(recall_of(space if space is not None else Space(conse=conse, share=1.0), asked))
        held = len(out)
        if refine is not None:
            better.append(recall_of(refine(space, known), asked) if space is not None else after[-1])
        if conse is not None:
            before.append(recall_of(Space(conse=conse, share=1.0), asked))
    scores: dict[str, Any] = {"held_out": held, "splits": len(after), "chance": {"R@1": 1 / held, "R@10": min(1.0, 10 / held)}}
    also = {"refined": _mean(better)} if better else {}
    return scores | {"recall": _mean(after)} | ({"before": _mean(before)} if before else {}) | also


def _mean(measured: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {way: {k: float(np.mean([m[way][k] for m in measured])) for k in found} for way, found in measured[0].items()}


def summary(scores: Mapping[str, Any]) -> str:
    """How held-out pairs find each other, both ways, beside what ConSE finds of the same, in a line for people."""

    def both(found: Mapping[str, Any]) -> str:
        there, back = (f"R@1 {found[way]['R@1']:.3f}, R@10 {found[way]['R@10']:.3f}" for way in ("text>image", "image>text"))
        return f"{there} (a photo its title: {back})"

    pairs = f"{scores['pairs']} pairs of title and photo"
    if scores["method"] == "conse":
        learned = f"ConSE, because what {pairs} teach is worse ({both(scores['recall'])})"
        return f"{learned}: a held-out title finds its photo among {scores['held_out']} with {both(scores['before'])}"
    mixed = f", mixed with {scores['conse_share']:.0%} ConSE" if scores["conse_share"] else ""
    before = f"; ConSE alone {both(scores['before'])}" if "before" in scores else ""
    found = f"a held-out title finds its photo among {scores['held_out']} with {both(scores['recall'])}"
    return f"aligned on {pairs}{mixed}: {found}{before}{told(scores)}{finetuning.told(scores)}"
