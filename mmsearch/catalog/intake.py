"""Rows of one kind → writes to the store. `ingest` drives an intake chunk by chunk and writes beside the reading."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from mmsearch.catalog.clean import Cleaner
from mmsearch.catalog.events import EventKind, digest
from mmsearch.catalog.feed import Digested, Feed, readable
from mmsearch.catalog.oddities import Oddities
from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.readers import Row
from mmsearch.catalog.readers.synonyms import ORIGIN
from mmsearch.catalog.records import OURS, is_empty
from mmsearch.catalog.report import IngestReport, Rejects
from mmsearch.store import INTERACTIONS, PRODUCTS, TRIPLES, Store
from mmsearch.store.where import id_list


class Counts(NamedTuple):
    """What writing a chunk came to, in rows."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


Work = Callable[[bool], Counts]  # write what a chunk brings (False: only find out what it would come to)
Taken = tuple[Counts, Work | None]  # rows that need no write, and the write that the others need


class Intake(ABC):
    """One kind of rows. `take` runs while the work of the chunk before is written by another thread."""

    def __init__(self, store: Store, feed: Feed, report: IngestReport, rejects: Rejects):
        self.store, self.feed, self.report, self.rejects = store, feed, report, rejects
        self.cleaner = Cleaner()
        self.media: dict[str, Counter[str]] = {}  # images → outcome → how many
        self.lost = 0  # rows that could not be read, so that nobody knows which record they are

    @abstractmethod
    def take(self, chunk: Sequence[Digested]) -> Taken:
        """Read a chunk."""

    def rest(self) -> Work | None:
        """The write that the chunks taken so far have left over."""
        return None

    def settle(self) -> None:  # noqa: B027 - most kinds have nothing to do
        """Tell what the work that was just done found. Called by the thread that takes, so that rejects are written by one thread."""

    def close(self) -> None:  # noqa: B027 - likewise
        """Let go of what the intake holds."""

    @abstractmethod
    def total(self) -> int:
        """Records that the store had when the ingest began."""

    @abstractmethod
    def gone(self) -> list[str]:
        """Ids (keys) that the store has and the rows taken so far do not."""

    @abstractmethod
    def delete(self, ids: Sequence[str]) -> None:
        """Delete records."""

    def finish(self, *, write: bool) -> None:  # noqa: B027 - most kinds have nothing to do
        """After the last chunk was written. `write` False: only find out what it would come to."""

    def notes(self) -> list[str]:
        """What a person should know."""
        return []

    def refuse(self, row: Row, error: BadRow) -> None:
        """Reject a row."""
        self.report.count([error.problem])
        self.rejects.add(row.line, str(error), self.feed.rejected(row))


