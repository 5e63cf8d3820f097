"""Shoppers with a taste of their own."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sample_shop.goods import CATEGORIES, CATEGORY_OF, PRODUCTS, Product

COUNT = 80
ONE_LOOK = 9  # one shopper in so many came once and looked at one thing

_CITIES = {
    "en": ("London", "Leeds", "Dublin", "Toronto", "Seattle", "Austin", "Melbourne", "Wellington"),
    "zh": ("北京", "上海", "广州", "成都", "杭州", "西安", "厦门", "深圳"),
}
_AGES = ("18-24", "25-34", "35-44", "45-54", "55+")
_COLOURS = ("red", "orange", "yellow", "green", "blue", "navy", "purple", "pink", "brown", "black", "grey", "white")

T = TypeVar("T")


@dataclass(frozen=True)
class Shopper:
    """Who someone is and what they like; `budget` is how far above (> 0) or below the middle of a category they buy, in log units."""

    id: str
    age_group: str
    city: str
    language: str
    categories: tuple[str, ...]
    colours: tuple[str, ...]
    brands: tuple[str, ...]
    budget: float
    visits: int  # 0: one look and away


def pick(chance: random.Random, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """One of the options. Written out so that it depends only on `random()`, whose stream Python guarantees."""
    if weights is None:
        return options[int(chance.random() * len(options))]
    left = chance.random() * sum(weights)
    for option, weight in zip(options, weights, strict=True):
        left -= weight
        if left < 0:
            return option
    return options[-1]


def few(chance: random.Random, options: Sequence[T], count: int) -> tuple[T, ...]:
    """Some different options."""
    rest = list(options)
    return tuple(rest.pop(int(chance.random() * len(rest))) for _ in range(count))


def shoppers() -> list[Shopper]:
    """All of them; every shopper has random numbers of their own."""
    out = []
    for number in range(1, COUNT + 1):
        name = f"u{number:03d}"
        chance = random.Random(f"shopper {name}")
        language = "en" if chance.random() < 0.55 else "zh"
        categories = few(chance, list(CATEGORIES), 2 + int(chance.random() * 2))
        near = sorted(
            {p.brand for p in PRODUCTS if CATEGORY_OF[p.id] in categories and language in (p.language, "en" if p.money == "USD" else "zh")}
        )
        out.append(
            Shopper(
                id=name,
                age_group=pick(chance, _AGES, (2, 4, 3, 2, 1)),
                city=pick(chance, _CITIES[language]),
                language=language,
                categories=categories,
                colours=few(chance, _COLOURS, 2),
                brands=few(chance, near, min(2, len(near))),
                budget=pick(chance, (-0.6, 0.0, 0.6), (1, 2, 1)),
                # Some come once and never again; the others come often or rarely, as people do.
                visits=0 if number % ONE_LOOK == 5 else 3 + int(9 * chance.random() ** 1.5),
            )
        )
    return out


def middle_price(category: str) -> float:
    """The median price of a category, in USD."""
    prices = sorted(p.usd for p in CATEGORIES[category])
    return prices[len(prices) // 2]


def liking(shopper: Shopper, product: Product) -> float:
    """How much a shopper likes a product, without chance; differences of one are worth a factor of e in the odds of a look."""
    category = CATEGORY_OF[product.id]
    score = 0.9 * math.log(product.fame)
    score += 1.3 * (product.colour in shopper.colours)
    score += 1.1 * (product.brand in shopper.brands)
    score -= 1.1 * abs(math.log(product.usd / middle_price(category)) - shopper.budget)
    score += 1.0 * (product.language in (shopper.language, "both"))
    return score
