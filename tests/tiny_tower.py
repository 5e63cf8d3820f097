"""A photo network of one trainable block, so that tests of fine-tuning take seconds: an encoder, its block, photos that mean something.

A photo has four rows, each of one colour: twelve numbers. What is below the block gives them as they are. The block, as it is published,
sees the first rows well and the last ones hardly; titles tell of all of them. So there is something that only its training can bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.trainable import Lower, Trainable
from mmsearch.encoders.weights import fingerprint
from mmsearch.fusion.base import Batch, unit_rows
from mmsearch.media.image import open_image

DIM, CODE, WIDTH = 16, 12, 4


def published() -> tuple[Matrix, Matrix]:
    """Weight (DIM, CODE) and bias (DIM,)."""
    weight = np.random.default_rng(7).normal(size=(DIM, CODE))
    weight[:, 6:] *= 0.02
    return weight.astype(np.float32), np.full(DIM, 0.1, np.float32)


class TinyPhotos(Encoder):
    """relu(W · code), the mean over the columns of the photo."""

    modality: ClassVar[str] = "image"
    dim = DIM
    space = "tiny-photos"

    def fingerprint(self) -> str:
        return fingerprint("tiny-photos", {}, {})

    def prepare(self, item: Any) -> np.ndarray:
        return np.asarray(open_image(item).resize((WIDTH, 4), Image.Resampling.NEAREST), np.uint8)

    def encode_batch(self, prepared: Sequence[np.ndarray]) -> Matrix:
        return self.trainable(1).top(self.trainable(1).lower(prepared), {})

    def trainable(self, blocks: int) -> TinyBlocks:
        if blocks != 1:
            raise ValueError(f"of tiny-photos the last 1 block can be trained, not {blocks}")
        return TinyBlocks(self)


class TinyBlocks(Trainable):
    spec = "tiny-photos"
    blocks = 1

    def __init__(self, encoder: TinyPhotos):
        self.encoder = encoder

    @property
    def shape(self) -> tuple[int, ...]:
        return (CODE, WIDTH)

    def lower(self, prepared: Sequence[np.ndarray], *, mirrored: bool = False) -> Lower:
        pixels = np.stack([*prepared, np.zeros((4, WIDTH, 3), np.uint8)])[:-1]
        pixels = pixels[:, :, ::-1] if mirrored else pixels
        return (pixels.transpose(0, 1, 3, 2).reshape(len(pixels), CODE, WIDTH) / 127.5 - 1).astype(np.float16)

    def module(self) -> Any:
        import torch

        class Block(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight, self.bias = (torch.nn.Parameter(torch.from_numpy(array)) for array in published())

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return torch.relu(torch.einsum("dc,ncw->ndw", self.weight, x) + self.bias[:, None]).mean(2)

        return Block().eval()

    def top(self, lower: Lower, weights: Mapping[str, Matrix]) -> Matrix:
        weight, bias = (weights.get(name, array) for name, array in zip(("weight", "bias"), published(), strict=True))
        seen = np.einsum("dc,ncw->ndw", weight, lower.astype(np.float32)) + bias[:, None]
        return np.maximum(seen, 0).mean(axis=2).astype(np.float32)


def paint(path: Path, code: np.ndarray) -> Path:
    """Write the photo of a code (CODE,) of bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.repeat(code.reshape(4, 1, 3), WIDTH, axis=1).astype(np.uint8)
    Image.fromarray(rows).save(path)
    return path


def codes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, CODE))


def batch(folder: Path, n: int, seed: int = 0) -> Batch:
    """n pairs of a title's vector, which tells of the whole code, and a photo in `folder`."""
    found = codes(n, seed)
    paths = [paint(folder / f"{seed}-{row}.png", code) for row, code in enumerate(found)]
    spread = np.random.default_rng(1).normal(size=(CODE, 20))
    texts = unit_rows((found / 127.5 - 1) @ spread + 0.1 * np.random.default_rng(seed + 1).normal(size=(n, 20)))
    there = np.ones(n, bool)
    vectors = {"text": texts, "image": TinyPhotos().encode(paths).vectors}
    return Batch(vectors, {"text": there, "image": there}, {"image": paths}, [f"p{row}" for row in range(n)])
