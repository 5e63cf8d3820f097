"""Warm search in 100,000 products (`--large`: in a million) beside the Lance calls that answer the same; batches; what the index misses.

`--only=kinds`, `batch` or `recall` (several with commas) measures these parts alone.
`bench.large_shop` says what the stores are made of, and where they are kept.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import lance
from lance.query import MatchQuery

import mmsearch
from bench.data import SAMPLE
from bench.large_shop import PHOTOS, large_shop, queries
from bench.timing import shown
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.recorded import load_encoder
from mmsearch.lexical.fields import TABLE, WORDS
from mmsearch.search.query import make_query
from mmsearch.shop import Shop
from mmsearch.store.vector_index import asked_for, drop_index, has_index, index_vectors

_PRODUCTS, _MILLION = 100_000, 1_000_000
_RUNS = 20  # queries of each kind
_BATCH, _LOOP = 1_000, 50  # queries in one go, and one by one
_ROUNDS = 3  # of both, one after the other: what else the machine does falls on both
_RECALL = 100
_REFINE = 5  # the ten best of fifty by their vectors: the codes of an index alone mistake some
_EVERYTHING = "1000000000"  # as MMSEARCH_EXACT_LIMIT: every product is compared


def measure() -> Iterator[str]:
    products = _MILLION if "--large" in sys.argv else _PRODUCTS
    with large_shop(products) as shop:
        yield f"{products:,} products, {products // PHOTOS:,} with a photo"
        parts = {"kinds": kinds, "batch": batch, "recall": recall}
        only = next((a.partition("=")[2] for a in sys.argv if a.startswith("--only=")), "kinds,batch,recall")
        for part in only.split(","):
            yield from parts[part](shop)


def kinds(shop: Shop) -> Iterator[str]:
    """Each kind of query, beside what a script would write by hand: encode, filter, nearest, full text, titles."""
    bare = Bare(shop)
    photos = sorted(map(str, (SAMPLE / "photos").glob("*.jpg")))
    few: dict[str, Any] = {"where": "price < 1.0"}
    some: dict[str, Any] = {"where": "price < 10.0"}
    asked: dict[str, Callable[[str, str], tuple[Callable[[], Any], Callable[[], Any]]]] = {
        "text (vectors alone)": lambda text, _: (partial(shop.search, text, weights="words=0"), partial(bare, text, words=False)),
        "hybrid (the default)": lambda text, _: (partial(shop.search, text), partial(bare, text)),
        "image": lambda _, photo: (partial(shop.search, image=photo), partial(bare, None, photo)),
        "mixed": lambda text, photo: (partial(shop.search, text, image=photo), partial(bare, text, photo)),
        "hybrid, 1 % by filter": lambda text, _: (partial(shop.search, text, **few), partial(bare, text, **few)),
        "hybrid, 10 % by filter": lambda text, _: (partial(shop.search, text, **some), partial(bare, text, **some)),
    }
    for name, pair in asked.items():
        ours: list[float] = []
        theirs: list[float] = []
        for text, photo in zip(queries(_RUNS + 2), cycle(photos), strict=False):
            for action, times in zip(pair(text, photo), (ours, theirs), strict=True):
                start = time.perf_counter()
                action()
                times.append(time.perf_counter() - start)
        ours, theirs = ours[2:], theirs[2:]  # what is loaded once is not counted
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        yield f"{name}: p50 {_at(ours, 50)}, p95 {_at(ours, 95)}; Lance p50 {_at(theirs, 50)}, p95 {_at(theirs, 95)}; ratio {ratio:.2f}"
    yield f"memory of the process: {_resident() / 1e6:,.0f} MB"


def _at(times: Sequence[float], percent: int) -> str:
    return shown(sorted(times)[min(len(times) - 1, len(times) * percent // 100)])


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Bare:
    """The calls of LanceDB, with an index where the store has one."""

    def __init__(self, shop: Shop):
        self._encoders: dict[str, Encoder] = {m: load_encoder(shop.store, m) for m in ("text", "image")}
        tables = {m: (shop.store.record.get(f"encoder/{m}") or {})["table"] for m in self._encoders}
        self._vectors = {m: lance.dataset(f"{shop.store.path}/{table}.lance") for m, table in tables.items()}
        self._products = lance.dataset(f"{shop.store.path}/products.lance")
        self._words = lance.dataset(f"{shop.store.path}/{TABLE}.lance")

    def __call__(self, text: str | None, photo: str | None = None, *, words: bool = True, where: str | None = None) -> None:
        keep = _ids(self._products.to_table(columns=["id"], filter=where).column("id").to_pylist()) if where else None
        found: set[str] = set()
        for modality, content in (("text", text), ("image", photo and Path(photo))):
            if content is not None:
                vector = self._encoders[modality].encode([content], query=True).vectors[0]
                nearest = asked_for(vector, 10) | {"refine_factor": _REFINE}
                rows = self._vectors[modality].to_table(columns=["id", "_distance"], nearest=nearest, filter=keep, prefilter=True)
                found |= set(rows.column("id").to_pylist())
        if text is not None and words:
            asked = MatchQuery(text, WORDS)
            rows = self._words.to_table(columns=["id", "_score"], full_text_query=asked, limit=10, filter=keep, prefilter=True)
            found |= set(rows.column("id").to_pylist())
        self._products.to_table(columns=["id", "title"], filter=_ids(sorted(found)))


def _ids(ids: Sequence[str]) -> str:
    return "id in (" + ", ".join(f"'{id}'" for id in ids) + ")"


def batch(shop: Shop) -> Iterator[str]:
    """In one go and one by one, by the clock and by the CPU time of the process; each round with a shop that knows no words yet."""
    asked, path = queries(_BATCH, seed=2), shop.store.path
    rounds = []
    for start in range(0, _ROUNDS * _LOOP, _LOOP):
        fresh = mmsearch.open(path)
        fresh.search("first")  # what is loaded once is not counted
        one_by_one = asked[start : start + _LOOP]
        alone = _timed(lambda: [fresh.search(text) for text in one_by_one], _LOOP)  # noqa: B023 (called at once)
        fresh = mmsearch.open(path)
        fresh.search("first")
        together = _timed(lambda: fresh.search_many({text: make_query([text]) for text in asked}), _BATCH)  # noqa: B023
        rounds.append((alone[0] / together[0], *alone, *together))
    ratio, alone_s, alone_cpu, together_s, together_cpu = sorted(rounds)[_ROUNDS // 2]
    all_ratios = ", ".join(f"{one[0]:.1f}" for one in rounds)
    yield f"{_BATCH:,} queries in one go: {1 / together_s:.0f} a second; one by one ({_LOOP}) {1 / alone_s:.1f}; ratio {ratio:.1f}"
    yield f"  of {_ROUNDS} rounds ({all_ratios}) the middle one; CPU {shown(together_cpu)} a query in one go, {shown(alone_cpu)} one by one"


def _timed(action: Callable[[], Any], count: int) -> tuple[float, float]:
    """Seconds by the clock and of CPU, each of so many."""
    clock, cpu = time.perf_counter(), time.process_time()
    action()
    return (time.perf_counter() - clock) / count, (time.process_time() - cpu) / count


def recall(shop: Shop) -> Iterator[str]:
    """Of the ten best by comparing everything, how many the search by an index finds."""
    asked = queries(_RECALL, seed=3)
    made = [table for table in shop.store.tables("vectors_") if not has_index(shop.store.dataset(table))]
    with _limit("1000"), shop.store.writing("bench"):
        for table in made:
            index_vectors(shop.store, table)
    for name, weights in (("text (vectors alone)", "words=0"), ("hybrid", None)):
        many = {text: make_query([text], weights=weights) for text in asked}
        with _limit("1000"):
            approximate = _hits(shop, many)
        with _limit(_EVERYTHING):
            exact = _hits(shop, many)
        share = statistics.mean(len(approximate[text] & exact[text]) / max(len(exact[text]), 1) for text in asked)
        yield f"{name}, {_RECALL} queries: recall@10 of the index against comparing everything {share:.3f}"
    with shop.store.writing("bench"):
        for table in made:  # a kept store stays as `embed` leaves one of its size
            drop_index(shop.store, table)


@contextlib.contextmanager
def _limit(value: str) -> Iterator[None]:
    """MMSEARCH_EXACT_LIMIT while the body runs."""
    before = os.environ.get("MMSEARCH_EXACT_LIMIT")
    os.environ["MMSEARCH_EXACT_LIMIT"] = value
    try:
        yield
    finally:
        del os.environ["MMSEARCH_EXACT_LIMIT"]
        if before is not None:
            os.environ["MMSEARCH_EXACT_LIMIT"] = before


def _hits(shop: Shop, many: Mapping[str, Any]) -> dict[str, set[str]]:
    fresh = mmsearch.open(shop.store.path)  # what is kept for the one way of searching is no part of the other
    return {id: {hit.id for hit in result} for id, result in fresh.search_many(many, k=10).items()}
