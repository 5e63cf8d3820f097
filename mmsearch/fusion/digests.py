"""What vectors were made of, as numbers: 16 bytes a vector, so that a catalogue of any size is compared without its keys in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from mmsearch.store import Store

Numbers = NDArray[np.uint64]
Digests = NDArray[np.uint64]  # (m, 2): of a vector's key, of what it was made of; sorted by the key's

_ROWS = 65_536  # keys in memory at a time


def number(text: str) -> int:
    """64 bits of a text. Of a million different ones two are alike with a chance of 3e-8."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def numbers(texts: Iterable[str]) -> Numbers:
    """Of n texts, (n,)."""
    return np.fromiter(map(number, texts), np.uint64)


def keyed(store: Store, table: str) -> Iterator[tuple[list[str], list[str]]]:
    """The keys and source hashes of a vector table, many at a time."""
    for batch in store.batches(table, ["key", "source_hash"], _ROWS):
        yield batch.column(0).to_pylist(), batch.column(1).to_pylist()


def of_table(store: Store, table: str) -> Digests:
    """Of every vector of a table (m, 2); (0, 2) where there is no such table."""
    pieces = [np.stack([numbers(keys), numbers(hashes)], axis=1) for keys, hashes in keyed(store, table)]
    found = np.concatenate(pieces) if pieces else np.empty((0, 2), np.uint64)
    return found[np.argsort(found[:, 0], kind="stable")]


def same(known: Digests, keys: Numbers, values: Numbers) -> NDArray[np.bool_]:
    """Which of some vectors (n,) are known, with just this value."""
    if not len(known):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(known[:, 0], keys), len(known) - 1)
    return np.asarray((known[at, 0] == keys) & (known[at, 1] == values))


def among(known: Numbers, some: Numbers) -> NDArray[np.bool_]:
    """Which of some numbers (n,) are among known ones (m,), which are sorted."""
    if not len(known):
        return np.zeros(len(some), bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, some), len(known) - 1)] == some)


def product_of(key: str) -> str:
    """The product of a vector's key."""
    return key.partition("\x1f")[0]


def by_product(store: Store, tables: Mapping[str, str]) -> Digests:
    """Of every product that has a vector in some tables (modality → table): of its id, and of all that its vectors were made of (n, 2).

    That is a sum, modulo 2⁶⁴, so that the order of neither rows nor tables matters.
    """
    ids, values = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for modality, table in tables.items():
        for keys, hashes in keyed(store, table):
            ids.append(numbers(map(product_of, keys)))
            values.append(numbers(f"{modality}\x1f{key}\x1f{digest}" for key, digest in zip(keys, hashes, strict=True)))
    found, place = np.unique(np.concatenate(ids), return_inverse=True)
    sums = np.zeros(len(found), np.uint64)
    np.add.at(sums, place, np.concatenate(values))
    return np.stack([found, sums], axis=1)


def counted(store: Store, tables: Mapping[str, str], products: Numbers) -> NDArray[np.int64]:
    """How many vectors of each modality some products have, told by the numbers of their ids (n,), sorted: (n, modalities)."""
    found = np.zeros((len(products), len(tables)), np.int64)
    for column, table in enumerate(tables.values()):
        for keys, _ in keyed(store, table):
            owners = numbers(map(product_of, keys))
            mine = among(products, owners)
            np.add.at(found[:, column], np.searchsorted(products, owners[mine]), 1)
    return found
