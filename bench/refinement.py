"""What contrastive heads beside the canonical directions cost (10,000 synthetic pairs), and what they bring on real pairs.

    python -m bench refinement                         time, as a ratio to the closed form
    python -m bench.refinement DATA_FOLDER             fashion: validation products, and what the defaults were chosen by
    python -m bench.refinement DATA_FOLDER --test      fashion: the test products, none against linear against mlp

Fashion: learned from random parts of the train split, title → own photo and photo → own title among 500 products, R@1 / R@10 / RR, means
of both directions. Where heads are compared with each other their share of a cosine is .35, whatever held-out pairs would choose.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.alignment import Fashion, recall
from bench.tables import shown
from mmsearch.encoders import ENCODERS
from mmsearch.fusion import refinement
from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.cca import fit_cca
from mmsearch.fusion.contrastive import fit_heads
from mmsearch.fusion.views import Seen

PAIRS, HELD, DIMS = 10_000, 500, (768, 1792)  # of what text and photo are described by, as in `aligned` with words and views
SIZES = {500: 2, 1000: 2, 2000: 1}  # pairs → random parts of the train split
PLANS: dict[str, list[dict[str, Any]]] = {
    "temperature to begin with": [{"temperature": t} for t in (0.05, 0.1, 0.2, 0.3, 0.5)],
    "dropout": [{"dropout": d} for d in (0.0, 0.15, 0.3, 0.5)],
    "whitening": [{"power": p} for p in (0.0, 0.25, 0.5)],
    "batch": [{"batch": b} for b in (256, 1024)],
}


def synthetic(n: int) -> tuple[Matrix, Matrix]:
    """Unit rows (n, 768) and (n, 1792) that share 100 latent numbers."""
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(n, 100))
    found = [Z @ rng.normal(size=(100, d)) + 30 * rng.normal(size=(n, d)) for d in DIMS]
    return unit_rows(found[0]), unit_rows(found[1])


def measure() -> Iterator[str]:
    X, Y = synthetic(PAIRS + HELD)
    started = time.perf_counter()
    fit_cca(Seen(X[:PAIRS]), Seen(Y[:PAIRS]), dim=256, landmarks=1500, reg=1 / PAIRS)
    middle = time.perf_counter()
    closed = middle - started
    plan = dataclasses.replace(refinement.PLAN, patience=refinement.PLAN.epochs)
    for kind, hidden in list(refinement.KINDS.items())[1:]:
        started = time.perf_counter()
        found = fit_heads(X[:PAIRS], Y[:PAIRS], X[PAIRS:], Y[PAIRS:], hidden=hidden, plan=plan)
        took = time.perf_counter() - started
        score = found.score if found else 0.0
        ratio = f"{took:.1f} s ({took / closed:.1f} × the closed form)"
        yield f"{kind} heads of {PAIRS:,} pairs, every step there may be: {ratio}, held-out RR {score:.2f}"


def chosen(fashion: Fashion, pairs: int, spec: str, split: str) -> None:
    measured: list[list[float]] = []
    notes = []
    for part in range(SIZES[pairs]):
        fuser = fashion.fitted(spec, pairs, part)
        measured += recall(fuser, *fashion.of(split)).values()
        kept = fuser.state()[1].get("refinement")
        notes.append(f"share {kept['share']:g}" if kept else "no heads")
    print(f"fashion {split}, {pairs} pairs, {spec}: {shown(np.mean(measured, axis=0))} ({', '.join(notes)})", flush=True)


def plans(fashion: Fashion) -> None:
    """Every plan with the share that stands in the middle, kept whatever held-out pairs say."""
    default, shares, least = refinement.PLAN, refinement.SHARES, refinement.LEAST_GAIN
    try:
        refinement.SHARES, refinement.LEAST_GAIN = (0.35,), -1.0
        for name, changes in PLANS.items():
            for change in changes:
                refinement.PLAN = dataclasses.replace(default, **change)
                print(name, change, end=": ")
                chosen(fashion, 2000, "aligned(refine=linear)", "validation")
    finally:
        refinement.PLAN, refinement.SHARES, refinement.LEAST_GAIN = default, shares, least


def main() -> int:
    data, options = Path(sys.argv[1]), set(sys.argv[2:])
    fashion = Fashion(data, {m: ENCODERS.create(name) for m, name in (("text", "usem"), ("image", "efficientnet"))})
    split = "test" if "--test" in options else "validation"
    for pairs in SIZES:
        for spec in ("aligned", "aligned(refine=linear)", "aligned(refine=mlp)"):
            chosen(fashion, pairs, spec, split)
    if split == "validation":
        plans(fashion)
    return 0


if __name__ == "__main__":
    sys.exit(main())
