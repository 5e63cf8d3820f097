"""A folder with files and a store, for tests of ingest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmsearch.catalog.ingest import Options, ingest
from mmsearch.catalog.report import IngestReport
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.filter import passing
from mmsearch.store.sparse import read_cells


class IngestShop:
    """A folder with files and a store, and the store's rows as a user knows them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.store = Store(folder / "store")

    def bring(self, content: str | bytes, name: str = "products.csv", **options: Any) -> IngestReport:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.ingest(name, **options)

    def ingest(self, name: str, **options: Any) -> IngestReport:
        """A file that is in the folder already."""
        return ingest(self.store, str(self.folder / name), Options(**options))

    def products(self) -> dict[str, dict[str, Any]]:
        """id → what is known of it, without what is missing."""
        names = load_attributes(self.store)
        rows = self.store.read(PRODUCTS).to_pylist()
        sparse = read_cells(self.store, [row["id"] for row in rows])
        found = {}
        for row in rows:
            known = {name: names.value(name, row) for name in names.columns if name != "id"}
            known |= {name: value for name, (_, value) in sparse[row["id"]].items() if name not in names.columns}
            found[row["id"]] = {name: value for name, value in known.items() if value is not None}
        return found

    def where(self, text: str) -> str:
        ids = self.store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
        return " ".join(sorted(ids.filter(passing(self.store, text, ids)).to_pylist()))

    def rejects(self, report: IngestReport) -> list[dict[str, Any]]:
        assert report.reject_file is not None
        return [json.loads(line) for line in Path(report.reject_file).read_text(encoding="utf-8").split("\n") if line]


def counts(report: IngestReport) -> dict[str, int]:
    names = ("rows", "new", "changed", "unchanged", "rejected", "problems")
    return {name: getattr(report, name) for name in names if getattr(report, name)}
