"""A catalogue with photos that is embedded with the fake encoders, for tests of the embed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from mmsearch.catalog.ingest import ingest
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.encoders.report import EmbedReport
from mmsearch.store import Store
from mmsearch.store.vectors import read_vectors

FAKES = {"text": "fake-text", "image": "fake-image"}


class Shop:
    """A catalogue with photos, and its vectors."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.store = Store(folder / "store")
        self.failures: list[tuple[str, str, str, str]] = []  # of the last embed: modality, id, part, reason

    def photo(self, name: str, colour: tuple[int, int, int]) -> str:
        Image.new("RGB", (24, 24), colour).save(self.folder / name)
        return name

    def bring(self, *products: dict[str, Any]) -> None:
        path = self.folder / "products.jsonl"
        path.write_text("\n".join(map(json.dumps, products)))
        ingest(self.store, str(path))

    def embed(self, **chosen: str) -> EmbedReport:
        self.failures.clear()
        return embed(self.store, chosen or FAKES, failed=lambda *failure: self.failures.append(failure))

    def vectors(self, modality: str) -> dict[tuple[str, str], Matrix]:
        known = recorded_encoder(self.store, modality)
        if known is None:
            return {}
        rows = read_vectors(self.store, known["table"])
        return dict(zip(zip(rows.ids.to_pylist(), rows.parts.to_pylist(), strict=True), rows.vectors, strict=True))

    def tables(self) -> set[str]:
        return {p.stem for p in Path(self.store.path).glob("vectors_*.lance")}


def alone(encoder: Encoder, item: Any) -> Matrix:
    """The vector that an encoder gives an item when nothing else is around."""
    encoded = encoder.encode([item])
    assert encoded.kept == [0]
    return encoded.vectors[0]


def outcome(report: EmbedReport, modality: str) -> tuple[int, int, int, int, int]:
    found = next(m for m in report.modalities if m.modality == modality)
    return found.items, found.new, found.unchanged, found.removed, found.failed
