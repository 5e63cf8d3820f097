"""The bundled image encoder with further views of each photo beside its top vector: more for fusion to learn from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Classes, Items, Matrix, NotFitted, spread
from mmsearch.encoders.efficientnet import DECODED, EfficientNet, export, session
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.weights import converted, file_hash, fingerprint
from mmsearch.errors import InputError
from mmsearch.media import MediaError
from mmsearch.media.image import open_image

_RECIPE = "efficientnet-views 1"
_BATCH = 16
_ENDS = (0, 2, 4, 7, 10, 14, 15)  # last block of each resolution or width: 16, 24, 40, 80, 112, 192 and 320 channels
_CHANNELS = 784  # of all these together
_TOP = 1280
_SIDE = 96  # pixels of the long side on which colours are counted

#: Share of each view beside 1 for the top vector. Chosen among a handful of mixtures on the validation products of fashion
#: (docs/decisions/0011-image-views.md).
_WEIGHTS = {"means": 0.4, "maxima": 0.3, "layout": 0.2, "grid": 0.2, "colours": 0.1}
_KEPT = 128  # principal components of a view
_POWER = 0.25  # of their standard deviation that is divided out: 0 leaves it, 1 is full whitening
_LEARNED_FROM = 1_000  # photos
_FEWEST = 20


class _Prepared(NamedTuple):
    pixels: NDArray[np.uint8]  # (224, 224, 3)
    colours: Matrix  # (128,)
    layout: Matrix  # (648,)


class EfficientNetViews(EfficientNet):
    """Photo → 1920 dimensions: the 1280 of `efficientnet`, and 128 each of five views.

    The views: means and maxima of the network's earlier stages, how the quarters of its last map differ from the whole, and HSV
    histograms of the photo and of the fields of a 4 × 3 grid. Each is turned to its principal components over the store's own photos
    and partly whitened, so that it learns from them.
    """

    dim = _TOP + _KEPT * len(_WEIGHTS)
    space = "efficientnet-views"
    learns: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._maps: dict[str, tuple[Matrix, Matrix]] = {}  # view → mean (d,), weight (d, 128)

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        recipe = {"recipe": _RECIPE, "top": super().fingerprint(), "weights": _WEIGHTS, "side": _SIDE}
        return fingerprint("efficientnet-views", recipe, {"learned": digest(self.state())})

    def fit(self, items: Items) -> None:
        """The principal components of each view over at most 1,000 photos. See `Encoder.fit`."""
        found: dict[str, list[Matrix]] = {}
        batch: list[_Prepared] = []
        for item in spread(items, _LEARNED_FROM):
            try:
                batch.append(self.prepare(item))
            except MediaError:
                continue  # the embed that follows names it
            if len(batch) == _BATCH:
                self._collect(batch, found)
        self._collect(batch, found)
        seen = sum(len(rows) for rows in found.get("means", []))
        if seen < _FEWEST:
            raise InputError(
                f"efficientnet-views learns from the store's photos, and only {seen} of at least {_FEWEST} can be used",
                hint="the encoder without views needs none: mmsearch embed --image efficientnet",
            )
        self._maps = {view: _components(np.concatenate(rows)) for view, rows in found.items() if view in _WEIGHTS}

    def _collect(self, batch: list[_Prepared], found: dict[str, list[Matrix]]) -> None:
        if batch:
            for view, rows in self._views(batch).items():
                found.setdefault(view, []).append(rows)
        batch.clear()

    def state(self) -> bytes:
        """See `Encoder.state`."""
        if not self._maps:
            raise NotFitted("efficientnet-views")
        return pack(
            {f"{view}.{name}": array for view, both in self._maps.items() for name, array in zip(("mean", "weight"), both, strict=True)}
        )

    def restore(self, state: bytes) -> None:
        """See `Encoder.restore`."""
        arrays, _ = unpack(state)
        if set(arrays) != {f"{view}.{name}" for view in _WEIGHTS for name in ("mean", "weight")}:
            raise ValueError("it is not that of efficientnet-views")
        self._maps = {view: (arrays[f"{view}.mean"], arrays[f"{view}.weight"]) for view in _WEIGHTS}

    def prepare(self, item: Any) -> _Prepared:  # type: ignore[override]
        """A photo (path, bytes or an opened `PIL.Image.Image`) → pixels and counted colours. Raises MediaError."""
        from PIL.Image import Image as Opened

        image = item.convert("RGB") if isinstance(item, Opened) else open_image(item, short_side=DECODED)
        return _Prepared(super().prepare(image), *_colours(image))

    def encode_batch(self, prepared: Sequence[_Prepared]) -> Matrix:  # type: ignore[override]
        """Photos (n) → (n, 1920) float32."""
        if not self._maps:
            raise NotFitted("efficientnet-views")
        pieces = []
        for start in range(0, len(prepared), _BATCH):
            views = self._views(prepared[start : start + _BATCH])
            blocks = [_unit(views["top"])]
            for view, weight in _WEIGHTS.items():
                mean, components = self._maps[view]
                blocks.append(np.sqrt(weight) * _unit((views[view] - mean) @ components))
            pieces.append(np.hstack(blocks).astype(np.float32))
        return np.concatenate(pieces)

    def classes(self) -> Classes:
        """See `EfficientNet.classes`: the top vector's share of the whole is known, and the views have no say."""
        known = super().classes()
        weight = np.zeros((len(known.names), self.dim), np.float32)
        weight[:, :_TOP] = known.weight
        return Classes(known.names, weight, known.bias, known.scale * float(np.sqrt(1 + sum(_WEIGHTS.values()))))

    def _views(self, prepared: Sequence[_Prepared]) -> dict[str, Matrix]:
        top, means, maxima, grid = self._views_session.run(None, {"pixels": np.stack([one.pixels for one in prepared])})
        colours, layout = (np.stack([one[i] for one in prepared]) for i in (1, 2))
        return {"top": top, "means": means, "maxima": maxima, "grid": grid, "colours": colours, "layout": layout}

    @functools.cached_property
    def _views_session(self) -> Any:
        return session(converted("efficientnet-lite0-views", _RECIPE, file_hash(self._weights), ".onnx", self._export_views))

    def _export_views(self, path: Path) -> None:
        import torch

        class Views(torch.nn.Module):
            def __init__(self, network: Any):
                super().__init__()
                self.network = network

            def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, ...]:
                net = self.network
                x = net._swish(net._bn0(net._conv_stem((pixels.permute(0, 3, 1, 2).float() - 127) / 128)))
                means, maxima = [], []
                for index, block in enumerate(net._blocks):
                    x = block(x, 0.0)
                    if index in _ENDS:
                        means.append(x.mean((2, 3)))
                        maxima.append(x.amax((2, 3)))
                x = net._swish(net._bn1(net._conv_head(x)))
                top = x.mean((2, 3))
                quarters = (x[:, :, :4, :4], x[:, :, :4, 3:], x[:, :, 3:, :4], x[:, :, 3:, 3:])
                grid = torch.cat([quarter.mean((2, 3)) - top for quarter in quarters], 1)
                return top, torch.cat(means, 1), torch.cat(maxima, 1), grid

        export(Views(self._network()), path, ["top", "means", "maxima", "grid"])


