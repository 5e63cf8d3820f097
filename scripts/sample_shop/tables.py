"""The tables and texts of sample_data/."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterable, Sequence

from sample_shop.goods import CATEGORIES, CATEGORY_OF, PRODUCTS
from sample_shop.judgments import MIXED_QUERIES, TEXT_QUERIES, Query
from sample_shop.knowledge import triples
from sample_shop.readme import readme
from sample_shop.reviews import average_ratings, reviews
from sample_shop.shoppers import shoppers
from sample_shop.visits import behaviour

_PRODUCT_COLUMNS = [
    "id",
    "title",
    "description",
    "category",
    "brand",
    "price",
    "currency",
    "colour",
    "material",
    "产地",
    "tags",
    "capacity_ml",
    "watts",
    "stock",
    "rating",
    "listed",
    "variant_of",
    "image",
    "audio",
    "video",
]


def texts() -> dict[str, str]:
    """File name → content, for everything that is not a photo, a sound or a clip."""
    events, searches = behaviour()
    written = reviews(events)
    people = shoppers()
    known = triples()
    return {
        "products.csv": _csv(_PRODUCT_COLUMNS, _product_rows(average_ratings(written))),
        "events.csv": _csv(("user", "product", "event", "value", "time"), [(*e[:4], _iso(e.time)) for e in events]),
        "users.csv": _csv(("id", "age_group", "city", "language"), [(s.id, s.age_group, s.city, s.language) for s in people]),
        "reviews.csv": _csv(("user", "product", "text", "rating", "time"), [(*r[:4], _iso(r.time)) for r in written]),
        "searches.csv": _csv(("user", "text", "time", "clicked"), [(s.user, s.text, _iso(s.time), s.clicked) for s in searches]),
        "knowledge.csv": _csv(("head", "relation", "tail"), known),
        "queries.tsv": "".join(f"{q.id}\t{q.text}\n" for q in TEXT_QUERIES),
        "qrels.tsv": _qrels(TEXT_QUERIES),
        "queries.jsonl": "".join(json.dumps(_mixed(q), ensure_ascii=False) + "\n" for q in MIXED_QUERIES),
        "mixed_qrels.tsv": _qrels(MIXED_QUERIES),
        "README.md": readme(
            products=len(PRODUCTS),
            categories=list(CATEGORIES),
            photos=sum(p.photos for p in PRODUCTS),
            without_photo=sum(not p.photos for p in PRODUCTS),
            without_description=sum(not p.description for p in PRODUCTS),
            neither=sum(not p.photos and not p.description for p in PRODUCTS),
            sounds=sum(bool(p.sound) for p in PRODUCTS),
            users=len(people),
            one_look=sum(not s.visits for s in people),
            events=len(events),
            reviews=len(written),
            searches=len(searches),
            triples=len(known),
            queries=len(TEXT_QUERIES),
            mixed=len(MIXED_QUERIES),
        ),
    }


def _product_rows(ratings: dict[str, float]) -> list[list[object]]:
    return [
        [
            p.id,
            p.title,
            p.description,
            CATEGORY_OF[p.id],
            p.brand,
            f"{p.price:.2f}",
            p.money,
            p.colour,
            p.material,
            p.origin,
            ";".join(p.tags),
            "" if p.capacity_ml is None else p.capacity_ml,
            "" if p.watts is None else p.watts,
            p.stock,
            ratings.get(p.id, ""),
            p.listed.isoformat(),
            p.variant_of,
            ";".join(p.photo_names()),
            f"sounds/{p.sound}.wav" if p.sound else "",
            f"clips/{p.clip}.mp4" if p.clip else "",
        ]
        for p in PRODUCTS
    ]


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _iso(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _qrels(queries: Sequence[Query]) -> str:
    return "".join(f"{q.id}\t0\t{product}\t{grade}\n" for q in queries for product, grade in q.judgments())


def _mixed(query: Query) -> dict[str, str]:
    columns = {"id": query.id, "text": query.text, "image": query.image, "not": query.unwanted, "where": query.where}
    return {name: value for name, value in columns.items() if value}
