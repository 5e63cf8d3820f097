"""What is on a photo, in the words of ImageNet's 1000 classes: on request, since it looks at every photo as long as an embed does."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Classes
from mmsearch.encoders.efficientnet import EfficientNet, Prepared
from mmsearch.encoders.weights import fingerprint
from mmsearch.features.base import Fact, Feature, Medium
from mmsearch.store import Store

_RECIPE = 1  # raised whenever the same photo would get other labels
_MOST = 3  # labels a photo


class Labels(Feature):
    """ImageNet labels of each photo with their probability, by the bundled classifier; in English, whatever the shop's language

    The network is that of the image encoder `efficientnet`, with the head that it was trained with.
    """

    sources: ClassVar[tuple[str, ...]] = ("image",)
    names: ClassVar[dict[str, str]] = {"labels": "list"}
    packages: ClassVar[tuple[str, ...]] = EfficientNet.packages

    def __init__(self, least: float = 0.3):
        """
        Parameters
        ----------
        least : 0 to 1; labels that are less probable are left out.
        """
        if not (math.isfinite(least) and 0 <= least <= 1):
            raise ValueError(f"least must be 0 to 1, not {least:g}")
        self._least = round(least, 3)
        self._encoder = EfficientNet()

    @classmethod
    def by_default(cls, store: Store) -> bool:
        """No: it doubles what an embed of photos costs."""
        return False

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        return fingerprint("labels", {"recipe": _RECIPE, "least": self._least}, {"encoder": self._encoder.fingerprint()})

    def prepare(self, item: str | Medium) -> Prepared:
        """A photo as the network takes it. Raises MediaError."""
        if not isinstance(item, Medium):
            raise TypeError("labels are those of photos")
        return self._encoder.prepare(item.content)

    def extract(self, prepared: Sequence[Prepared]) -> list[list[Fact]]:
        """Photos (n) → their labels, the most probable first."""
        if not prepared:
            return []
        known = self._classes
        logits = self._encoder.encode_batch(prepared)[:, : self._encoder.dim] @ known.weight.T + known.bias
        odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        probability = odds / odds.sum(axis=1, keepdims=True)
        best = np.argsort(-probability, axis=1, kind="stable")[:, :_MOST]
        return [self._facts(row, order) for row, order in zip(probability, best, strict=True)]

    def _facts(self, probability: NDArray[Any], order: NDArray[Any]) -> list[Fact]:
        kept = [int(n) for n in order if probability[n] >= self._least]
        return [Fact("labels", self._classes.names[n].partition(",")[0], score=round(float(probability[n]), 2)) for n in kept]

    @functools.cached_property
    def _classes(self) -> Classes:
        return self._encoder.classes()