_TOP_SIDE = 256


def _colours(image: Any) -> tuple[Matrix, Matrix]:
    """Root HSV histograms of a photo: 8 × 4 × 4 bins of the whole, 6 × 3 × 3 of each field of a grid of 4 rows and 3 columns."""
    import cv2

    scale = _SIDE / max(image.size)
    small = image if scale >= 1 else image.resize([max(1, round(side * scale)) for side in image.size])
    hsv: NDArray[Any] = cv2.cvtColor(np.asarray(small), cv2.COLOR_RGB2HSV)
    height, width = hsv.shape[:2]

    def histogram(field: NDArray[Any], bins: tuple[int, int, int]) -> Matrix:
        if not field.size:  # a field of a photo of fewer pixels than the grid has rows
            return np.zeros(int(np.prod(bins)), np.float32)
        counted = cv2.calcHist([np.ascontiguousarray(field)], [0, 1, 2], None, list(bins), [0, 180, 0, 256, 0, 256])
        counts: Matrix = np.sqrt(counted.ravel() / (field.shape[0] * field.shape[1])).astype(np.float32)
        return counts

    rows, columns = ([side * i // n for i in range(n + 1)] for side, n in ((height, 4), (width, 3)))
    fields = [hsv[top:bottom, left:right] for top, bottom in pairwise(rows) for left, right in pairwise(columns)]
    return histogram(hsv, (8, 4, 4)), np.concatenate([histogram(field, (6, 3, 3)) for field in fields])


def _components(X: Matrix) -> tuple[Matrix, Matrix]:
    """Rows (n, d) → their mean (d,) and the map (d, 128) to standardised, partly whitened principal components; zeros beyond their rank."""
    mean = X.mean(axis=0)
    deviation = np.maximum(X.std(axis=0), 1e-6)
    # Counts of colours have a common scale already; channels of a network do not.
    own = deviation if X.shape[1] == _CHANNELS else np.ones_like(deviation)
    _, values, V = np.linalg.svd((X - mean) / own, full_matrices=False)
    kept = min(_KEPT, int((values > 1e-4 * max(float(values[0]), 1e-6)).sum()))
    weight = np.zeros((X.shape[1], _KEPT), np.float32)
    weight[:, :kept] = (V[:kept] / (values[:kept, None] / np.sqrt(len(X))) ** _POWER).T / own[:, None]
    return mean.astype(np.float32), weight


def _unit(X: NDArray[Any]) -> Matrix:
    rows: Matrix = (X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return rows
