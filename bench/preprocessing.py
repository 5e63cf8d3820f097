"""How a photo is cut to the image encoder's square: which way retrieves best.

    python -m bench.preprocessing DATA_FOLDER     (the folder that holds grocery/ and clothing/)

Grocery: a photo taken in a shop → the product it shows, R@1. Clothing: photos of the same garment kind among the ten
nearest, P@10. Each query belongs to half A or half B (seed 0): the way is chosen by the mean of both measures on A, B reports.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.tables import read_rows
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.efficientnet import SIZE
from mmsearch.media.image import open_image

Square = Callable[[Image.Image], Image.Image]


def crop(share: float) -> Square:
    def cut(image: Image.Image) -> Image.Image:
        width, height = image.size
        side = min(width, height) * share
        box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
        return image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box)

    return cut


def pad(colour: tuple[int, int, int]) -> Square:
    def fill(image: Image.Image) -> Image.Image:
        scale = SIZE / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        square = Image.new("RGB", (SIZE, SIZE), colour)
        square.paste(image.resize((width, height), Image.Resampling.BICUBIC), ((SIZE - width) // 2, (SIZE - height) // 2))
        return square

    return fill


WAYS: dict[str, Square] = {
    "middle square, 87.5 %": crop(0.875),
    "middle square, whole": crop(1.0),
    "squash": lambda image: image.resize((SIZE, SIZE), Image.Resampling.BICUBIC),
    "pad with white": pad((255, 255, 255)),
    "pad with grey": pad((127, 127, 127)),
}


def main() -> int:
    data = Path(sys.argv[1])
    encoder = ENCODERS.create("efficientnet")
    products, shelf, clothing = (read_rows(data / name) for name in ("grocery/products.csv", "grocery/shelf.csv", "clothing/products.csv"))
    ids = [row["id"] for row in products]
    wanted = np.array([ids.index(row["product"]) for row in shelf])
    kinds = np.array([row["label"] for row in clothing])
    rng = np.random.default_rng(0)
    shelf_half, clothing_half = rng.permutation(len(shelf)) % 2, rng.permutation(len(clothing)) % 2

    def features(folder: str, table: list[dict[str, str]], way: Square) -> NDArray[np.float32]:
        squares = [np.asarray(way(open_image(data / folder / row["image"]))) for row in table]
        raw = np.concatenate([encoder.encode_batch(squares[i : i + 64]) for i in range(0, len(squares), 64)])
        return raw / np.linalg.norm(raw, axis=1, keepdims=True)  # type: ignore[no-any-return]

    for name, way in WAYS.items():
        catalogue, photos, garments = (features(f, t, way) for f, t in (("grocery", products), ("grocery", shelf), ("clothing", clothing)))
        first = (photos @ catalogue.T).argmax(axis=1) == wanted
        alike = garments @ garments.T
        np.fill_diagonal(alike, -1)
        precision = (kinds[np.argsort(-alike, axis=1)[:, :10]] == kinds[:, None]).mean(axis=1)
        halves = [
            f"{label}: R@1 {first[shelf_half == h].mean():.3f}, P@10 {precision[clothing_half == h].mean():.3f}"
            for h, label in enumerate("AB")
        ]
        print(f"{name:<24} " + "   ".join(halves), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
