"""What an ingest did, and the reject file that says what it could not take."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mmsearch.catalog.problems import Problem
from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_REJECTED, InputError

_FIRST = 10  # rejects that are shown to a person
_LONGEST_NAME = 60  # characters, of up to 4 bytes: the name of a file has 255 at most


@dataclass(frozen=True)
class Sync:
    """What `sync` did: records that the file does not have, how many of them were deleted, and why they were not if they were not."""

    gone: int
    deleted: int
    refused: str | None
    examples: list[str]


@dataclass
class IngestReport:
    """Counts of one ingest. `rejected` rows are not in the store; `problems` are rows that are, without some field or medium.

    rows = new + changed + unchanged + merged + rejected.
    """

    source: str
    kind: str
    format: str = ""
    encoding: str | None = None
    mapping: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    merged: int = 0  # near-duplicates whose words and photos went to the product that they repeat
    rejected: int = 0
    problems: int = 0
    attributes: list[str] = field(default_factory=list)  # columns that are none of the fields
    dry_run: bool = False
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # kinds of problems, rejected rows and kept ones
    first: list[str] = field(default_factory=list)  # the first rejects, for people
    cleaned: Counter[str] = field(default_factory=Counter)  # rule → cells that it changed
    media: dict[str, dict[str, int]] = field(default_factory=dict)  # images → outcome → how many
    near_duplicates: list[dict[str, Any]] = field(default_factory=list)  # id, of, by ('text', 'photo', 'both'), similarity
    outliers: list[dict[str, Any]] = field(default_factory=list)  # rule, affected, examples, detail
    sync: Sync | None = None
    reject_file: str | None = None

    def count(self, problems: Iterable[Problem], *, kept: bool = False) -> None:
        """Count a row with problems, by their kinds."""
        self.problems += kept
        self.rejected += not kept
        self.reasons.update(problem.kind for problem in problems)

    def add(self, counts: tuple[int, int, int]) -> None:
        """Count rows that were taken: (new, changed, unchanged)."""
        self.new, self.changed, self.unchanged = (
            have + more for have, more in zip((self.new, self.changed, self.unchanged), counts, strict=True)
        )

    @property
    def exit_code(self) -> int:
        if self.sync is not None and self.sync.refused:
            return EXIT_FAILED
        return EXIT_REJECTED if self.rejected or self.problems else EXIT_DONE

    def to_json(self) -> dict[str, Any]:
        """The report for machines."""
        mapping = {name: columns[0] if len(columns) == 1 else list(columns) for name, columns in self.mapping.items()}
        sync = None if self.sync is None else self.sync.__dict__
        return {**self.__dict__, "mapping": mapping, "reasons": dict(self.reasons), "cleaned": dict(self.cleaned), "sync": sync}


class Rejects:
    """The reject file: JSON Lines, the row as it was with `_line`, `_reason` and `_kept`; fix the rows and ingest the file again.

    It is made with the first reject; a file left by an earlier run of the same name is removed when there is none.
    Without a path the rejects are only remembered: the first few, as text.

    Parameters
    ----------
    named : a user chose the path: that it can be written is tried now, before any work starts, and leaves nothing behind.

    Raises InputError where it cannot be written.
    """

    def __init__(self, path: Path | None, *, named: bool = False):
        self.path = path
        self.first: list[str] = []
        self._file: IO[str] | None = None
        if path is not None:
            with self._told():
                _remove(path)
                if named:
                    _try_to_write(path)

    def __enter__(self) -> Rejects:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, line: int, reason: str, row: Mapping[str, Any], *, kept: bool = False) -> None:
        """Write one line."""
        if len(self.first) < _FIRST:
            self.first.append(f"line {line}: {reason}" if line else reason)
        if self.path is None:
            return
        entry = {**row, "_line": line, "_reason": reason, "_kept": kept}
        with self._told():
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # Half a surrogate pair, from a broken JSON escape, is written as that escape again.
                self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace")
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def close(self) -> str | None:
        """Finish; the path if anything was rejected."""
        if self._file is None or self.path is None:
            return None
        with self._told():
            self._file.close()
        return str(self.path)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot write the reject file {self.path}: {error.strerror}", hint="choose another with --rejects FILE"
            ) from error


def _remove(path: Path) -> None:
    """Remove a file of an earlier run. What is no file of its own stays: /dev/null, a pipe, a link to either."""
    try:
        if stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass


def _try_to_write(path: Path) -> None:
    """Raises OSError where a file cannot be written."""
    if path.exists():  # a folder, a device, a pipe: opening the last would wait for its reader
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return
    made = [folder for folder in path.parents if not folder.exists()]  # the innermost first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.resolve().unlink()  # a link that points nowhere yet stays
    finally:
        for folder in made:
            with contextlib.suppress(OSError):  # it was not made, or holds what another process put there
                folder.rmdir()


def reject_path(store: str, source: str, chosen: str | None) -> Path:
    """Where rejects go: `--rejects FILE`, else `<store>/rejects/<name>.<digest>.jsonl` (beside us for a store that is no folder).

    The digest is of where the source lies: two feeds of one name in two folders have reject files of their own. That of standard
    input ('-') is `stdin.jsonl`.
    """
    if chosen:
        return Path(chosen)
    if source == "-":
        return reject_folder(store) / "stdin.jsonl"
    given = Path(source)
    # A link keeps its name, whatever it points to today; `.` and `..` have none.
    where = given.parent.resolve() / given.name if given.name not in ("", "..") else given.resolve()
    digest = hashlib.blake2b(os.fsencode(where), digest_size=4).hexdigest()
    return reject_folder(store) / f"{where.name[:_LONGEST_NAME]}.{digest}.jsonl"


def reject_folder(store: str) -> Path:
    """The folder of a store's reject files."""
    return Path("mmsearch-rejects") if "://" in store else Path(store) / "rejects"
