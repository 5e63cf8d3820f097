"""Rows about shoppers → the table `users`: an id and whatever attributes the shop has, merged row by row as products are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from mmsearch.catalog.feed import Digested, Feed, readable
from mmsearch.catalog.intake import Counts, Intake, Taken, delete_rows
from mmsearch.catalog.media_check import MediaCheck
from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.product_rows import ProductRows
from mmsearch.catalog.records import Product, record_id
from mmsearch.catalog.report import IngestReport, Rejects
from mmsearch.store import USERS, Store
from mmsearch.store.where import id_list

_SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("attributes", pa.string()), pa.field("digest", pa.string())])


class UserIntake(Intake):
    """Users, upserted by id; `attributes` is a JSON object of name → [type, value]."""

    def __init__(self, store: Store, feed: Feed, report: IngestReport, rejects: Rejects):
        super().__init__(store, feed, report, rejects)
        self._rows = ProductRows(feed.mapping, {}, MediaCheck(False), self.cleaner, reserved=("id",))
        self._known: dict[str, bytes] = {}
        if store.has(USERS):
            rows = store.read(USERS, ["id", "digest"])
            self._known = dict(zip(rows.column("id").to_pylist(), map(bytes.fromhex, rows.column("digest").to_pylist()), strict=True))
        self._seen: dict[str, int] = {}

    def take(self, chunk: Sequence[Digested]) -> Taken:
        """See `Intake.take`."""
        users: list[tuple[Product, bytes]] = []
        unchanged = 0
        column = self.feed.mapping["id"][0]
        for row, digest in chunk:
            self.report.rows += 1
            try:
                values = readable(row)
                id = record_id(values.get(column), "id", column)
                if id in self._seen:
                    raise BadRow("duplicate id", f"{id}, given on line {self._seen[id]} already")
            except BadRow as error:
                self.lost += error.problem.kind != "duplicate id"
                self.refuse(row, error)
                continue
            self._seen[id] = row.line
            if self._known.get(id) == digest:
                unchanged += 1
            else:
                users.append((self._rows.product(id, values, typed=self.feed.typed(row), folder=self.feed.own_folder), digest))
        return Counts(unchanged=unchanged), (lambda write: self._write(users, write)) if users else None

    def _write(self, users: list[tuple[Product, bytes]], write: bool) -> Counts:
        existing = [user.id for user, _ in users if user.id in self._known]
        old: dict[str, str] = {}
        for start in range(0, len(existing), 1_000):
            found = self.store.read(USERS, ["id", "attributes"], where=id_list("id", existing[start : start + 1_000]))
            old.update(zip(found.column("id").to_pylist(), found.column("attributes").to_pylist(), strict=True))
        rows: list[tuple[str, str, str]] = []
        changed = 0
        for user, digest in users:
            kept: dict[str, Any] = {k: v for k, v in json.loads(old.get(user.id, "{}")).items() if k not in user.cleared}
            text = json.dumps(kept | user.attributes, ensure_ascii=False)
            changed += user.id in old and text != old[user.id]
            rows.append((user.id, text, digest.hex()))
        if write and rows:
            columns = [pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), _SCHEMA, strict=True)]
            self.store.upsert(USERS, pa.Table.from_arrays(columns, schema=_SCHEMA), "id")
        return Counts(len(rows) - len(old), changed, len(old) - changed)

    def total(self) -> int:
        """See `Intake.total`."""
        return len(self._known)

    def gone(self) -> list[str]:
        """See `Intake.gone`."""
        return [id for id in self._known if id not in self._seen]

    def delete(self, ids: Sequence[str]) -> None:
        """See `Intake.delete`."""
        delete_rows(self.store, USERS, "id", ids)
