"""The catalogue that the scenarios work on: files that mmsearch reads, and what each says, so that a store can be held against them."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_NOUNS = ["shoe", "lamp", "kettle", "chair", "bottle", "jacket", "bag", "clock", "mug", "speaker", "跑鞋", "台灯", "水壶", "背包"]
_WORDS = ["red", "blue", "green", "light", "heavy", "warm", "quiet", "folding", "steel", "oak", "linen", "轻便", "红色", "静音"]
_SEARCH = "light red shoe"


@dataclass(frozen=True)
class Article:
    """A product as a file says it."""

    id: str
    title: str
    description: str
    price: float
    brand: str
    colour: str
    photos: tuple[str, ...]
    weight: float | None = None


def search_text() -> str:
    """A query that finds something in every catalogue made here."""
    return _SEARCH


def articles(n: int, seed: int, photos: Sequence[str] = ()) -> list[Article]:
    """n products; every sixth has one of `photos`, every eighteenth two."""
    rng = random.Random(seed)  # noqa: S311
    made = []
    for i in range(n):
        words = rng.sample(_WORDS, 3)
        own = tuple(rng.sample(photos, 2 if i % 18 == 0 else 1)) if photos and i % 6 == 0 else ()
        title = f"{' '.join(words)} {rng.choice(_NOUNS)} model{i}"
        text = f"Number {rng.randrange(10**9)} of the series {rng.choice(_NOUNS)}."
        made.append(Article(f"P{i:05}", title, text, rng.randrange(100, 99_999) / 100, rng.choice(["Aro", "贝拉", "Cendo"]), words[0], own))
    return made


def changed(old: Sequence[Article], seed: int) -> list[Article]:
    """Later: every second product has another title or price, a new attribute for some, a tenth more products."""
    rng = random.Random(seed + 1)  # noqa: S311
    now = []
    for i, article in enumerate(old):
        if i % 4 == 0:
            article = replace(article, title=f"{article.title} edition {rng.randrange(1000)}", weight=rng.randrange(1, 900) / 10)
        elif i % 4 == 1:
            article = replace(article, price=article.price + 1, weight=rng.randrange(1, 900) / 10)
        now.append(article)
    more = [replace(a, id=f"N{a.id}") for a in articles(len(old) // 10, seed + 2)]
    return now + more


def repriced(old: Sequence[Article]) -> list[Article]:
    """A feed of prices later: a third of the products has another."""
    return [replace(a, price=round(a.price * 2, 2)) if i % 3 == 0 else a for i, a in enumerate(old)]


def write_products(path: Path, products: Sequence[Article], columns: Sequence[str] | None = None) -> Path:
    """A CSV of products, with all columns that any of them fills or those named."""
    everything = ["id", "title", "description", "price", "brand", "colour", "image"]
    names = list(columns) if columns else everything + (["weight"] if any(a.weight is not None for a in products) else [])
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(names)
        for article in products:
            row = {**vars(article), "image": ";".join(article.photos), "weight": "" if article.weight is None else article.weight}
            out.writerow([row[name] for name in names])
    return path


def write_events(path: Path, products: Sequence[Article], n: int, seed: int) -> Path:
    """A JSON Lines file of n different interactions."""
    rng = random.Random(seed)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        for i in range(n):
            event = {"user": f"u{rng.randrange(200)}", "product": rng.choice(products).id, "event": "view", "time": 1_700_000_000 + i}
            file.write(json.dumps(event) + "\n")
    return path


def write_photos(folder: Path, n: int, seed: int) -> list[str]:
    """n small photos, each of other colours; gives their paths relative to the folder's parent."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        tiles = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
        Image.fromarray(tiles.repeat(8, axis=0).repeat(8, axis=1)).save(folder / f"{i}.png")
    return [f"{folder.name}/{i}.png" for i in range(n)]


def as_rows(products: Sequence[Article]) -> Mapping[str, Mapping[str, object]]:
    """id → the values that a store must hold of it, by core column."""
    return {
        a.id: {"title": a.title, "description": a.description, "price": a.price, "brand": a.brand, "images": list(a.photos)}
        for a in products
    }
