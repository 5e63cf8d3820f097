"""What `crop=auto` is worth: grocery photos taken in shops → product, and photos of the same kind of garment.

    python -m bench.regions DATA_FOLDER [SPEC …]      (the folder that holds grocery/ and clothing/)

Validation is the first, third … query and test the second, fourth …; the default of `crop` was chosen on validation.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from bench.tables import read_rows
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, Matrix


def encoded(encoder: Encoder, paths: list[Path], *, fitted: bool = False) -> Matrix:
    if encoder.learns and not fitted:
        encoder.fit(paths)
    found = encoder.encode(paths)
    if found.failures:
        raise SystemExit(f"{paths[found.failures[0][0]]}: {found.failures[0][1]}")
    return found.vectors


def shelf(encoder: Encoder, folder: Path) -> np.ndarray:
    """For each photo taken in a shop, the rank of its product among the products' photos, (n,), 0 the first."""
    products, photos = read_rows(folder / "products.csv"), read_rows(folder / "shelf.csv")
    ids = [row["id"] for row in products]
    wanted = np.array([ids.index(row["product"]) for row in photos])
    G = encoded(encoder, [folder / row["image"] for row in products])
    S = encoded(encoder, [folder / row["image"] for row in photos], fitted=True)
    ranks: np.ndarray = (np.argsort(-(S @ G.T), axis=1, kind="stable") == wanted[:, None]).argmax(axis=1)
    return ranks


def garments(encoder: Encoder, folder: Path) -> np.ndarray:
    """For each photo the share of its ten nearest that show the same kind of garment, (n,)."""
    table = read_rows(folder / "products.csv")
    labels = np.array([row["label"] for row in table])
    G = encoded(encoder, [folder / row["image"] for row in table])
    similarity = G @ G.T
    np.fill_diagonal(similarity, -np.inf)
    shares: np.ndarray = (labels[np.argsort(-similarity, axis=1, kind="stable")[:, :10]] == labels[:, None]).mean(axis=1)
    return shares


def main() -> int:
    data, specs = Path(sys.argv[1]), sys.argv[2:] or ["efficientnet", "efficientnet(crop=auto)"]
    for spec in specs:
        encoder = ENCODERS.create(spec)
        started = time.perf_counter()
        rank, precision = shelf(encoder, data / "grocery"), garments(encoder, data / "clothing")
        took = (time.perf_counter() - started) / (len(rank) + 81 + len(precision))
        for name, half in (("validation", slice(0, None, 2)), ("test", slice(1, None, 2))):
            found = f"R@1 {(rank[half] < 1).mean():.3f}, R@10 {(rank[half] < 10).mean():.3f}"
            print(f"{spec}, {name}: shelf photo → product {found}; same garment P@10 {precision[half].mean():.3f}", flush=True)
        print(f"{spec}: {took * 1000:.0f} ms a photo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
