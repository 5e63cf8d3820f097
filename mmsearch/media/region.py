"""Where on a photo the product is: a box around what stands out from the photo's border."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

_SIDE = 120  # pixels of the long side on which the region is looked for: twice as many cost four times as much
_BORDER = 0.04  # share of a side that is taken for background
_ROUNDS = 3
_MARGIN = 0.05  # of the box's side, left around the product
_LEAST, _MOST = 0.02, 0.95  # share of the photo; a region outside of these is no finding
_SPECK = 0.1  # pieces smaller than this share of the largest are no part of the product


REGION = 1  # raised whenever `product_box` finds other boxes: part of the fingerprint of encoders that crop


class Box(NamedTuple):
    """A region of a photo, in its pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


def checked_crop(crop: str) -> bool:
    """An encoder's parameter `crop`, 'none' or 'auto': whether it crops. Raises ValueError for anything else."""
    if crop not in ("none", "auto"):
        raise ValueError(f"crop is none or auto, not {crop}")
    return crop == "auto"


def product_box(image: Image.Image) -> Box:
    """The box of the product on an upright RGB photo; the whole photo where nothing stands out. The same photo gives the same box.

    GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004): two mixtures of colours, of what is inside and of the border, and the cheapest
    cut between them.
    """
    import cv2

    width, height = image.size
    whole = Box(0, 0, width, height)
    scale = _SIDE / max(width, height)
    small = image if scale >= 1 else image.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    pixels = np.asarray(small)
    h, w = pixels.shape[:2]
    edge = max(1, round(_BORDER * max(h, w)))
    if min(h, w) < 4 * edge + 4:
        return whole
    mask = np.full((h, w), cv2.GC_PR_FGD, np.uint8)
    mask[:edge], mask[-edge:], mask[:, :edge], mask[:, -edge:] = (cv2.GC_BGD,) * 4
    cv2.setRNGSeed(0)  # GrabCut starts its mixtures by k-means
    inner, outer = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(np.ascontiguousarray(pixels[..., ::-1]), mask, (0, 0, w, h), outer, inner, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # a photo of one colour has no mixtures
        return whole
    inside = _pieces((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD))
    if not _LEAST <= inside.mean() <= _MOST:
        return whole
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    margin = _MARGIN * max(bottom - top, right - left)
    return Box(
        max(0, int((left - margin) * width / w)),
        max(0, int((top - margin) * height / h)),
        min(width, int(np.ceil((right + margin) * width / w))),
        min(height, int(np.ceil((bottom + margin) * height / h))),
    )


def square(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    """The smallest square around a box, moved inside the photo; where the photo is too narrow for it, the middle of the box."""
    side = min(max(box.right - box.left, box.bottom - box.top), width, height)
    x = min(max((box.left + box.right - side) / 2, 0), width - side)
    y = min(max((box.top + box.bottom - side) / 2, 0), height - side)
    return x, y, x + side, y + side


def _pieces(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected pieces of a mask but for specks."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept: NDArray[np.bool_] = np.isin(labels, 1 + np.flatnonzero(areas >= _SPECK * areas.max()))
    return kept
