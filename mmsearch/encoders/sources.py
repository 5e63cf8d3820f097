"""What of a product each encoder sees: its text, its photos, with a hash that tells when they changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch.media.content import content_hash
from mmsearch.store import PRODUCTS, Store

#: Characters of the description that join the title. Chosen on the validation queries of an electronics catalogue:
#: title alone nDCG@10 .328, with 200 characters of description .414 (docs/decisions/0004-product-text.md).
DESCRIPTION_CHARACTERS = 200


@dataclass(frozen=True)
class Item:
    """One thing to encode: a product's text (part '') or one of its photos (part: its path as the catalogue gives it)."""

    id: str
    part: str
    content: Any  # the text, or the path of the medium

    def source_hash(self) -> str:
        """Hash of the content. Raises MediaError for a medium that cannot be read."""
        if isinstance(self.content, Path):
            return content_hash(self.content)
        return hashlib.blake2b(str(self.content).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def product_text(title: str | None, description: str | None) -> str:
    """The text of a product that is embedded: title, then the beginning of the description.

    >>> product_text("Red shoe", "Light.")
    'Red shoe. Light.'
    """
    return ". ".join(part for part in (title, description and description[:DESCRIPTION_CHARACTERS].strip()) if part)


def items(store: Store, modality: str) -> Iterator[Item]:
    """Everything of the store's products that an encoder of a modality can encode, in a stable order."""
    if modality == "text":
        for batch in store.batches(PRODUCTS, ["id", "title", "description"]):
            for row in batch.to_pylist():
                if text := product_text(row["title"], row["description"]):
                    yield Item(row["id"], "", text)
    elif modality == "image":
        for batch in store.batches(PRODUCTS, ["id", "images", "_folder"]):
            for row in batch.to_pylist():
                for path in row["images"] or []:
                    if "://" not in path:  # reported at ingest: nothing is fetched unless the user names it
                        yield Item(row["id"], path, Path(row["_folder"] or ".") / path)
