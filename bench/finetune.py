"""What training the last blocks of the photo network on a shop's own pairs brings, and what it costs.

    python -m bench.finetune DATA_FOLDER             fashion: validation products, and seconds of training
    python -m bench.finetune DATA_FOLDER --test      adds the test products, which chose nothing
    … --blocks=1,4   --pairs=1000,2000               another number of trained blocks, other numbers of pairs
    … --quick                                        seconds of training alone

Fashion: learned from the first pairs of one random order of the train split, title → own photo and photo → own title among 500 products,
R@1 / R@10 / RR, means of both directions: the closed form alone, linear heads beside it, and those with trained blocks below them. What
held-out pairs of the train split said, and kept, stands behind. Seconds are of processors, not of the clock: divide by the threads.
Grocery has 81 products, where nothing is trained below 500.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from bench.alignment import Fashion, both, recall
from bench.tables import read_rows, shown
from mmsearch.encoders import ENCODERS
from mmsearch.fusion import FUSERS, finetuning
from mmsearch.fusion.base import Fuser, Side
from mmsearch.fusion.contrastive import Head
from mmsearch.fusion.finetuning import Plan, Sight, Task
from mmsearch.fusion.tower_photos import Photos
from mmsearch.fusion.views import Views

TIMED = 256  # photos of which an epoch is timed


def option(name: str, default: str) -> list[int]:
    found = [value.removeprefix(f"--{name}=") for value in sys.argv if value.startswith(f"--{name}=")]
    return [int(value) for value in (found[0] if found else default).split(",")]


def measured(fashion: Fashion, spec: str, pairs: int, splits: list[str]) -> None:
    """Fit on pairs of the train split, and ask the products of others."""
    chosen = np.random.default_rng(0).permutation(fashion.rows["train"])[:pairs]
    T, G = fashion.T.take(chosen), fashion.G.take(chosen)
    fuser: Fuser = FUSERS.create(spec)
    started = time.process_time()
    batch = both(T, G)
    report = fuser.fit(dataclasses.replace(batch, contents={**batch.contents, "image": G.contents or []}), fashion.encoders, 0)
    took = time.process_time() - started
    notes = [f"{took:.0f} s of one processor", f"share of heads {report.scores.get('refine', {}).get('share', 0):g}"]
    if "finetune" in report.scores:
        notes.append(report.summary.split("; ")[-1])
    for split in splits:
        found = np.mean(list(recall(fuser, *fashion.of(split)).values()), axis=0)
        print(f"fashion {split}, {pairs} pairs, {spec}: {shown(found)} ({'; '.join(notes)})", flush=True)


def timed(fashion: Fashion, blocks: int) -> None:
    """One epoch of a few photos, and looking at them below the blocks."""
    trainable = fashion.encoders["image"].trainable(blocks)
    if trainable is None or fashion.G.contents is None:
        raise ValueError("these photos have no blocks that can be trained")
    some = fashion.rows["train"][:TIMED]
    G, T = fashion.G.take(some), fashion.T.take(some)
    trainable.lower([])
    Photos.read(trainable, (G.contents or [])[:8])  # the networks are converted, once a machine
    started = time.process_time()
    photos = Photos.read(trainable, G.contents or [])
    reading = time.process_time() - started
    plain = Side(G.X)
    d, k = G.X.shape[1], T.X.shape[1]
    weight = np.random.default_rng(0).normal(size=(d, k)).astype(np.float32)
    head = Head(np.zeros(d, np.float32), weight, np.zeros(k, np.float32), *(np.zeros(s, np.float32) for s in ((d, 0), (0,), (0, k))))
    task = Task(photos, Sight.of(Views.learn(plain, {}), plain), T.X, (T.X, G.X))
    started = time.process_time()
    finetuning.train(trainable, task, None, head, Plan(batch=TIMED // 4), 0, epochs=1)
    training = time.process_time() - started
    size = 2 * 2 * int(np.prod(trainable.shape)) * 1_000 / 1e6
    of = sum(value.numel() for value in trainable.module().parameters())
    print(
        f"{blocks} blocks: {of / 1e6:.1f} million weights; for 1,000 pairs {training / TIMED * 1_000:.1f} s of one processor an epoch, "
        f"{reading / TIMED * 1_000:.1f} s and {size:.0f} MB to look at photos below them, once",
        flush=True,
    )


def main() -> int:
    data, options = Path(sys.argv[1]), set(sys.argv[2:])
    fashion = Fashion(data, {m: ENCODERS.create(name) for m, name in (("text", "usem"), ("image", "efficientnet"))})
    photos = [data / "fashion" / row["image"] for row in read_rows(data / "fashion" / "products.csv")]
    fashion.G = dataclasses.replace(fashion.G, contents=photos)
    blocks = option("blocks", "1,2,4")
    for n in blocks:
        timed(fashion, n)
    for pairs in () if "--quick" in options else option("pairs", "500,1000,2000"):
        for spec in ("aligned", "aligned(refine=linear)", *(f"aligned(finetune={n})" for n in blocks)):
            measured(fashion, spec, pairs, ["validation", *(["test"] if "--test" in options else [])])
    return 0


if __name__ == "__main__":
    sys.exit(main())
