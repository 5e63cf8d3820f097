"""Files of word vectors as GloVe, word2vec and fastText publish them, read line by line; what is kept is what a store has use for."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError

_LINE = 1 << 20  # bytes of the longest line
_WORD = 1_000  # bytes of the longest word of a binary file
_DIMENSIONS = 10_000
_FASTTEXT_BINARY = (793_712_314).to_bytes(4, "little")  # how fastText's own model files begin


@dataclass(frozen=True)
class Format:
    """What the beginning of a file says."""

    dim: int
    header: bool  # a first line 'words dimensions', as word2vec and fastText have and GloVe has not
    binary: bool


def look(path: Path) -> Format:
    """What kind of file it is, by its content. Raises InputError for one that holds no word vectors, or cannot be read."""
    with _reporting(path), _opened(path) as file:
        first = file.readline(_LINE)
        second = file.readline(_LINE)
    if first.startswith(_FASTTEXT_BINARY):
        raise InputError(f"{path} is a model of fastText's own format", hint="give the text file (.vec) that fastText writes beside it")
    fields = first.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        dim = int(fields[1])
        if not 1 <= dim <= _DIMENSIONS:
            raise InputError(f"{path}, line 1: {dim} dimensions; 1 to {_DIMENSIONS} are possible")
        return Format(dim, True, not _is_text(second))
    if len(fields) < 3 or _numbers(first, len(fields) - 1) is None:
        raise InputError(f"{path}, line 1: neither a word with its numbers nor 'words dimensions'", hint=_HINT)
    return Format(len(fields) - 1, False, False)


def read(path: Path, wanted: Collection[str], most_others: int) -> tuple[list[str], NDArray[np.float32]]:
    """The vectors of the wanted words, and of the first `most_others` other words of the file (files begin with the commonest).

    Words are compared in lower case (casefold); of several that are then equal the first counts. Memory: the vectors that are kept.

    Returns
    -------
    words (n), in lower case and in the file's order; vectors (n, dim) float32.

    Raises
    ------
    InputError : a line with another number of numbers, a number that is none or not finite, a file that ends too early; with its line.
    """
    shape = look(path)
    wanted = set(wanted)
    words: list[str] = []
    rows: list[NDArray[np.float32]] = []
    seen: set[str] = set()
    others = 0
    with _reporting(path), _opened(path) as file:
        entries = _binary(path, file, shape.dim) if shape.binary else _lines(path, file, shape)
        for at, raw, numbers in entries:
            word = raw.decode("utf-8", "replace").casefold()
            if word in seen or not (word in wanted or others < most_others):
                continue
            vector = _vector(path, at, numbers, shape)
            seen.add(word)
            others += word not in wanted
            words.append(word)
            rows.append(vector)
    return words, np.stack(rows) if rows else np.empty((0, shape.dim), np.float32)


_HINT = "word vectors come as GloVe's text, word2vec's text or binary, or fastText's .vec; gzip is read, too"


def _lines(path: Path, file: IO[bytes], shape: Format) -> Iterator[tuple[str, bytes, bytes]]:
    """(place, word, its numbers) of every line of a text file, each with the right number of fields."""
    promised = int(file.readline(_LINE).split()[0]) if shape.header else 0
    found = 0
    for number, line in enumerate(iter(lambda: file.readline(_LINE + 1), b""), start=1 + shape.header):
        at = f"line {number}"
        if len(line) > _LINE:
            raise InputError(f"{path}, {at}: longer than {_LINE:,} bytes", hint=_HINT)
        line = line.strip()
        if not line:
            continue
        found += 1
        if line.count(b" ") == shape.dim:  # nearly every line: its numbers are only looked at if the word is wanted
            word, _, numbers = line.partition(b" ")
            yield at, word, numbers
            continue
        fields = line.split()
        extra = len(fields) - 1 - shape.dim
        if extra < 0 or (extra > 0 and _numbers(b"x " + fields[extra], 1) is not None):
            raise InputError(f"{path}, {at}: {len(fields) - 1} numbers where the lines before have {shape.dim}")
        if extra == 0:  # a word with spaces in it is no word of ours
            yield at, fields[0], line.split(None, 1)[1]
    if found < promised:
        raise InputError(f"{path}: the file ends after {found:,} of {promised:,} words", hint="is the download complete?")


def _binary(path: Path, file: IO[bytes], dim: int) -> Iterator[tuple[str, bytes, bytes]]:
    """(place, word, its numbers) of every entry of a word2vec binary file."""
    count = int(file.readline(_LINE).split()[0])
    for number in range(1, count + 1):
        at = f"word {number}"
        word = bytearray()
        while (byte := file.read(1)) != b" ":
            if not byte or len(word) > _WORD:
                what = "the file ends" if not byte else f"a word longer than {_WORD:,} bytes"
                raise InputError(f"{path}, {at} of {count:,}: {what}", hint="is the download complete?" if not byte else _HINT)
            word += byte
        numbers = file.read(4 * dim)
        if len(numbers) < 4 * dim:
            raise InputError(f"{path}, {at} of {count:,}: the file ends", hint="is the download complete?")
        yield at, bytes(word).lstrip(b"\n"), numbers


def _vector(path: Path, at: str, numbers: bytes, shape: Format) -> NDArray[np.float32]:
    if shape.binary:
        vector: NDArray[np.float32] | None = np.frombuffer(numbers, "<f4").astype(np.float32)
    else:
        vector = _numbers(b"x " + numbers, shape.dim)
    if vector is None:
        raise InputError(f"{path}, {at}: something that is no number")
    if not np.isfinite(vector).all():
        raise InputError(f"{path}, {at}: a number that is not finite")
    return vector


def _numbers(line: bytes, dim: int) -> NDArray[np.float32] | None:
    """The numbers of a line after its word; None if they are not `dim` numbers."""
    fields = line.split()[1:]
    if len(fields) != dim:
        return None
    try:
        return np.array([float(field) for field in fields], np.float64).astype(np.float32)
    except ValueError:
        return None


def _is_text(line: bytes) -> bool:
    try:
        return all(c.isprintable() or c in "\t\r\n" for c in line.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


class _reporting:  # noqa: N801 - a context manager, used as a function
    """Turns what reading raises into an InputError that names the file."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"there is no file {self._path}") from error
        if isinstance(error, OSError | EOFError):  # gzip's errors among them
            raise InputError(f"{self._path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
