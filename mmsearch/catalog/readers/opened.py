"""Files, standard input and gzip → bytes; what kind of file the first bytes tell."""

from __future__ import annotations

import gzip
import io
import shutil
import stat
import sys
import tempfile
import zlib
from pathlib import Path
from typing import IO, cast

from mmsearch.errors import InputError

BLOCK = 1 << 18  # bytes read at a time
_MAX_UNPACKED = 64 << 30  # bytes of a gzipped Parquet file on the disk: what stops a bomb before the disk is full
_STDIN = "standard input"
_GZIP = b"\x1f\x8b\x08"
_PARQUET = b"PAR1"

# What is often handed over by mistake, and what to do about it.
_FOREIGN = {
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "save the sheet as CSV UTF-8, or unzip it first"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the sheet as CSV UTF-8"),
    b"ARROW1": ("an Arrow file", "write it as Parquet"),
    b"PARE": ("an encrypted Parquet file", "write it without encryption"),
    b"SQLite format 3\x00": ("an SQLite database", "export the table as CSV: sqlite3 -header -csv FILE 'select * from …' > products.csv"),
    b"BZh": ("packed with bzip2", "unpack it first: bunzip2 FILE"),
    b"\xfd7zXZ\x00": ("packed with xz", "unpack it first: unxz FILE"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "unpack it first: unzstd FILE"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it first"),
    b"%PDF-": ("a PDF", "a table is needed: CSV, TSV, JSON, JSON Lines or Parquet"),
    b"\x89PNG": ("a photo", "give the folder that it lies in: every photo there becomes a product"),
    b"\xff\xd8\xff": ("a photo", "give the folder that it lies in: every photo there becomes a product"),
    b"<?xml": ("XML", "a table is needed: CSV, TSV, JSON, JSON Lines or Parquet"),
    b"<!DOCTYPE": ("a web page", "the download may have failed: look at it in a text editor"),
    b"<html": ("a web page", "the download may have failed: look at it in a text editor"),
}


def standard_input() -> IO[bytes]:
    """The bytes of standard input. Raises InputError where it is closed (`<&-`, some schedulers)."""
    if sys.stdin is None:
        raise InputError("standard input is closed", hint="pipe something into it, or name a file")
    return cast(IO[bytes], sys.stdin.buffer)


class Opened:
    """The bytes of an input, unpacked; `read` gives some of them, b'' at the end."""

    def __init__(self, path: str):
        """Raises InputError: missing, a folder, not readable, empty, or a kind of file that is not read."""
        self.name = _STDIN if path == "-" else path
        self.gzip = False
        self.broken: str | None = None  # why the packed bytes end before the text does
        self._file = self._open(path)
        self._unpacked: gzip.GzipFile | None = None
        self._ahead = b""
        self._ahead = self._start()
        if self._ahead.startswith(_GZIP):
            self.gzip = True
            packed = _Joined(self._ahead, self._file)
            self._unpacked, self._ahead = gzip.GzipFile(fileobj=cast(IO[bytes], packed), mode="rb"), b""
            self._ahead = self._start()
        self._refuse_foreign()

    @property
    def is_parquet(self) -> bool:
        return self._ahead.startswith(_PARQUET)

    def read(self) -> bytes:
        """The next bytes, about `BLOCK`. Where packed bytes end too early, `broken` says so and the text simply ends. Raises InputError."""
        if self._ahead:
            block, self._ahead = self._ahead, b""
            return block
        try:
            # read1: what was unpacked before the damage is given, where `read` would lose it.
            return self._unpacked.read1(BLOCK) if self._unpacked else self._file.read(BLOCK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.broken = f"the gzip data is damaged or ends too early ({error})"
            return b""
        except OSError as error:
            raise InputError(f"cannot read {self.name}: {error.strerror or error}") from error

    def seekable(self) -> IO[bytes]:
        """A file that can be read in any order, which Parquet needs: itself, or a temporary copy that vanishes when closed.

        Raises InputError: packed bytes end too early, or the copy does not fit on the disk.
        """
        if not self.gzip and self._file.seekable():
            self._file.seek(0)
            return self._file
        copy: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the reader closes it
        size = 0
        try:
            while block := self.read():
                size += len(block)
                if size > _MAX_UNPACKED or size + BLOCK > shutil.disk_usage(tempfile.gettempdir()).free:
                    raise InputError(f"{self.name}: unpacked it does not fit into {tempfile.gettempdir()}", hint="unpack it yourself")
                copy.write(block)
            copy.seek(0)
        except OSError as error:
            copy.close()
            raise InputError(f"{self.name}: cannot be unpacked into {tempfile.gettempdir()}: {error.strerror}") from error
        except InputError:
            copy.close()
            raise
        if self.broken:
            copy.close()
            raise InputError(f"{self.name}: {self.broken}", hint="the download may have broken off: fetch it again")
        self.close()
        return copy

    def close(self) -> None:
        if self._unpacked is not None:
            self._unpacked.close()
        if self.name != _STDIN:  # a question to the user may still have to be answered there
            self._file.close()

    def _refuse_foreign(self) -> None:
        if not self._ahead and self.broken:
            raise InputError(f"{self.name}: {self.broken}", hint="the download may have broken off: fetch it again")
        if not self._ahead:
            raise InputError(f"{self.name} is empty")
        if self.gzip and self._ahead.startswith(_GZIP):
            raise InputError(f"{self.name} is gzip inside gzip", hint="unpack it once: gunzip -c FILE > FILE2.gz")
        for magic, (what, hint) in _FOREIGN.items():
            if self._ahead.startswith(magic):
                raise InputError(f"{self.name} is {what}, which is not read", hint=hint)

    def _start(self) -> bytes:
        """The first bytes: a pipe may give them in pieces, and they decide what the file is."""
        start = b""
        while len(start) < BLOCK and (more := self.read()):
            start += more
        return start

    def _open(self, path: str) -> IO[bytes]:
        if path == "-":
            return standard_input()
        try:
            where = Path(path)
            if where.is_dir():
                raise InputError(f"{self.name} is a folder, not a file")
            if not stat.S_ISREG(where.stat().st_mode) and not stat.S_ISFIFO(where.stat().st_mode):
                raise InputError(f"{self.name} is neither a file nor a pipe")
            return where.open("rb")
        except FileNotFoundError:
            raise InputError(f"there is no file {self.name}") from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise InputError(f"cannot read {self.name}: {getattr(error, 'strerror', None) or error}") from error


class _Joined(io.RawIOBase):
    """Bytes that were read already, and the file that they came from: standard input cannot be rewound."""

    def __init__(self, start: bytes, rest: IO[bytes]):
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._start:
            size = len(self._start) if size < 0 else size
            block, self._start = self._start[:size], self._start[size:]
            return block
        return self._rest.read(size)
