"""Encoders without a model, so that most tests need none: `fake-text`, `fake-learned` and `fake-image`, registered by conftest.py.

They are small but mean something: texts that share words, and photos of like colours, are near each other.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from mmsearch.encoders.base import Classes, Encoder, Items, Matrix, NotFitted
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.weights import fingerprint
from mmsearch.errors import InputError
from mmsearch.media import MediaError
from mmsearch.media.image import open_image

_HAN = r"\u3400-\u9fff"
_TOKEN = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")


class FakeText(Encoder):
    """A bag of words, for Chinese of characters and pairs of characters: each is 64 random signs that its hash decides."""

    modality: ClassVar[str] = "text"
    dim = 64
    space = "fake-text"

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise ValueError(f"seed must be at least 0, not {seed}")
        self.seed = seed

    def fingerprint(self) -> str:
        return fingerprint("fake-text", {"seed": self.seed}, {})

    def prepare(self, item: Any) -> str:
        if not isinstance(item, str) or not item.strip():
            raise MediaError("empty text")
        return item

    def encode_batch(self, prepared: Sequence[str]) -> Matrix:
        return np.stack([np.sum([self._signs(token) for token in tokens(text)] or [np.zeros(64)], axis=0) for text in prepared]).astype(
            np.float32
        )

    def _signs(self, token: str) -> np.ndarray:
        digest = hashlib.blake2b(f"{self.seed} {token}".encode(), digest_size=8).digest()
        return np.unpackbits(np.frombuffer(digest, np.uint8)) * 2.0 - 1


def tokens(text: str) -> list[str]:
    """Lower-case words; runs of Chinese as their characters and pairs of neighbours."""
    found = []
    for run in _TOKEN.findall(text.lower()):
        found += [*run, *map("".join, itertools.pairwise(run))] if re.match(f"[{_HAN}]", run) else [run]
    return found


class FakeLearned(FakeText):
    """`FakeText` that counts a word the less the more of the store's items have it."""

    space = "fake-learned"
    learns: ClassVar[bool] = True

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._seen: dict[str, int] | None = None

    def fingerprint(self) -> str:
        return fingerprint("fake-learned", {"seed": self.seed}, {"learned": digest(self.state())})

    def fit(self, items: Items) -> None:
        seen = [set(tokens(item)) for item in items if item]
        if not any(seen):
            raise InputError("fake-learned has nothing to learn from")
        self._seen = {word: sum(word in words for words in seen) for word in sorted(set().union(*seen))}

    def state(self) -> bytes:
        return pack({"seen": np.array(list(self._words().values()), np.int64)}, {"words": list(self._words())})

    def restore(self, state: bytes) -> None:
        arrays, facts = unpack(state)
        self._seen = dict(zip(facts["words"], arrays["seen"].tolist(), strict=True))

    def prepare_query(self, item: Any) -> str:
        return f"{self.prepare(item)} wanted"

    def _words(self) -> dict[str, int]:
        if self._seen is None:
            raise NotFitted("fake-learned")
        return self._seen

    def _signs(self, token: str) -> np.ndarray:
        return super()._signs(token) / (1 + self._words().get(token, 0))


class FakeImage(Encoder):
    """Mean colours on a 3×3 grid (27 numbers) and a histogram of 7 bins a channel (21)."""

    modality: ClassVar[str] = "image"
    dim = 48
    space = "fake-image"

    COLOURS: ClassVar[dict[str, tuple[int, int, int]]] = {
        "black, dark": (0, 0, 0),
        "white, pale": (255, 255, 255),
        "red, scarlet": (255, 0, 0),
        "green": (0, 255, 0),
        "blue, navy": (0, 0, 255),
        "yellow": (255, 255, 0),
    }

    def fingerprint(self) -> str:
        return fingerprint("fake-image", {}, {})

    def prepare(self, item: Any) -> np.ndarray:
        image = item.convert("RGB") if isinstance(item, Image.Image) else open_image(item)
        return np.asarray(image.resize((21, 21), Image.Resampling.BOX))

    def encode_batch(self, prepared: Sequence[np.ndarray]) -> Matrix:
        return np.stack([self._describe(pixels) for pixels in prepared]).astype(np.float32)

    def classes(self) -> Classes:
        """Colour names; a logit is 20 times the cosine to a photo of nothing but that colour."""
        plain = self.encode_batch([np.full((21, 21, 3), colour, np.uint8) for colour in self.COLOURS.values()])
        length = np.linalg.norm(plain, axis=1, keepdims=True)
        scale = float(length.mean())
        return Classes(list(self.COLOURS), (20 / scale * plain / length).astype(np.float32), np.zeros(len(plain), np.float32), scale)

    @staticmethod
    def _describe(pixels: np.ndarray) -> np.ndarray:
        grid = pixels.reshape(3, 7, 3, 7, 3).mean(axis=(1, 3)).ravel() / 255
        histogram = [np.bincount(np.minimum(pixels[..., c].ravel() // 37, 6), minlength=7) / pixels[..., c].size for c in range(3)]
        return np.concatenate([grid, *histogram])
