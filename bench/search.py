"""Warm search through `Shop.search`, beside the Lance call that answers the same question."""

from __future__ import annotations

from collections.abc import Iterator

import lance

from bench.data import shop_of
from bench.timing import paired, shown
from mmsearch.encoders.pipeline import load_encoder


def measure() -> Iterator[str]:
    for products in (10_000, 50_000):
        with shop_of(products) as shop:
            known = shop.store.record.get("encoder/text")
            table = lance.dataset(f"{shop.store.path}/{known['table']}.lance")
            catalogue = lance.dataset(f"{shop.store.path}/products.lance")
            encoder = load_encoder(shop.store, "text")

            def bare(where: str | None = None) -> None:
                query = encoder.encode(["red running shoes"]).vectors[0]
                ids = None if where is None else catalogue.to_table(columns=["id"], filter=where).column("id").to_pylist()
                keep = None if ids is None else "id in (" + ", ".join(f"'{id}'" for id in ids) + ")"
                found = table.to_table(
                    columns=["id"], nearest={"column": "vector", "q": query, "k": 10, "metric": "dot"}, filter=keep, prefilter=True
                )
                names = ", ".join(f"'{id}'" for id in found.column("id").to_pylist())
                catalogue.to_table(columns=["id", "title"], filter=f"id in ({names})")

            a, b, ratio = paired(lambda: shop.search("red running shoes"), bare, 15)
            yield f"text, {products:,} products: Shop.search {shown(a)}, the Lance calls alone {shown(b)}; ratio {ratio:.2f}"
            a, b, ratio = paired(lambda: shop.search("red running shoes", where="price < 1"), lambda: bare("price < 1.0"), 15)
            yield f"text, 1 % by filter: Shop.search {shown(a)}, the Lance calls alone {shown(b)}; ratio {ratio:.2f}"
