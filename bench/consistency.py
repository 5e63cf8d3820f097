"""Whether `mmsearch check consistency` finds what was planted: photos that were swapped, products that were copied, bland titles.

    python -m bench.consistency DATA_FOLDER                   (the folder that holds fashion/)
    python -m bench.consistency DATA_FOLDER validation test   also the half of the products on which nothing was chosen
    python -m bench.consistency DATA_FOLDER scale             time and memory at 50,000 products (vectors of fashion with noise)

All 3,000 fashion products go into a store. Among the products of one half, 2 % of the catalogue (60) have their photos passed on in a ring,
and 60 others are copied under a new id, the photo cropped or saved anew, the title written otherwise. Then 60 more get a bland title.
Everything by seed 0. Beside the gap, the list is made by other measures, and by a map that saw the pairs it judges.
"""

from __future__ import annotations

import csv
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import mmsearch
from bench.tables import read_rows, written
from mmsearch.fusion import pairings
from mmsearch.fusion.base import unit_rows
from mmsearch.fusion.consistency import COUNTED, KINDS, LISTED
from mmsearch.fusion.disagreement import compare_pairs
from mmsearch.fusion.pairings import Space
from mmsearch.fusion.profile import load
from mmsearch.shop import Shop
from mmsearch.store.vectors import read_vectors, write_vectors

PLANTED = 60
COLUMNS = ("id", "title", "category", "colour", "image")
BLAND = (
    *("New product", "Item", "Gift", "Best seller", "Brand new arrival", "Special offer", "Product of the day", "Great quality"),
    *("See photo", "Available now", "Made with love", "Clothing", "Fashion", "Accessories", "For every day"),
)


def cropped(image: Image.Image, share: float) -> Image.Image:
    w, h = image.size
    return image.crop((round(w * share / 2), round(h * share / 2), w - round(w * share / 2), h - round(h * share / 2)))


PHOTOS: dict[str, Callable[[Image.Image], tuple[Image.Image, int]]] = {
    "saved anew (85)": lambda image: (image, 85),
    "enlarged": lambda image: (image.resize((image.width * 2, image.height * 2)), 85),
    "cropped by 4 %": lambda image: (cropped(image, 0.04), 85),
    "cropped by 8 %": lambda image: (cropped(image, 0.08), 85),
    "cropped by 15 %": lambda image: (cropped(image, 0.15), 85),
    "saved anew (50)": lambda image: (image, 50),
}
TITLES: dict[str, Callable[[list[str]], list[str]]] = {
    "as it is": lambda words: words,
    "capitals": lambda words: [word.upper() for word in words],
    "other order": lambda words: random.Random(len(words)).sample(words, len(words)),
    "advertised": lambda words: [*words, "New", "Hot", "Sale"],
    "a word less": lambda words: words[:-1],
}


