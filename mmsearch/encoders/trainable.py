"""A photo network in two parts: the lower one stays as it is, and its last blocks can be trained on (`Encoder.trainable`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder, Matrix

if TYPE_CHECKING:
    from torch.nn import Module

Lower = NDArray[np.float16]  # (n, *shape) what the last blocks take: 16 bits, in training as for a query


class Trainable(ABC):
    """The last blocks of an encoder's network, apart from what lies below them.

    `module` is for training and imports PyTorch; `lower` and `top` are for looking at photos and need none.
    """

    #: Of the encoder, as the registry takes it: whoever keeps trained weights finds the network by it.
    spec: str
    #: How many of the last blocks can be trained.
    blocks: int
    encoder: Encoder

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of what the last blocks take of one photo."""

    @abstractmethod
    def lower(self, prepared: Sequence[Any], *, mirrored: bool = False) -> Lower:
        """Photos as `Encoder.prepare` gives them (n), or their mirror images → (n, *shape)."""

    @abstractmethod
    def module(self) -> Module:
        """The last blocks with the weights that the encoder has: (n, *shape) float32 → (n, `Encoder.dim`), not normalised.

        What it keeps as buffers (the statistics of batch normalisation) is not trained: it is in evaluation mode.
        """

    @abstractmethod
    def top(self, lower: Lower, weights: Mapping[str, Matrix]) -> Matrix:
        """What the last blocks make of (n, *shape) → (n, `Encoder.dim`), with other weights in place of `module`'s parameters of these
        names."""
