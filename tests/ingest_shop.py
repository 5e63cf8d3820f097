"""A folder with files and a store, for tests of ingest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmsearch.catalog.ingest import attributes, ingest
from mmsearch.catalog.report import IngestReport
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.sql import compile_where
from mmsearch.store.where import parse_where


class IngestShop:
    """A folder with files and a store, and the store's rows as a user knows them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.store = Store(folder / "store")

    def bring(self, content: str | bytes, name: str = "products.csv", **options: Any) -> IngestReport:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ingest(self.store, str(path), **options)

    def products(self) -> dict[str, dict[str, Any]]:
        """id → what is known of it, without what is missing."""
        names = attributes(self.store)
        found = {}
        for row in self.store.read(PRODUCTS).to_pylist():
            known = {name: names.value(name, row) for name in names.names() if name != "id"}
            found[row["id"]] = {name: value for name, value in known.items() if value is not None}
        return found

    def where(self, text: str) -> str:
        rows = self.store.read(PRODUCTS, ["id"], where=compile_where(parse_where(text), attributes(self.store)))
        return " ".join(sorted(rows.column("id").to_pylist()))

    def rejects(self, report: IngestReport) -> list[dict[str, Any]]:
        assert report.reject_file is not None
        return [json.loads(line) for line in Path(report.reject_file).read_text(encoding="utf-8").split("\n") if line]


def counts(report: IngestReport) -> dict[str, int]:
    names = ("rows", "new", "changed", "unchanged", "rejected", "problems")
    return {name: getattr(report, name) for name in names if getattr(report, name)}
