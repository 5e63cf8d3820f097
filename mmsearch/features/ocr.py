"""Text on photos: brand, kind and size as the packaging says them, in English and Chinese. On request, or where photos are few."""

from __future__ import annotations

import functools
import importlib.util
import math
import queue
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from mmsearch import settings
from mmsearch.encoders.sources import count_items
from mmsearch.encoders.weights import file_hash, fingerprint, package_file
from mmsearch.features.base import Fact, Feature, Found, Medium
from mmsearch.media.image import open_image
from mmsearch.store import Store

if TYPE_CHECKING:
    from PIL.Image import Image

#: Photos that are read without being asked: about a minute on two cores.
FEW = 100

_PACKAGE = "rapidocr_onnxruntime"
_NEEDS = (_PACKAGE, "pyclipper", "shapely", "six", "yaml")  # it imports them; its own requirements also ask for a second OpenCV
_MODELS = ("ch_PP-OCRv4_det_infer.onnx", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "ch_PP-OCRv4_rec_infer.onnx")
_RECIPE = "ocr 1"

_PIXELS = 1280 * 960  # larger photos are scaled down to it: time grows with the pixels in which text is looked for
_SHORT = 736  # pixels of the short side in which text is looked for, as the network was trained; smaller photos are scaled up
_LEAST = 16  # pixels of a short side in which text can be
_LONGEST = 20  # times the short side; longer strips hold no text that was scaled to be read
_CHARACTERS = 2_000  # of a product's text that are kept to be shown and filtered by


class Opened(NamedTuple):
    """A photo at the size in which it is read; see `Medium` for `go_on`."""

    image: Image
    go_on: Callable[[], None] = lambda: None


class Ocr(Feature):
    """The text on photos, English and Chinese: each line with its place, and how sure the reader is (0.7 s a photo)

    Du et al., "PP-OCR: A Practical Ultra Lightweight OCR System", 2020, version 4: a network finds the lines (differentiable binarization,
    Liao et al. 2020), one turns those that stand on their head, one reads them (CTC). Weights from the package rapidocr-onnxruntime.
    """

    sources: ClassVar[tuple[str, ...]] = ("image",)
    names: ClassVar[dict[str, str]] = {"ocr_text": "text"}
    searchable: ClassVar[bool] = True
    batch: ClassVar[int] = 8  # several seconds' work
    packages: ClassVar[tuple[str, ...]] = (_PACKAGE,)

    def __init__(self, confidence: float = 0.5):
        """
        Parameters
        ----------
        confidence : 0 to 1; lines that the reader is less sure of are left out.
        """
        if not (math.isfinite(confidence) and 0 <= confidence <= 1):
            raise ValueError(f"confidence must be 0 to 1, not {confidence:g}")
        if not _installed():
            raise ModuleNotFoundError(f"No module named '{_PACKAGE}' or one that it imports", name=_PACKAGE)
        self._confidence = round(confidence, 3)

    @classmethod
    def by_default(cls, store: Store) -> bool:
        """Where all photos take about a minute."""
        return _installed() and count_items(store, "image") <= FEW

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        parameters = {"recipe": _RECIPE, "confidence": self._confidence, "pixels": _PIXELS, "short": _SHORT}
        files = [package_file(_PACKAGE, f"models/{name}") for name in _MODELS]
        return fingerprint("ocr", parameters, {path.name: file_hash(path) for path in files})

    def load(self) -> None:
        """See `Feature.load`."""
        self._put(self._taken())

    def prepare(self, item: str | Medium) -> Opened:
        """A photo, decoded no larger than it is read. Raises MediaError."""
        if not isinstance(item, Medium):
            raise TypeError("text is read off photos")
        return self.open(item.content)._replace(go_on=item.go_on)

    @staticmethod
    def open(source: bytes | Path) -> Opened:
        """A photo (bytes, or a file). Raises MediaError."""
        image = open_image(source, short_side=round(math.sqrt(_PIXELS)))
        shrink = math.sqrt(_PIXELS / (image.width * image.height))
        if shrink < 1:
            image = image.resize((max(1, round(image.width * shrink)), max(1, round(image.height * shrink))))
        return Opened(image)

    def extract(self, prepared: Sequence[Opened]) -> list[list[Fact]]:
        """Photos (n) → the lines on each, from top to bottom. Raises Stopped between two photos."""
        if len(prepared) < 2:
            return [self._read(photo) for photo in prepared]
        with ThreadPoolExecutor(min(settings.threads(), len(prepared))) as pool:
            return list(pool.map(self._read, prepared))

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """`ocr_text`: the lines of all photos in their order, each once, joined by spaces; cut between lines after 2,000 characters."""
        kept, length = [], 0
        for line in dict.fromkeys(str(fact.value) for one in found for fact in one.facts):
            length += len(line) + 1
            if length > _CHARACTERS:
                break
            kept.append(line)
        return {"ocr_text": " ".join(kept)} if kept else {}

    def _read(self, photo: Opened) -> list[Fact]:
        photo.go_on()
        image = photo.image
        width, height = image.size
        if min(width, height) < _LEAST or max(width, height) > _LONGEST * min(width, height):
            return []
        engine = self._taken()
        try:
            larger = min(_SHORT / min(width, height), math.sqrt(_PIXELS / (width * height)))
            engine.text_det.limit_side_len = max(1, round(min(width, height) * max(1.0, larger)))  # of this photo: engines are not shared
            lines, _ = engine(np.ascontiguousarray(np.asarray(image)[..., ::-1]))
        finally:
            self._put(engine)
        return [
            Fact("ocr_text", text, score=round(float(score), 3), box=_box(corners, width, height))
            for corners, line, score in lines or ()
            if score >= self._confidence and (text := _cleaned(line))
        ]

    def _taken(self) -> Any:
        """An engine for one thread; it works in one, since several photos are read at a time and it must not matter how many."""
        try:
            return self._engines.get_nowait()
        except queue.Empty:
            from rapidocr_onnxruntime import RapidOCR

            # Letterboxing would blow up long photos; what is too small or too large was seen to.
            return RapidOCR(text_score=0.0, intra_op_num_threads=1, width_height_ratio=-1, max_side_len=1_000_000)

    def _put(self, engine: Any) -> None:
        self._engines.put(engine)

    @functools.cached_property
    def _engines(self) -> queue.SimpleQueue[Any]:
        return queue.SimpleQueue()


def _installed() -> bool:
    return all(importlib.util.find_spec(package) is not None for package in _NEEDS)  # finding them does not import them


def _cleaned(line: str) -> str:
    """A line as it is kept; '' where nothing in it is a letter or a digit."""
    text = " ".join(unicodedata.normalize("NFKC", line).split())
    return text if any(character.isalnum() for character in text) else ""


def _box(corners: Sequence[Sequence[float]], width: int, height: int) -> tuple[float, float, float, float]:
    """The upright box around four corners, in shares of the photo's width and height."""
    points = np.clip(np.asarray(corners, dtype=np.float64) / (width, height), 0, 1)
    left, top, right, bottom = (round(float(edge), 4) for edge in (*points.min(axis=0), *points.max(axis=0)))
    return left, top, right, bottom
