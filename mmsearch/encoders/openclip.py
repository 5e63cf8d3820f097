"""Any OpenCLIP model: photos and texts in one space, learned from photos and their captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.openclip_model import Loaded, Source, find, load
from mmsearch.encoders.weights import fingerprint
from mmsearch.media import MediaError
from mmsearch.media.image import open_image
from mmsearch.media.region import REGION, checked_crop, product_box

if TYPE_CHECKING:
    from PIL.Image import Image

_RECIPE = 1
_BATCH = 16  # items at a time through the network


class OpenClip(Encoder):
    """Photo → the image tower of a CLIP model; `tower("text")` is its text tower, in the same space.

    Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021; run by open_clip
    (Ilharco et al. 2021), photos prepared as the model's own configuration says.
    """

    modality: ClassVar[str] = "image"
    packages: ClassVar[tuple[str, ...]] = ("open_clip", "torch")
    download: ClassVar[str] = "the model that is named, by tag or on the hub; a folder or file: nothing"

    def __init__(self, model: str, pretrained: str | None = None, crop: str = "none"):
        """
        Parameters
        ----------
        model : a folder that open_clip saved (open_clip_config.json and weights), `hf-hub:organisation/name`, or the name of an
            architecture (ViT-B-32).
        pretrained : the weights of an architecture: a tag (laion2b_s34b_b79k) or a file of its state dict.
        crop : 'auto' encodes the region of the product instead of the whole photo (`mmsearch.media.region`).
        """
        self.crops = checked_crop(crop)
        self._source = find(model, pretrained)
        self.dim, self.space = self._source.dim, _space(self._source)

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        recipe = {"recipe": _RECIPE, "config": self._source.config}
        if self.crops:
            recipe |= {"crop": "auto", "region": REGION}
        return fingerprint("openclip-image", recipe, {"weights": self._source.digest})

    def load(self) -> None:
        """See `Encoder.load`."""
        load(self._source)

    def prepare(self, item: Any) -> NDArray[np.uint8]:
        """A photo (path, bytes or an opened `PIL.Image.Image`) → (height, width, 3) bytes, as the model wants it. Raises MediaError."""
        from PIL.Image import Image as Opened

        loaded = load(self._source)
        short_side = 2 * max(_size(loaded))
        image = item.convert("RGB") if isinstance(item, Opened) else open_image(item, short_side=short_side)
        if box := self.region(image):
            image = image.crop(box)
        return np.asarray(loaded.transform(image))

    def region(self, image: Image) -> tuple[float, float, float, float] | None:
        """See `Encoder.region`: the box of the product, which the model's own preparation then makes a square."""
        return product_box(image) if self.crops else None

    def encode_batch(self, prepared: Sequence[NDArray[np.uint8]]) -> Matrix:
        """Photos (n) of (height, width, 3) → (n, dim) float32."""
        import torch

        loaded = load(self._source)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (loaded.mean, loaded.std))
        out = []
        with torch.inference_mode():
            for start in range(0, len(prepared), _BATCH):
                pixels = torch.from_numpy(np.stack(prepared[start : start + _BATCH])).permute(0, 3, 1, 2)
                out.append(loaded.model.encode_image((pixels.float() / 255 - mean) / std).float().numpy())
        return np.concatenate(out)

    def tower(self, modality: str) -> Encoder | None:
        """See `Encoder.tower`."""
        return OpenClipText(self._source) if modality == "text" else super().tower(modality)


class OpenClipText(Encoder):
    """Text → the text tower of a CLIP model. Longer texts than the model reads (mostly 77 tokens) are cut off."""

    modality: ClassVar[str] = "text"

    def __init__(self, source: Source):
        self._source = source
        self.dim, self.space = source.dim, _space(source)

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        return fingerprint("openclip-text", {"recipe": _RECIPE, "config": self._source.config}, {"weights": self._source.digest})

    def load(self) -> None:
        """See `Encoder.load`."""
        load(self._source)

    def prepare(self, item: Any) -> str:
        """A text as it is. Raises MediaError for an empty one."""
        if not isinstance(item, str) or not item.strip():
            raise MediaError("empty text")
        return item

    def encode_batch(self, prepared: Sequence[str]) -> Matrix:
        """Texts (n) → (n, dim) float32."""
        import torch

        loaded = load(self._source)
        out = []
        with torch.inference_mode():
            for start in range(0, len(prepared), _BATCH):
                tokens = loaded.tokenizer(list(prepared[start : start + _BATCH]))
                out.append(loaded.model.encode_text(tokens).float().numpy())
        return np.concatenate(out)


def _space(source: Source) -> str:
    return f"openclip-{source.digest[:16]}"


def _size(loaded: Loaded) -> tuple[int, int]:
    size = loaded.model.visual.image_size
    return size if isinstance(size, tuple) else (size, size)
