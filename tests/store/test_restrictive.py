"""What is said of a filter that nothing passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from product_shelf import bring, new_store, product

from mmsearch.store import PRODUCTS, Store
from mmsearch.store.restrictive import why_nothing


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = new_store(Path(tmp_path_factory.mktemp("restrictive")) / "store")
    bring(made, [product(str(i), {"price": float(i), "brand": "HP" if i < 10 else "Dell", "colour": "red"}) for i in range(100)])
    return made


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (["price > 1000"], "no product matches price > 1000"),
        (["price > 1000 or price < 0"], "no product matches price > 1000 or price < 0"),
        (
            ["brand = 'HP' and price > 50 and colour = 'red'"],
            "no product matches brand = 'HP' and price > 50 and colour = 'red': by itself, brand = 'HP' leaves 10, price > 50 leaves 49, "
            "colour = 'red' leaves 100; without brand = 'HP' there would be 49",
        ),
        (
            ["brand = 'HP'", "price > 50 or price > 60"],
            "no product matches brand = 'HP' and (price > 50 or price > 60): by itself, brand = 'HP' leaves 10, "
            "price > 50 or price > 60 leaves 49; without brand = 'HP' there would be 49",
        ),
        (
            ["colour = '红' and brand = 'hp' and price > 5"],
            "no product matches colour = '红' and brand = 'hp' and price > 5: by itself, colour = '红' leaves none, "
            "brand = 'hp' leaves none, price > 5 leaves 94; leaving out any one of them still leaves none",
        ),
    ],
)
def test_the_most_restrictive_clause_comes_first(store: Store, filters: list[str], told: str) -> None:
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    assert why_nothing(store, filters, ids, {}) == told


def test_what_a_query_requires_is_a_clause_too(store: Store) -> None:
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    nothing = np.zeros(100, dtype=bool)
    told = why_nothing(store, ["price > 5"], ids, {"brand:nike": nothing})
    assert told == (
        "no product matches price > 5 and brand:nike: by itself, brand:nike leaves none, price > 5 leaves 94; "
        "without brand:nike there would be 94"
    )
    assert why_nothing(store, [], ids, {"brand:nike": nothing}) == "no product matches brand:nike"


def test_many_clauses_are_not_all_told(store: Store) -> None:
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    told = why_nothing(store, [" and ".join(f"price > {n}" for n in range(90, 100))], ids, {})
    assert "(and 5 more clauses)" in told
    assert ": by itself, price > 99 leaves none, price > 98 leaves 1, " in told
    assert "by itself" not in why_nothing(store, [" and ".join(f"price > {n}" for n in range(100, 200))], ids, {})
