"""The fashion products as a shop has them, with half of their photos gone, and what is asked of all of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.tables import read_rows


def catalogue(folder: Path) -> list[dict[str, str]]:
    """The products: photos by their whole path, one category path."""
    found = []
    for row in read_rows(folder / "products.csv"):
        category = " > ".join((row["category"], row["subcategory"], row["type"]))
        found.append(row | {"image": str(folder / row["image"]), "category": category})
    return found


def halved(table: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, str]], set[str]]:
    """The products with half of their photos removed at random (seed 0), and the ids of those that have none then."""
    without = set(random.Random(0).sample(range(len(table)), len(table) // 2))
    return [dict(row) | ({"image": ""} if i in without else {}) for i, row in enumerate(table)], {table[i]["id"] for i in without}


def general(table: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Queries of colour and type ("white flip flops") → the ids of the products that are right, for those with five and more."""
    kinds: dict[str, list[str]] = {}
    for row in table:
        kinds.setdefault(f"{row['colour']} {row['type']}".lower(), []).append(row["id"])
    return {kind: ids for kind, ids in sorted(kinds.items()) if len(ids) >= 5}
