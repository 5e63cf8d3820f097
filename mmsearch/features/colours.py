"""The colours of the product on a photo, by name, in English and Chinese; the ground that it stands on is left out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.weights import fingerprint
from mmsearch.features.base import Fact, Feature, Found, Medium
from mmsearch.media.image import open_image

Grey = NDArray[np.float32]

#: English term → (Chinese name, what is called so). The eleven basic terms of Berlin & Kay (1969), and beige, navy and turquoise, which
#: shops tell apart. A colour has the term of the nearest of these examples in CIELAB.
TERMS: dict[str, tuple[str, str]] = {
    "black": ("黑色", "000000 141414 202022 2a2a2d 2b2523 1c2420 383838 404042 3a3633 454547"),
    "white": ("白色", "ffffff f4f4f4 e9ebee f0f4fa eae8e6 dcdee0 d8d8d8"),
    "grey": ("灰色", "c4c6c9 a9abae 8c8e91 707276 5e6063 9a9fa6 b5b3b0 7d7a77"),
    "red": ("红色", "e50000 c81e28 a0141e 7d0f1c 5e0f1a d23c3c b43246 8c2832 ff2a36"),
    "orange": ("橙色", "ff7f00 f97306 f0642d e08a3c ff9a5a d9601e"),
    "yellow": ("黄色", "ffff14 f5d800 fae16e e6c323 fff0a0 d7b428 c8a01e"),
    "green": ("绿色", "15b01a 2d8c3c 1e5a2d 6ea046 96be5a 5f6e2d 46502d 8cbe8c 32463c 7a8450 a8d26e 5a6446"),
    "turquoise": ("青色", "06c2ac 1ea5a5 5ac8c8 0a8282 96dcd7"),
    "blue": ("蓝色", "0343df 1e5ac8 3c78be 6496d2 8cb4e1 46648c 5a7896 78a0c8 28509b a0c3eb 3a5f9e 6d87ab"),
    "navy": ("藏青色", "01153e 14234b 1e2d50 2a3350 232a44 323c5a 171c30 22283a"),
    "purple": ("紫色", "7e1e9c 643c82 966eb4 503264 b496d2 46284b 8c4678 785a82 c8afe1 6e2d64"),
    "pink": ("粉色", "ff81c0 f0a0be dc468c ffb4c8 e6788c fad2dc c83c78 e8a5a0 d67d8c ff4f9a"),
    "brown": ("棕色", "653700 783c1e 4b2d1e 2f1f18 8c5a3c 5f4632 a06e46 3c281e 7d5f4b 6e3c28 96694b 4a3a30"),
    "beige": ("米色", "e6daa6 dcc8aa c8b496 f0e1cd b4a07d d2beaa e6d2b9 beaf9b f5ead8 a8977a"),
}

_RECIPE = 1  # raised whenever the same photo would get other colours
_SIDE = 64  # pixels of the long side that are looked at
_GROUND = 8.0  # ΔE to the middle of the border's colours up to which a border is of one colour
_PLAIN = 0.6  # share of the border that is of one colour where the ground is plain
_NEAR = 5.0  # ΔE up to which what is joined to the border is ground
_FEWEST = 0.03  # share of the photo that is left when the ground is gone; less is no product
_MIDDLE = 4.0  # how much more the middle counts than the border: exp(-_MIDDLE · r²), r = 1 in the middle of an edge
_VIVID = 0.03  # how much more a pixel counts for each unit of chroma: shading and shadows are grey
_HUES = 1.5  # how much more differences of hue and chroma count than those of lightness
_SHADE = 0.6  # what grey counts for: what is black, white or dull looks grey in parts
_LEAST = 0.2  # share of the product that is worth a name
_MOST = 3  # names a photo


class Colours(Feature):
    """The colours of the product on each photo by name, the ground left out; Chinese names beside the English ones

    Photos are looked at in 64 pixels, each pixel gets the term of the nearest example in CIELAB, and terms their share of the product.
    """

    sources: ClassVar[tuple[str, ...]] = ("image",)
    names: ClassVar[dict[str, str]] = {"colour": "text", "colours": "list", "颜色": "list"}
    batch: ClassVar[int] = 256

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        return fingerprint("colours", {"recipe": _RECIPE, "terms": TERMS}, {})

    def prepare(self, item: str | Medium) -> dict[str, float]:
        """A photo → term → share. Raises MediaError."""
        if not isinstance(item, Medium):
            raise TypeError("colours are those of photos")
        image = open_image(item.content, short_side=_SIDE)
        shrink = _SIDE / max(image.size)
        if shrink < 1:
            image = image.resize((max(1, round(image.width * shrink)), max(1, round(image.height * shrink))), reducing_gap=2.0)
        return shares(np.asarray(image))

    def extract(self, prepared: Sequence[dict[str, float]]) -> list[list[Fact]]:
        """Terms with their shares (n) → those that are worth a name, the largest first, in English and Chinese."""
        return [_named(one) for one in prepared]

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """The colours of all photos, by their mean share; `colour` is the first."""
        total: dict[str, float] = {}
        for one in found:
            for fact in one.facts:
                if fact.name == "colours":
                    total[str(fact.value)] = total.get(str(fact.value), 0.0) + (fact.score or 0.0)
        terms = sorted(total, key=lambda term: (-total[term], term))
        return {"colour": terms[0], "colours": terms, "颜色": [TERMS[term][0] for term in terms]} if terms else {}


def _named(found: dict[str, float]) -> list[Fact]:
    terms = sorted(found, key=lambda term: (-found[term], term))[:_MOST]
    kept = [term for n, term in enumerate(terms) if n == 0 or found[term] >= _LEAST]
    english = [Fact("colours", term, score=round(found[term], 3)) for term in kept]
    return english + [Fact("颜色", TERMS[term][0], score=round(found[term], 3)) for term in kept]


def shares(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """A photo (height, width, 3) → term → its share of the product, those that are there."""
    lab = _lab_of()[_place(pixels)]
    weight = _weights(*pixels.shape[:2]) * (1 + _VIVID * np.hypot(lab[..., 1], lab[..., 2]))
    ground = _ground(lab)
    if (~ground).mean() >= _FEWEST:
        weight = np.where(ground, 0, weight)
    counts = np.bincount(_term_of()[_place(pixels)].ravel(), weight.ravel(), len(TERMS))
    counts[list(TERMS).index("grey")] *= _SHADE
    return {term: float(count / counts.sum()) for term, count in zip(TERMS, counts, strict=True) if count > 0}


def _ground(lab: Grey) -> NDArray[np.bool_]:
    """What is joined to the border and of its colour, (height, width); nothing where the border has many colours."""
    import cv2

    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    middle = np.median(border, axis=0)
    if (np.linalg.norm(border - middle, axis=-1) <= _GROUND).mean() < _PLAIN:
        return np.zeros(lab.shape[:2], np.bool_)
    near = np.linalg.norm(lab - middle, axis=-1) <= _NEAR
    _, pieces = cv2.connectedComponents(near.astype(np.uint8), connectivity=4)
    edges = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    joined: NDArray[np.bool_] = near & np.isin(pieces, edges[edges > 0])
    return joined


@functools.lru_cache(maxsize=64)
def _weights(height: int, width: int) -> Grey:
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) if n > 1 else np.zeros(1, np.float32) for n in (height, width))
    weight: Grey = np.exp(-_MIDDLE * (y[:, None] ** 2 + x[None, :] ** 2)).astype(np.float32)
    return weight


def _place(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Colours (…, 3) → their places in tables of 32 × 32 × 32."""
    r, g, b = (pixels[..., i].astype(np.int32) >> 3 for i in range(3))
    return (r << 10) | (g << 5) | b


@functools.cache
def _lab_of() -> Grey:
    """CIELAB of the middle of each place, (32768, 3)."""
    values = (np.arange(32) * 8 + 4).astype(np.float64)
    values[[0, -1]] = 0, 255
    return cielab(np.stack(np.meshgrid(values, values, values, indexing="ij"), axis=-1).reshape(-1, 3))


@functools.cache
def _term_of() -> NDArray[np.int64]:
    """The term of each place, (32768,)."""
    examples = [(n, bytes.fromhex(code)) for n, (_, codes) in enumerate(TERMS.values()) for code in codes.split()]
    metric = np.array([1, _HUES, _HUES], np.float32)
    known = cielab(np.array([list(code) for _, code in examples], np.float64)) * metric
    distance = (((_lab_of() * metric)[:, None, :] - known[None, :, :]) ** 2).sum(axis=-1)
    terms: NDArray[np.int64] = np.array([n for n, _ in examples], np.int64)[distance.argmin(axis=1)]
    return terms


def cielab(rgb: NDArray[np.float64]) -> Grey:
    """sRGB of 0 to 255 (n, 3) → CIELAB under D65 (IEC 61966-2-1, CIE 15)."""
    c = rgb / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=-1).astype(np.float32)
