"""How well texts and photos find each other through a learned space, and what its defaults were chosen by.

    python -m bench.alignment DATA_FOLDER            (the folder that holds fashion/, grocery/ and clothing/)
    python -m bench.alignment DATA_FOLDER --test     adds the test split, which chose nothing
    python -m bench.alignment DATA_FOLDER --quick    without the tables of alternatives
    python -m bench.alignment DATA_FOLDER --image=SPEC --pairs-only   another image encoder, 2,000 pairs of fashion alone

Fashion: learned from its train split or random parts of it, title → own photo and photo → own title among the 500 validation
products, R@1 / R@10 / RR, means of both directions. Grocery: learned from random parts of the 81 products, asked of the others.
Clothing: garment kind → photos of it, where nothing has a text; mean average precision and P@10.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import read_rows, shown
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Fuser, Side
from mmsearch.fusion.shared_space import pair_recall

SIZES = {20: 6, 50: 6, 100: 4, 200: 4, 500: 2, 1000: 2, 2000: 1}  # pairs → random parts of the train split
ALTERNATIVES = {
    "landmarks (2,000 pairs)": (2000, [f"aligned(landmarks={m})" for m in (0, 500, 1000, 1500, 2000)]),
    "dimensions (2,000 pairs)": (2000, [f"aligned(dim={d})" for d in (64, 128, 256, 512)]),
    "power (2,000 pairs)": (2000, [f"aligned(power={p})" for p in (0, 0.5, 1, 2)]),
    "ridge × pairs (2,000)": (2000, [f"aligned(reg={r / 2000})" for r in (0.25, 0.5, 1, 2, 4)]),
    "ridge × pairs (200)": (200, [f"aligned(reg={r / 200})" for r in (0.25, 0.5, 1, 2, 4)]),
    "prior (50 pairs)": (50, [f"aligned(prior={p})" for p in (0, 20, 40, 80)]),
    "prior (200 pairs)": (200, [f"aligned(prior={p})" for p in (0, 20, 40, 80)]),
    "hubness (2,000 pairs)": (2000, [f"aligned(hubness={h})" for h in (0, 0.25, 0.5, 0.75, 1)]),
    "what is looked at (2,000 pairs)": (
        2000,
        ["aligned", "aligned(views=false)", "aligned(words=false)", "aligned(views=false, words=false)"],
    ),
    "hubness (50 pairs)": (50, [f"aligned(hubness={h})" for h in (0, 0.5)]),
    "classes mixed": (2000, [f"conse(top={t}, temperature={c})" for t in (10, 100, 1000) for c in (1, 2, 3)]),
}


def both(T: Side, G: Side) -> Batch:
    """Pairs of text and photo as a batch."""
    everywhere = np.ones(len(T), bool)
    views = {} if G.views is None else {"image": G.views}
    return Batch({"text": T.X, "image": G.X}, {"text": everywhere, "image": everywhere}, {"text": T.contents or []}, views=views)


def recall(fuser: Fuser, T: Side, G: Side) -> dict[str, list[float]]:
    (ask, there) = ([by(m, side) for m, side in (("text", T), ("image", G))] for by in (fuser.query, fuser.project))
    found = pair_recall(ask[0], there[1], np.eye(len(T), dtype=bool), photos=ask[1], texts=there[0])
    return {way: list(values.values()) for way, values in found.items()}


def encoded(encoder: Encoder, things: list[Any]) -> Side:
    """Texts or photos, all of which can be encoded."""
    found = encoder.encode(things)
    return Side(found.vectors, things if isinstance(things[0], str) else None, found.views)


class Fashion:
    def __init__(self, data: Path, encoders: dict[str, Encoder]):
        table = read_rows(data / "fashion" / "products.csv")
        split = np.array([row["split"] for row in table])
        self.encoders = encoders
        self.rows = {name: np.flatnonzero(split == name) for name in ("train", "validation", "test")}
        self.T = encoded(encoders["text"], [row["title"] for row in table])
        photos = [data / "fashion" / row["image"] for row in table]
        if encoders["image"].learns:  # of the products that the map is learned from, too, and no others
            encoders["image"].fit([photos[i] for i in self.rows["train"]])
        self.G = encoded(encoders["image"], photos)

    def fitted(self, spec: str, pairs: int, part: int) -> Fuser:
        chosen = np.random.default_rng(part).permutation(self.rows["train"])[:pairs]
        fuser: Fuser = FUSERS.create(spec)
        fuser.fit(both(self.T.take(chosen), self.G.take(chosen)), self.encoders, 0)
        return fuser

    def mean(self, spec: str, pairs: int) -> str:
        measured: list[list[float]] = []
        for part in range(SIZES[pairs]):
            measured += recall(self.fitted(spec, pairs, part), *self.of("validation")).values()
        return shown(np.mean(measured, axis=0))

    def of(self, split: str) -> tuple[Side, Side]:
        return self.T.take(self.rows[split]), self.G.take(self.rows[split])


def grocery(data: Path, encoders: dict[str, Encoder]) -> None:
    products, shelf = read_rows(data / "grocery" / "products.csv"), read_rows(data / "grocery" / "shelf.csv")
    ids = [row["id"] for row in products]
    wanted = np.array([ids.index(row["product"]) for row in shelf])
    G, S = (encoded(encoders["image"], [data / "grocery" / row["image"] for row in table]) for table in (products, shelf))
    texts = {
        "title": [row["title"] for row in products],
        "title and category": [f"{row['title']} {row['subcategory']} {row['category']}" for row in products],
    }
    for name, words in texts.items():
        T = encoded(encoders["text"], words)
        for spec in ("conse", "aligned"):
            for pairs in (20, 40, 60):
                measured: list[list[float]] = []
                for part in range(10):
                    order = np.random.default_rng(part).permutation(len(products))
                    kept, out = order[:pairs], order[pairs:]
                    fuser: Fuser = FUSERS.create(spec)
                    fuser.fit(both(T.take(kept), G.take(kept)), encoders, 0)
                    measured += recall(fuser, T.take(out), G.take(out)).values()
                print(f"grocery, {name}, {spec}, {pairs} pairs, {len(products) - pairs} candidates: {shown(np.mean(measured, axis=0))}")
            fuser = FUSERS.create(spec)
            fuser.fit(both(T, G), encoders, 0)
            own = recall(fuser, T, G)["text>image"]
            ranked = (-(fuser.query("image", S) @ fuser.project("text", T).T)).argsort(axis=1, kind="stable")
            place = (ranked == wanted[:, None]).argmax(axis=1)
            print(
                f"grocery, {name}, {spec} of all 81: title → own photo {shown(own)}{' (learned from them)' if spec == 'aligned' else ''}; "
                f"photo taken in a shop → text of its product R@1 / R@10 {shown([(place < 1).mean(), (place < 10).mean()])}"
            )


def clothing(data: Path, encoders: dict[str, Encoder]) -> None:
    table = read_rows(data / "clothing" / "products.csv")
    labels = np.array([row["label"] for row in table])
    G = encoders["image"].encode([data / "clothing" / row["image"] for row in table]).vectors
    kinds = sorted(set(labels))
    conse: Fuser = FUSERS.create("conse")
    conse.fit(Batch({"image": G}, {"image": np.ones(len(G), bool)}), encoders, 0)
    named = encoded(encoders["text"], [str(kind) for kind in kinds])
    scores = conse.query("text", named) @ conse.project("image", Side(G)).T
    precisions, tops = [], []
    for kind, row in zip(kinds, scores, strict=True):
        right = labels[np.argsort(-row, kind="stable")] == kind
        precisions.append((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())
        tops.append(right[:10].mean())
    chance = np.mean([(labels == kind).mean() for kind in kinds])
    print(f"clothing, conse without any text: MAP / P@10 {shown([np.mean(precisions), np.mean(tops)])}, chance {chance:.3f}")


def main() -> int:
    data, options = Path(sys.argv[1]), set(sys.argv[2:])
    image = next((option.removeprefix("--image=") for option in options if option.startswith("--image=")), "efficientnet")
    encoders: dict[str, Any] = {m: ENCODERS.create(name) for m, name in (("text", "usem"), ("image", image))}
    fashion = Fashion(data, encoders)
    print(f"fashion, chance: {shown([1 / 500, 10 / 500])}")
    for pairs in () if "--pairs-only" in options else SIZES:
        started = time.perf_counter()
        aligned = fashion.mean("aligned", pairs)
        took = (time.perf_counter() - started) / SIZES[pairs]
        print(f"fashion, {pairs} pairs: aligned {aligned} ({took:.1f} s a fit), conse {fashion.mean('conse', pairs)}", flush=True)
    if not options & {"--quick", "--pairs-only"}:
        for name, (pairs, specs) in ALTERNATIVES.items():
            for spec in specs:
                print(f"fashion, {name}: {spec} {fashion.mean(spec, pairs)}", flush=True)
    for split in ("validation", "test") if "--test" in options else ("validation",):
        for spec in ("conse", "aligned"):
            for way, values in recall(fashion.fitted(spec, 2000, 0), *fashion.of(split)).items():
                print(f"fashion {split}, {spec}, {way}: {shown(values)}")
    if "--pairs-only" not in options:
        grocery(data, encoders)
        clothing(data, encoders)
    return 0


if __name__ == "__main__":
    sys.exit(main())
