"""What a photo is seen by beside the top of the network, for fusion: the network's earlier stages, colours and where they lie.

Chosen on the validation products of fashion (docs/decisions/0021-aligned-views.md): more views help more than deeper maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Matrix

#: Last block of each resolution or width of EfficientNet-Lite0: 16, 24, 40, 80, 112, 192 and 320 channels.
ENDS = (0, 2, 4, 7, 10, 14, 15)
_CHANNELS = 784  # of all these together
_SIDE = 96  # pixels that the long side keeps at least where colours are counted
_WHOLE = (8, 4, 4)  # bins of hue, saturation and value
_FIELD = (6, 3, 3)
_ROWS, _COLUMNS = 4, 3

#: Name → dimensions: mean and maximum of each channel of the earlier stages, colours of the photo, colours of each field of a grid.
VIEWS: Mapping[str, int] = {
    "means": _CHANNELS,
    "maxima": _CHANNELS,
    "colours": int(np.prod(_WHOLE)),
    "layout": int(np.prod(_FIELD)) * _ROWS * _COLUMNS,
}

RECIPE = {"ends": ENDS, "side": _SIDE, "smaller": "reduce", "whole": _WHOLE, "field": _FIELD, "grid": (_ROWS, _COLUMNS)}


def colours(image: Any) -> Matrix:
    """An opened RGB photo → root HSV histograms (776,): of the whole, then of each field of a grid of 4 rows and 3 columns."""
    import cv2

    # Means of whole squares of pixels: in half to a tenth of the time that resampling to a size takes, the larger the photo.
    small = image.reduce(max(1, max(image.size) // _SIDE))
    hsv: NDArray[Any] = cv2.cvtColor(np.asarray(small), cv2.COLOR_RGB2HSV)
    height, width = hsv.shape[:2]
    rows, columns = ([side * i // n for i in range(n + 1)] for side, n in ((height, _ROWS), (width, _COLUMNS)))
    fields = [hsv[top:bottom, left:right] for top, bottom in pairwise(rows) for left, right in pairwise(columns)]
    return np.concatenate([_histogram(hsv, _WHOLE), *(_histogram(field, _FIELD) for field in fields)])


def _histogram(field: NDArray[Any], bins: tuple[int, int, int]) -> Matrix:
    """Square roots of shares: their dot product is the Bhattacharyya coefficient."""
    import cv2

    if not field.size:  # a field of a photo of fewer pixels than the grid has rows
        return np.zeros(int(np.prod(bins)), np.float32)
    counted = cv2.calcHist([np.ascontiguousarray(field)], [0, 1, 2], None, list(bins), [0, 180, 0, 256, 0, 256])
    shares: Matrix = np.sqrt(counted.ravel() / (field.shape[0] * field.shape[1])).astype(np.float32)
    return shares
