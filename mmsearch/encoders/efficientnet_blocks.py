"""The last blocks of EfficientNet-Lite0, apart from the rest of the network: both parts as ONNX, the weights of the last one open."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsearch import settings
from mmsearch.encoders.base import Matrix
from mmsearch.encoders.trainable import Lower, Trainable
from mmsearch.encoders.weights import converted

if TYPE_CHECKING:
    from torch.nn import Module

    from mmsearch.encoders.efficientnet import EfficientNet

#: Blocks that can be trained: those that end in 7 × 7 fields. What a further one takes is no more of a photo, but is seen at four places
#: for one: every step would take several times as long.
MOST = 5
_SHAPES = {1: (192, 7, 7), 2: (192, 7, 7), 3: (192, 7, 7), 4: (192, 7, 7), 5: (112, 14, 14)}
_BATCH = 4  # as in `mmsearch.encoders.efficientnet`
_RECIPE = "efficientnet-lite0 blocks 1"


class LastBlocks(Trainable):
    """The last inverted residuals of the network with what stands above them: a 1 × 1 convolution to 1280 channels and their mean."""

    def __init__(self, encoder: EfficientNet, blocks: int, source: str):
        """
        Parameters
        ----------
        source : hash of the published weights. Raises ValueError for more blocks than can be trained.
        """
        if not 1 <= blocks <= MOST:
            raise ValueError(f"of efficientnet the last 1 to {MOST} blocks can be trained, not {blocks}")
        self.encoder, self.blocks, self._source = encoder, blocks, source
        self._network = encoder.network
        self.spec = "efficientnet(crop=auto)" if encoder.crops else "efficientnet"

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Trainable.shape`."""
        return _SHAPES[self.blocks]

    def lower(self, prepared: Sequence[Any], *, mirrored: bool = False) -> Lower:
        """See `Trainable.lower`."""
        if not prepared:
            return np.empty((0, *self.shape), np.float16)
        step = -1 if mirrored else 1
        pixels = [np.stack([one.pixels[:, ::step] for one in prepared[i : i + _BATCH]]) for i in range(0, len(prepared), _BATCH)]
        run = self._below.run
        with ThreadPoolExecutor(settings.threads()) as pool:
            found = list(pool.map(lambda piece: run(None, {"pixels": piece})[0].astype(np.float16), pixels))
        return np.concatenate(found)

    def module(self) -> Module:
        """See `Trainable.module`."""
        import torch

        class Last(torch.nn.Module):
            def __init__(self, network: Any):
                super().__init__()
                self.blocks = torch.nn.ModuleList(network._blocks[-blocks:])
                self.conv, self.bn = network._conv_head, network._bn1

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                for block in self.blocks:
                    x = block(x, 0.0)
                out: torch.Tensor = torch.clamp(self.bn(self.conv(x)), 0, 6).mean((2, 3))
                return out

        blocks = self.blocks
        return Last(self._network()).eval()

    def top(self, lower: Lower, weights: Mapping[str, Matrix]) -> Matrix:
        """See `Trainable.top`."""
        out = np.empty((len(lower), self.encoder.dim), np.float32)
        for start in range(0, len(lower), _BATCH):
            taken = lower[start : start + _BATCH].astype(np.float32)
            out[start : start + _BATCH] = self._above.run(None, {"lower": taken, **weights})[0]
        return out

    @functools.cached_property
    def _below(self) -> Any:
        from mmsearch.encoders.efficientnet import session

        return session(converted(f"efficientnet-lite0-below-{self.blocks}", _RECIPE, self._source, ".onnx", self._write_below))

    @functools.cached_property
    def _above(self) -> Any:
        from mmsearch.encoders.efficientnet import session

        path = converted(f"efficientnet-lite0-last-{self.blocks}", _RECIPE, self._source, ".onnx", self._write_above)
        return session(path, open_weights=True)

    def _write_below(self, path: Path) -> None:
        import torch

        from mmsearch.encoders.efficientnet import export

        class Below(torch.nn.Module):
            def __init__(self, network: Any):
                super().__init__()
                self.network = network

            def forward(self, pixels: torch.Tensor) -> torch.Tensor:
                net = self.network
                x: torch.Tensor = net._swish(net._bn0(net._conv_stem((pixels.permute(0, 3, 1, 2).float() - 127) / 128)))
                for block in net._blocks[:-blocks]:
                    x = block(x, 0.0)
                return x

        blocks = self.blocks
        export(Below(self._network()), path, ["lower"])

    def _write_above(self, path: Path) -> None:
        """The last blocks with their weights as inputs that have defaults: nothing is folded into them."""
        import torch

        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # that this exporter is the older one, and that weights as inputs are rarely wanted
            torch.onnx.export(
                self.module(),
                (torch.zeros(2, *self.shape),),
                str(path),
                dynamo=False,
                opset_version=17,
                input_names=["lower"],
                output_names=["top"],
                dynamic_axes={"lower": {0: "n"}, "top": {0: "n"}},
                training=torch.onnx.TrainingMode.PRESERVE,
                do_constant_folding=False,
                keep_initializers_as_inputs=True,
            )