class EventIntake(Intake):
    """Interactions, reviews, searches, triples: inserted once; one that is the same event with other content replaces it."""

    def __init__(self, store: Store, feed: Feed, report: IngestReport, rejects: Rejects, kind: EventKind, *, clip: bool):
        super().__init__(store, feed, report, rejects)
        self.kind = kind
        self._odd = Oddities(kind, feed.mapping, clip=clip) if kind.table != TRIPLES else None
        self._known: dict[str, str | None] = {}
        if store.has(kind.table):
            have = store.dataset(kind.table).schema.names  # type: ignore[union-attr]
            rows = store.read(kind.table, ["key", "digest"] if "digest" in have else ["key"])
            digests = rows.column("digest").to_pylist() if "digest" in have else [None] * rows.num_rows
            self._known = dict(zip(rows.column("key").to_pylist(), digests, strict=True))
        self._others = self._of_another_origin() if kind.table == TRIPLES and self._known else set[str]()
        self._total = len(self._known) - len(self._others)
        self._seen: set[str] = set()
        self._names_products = any(field.name == "product" for field in kind.fields)
        catalogue = store.read(PRODUCTS, ["id"]).column("id").to_pylist() if self._names_products and store.has(PRODUCTS) else []
        self._catalogue = set(catalogue)
        self._strangers = self._repeated = 0

    def take(self, chunk: Sequence[Digested]) -> Taken:
        """See `Intake.take`."""
        rows: dict[str, dict[str, Any]] = {}
        counts = dict.fromkeys(("new", "changed", "unchanged"), 0)
        before: dict[str, str] = {}  # key → the digest that the store has
        for record, key, content in self._records(chunk):
            old = self._known.get(key, "")
            self._repeated += key in self._seen
            if old == content or old is None:  # None: an event of an older store, which knows of an event only that it was
                counts["unchanged"] += 1
            elif key in self._seen:  # the later row of a file is the newer word; it was counted already
                counts["unchanged"] += 1
                rows[key] = {"key": key, **record, "digest": content}
            else:
                counts["changed" if old else "new"] += 1
                before[key] = old
                rows[key] = {"key": key, **record, "digest": content}
                self._strangers += self._names_products and record["product"] not in self._catalogue
            self._known[key] = content
            self._seen.add(key)
        for key in [key for key, old in before.items() if rows[key]["digest"] == old]:  # the last word is what the store has
            counts["changed"] -= 1
            counts["unchanged"] += 1
            del rows[key]
        return Counts(**counts), (lambda write: self._write(list(rows.values()), write)) if rows else None

    def _records(self, chunk: Sequence[Digested]) -> list[tuple[dict[str, Any], str, str]]:
        """Records with their key and digest, which are of what stands in the file, whatever is clipped."""
        records, lines = [], []
        for row, _ in chunk:
            self.report.rows += 1
            try:
                record = self._record(row)
            except BadRow as error:
                self.lost += 1
                self.refuse(row, error)
                continue
            records.append((record, digest(self.kind.identity(record)), digest(record)))
            lines.append(row.line)
        if self._odd is not None:
            self._odd.look([record for record, _, _ in records], lines)
        return records

    def _record(self, row: Row) -> dict[str, Any]:
        values = readable(row)
        columns = {name: columns[0] for name, columns in self.feed.mapping.items()}
        named = {field.name: values.get(columns[field.name]) if field.name in columns else None for field in self.kind.fields}
        record = self.kind.read(named, columns, self.cleaner, self.feed.order(row))
        taken = {c for columns in self.feed.mapping.values() for c in columns}
        extra = {c: v for c, v in values.items() if c not in taken and c not in OURS and not is_empty(v)}
        # Half a surrogate pair, from a broken JSON escape, cannot be stored.
        return {**record, "extra": json.dumps(extra, ensure_ascii=False).encode("utf-8", "ignore").decode() if extra else None}

    def _write(self, rows: list[dict[str, Any]], write: bool) -> Counts:
        if write:
            schema = self.kind.schema
            columns = [pa.array([row[field.name] for row in rows], field.type) for field in schema]
            self.store.upsert(self.kind.table, pa.Table.from_arrays(columns, schema=schema), "key")
        return Counts()

    def total(self) -> int:
        """See `Intake.total`."""
        return self._total

    def gone(self) -> list[str]:
        """See `Intake.gone`."""
        return [key for key in self._known if key not in self._seen and key not in self._others]

    def _of_another_origin(self) -> set[str]:
        """Triples of synonyms files where this is none, and the other way round: what one does not have is not the other's to delete."""
        rows = self.store.read(TRIPLES, ["key", "extra"])
        ours = self.feed.source.format == "synonyms"
        mark = json.dumps(ORIGIN)
        return {
            key for key, extra in zip(*(rows.column(name).to_pylist() for name in ("key", "extra")), strict=True) if (extra == mark) != ours
        }

    def delete(self, ids: Sequence[str]) -> None:
        """See `Intake.delete`."""
        delete_rows(self.store, self.kind.table, "key", ids)

    def finish(self, *, write: bool) -> None:
        """See `Intake.finish`."""
        if self._odd is not None:
            self.report.outliers = self._odd.findings()
            self.cleaner.counts.update(self._odd.counts)

    def notes(self) -> list[str]:
        """See `Intake.notes`."""
        notes = []
        if self._repeated:
            notes.append(f"{self._repeated} rows say again what another row of the file says; each counts once")
        if self._strangers:
            what = "events" if self.kind.table == INTERACTIONS else self.kind.table
            notes.append(
                f"{self._strangers} {what} are of products that are not in the catalogue; they are kept and count once the products are"
            )
        return notes


def delete_rows(store: Store, table: str, column: str, ids: Sequence[str]) -> None:
    """Delete the rows with these ids, a bounded number at a time."""
    for start in range(0, len(ids), 1_000):
        store.delete(table, id_list(column, list(ids[start : start + 1_000])))
