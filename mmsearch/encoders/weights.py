"""Model weights on disk: their hashes, and converted copies under `MMSEARCH_HOME` that make the next start fast."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.errors import MMSearchError


def fingerprint(name: str, parameters: Mapping[str, Any], weights: Mapping[str, str]) -> str:
    """Hex digest over everything that decides an encoder's vectors: its name, resolved parameters and the hashes of its weights."""
    text = json.dumps({"name": name, "parameters": parameters, "weights": weights}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def package_file(package: str, name: str) -> Path:
    """A file inside an installed package, found without importing it. Raises ModuleNotFoundError."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named '{package}'", name=package)
    return Path(spec.origin).parent / name


def file_hash(path: Path) -> str:
    """SHA-256 hex digest of a file, remembered under `MMSEARCH_HOME` for as long as its size and times stay the same.

    The same trust that git's index puts in a file it has hashed before; hashing a model of 80 MB at every start would cost 0.1 s.
    """
    seen = _seen(path)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):  # no note, or a damaged one: hash again
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        if note["seen"] == seen:
            return str(note["sha256"])
    digest = _sha256(path)
    _remember(path, seen, digest)
    return digest


def converted(name: str, recipe: str, source: str, suffix: str, write: Callable[[Path], None]) -> Path:
    """The converted copy of a model, made on first use.

    The file's name holds the hash of what it was made from and the hash of its own bytes, so it proves itself: a copy that
    was damaged is found out and made again, and copies for other weights or other versions of mmsearch stand beside it.
    It appears whole or not at all; processes that convert at the same time do the same work twice and agree.

    Parameters
    ----------
    name : the model, the first part of the file's name.
    recipe : how it is converted; changes whenever `write` would write something else.
    source : hash of the original weights.
    suffix : with its dot.
    write : writes the converted model to the path it is given.

    Raises
    ------
    MMSearchError : the folder cannot be written.
    """
    folder = settings.home() / "models"
    stem = f"{name}-{hashlib.sha256(f'{recipe} {source}'.encode()).hexdigest()[:16]}-"
    damaged = []
    for path in sorted(folder.glob(f"{stem}*{suffix}")):
        if path.name == f"{stem}{file_hash(path)[:16]}{suffix}":
            return path
        damaged.append(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft(folder, suffix) as new:
            write(new)
            digest = _sha256(new)
            path = folder / f"{stem}{digest[:16]}{suffix}"
            new.replace(path)
    except OSError as error:
        raise MMSearchError(
            f"cannot store the converted model {name} in {folder}: {error.strerror or error}",
            hint="MMSEARCH_HOME names the folder for converted models; it needs about 200 MB",
        ) from error
    for old in damaged:
        if old != path:
            old.unlink(missing_ok=True)
    _remember(path, _seen(path), digest)
    return path


def mapped(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, mapped into memory instead of read (its own numpy reader copies)."""
    data = np.asarray(np.memmap(path, np.uint8, mode="r"))
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    types = {"F64": np.float64, "F32": np.float32, "I64": np.int64, "U32": np.uint32, "U8": np.uint8}
    header = json.loads(data[8:start].tobytes())
    return {
        name: data[start + a["data_offsets"][0] : start + a["data_offsets"][1]].view(types[a["dtype"]]).reshape(a["shape"])
        for name, a in header.items()
        if name != "__metadata__"
    }


@contextlib.contextmanager
def draft(folder: Path, suffix: str) -> Iterator[Path]:
    """A path to write to before the file takes its place (a rename is atomic); gone afterwards if it did not.

    Not `tempfile`, whose files only their owner may read: a home can be shared.
    """
    path = folder / f".draft-{os.getpid()}-{secrets.token_hex(4)}{suffix}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seen(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _note(path: Path) -> Path:
    return settings.home() / "hashes" / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:32]}.json"


def _remember(path: Path, seen: list[int], digest: str) -> None:
    note = _note(path)
    with contextlib.suppress(OSError):  # a home that cannot be written costs hashing again, nothing else
        note.parent.mkdir(parents=True, exist_ok=True)
        with draft(note.parent, ".json") as new:
            new.write_text(json.dumps({"path": str(path.absolute()), "seen": seen, "sha256": digest}), encoding="utf-8")
            new.replace(note)
