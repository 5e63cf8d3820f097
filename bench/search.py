"""Warm search through `Shop.search`, beside the Lance calls that answer the same question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import lance
from lance.query import MatchQuery

from bench.data import shop_of
from bench.timing import paired, shown
from mmsearch.encoders.recorded import load_encoder
from mmsearch.lexical.fields import TABLE, WORDS
from mmsearch.shop import Shop

QUERY = "red running shoes"


def measure() -> Iterator[str]:
    for products in (10_000, 50_000):
        with shop_of(products) as shop:
            bare = lance_calls(shop)
            a, b, ratio = paired(partial(shop.search, QUERY), bare, 15)
            yield f"text, {products:,} products: Shop.search {shown(a)}, the Lance calls alone {shown(b)}; ratio {ratio:.2f}"
            a, b, ratio = paired(partial(shop.search, QUERY, where="price < 1"), partial(bare, "price < 1.0"), 15)
            yield f"text, 1 % by filter: Shop.search {shown(a)}, the Lance calls alone {shown(b)}; ratio {ratio:.2f}"


def lance_calls(shop: Shop) -> Callable[..., None]:
    """What a script would write by hand: encode, filter, nearest, full text, titles."""
    known = shop.store.record.get("encoder/text") or {}
    table = lance.dataset(f"{shop.store.path}/{known['table']}.lance")
    catalogue = lance.dataset(f"{shop.store.path}/products.lance")
    words = lance.dataset(f"{shop.store.path}/{TABLE}.lance")
    encoder = load_encoder(shop.store, "text")

    def quoted(ids: list[str]) -> str:
        return "id in (" + ", ".join(f"'{id}'" for id in ids) + ")"

    def bare(where: str | None = None) -> None:
        nearest = {"column": "vector", "q": encoder.encode([QUERY]).vectors[0], "k": 10, "metric": "dot"}
        keep = quoted(catalogue.to_table(columns=["id"], filter=where).column("id").to_pylist()) if where else None
        found = table.to_table(columns=["id", "_distance"], nearest=nearest, filter=keep, prefilter=True)
        text = MatchQuery(QUERY, WORDS)
        matched = words.to_table(columns=["id", "_score"], full_text_query=text, limit=10, filter=keep, prefilter=True)
        ids = {*found.column("id").to_pylist(), *matched.column("id").to_pylist()}
        catalogue.to_table(columns=["id", "title"], filter=quoted(sorted(ids)))

    return bare
