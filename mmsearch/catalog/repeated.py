"""A file that was ingested before, told by its hash: while nothing of it or of the store has changed since, there is nothing to read.

A product feed that comes every night is often yesterday's. Reading a million rows to find each of them known takes ten seconds,
hashing the file a fraction of one (`python -m bench ingest`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch.catalog.feed import RULES
from mmsearch.catalog.report import IngestReport
from mmsearch.errors import InputError
from mmsearch.store import ATTRIBUTES, PRODUCTS, Store

_RECORD = "ingested"
_KEPT = 50  # files that are remembered: of a store that does not change meanwhile
_TOLD = ("kind", "format", "encoding", "mapping", "rows", "attributes", "notes")


@dataclass(frozen=True)
class Stamp:
    """A file as it was before anything of it was read; `options` are those that decide what its rows become."""

    path: Path
    options: tuple[Any, ...]
    state: tuple[int, ...]  # device, inode, size and times: what changes when the file does

    @staticmethod
    def of(path: str, options: tuple[Any, ...]) -> Stamp | None:
        """None for what cannot be read twice, or is not one file: standard input, a pipe, a folder, nothing at all."""
        where = Path(path)
        try:
            if path == "-" or not where.is_file():
                return None
            # A reject file tells where media lie only while it lies in its store: the folder is part of what rows become.
            return Stamp(where, (RULES, str(where.resolve().parent), *options), _state(where))
        except (OSError, ValueError):  # opening it says what is wrong
            return None

    def earlier(self, store: Store) -> IngestReport | None:
        """The report of a file of the same content that the store holds, row for row, as it was left after that: all unchanged."""
        remembered = _remembered(store)
        if all(known["size"] != self._size for known in remembered.values()):
            return None  # nothing to compare with: the file is not read for it
        known = remembered.get(self._hash() or "")
        if known is None:
            return None
        report = IngestReport(str(self.path), unchanged=known["rows"], **{name: known[name] for name in _TOLD})
        report.mapping = {name: tuple(columns) for name, columns in report.mapping.items()}
        report.notes = [*report.notes, "the same file as before, and the store has not changed since: its rows were not read again"]
        return report

    def remember(self, store: Store, report: IngestReport, notes: list[str]) -> None:
        """Note that the store holds every row of the file. The caller holds the write lock and has written all.

        `notes` are what reading the file told, and would tell again.
        """
        if report.kind != "products" or report.rejected or report.problems or report.merged:
            return  # what is wrong with a row is told every time
        content = self._hash()
        if content is None:  # it changed while it was read
            return
        told = {**{name: getattr(report, name) for name in _TOLD}, "notes": notes, "size": self._size}
        files = {key: value for key, value in _remembered(store).items() if key != content}
        files = dict([*files.items(), (content, told)][-_KEPT:])
        value = {"store": _identity(store), "files": files}
        store.record.put(_RECORD, value)

    @property
    def _size(self) -> int:
        return self.state[2]

    def _hash(self) -> str | None:
        """Of the content and the options; None if the file is not what it was."""
        try:
            with self.path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256")
            if _state(self.path) != self.state:
                return None
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror or error}") from error
        content.update(repr(self.options).encode("utf-8", "surrogatepass"))
        return content.hexdigest()


def _state(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _remembered(store: Store) -> dict[str, Any]:
    """Hash → what was told of the file; nothing of it counts once another process, or an older mmsearch, wrote to the products."""
    remembered = store.record.get(_RECORD)
    return remembered["files"] if remembered and remembered["store"] == _identity(store) else {}


def _identity(store: Store) -> list[str | None]:
    """What the products are at present, in the table and in that of their sparse attributes."""
    return [store.identity(PRODUCTS), store.identity(ATTRIBUTES)]