class Planted:
    """A store of the fashion products in which something is wrong, and what."""

    def __init__(self, data: Path, folder: Path, part: str, products: int | None = None):
        self.rows = read_rows(data / "fashion" / "products.csv")[:products]
        halves = np.array_split(np.random.default_rng(123).permutation(len(self.rows)), 2)
        chosen = np.random.default_rng(0).permutation(halves[part == "test"])
        swapped, copied, self.bland = np.split(chosen[: 3 * PLANTED], 3)
        photos = [str(data / "fashion" / row["image"]) for row in self.rows]
        for row, at in zip(self.rows, range(len(photos)), strict=True):
            row["image"] = photos[at]
        for at, source in zip(swapped, np.roll(swapped, 1), strict=True):
            self.rows[at]["image"] = photos[source]
        self.swapped = {self.rows[i]["id"] for i in swapped}
        self.copies: dict[str, tuple[str, str, str]] = {}  # id of the copy → the original, what was done to the photo, to the title
        folder.mkdir(parents=True)
        for number, at in enumerate(copied):
            look, say = list(PHOTOS)[number % len(PHOTOS)], list(TITLES)[number // len(PHOTOS) % len(TITLES)]
            original, path = self.rows[at], folder / f"{number}.jpg"
            image, quality = PHOTOS[look](Image.open(photos[at]).convert("RGB"))
            image.save(path, quality=quality)
            copy = original | {"id": f"copy-{number}", "title": " ".join(TITLES[say](original["title"].split())), "image": str(path)}
            self.copies[copy["id"]] = (original["id"], look, say)
            self.rows.append(copy)
        self.shop = mmsearch.open(str(folder / "shop.lancedb"))
        self.bring(folder, self.rows)
        self.shop.fuse()

    def bring(self, folder: Path, rows: list[dict[str, str]]) -> None:
        self.shop.ingest(written(folder / "products.csv", rows, COLUMNS), allow_outside=True)
        self.shop.embed(no_features="all")

    def make_bland(self, folder: Path) -> set[str]:
        changed = [self.rows[i] | {"title": BLAND[n % len(BLAND)]} for n, i in enumerate(self.bland)]
        self.bring(folder, changed)
        return {row["id"] for row in changed}


def measured(shop: Shop) -> tuple[list[str], dict[str, np.ndarray]]:
    """Ids of the products that were compared, and what was measured of each; larger is worse."""
    ids: list[str] = []
    found: dict[str, list[np.ndarray]] = {"gap": [], "better": [], "similarity": []}
    for pairing in Space("", load(shop.store, "aligned"), None).pairings(shop.store, []):
        compared = compare_pairs(pairing.texts, pairing.photos, pairing.own)
        ids += [pairing.ids[row] for row in pairing.own]
        for name, values in zip(found, (compared.gap, compared.better, -compared.similarity), strict=True):
            found[name].append(values)
    return ids, {name: np.concatenate(values) for name, values in found.items()}


def quality(ids: list[str], values: np.ndarray, wanted: set[str]) -> str:
    right = np.array([id in wanted for id in ids])
    first = np.argsort(-values, kind="stable")[: len(wanted)]
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    below = ranks[right].sum() - right.sum() * (right.sum() - 1) / 2
    return f"{int(right[first].sum())} of {len(wanted)} among the first {len(wanted)}, AUC {below / (right.sum() * (~right).sum()):.3f}"


def report(data: Path, part: str, folder: Path) -> None:
    planted = Planted(data, folder / part, part)
    shop = planted.shop
    ids, values = measured(shop)
    for name, worse in values.items():
        print(f"{part}: swapped photos by {name}: {quality(ids, worse, planted.swapped)}", flush=True)
    right = np.array([id in planted.swapped for id in ids])
    for least in (LISTED, 0.1, 0.2, COUNTED, 0.5):
        over = values["better"] >= least
        shares = f"{over[right].mean():.3f} of the swapped, {over[~right].mean():.4f} of the others"
        print(f"{part}: at least {least:.0%} of the texts fit better: {shares}")
    folds, pairings.FOLDS = pairings.FOLDS, 1
    print(f"{part}: swapped photos, learned from the pairs that are judged: {quality(*_gap(measured(shop)), planted.swapped)}")
    pairings.FOLDS = folds
    started = time.perf_counter()
    found = shop.check_consistency(k=PLANTED)
    took = time.perf_counter() - started
    listed = [one.id for one in found.disagreements]
    hit = sum(id in planted.swapped for id in listed)
    print(f"{part}: the command lists {hit} swapped ones among its first {PLANTED}, in {took:.0f} s; {found.disagreeing} count")
    shown = {row["id"]: Path(row["image"]).stem for row in planted.rows}  # a photo is named by its own product
    named = [shown[one.id] == one.suits for one in found.disagreements if one.id in planted.swapped]
    print(f"{part}: of those, the photo's own product is named as what it fits in {sum(named)} of {len(named)}")
    duplicates(part, planted, shop.check_consistency(k=10_000, find="duplicates"))
    bland = planted.make_bland(folder / part)
    ids, values = measured(shop)
    for name, worse in values.items():
        first = [ids[i] for i in np.argsort(-worse, kind="stable")[:PLANTED]]
        hits = f"{sum(i in planted.swapped for i in first)} swapped and {sum(i in bland for i in first)} bland"
        print(f"{part}: with {PLANTED} bland titles, by {name}: {hits} among the first {PLANTED}")


def _gap(found: tuple[list[str], dict[str, np.ndarray]]) -> tuple[list[str], np.ndarray]:
    return found[0], found[1]["gap"]


def duplicates(part: str, planted: Planted, found: Any) -> None:
    groups = [{member.id for member in group.members} for group in found.groups]
    hit = {copy: any({copy, original} <= group for group in groups) for copy, (original, _, _) in planted.copies.items()}
    print(f"{part}: copies found: {sum(hit.values())} of {len(hit)}")
    for which, kinds in ((1, PHOTOS), (2, TITLES)):
        shares = {kind: [hit[copy] for copy, how in planted.copies.items() if how[which] == kind] for kind in kinds}
        print(f"{part}:   " + ", ".join(f"{kind} {sum(h)}/{len(h)}" for kind, h in shares.items()))
    strange = [group for group in groups if not group & set(planted.copies)]
    print(f"{part}: groups without a copy: {len(strange)} of {len(groups)}; the surest ten:")
    titles = found.titles
    for group in strange[:10]:
        print(f"{part}:   {' | '.join(f'{id} {titles[id]}' for id in sorted(group))}")


_TIMED = """
import resource, sys, time
import mmsearch
shop = mmsearch.open(sys.argv[1])
started = time.perf_counter()
found = shop.check_consistency(k=50, find=sys.argv[2])
took = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"{sys.argv[2]}: {took:.0f} s, peak {peak:.2f} GB; {found.disagreeing} disagree, {found.repeats} repeat another, {found.bare} bare")
"""


def scale(data: Path, folder: Path, products: int = 50_000) -> None:
    """Time and memory of each kind in a process of its own."""
    planted = Planted(data, folder / "source", "validation", 600)
    shop = mmsearch.open(str(folder / "large.lancedb"))
    rng = np.random.default_rng(0)
    chosen = rng.integers(len(planted.rows), size=products)
    with (folder / "large.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title"])
        out.writerows([f"p{n}", f"{planted.rows[i]['title']} {rng.integers(1_000_000)}"] for n, i in enumerate(chosen))
    shop.ingest(folder / "large.csv")
    ids = [row["id"] for row in planted.rows]
    for modality, noise in (("text", 0.4), ("image", 0.4)):
        known = planted.shop.store.record.get(f"encoder/{modality}") or {}
        rows = read_vectors(planted.shop.store, known["table"])
        at = {id: i for i, id in enumerate(rows.ids.to_pylist())}
        base = rows.vectors[[at[id] for id in ids]]
        for start in range(0, products, 5_000):
            mine = chosen[start : start + 5_000]
            spread = noise / base.shape[1] ** 0.5 * rng.standard_normal((len(mine), base.shape[1])).astype(np.float32)
            vectors = unit_rows(base[mine] + spread)
            names = [f"p{n}" for n in range(start, start + len(mine))]
            parts = [""] * len(mine) if modality == "text" else [f"{name}.jpg" for name in names]
            write_vectors(shop.store, known["table"], names, parts, [f"{modality} {name}" for name in names], vectors)
        shop.store.record.put(f"encoder/{modality}", known)
    shop.fuse()
    for kind in KINDS:
        ran = subprocess.run([sys.executable, "-c", _TIMED, shop.store.path, kind], capture_output=True, text=True, check=True)
        print(f"{products:,} products, {ran.stdout.strip()}", flush=True)


def main() -> int:
    data, parts = Path(sys.argv[1]).resolve(), sys.argv[2:] or ["validation"]
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            if part == "scale":
                scale(data, Path(folder))
            else:
                report(data, part, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
