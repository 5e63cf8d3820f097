"""Reviews by people who bought the thing; the words agree with the stars."""

from __future__ import annotations

import datetime
import random
from types import ModuleType
from typing import NamedTuple

from sample_shop.goods import CATEGORY_OF, PRODUCTS, Product
from sample_shop.shoppers import Shopper, liking, pick, shoppers
from sample_shop.visits import Event
from sample_shop.words import reviews_en, reviews_zh

COUNT = 200


class Review(NamedTuple):
    """One row of reviews.csv."""

    user: str
    product: str
    text: str
    rating: int
    time: datetime.datetime


def reviews(events: list[Event]) -> list[Review]:
    """`COUNT` reviews in the order of time, no two with the same text."""
    people = {s.id: s for s in shoppers()}
    goods = {p.id: p for p in PRODUCTS}
    chance = random.Random("reviews")
    bought = [e for e in events if e.event == "buy"]
    chosen = sorted(bought, key=lambda e: random.Random(f"writes {e.user} {e.product}").random())[:COUNT]
    used: dict[str, int] = {}
    texts: set[str] = set()
    out = []
    for event in sorted(chosen, key=lambda e: (e.time, e.user)):
        shopper, product = people[event.user], goods[event.product]
        rating = _stars(shopper, product, chance)
        text = _text(shopper, product, rating, used, chance)
        while text in texts:
            text = _text(shopper, product, rating, used, chance)
        texts.add(text)
        if len(texts) % 60 == 0:
            text += pick(chance, reviews_en.PERSONAL if shopper.language == "en" else reviews_zh.PERSONAL)
        wait = datetime.timedelta(days=3 + int(chance.random() * 18), minutes=int(chance.random() * 600))
        out.append(Review(shopper.id, product.id, text, rating, event.time + wait))
    return sorted(out, key=lambda r: (r.time, r.user))


def average_ratings(written: list[Review]) -> dict[str, float]:
    """Product id → mean stars, one decimal."""
    stars: dict[str, list[int]] = {}
    for review in written:
        stars.setdefault(review.product, []).append(review.rating)
    return {product: round(sum(given) / len(given), 1) for product, given in stars.items()}


def _stars(shopper: Shopper, product: Product, chance: random.Random) -> int:
    quality = random.Random(f"quality {product.id}").random()  # some products are simply better made than others
    mood = 1.1 * quality + 0.12 * liking(shopper, product) + 0.9 * chance.random()
    return 5 if mood > 1.35 else 4 if mood > 1.0 else 3 if mood > 0.82 else 2 if mood > 0.66 else 1


#: Stars → the good (+), the bad (-) and the small complaints (~), in the order in which they are said.
_SHAPES: dict[int, tuple[str, ...]] = {
    5: ("++", "+++", "++"),
    4: ("++", "+", "++~", "+~"),
    3: ("+-", "+-", "++--"),
    2: ("-+", "--", "-+-"),
    1: ("--", "---", "--"),
}


def _text(shopper: Shopper, product: Product, rating: int, used: dict[str, int], chance: random.Random) -> str:
    words: ModuleType = reviews_en if shopper.language == "en" else reviews_zh
    shape = pick(chance, _SHAPES[rating])
    aspects: set[str] = set()
    said: list[str] = []
    for position, sign in enumerate(shape):
        options = [
            (aspect, text)
            for scope, aspect, good, text in (words.SMALL if sign == "~" else words.SENTENCES)
            if good == (sign == "+")
            and aspect not in aspects
            and _applies(scope, product)
            and (scope != "*" or position > 0)  # first something about the thing itself
            and (aspect not in ("overall", "service") or (good and rating > 3) or (not good and rating < 3))
        ]
        # What has been said least so far, so that the reviews do not repeat each other.
        aspect, text = min(options, key=lambda o: (used.get(o[1], 0), chance.random()))
        used[text] = used.get(text, 0) + 1
        aspects.add(aspect)
        turns = position > 0 and sign != shape[position - 1]
        said.append((pick(chance, words.YET if sign == "+" else words.BUT) if turns else "") + text)
    return (" " if shopper.language == "en" else "").join(said)


def _applies(scope: str, product: Product) -> bool:
    """Whether a sentence about categories, kinds, single products or all that is wireless ("mug;teapot", "KIT-14", "wireless") fits."""
    names = {"*", CATEGORY_OF[product.id], product.kind, product.id} | ({"wireless"} & set(product.tags))
    return not names.isdisjoint(scope.split(";"))
