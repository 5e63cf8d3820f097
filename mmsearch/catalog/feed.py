"""The rows of a file in chunks of bounded size, each with a digest that tells whether it changed since it was last ingested."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmsearch.catalog.columns import language_columns, map_columns
from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.readers import Row, Source
from mmsearch.catalog.records import MEDIA_FIELDS, OURS
from mmsearch.errors import InputError

CHUNK_ROWS = 10_000
CHUNK_CHARACTERS = 32_000_000  # rows may be long: what is in memory at a time is bounded by this, too
_PEEK = 1_000  # JSON rows whose names are taken together as the columns

#: Part of every digest. Raise it when cleaning changes, so that every row is looked at again.
RULES = 3

Digested = tuple[Row, bytes]


@dataclass
class Feed:
    """The rows of a source and what is needed to read them.

    Attributes
    ----------
    mapping, languages : what the columns mean, see `columns`; JSON rows may add to them far down in a file.
    folder : where the media paths of a row start, unless the row tells.
    ours : it is a reject file of the store: its rows tell where their media lie.
    """

    source: Source
    kind: str
    rows: Iterator[Row]
    columns: dict[str, None]
    mapping: dict[str, tuple[str, ...]]
    folder: Path
    allow_outside: bool = False
    ours: bool = False
    context: tuple[Any, ...] = ()  # further options that decide what a row becomes
    languages: dict[str, tuple[str, str]] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)  # field → columns that the user named
    characters: int = 0  # of the chunk that was given last

    def chunks(self) -> Iterator[list[Digested]]:
        """Rows with their digests, so many at a time as fit a bounded memory."""
        # What every row of a large file passes through: no step more than it needs.
        copy, typed, join = self._context().copy, self.source.typed, "\x1f".join
        between = len(self.source.columns or ()) - 1
        chunk: list[Digested] = []
        self.characters = size = 0
        for row in self.rows:
            if row[2] is None:
                if typed and not row[1].keys() <= self.columns.keys() and (meaning := self._learned(row)):
                    if chunk:  # digests and products of a chunk are of one meaning of the columns
                        self.characters = size
                        yield chunk
                        chunk, size = [], 0
                    self.mapping, self.languages = meaning
                    copy = self._context().copy
                text = repr(row[1]) if typed else join(row[1].values())
                if not typed and text.count("\x1f") != between:  # a cell holds the separator itself
                    text = repr(list(row[1].values()))
                hasher = copy()
                hasher.update(text.encode("utf-8", "surrogatepass"))
                chunk.append((row, hasher.digest()))
                size += len(text)
            else:
                chunk.append((row, b""))
                size += 1_000
            if size > CHUNK_CHARACTERS or len(chunk) >= CHUNK_ROWS:
                self.characters = size
                yield chunk
                chunk, size = [], 0
        if chunk:
            self.characters = size
            yield chunk

    def _context(self) -> Any:
        what = (RULES, self.kind, sorted(self.mapping.items()), sorted(self.languages.items()), str(self.folder), self.allow_outside)
        columns = () if self.source.columns is None else tuple(self.source.columns)
        return hashlib.blake2b(repr((what, columns, self.context)).encode("utf-8", "surrogatepass"), digest_size=8)

    def _learned(self, row: Row) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, str]]] | None:
        """What the columns mean with those that a JSON row is the first to have; None where that is what they meant before."""
        new = [name for name in row.values if name not in self.columns and name not in OURS]
        self.columns |= dict.fromkeys(row.values)
        if not new:
            return None
        # Only what means something already and what is new is looked at: a catalogue of 5,000 names would else be mapped 5,000 times.
        known = list(dict.fromkeys([c for columns in self.mapping.values() for c in columns] + new))
        # A field stays with its column; more photos may come in further columns, unless the user said which ones hold them.
        given = {name: columns for name, columns in self.mapping.items() if name not in MEDIA_FIELDS or name in self.given}
        found = map_columns(self.kind, known, given, self.source.name)
        mapping = {name: tuple(dict.fromkeys((*self.mapping.get(name, ()), *columns))) for name, columns in found.items()}
        languages = self.languages | (language_columns(new, mapping) if self.kind == "products" else {})
        return None if (mapping, languages) == (self.mapping, self.languages) else (mapping, languages)

    def typed(self, row: Row) -> bool:
        """Whether the values of a row have types."""
        return self.source.typed and row.values.get("_typed") is not False

    def media_folder(self, row: Row) -> str:
        """Where the media paths of a row start."""
        given = row.values.get("_folder")
        return given if isinstance(given, str) and (self.ours or self.allow_outside) else self.own_folder

    @functools.cached_property
    def own_folder(self) -> str:
        """`folder` as text, which every row asks for."""
        return str(self.folder)

    def order(self, row: Row) -> int:
        """The place of a row in the file that it first stood in."""
        line = row.values.get("_line")
        return line if isinstance(line, int) else row.line

    def rejected(self, row: Row) -> dict[str, Any]:
        """A row as the reject file keeps it: with what reading it again needs."""
        own = {name: value for name, value in row.values.items() if name not in OURS or name in ("_text", "_cells")}
        extra = {"_folder": row.values.get("_folder", str(self.folder)), "_typed": row.values.get("_typed", self.source.typed)}
        return {**own, **extra} if row.problem is None else own


def peek(source: Source) -> tuple[Iterator[Row], list[str]]:
    """The rows and the columns; JSON rows name their own, so those of the first thousand rows are taken together.

    Raises InputError where there is no row at all.
    """
    peeked = list(itertools.islice(source.rows, 1 if source.columns is not None else _PEEK))
    if not peeked:
        raise InputError(f"{source.name} has a header but no rows")
    rows = itertools.chain(peeked, source.rows)
    if source.columns is not None:
        return rows, [c for c in source.columns if c and c not in OURS]
    names = list(dict.fromkeys(name for row in peeked if row.problem is None for name in row.values if name not in OURS))
    if not names:
        raise InputError(f"{source.name}: no line is a JSON object", hint=f"line {peeked[0].line}: {peeked[0].problem}")
    return rows, names


def readable(row: Row) -> Mapping[str, Any]:
    """The values of a row. Raises BadRow for one that could not be read."""
    if row.problem is not None:
        raise BadRow(*row.problem)
    return row.values
