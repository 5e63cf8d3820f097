"""Text and photos in one space without any training pairs, through the names of what the photos show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion import lacking
from mmsearch.fusion.base import Batch, FitReport, Matrix, Side, unit_rows
from mmsearch.fusion.shared_space import SharedSpace, pair_recall, same_product

#: How many titles the class names are worth, where the centre of the space is estimated from both.
_CENTRE_PRIOR = 5

#: Weight of a photo beside 1 for the text in a fused vector, chosen on validation queries (docs/decisions/0037-half-of-the-photos.md).
PHOTO = 0.2

_MEASURED = 500  # pairs at most on which the recall is reported
_FEWEST = 20  # pairs below which a recall would say nothing
_CHUNK = 4_096  # photos whose class probabilities are in memory at a time


class Conse(SharedSpace):
    """A photo is the mean of its likeliest classes' names, as the text encoder sees them, weighted by their probability.

    Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", ICLR 2014, arXiv 1312.5650. Both sides
    are centred: titles of a shop resemble each other, and so do mixtures of class names, in ways that say nothing.
    """

    def __init__(self, top: int = 100, temperature: float = 2.0, text: float = 1.0, image: float = PHOTO):
        """
        Parameters
        ----------
        top : likeliest classes that are mixed.
        temperature : logits are divided by it; higher mixes more evenly.
        text, image : weights of a product's text and photo in its fused vector. A photo that is known by a thousand names alone says less
            than a text; where there is no text, the photo is all.
        """
        super().__init__(text, image)
        if top < 1:
            raise ValueError(f"top must be at least 1, not {top}")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature must be above 0, not {temperature:g}")
        self.top, self.temperature = top, temperature
        self._arrays: dict[str, Matrix] = {}

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Encode the class names and centre both sides. See `Fuser.fit`.

        Raises
        ------
        InputError : no photo's vector, no text encoder, or an image encoder without named classes.
        """
        _need_photos(batch)
        classes = encoders["image"].classes() if "image" in encoders else None
        if classes is None:
            raise InputError(
                "conse needs an image encoder whose model names classes, and the store's has none",
                hint="embed with one that has: mmsearch embed --image efficientnet",
            )
        if "text" not in encoders:
            raise InputError("conse needs a text encoder to read the names of classes", hint="choose one: mmsearch embed --text usem")
        encoded = encoders["text"].encode(classes.names)
        if not encoded.kept:
            raise InputError("the text encoder can read none of the names of the image encoder's classes")
        self.dim = encoded.vectors.shape[1]
        self._arrays = {
            "names": encoded.vectors,
            "weight": (classes.weight[encoded.kept] * (classes.scale / self.temperature)).astype(np.float32),
            "bias": (classes.bias[encoded.kept] / self.temperature).astype(np.float32),
        }
        both = self._centre(batch)
        summary = f"text and photos meet in the names of {len(encoded.kept)} classes (ConSE), learned from no pairs"
        return FitReport(*self._measured(batch, both, seed, summary))

    def refit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> None:
        """See `Fuser.refit`: the names of classes stay what they are, both sides are centred anew."""
        _need_photos(batch)
        self._arrays = dict(self._arrays)
        self._centre(batch)

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`."""
        if modality not in self.modalities():
            raise KeyError(modality)
        return unit_rows((side.X if modality == "text" else self._mixtures(side.X)) - self._arrays[f"{modality}_mean"])

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        return dict(self._arrays), {"dim": self.dim, "top": self.top}

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        self._arrays, self.dim, self.top = dict(arrays), int(values["dim"]), int(values["top"])

    def _centre(self, batch: Batch) -> NDArray[np.bool_]:
        """Take the mean of each side off it; returns which products have both (n,).

        Without titles the mean name is the one centre of both sides; the more titles there are, the more each side has its own.
        """
        photos = batch.present["image"]
        texts = batch.present.get("text", np.zeros(len(batch), bool))
        name = self._arrays["names"].mean(axis=0)
        share = texts.sum() / (texts.sum() + _CENTRE_PRIOR)
        mean_text = batch.vectors["text"][texts].mean(axis=0) if texts.any() else name
        mean_image = self._mixtures(batch.vectors["image"][photos]).mean(axis=0)
        self._arrays["text_mean"] = (share * mean_text + (1 - share) * name).astype(np.float32)
        self._arrays["image_mean"] = (share * mean_image + (1 - share) * name).astype(np.float32)
        return np.asarray(texts & photos)

    def _mixtures(self, X: Matrix) -> Matrix:
        """Photos (n, d) → the mean names of what they show (n, dim), not centred."""
        out = np.empty((len(X), self.dim), np.float32)
        for start in range(0, len(X), _CHUNK):
            logits = X[start : start + _CHUNK] @ self._arrays["weight"].T + self._arrays["bias"]
            if self.top < logits.shape[1]:
                least = np.partition(logits, -self.top, axis=1)[:, -self.top, None]
                logits[logits < least] = -np.inf
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            out[start : start + _CHUNK] = odds / odds.sum(axis=1, keepdims=True) @ self._arrays["names"]
        return out

    def _measured(self, batch: Batch, both: np.ndarray, seed: int, summary: str) -> tuple[str, dict[str, Any]]:
        rows = np.random.default_rng(seed).permutation(np.flatnonzero(both))[:_MEASURED]
        if len(rows) < _FEWEST:
            return summary, {"pairs": int(both.sum())}
        T, G = batch.vectors["text"][rows], batch.vectors["image"][rows]
        recall = pair_recall(self.project("text", Side(T)), self.project("image", Side(G)), same_product(T, G))
        found = f"; a title finds its own photo among {len(rows)} with R@10 {recall['text>image']['R@10']:.3f}"
        return summary + found, {"pairs": int(both.sum()), "among": len(rows), "recall": recall}


def _need_photos(batch: Batch) -> None:
    photos = batch.present.get("image")
    if photos is None or not photos.any():
        problem, hint = lacking.told(batch.store, "image")
        raise InputError(f"conse needs photos, but {problem}", hint=hint)
