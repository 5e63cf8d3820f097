"""What a media file is, by its bytes: the checks before it is opened, and its content hash."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mmsearch.media import MediaError

_TRIES = 3  # readings of a file that changes meanwhile
_BLOCK = 1 << 20  # bytes hashed at a time
#: The settings that limit how large a file may be.
MEDIA_LIMIT, VIDEO_LIMIT = "MMSEARCH_MAX_MEDIA_BYTES", "MMSEARCH_MAX_VIDEO_BYTES"


def content_hash(content: bytes) -> str:
    """SHA-256 hex digest of a medium's bytes."""
    return hashlib.sha256(content).hexdigest()


def read_media(path: str | Path, limit: int) -> bytes:
    """The bytes of a media file, all of one moment: what is hashed and what is decoded are the same bytes.

    A file that changes while it is read is read again, and given up when it keeps changing.

    Parameters
    ----------
    limit : most bytes that are ever read; the message names `MMSEARCH_MAX_MEDIA_BYTES`.

    Raises
    ------
    MediaError : missing, not a regular file, empty, too large, unreadable, or still being written.
    """
    for _ in range(_TRIES):
        with open_media(path, limit) as file:
            try:
                before = os.fstat(file.fileno())
                content = file.read(before.st_size + 1)  # of a file that grows meanwhile no more than it had, and the limit holds
                after = os.fstat(file.fileno())
            except OSError as error:
                raise MediaError(os_reason(error)) from error
        if len(content) == after.st_size and (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            return content
    raise changing()


@dataclass(frozen=True)
class Streamed:
    """A medium that may be larger than memory: it was hashed, and is read from the disk again while it is decoded.

    `check`, after that, says whether it was the same all the while.
    """

    path: Path
    size: int
    modified: int  # nanoseconds, as the directory entry says

    def check(self) -> None:
        """Raises MediaError for a file that changed since it was hashed, or is gone."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise MediaError(os_reason(error)) from error
        if (status.st_size, status.st_mtime_ns) != (self.size, self.modified):
            raise changing()


def stream_media(path: Path, limit: int) -> tuple[Streamed, str]:
    """A media file for reading from the disk, and its content hash. A block at a time is in memory; raises as `read_media` does."""
    for _ in range(_TRIES):
        digest = hashlib.sha256()
        with open_media(path, limit, VIDEO_LIMIT) as file:
            try:
                before = os.fstat(file.fileno())
                length = 0
                while block := file.read(min(_BLOCK, before.st_size + 1 - length)):
                    digest.update(block)
                    length += len(block)
                after = os.fstat(file.fileno())
            except OSError as error:
                raise MediaError(os_reason(error)) from error
        if length == after.st_size and (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            return Streamed(path, after.st_size, after.st_mtime_ns), digest.hexdigest()
    raise changing()


def changing() -> MediaError:
    """What is said of a file that does not hold still."""
    return MediaError("changes while it is read: embed again when it is complete")


def open_media(path: str | Path, limit: int | None, setting: str = MEDIA_LIMIT) -> BinaryIO:
    """Open a media file for reading, after the checks of `checked_size`.

    A pipe or a device that takes its place meanwhile is not waited for.

    Raises MediaError.
    """
    checked_size(path, limit, setting)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        file = os.fdopen(descriptor, "rb")
    except OSError as error:
        raise MediaError(os_reason(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise MediaError("not a regular file")
    return file


def checked_size(path: str | Path, limit: int | None, setting: str = MEDIA_LIMIT) -> int:
    """Bytes in a media file, from its directory entry alone.

    Parameters
    ----------
    path : the file.
    limit : most bytes allowed, or None for any number; the message names the `setting` that changes it.

    Raises
    ------
    MediaError : missing, not a regular file, empty or too large.
    """
    if str(path).lower().startswith(("http://", "https://", "ftp://", "s3://")):
        raise MediaError("a web address: mmsearch opens files only, download it first")
    try:
        status = Path(path).stat()
    except ValueError as error:  # an embedded NUL byte
        raise MediaError("missing: that is no possible file name") from error
    except OSError as error:
        raise MediaError(os_reason(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError("a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise MediaError("not a regular file")  # opening a pipe or a device could wait for ever
    check_length(status.st_size, limit, setting)
    return status.st_size


def check_length(length: int, limit: int | None = None, setting: str = MEDIA_LIMIT) -> None:
    """Reject nothing at all and more than `limit` bytes. Raises MediaError."""
    if length == 0:
        raise MediaError("empty file")
    if limit is not None and length > limit:
        raise MediaError(f"{_megabytes(length)}, the limit is {_megabytes(limit)} ({setting})", kind="too large")


# First bytes → what people call such a file. Looked at only once the bytes are known not to be what was wanted.
_STARTS: list[tuple[bytes, str]] = [
    (b"\x00\x05\x16\x07", "a macOS resource file ('._' in front of the name), not the file itself"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"ID3", "an MP3 sound"),
    (b"OggS", "an Ogg sound or video"),
    (b"fLaC", "a FLAC sound"),
    (b"FORM", "an AIFF sound"),
    (b".snd", "an AU sound"),
    (b"caff", "a CAF sound"),
    (b"\xff\xfb", "an MP3 sound"),
    (b"\xff\xf1", "an AAC sound"),
    (b"\xff\xf9", "an AAC sound"),
    (b"\xff\xd8\xff", "a JPEG photo"),
    (b"\x89PNG", "a PNG photo"),
    (b"GIF8", "a GIF picture"),
    (b"version https://git-lfs", "a Git LFS pointer; the file itself was not fetched"),
]


def looks_like(head: bytes) -> str:
    """Name what a file is from its first bytes (a few hundred are enough), for a message: "a PDF document", "text", …"""
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
        return "a WAV sound" if head[8:12] == b"WAVE" else "an AVI video"
    if head[4:8] == b"ftyp":
        if head[8:12] == b"avif":
            return "an AVIF photo, which the installed Pillow cannot read (save it as JPEG)"
        return "an HEIC photo (save it as JPEG)" if head[8:11] in (b"hei", b"hev", b"mif") else "an MP4 video or sound"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page"
    if b"<svg" in start[:400]:
        return "an SVG drawing (save it as PNG)"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    return "text" if _is_text(head) else "unknown data"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a character cut in two by the end of the piece is fine
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\r\n\t\f\ufeff" for c in text)


def os_reason(error: OSError) -> str:
    """Why the system would not open a file, for a message."""
    if isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno == errno.ENAMETOOLONG:
        return "missing"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return f"cannot be read: {error.strerror or error}"


def _megabytes(length: int) -> str:
    return f"{length / 1e6:,.1f} MB" if length >= 100_000 else f"{length:,} bytes"


def too_long(seconds: float, limit: float, *, at_least: bool = False) -> MediaError:
    """What is said of a sound or a video that is longer than `MMSEARCH_MAX_SECONDS`; `at_least`: its end was not looked for."""
    long = f"{'more than ' if at_least else ''}{_time(limit if at_least else seconds)} long"
    return MediaError(f"{long}, the limit is {_time(limit)} (MMSEARCH_MAX_SECONDS)", kind="too long")


def _time(seconds: float) -> str:
    """42 s, 3 min 20 s, 8 h 0 min."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
