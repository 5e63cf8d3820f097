"""Half a year of visits: what is looked for, looked at, put into the cart and bought.

A visit has one aim (a kind of thing); what is looked at follows from taste, and the visit after a purchase often looks for what goes
with it. So popularity, taste and order each carry some of the truth, and a recommender that uses more of it does better.
"""

from __future__ import annotations

import datetime
import math
import random
from typing import NamedTuple

from sample_shop.goods import CATEGORIES, CATEGORY_OF, PRODUCTS, Product
from sample_shop.goods.model import FIRST_DAY, LAST_DAY
from sample_shop.shoppers import Shopper, liking, pick, shoppers
from sample_shop.words.searches import COLOUR_ZH, SEARCHES, SPECIAL

START = datetime.datetime.combine(FIRST_DAY, datetime.time(6), datetime.UTC)
DAYS = (LAST_DAY - FIRST_DAY).days

#: What people look for after they bought a kind of thing, likeliest first.
GOES_WITH: dict[str, tuple[str, ...]] = {
    "running shoe": ("t-shirt", "headphones", "backpack"),
    "sneaker": ("t-shirt", "hoodie", "tote bag"),
    "hiking boot": ("backpack", "camping lantern", "hoodie"),
    "chelsea boot": ("tote bag", "hoodie"),
    "rain boot": ("backpack", "toy car"),
    "loafer": ("tote bag", "t-shirt"),
    "backpack": ("tumbler", "suitcase", "running shoe"),
    "tote bag": ("loafer", "t-shirt"),
    "suitcase": ("headphones", "backpack"),
    "t-shirt": ("hoodie", "running shoe"),
    "hoodie": ("t-shirt", "hiking boot"),
    "mug": ("teapot", "kettle"),
    "tumbler": ("mug", "backpack"),
    "teapot": ("mug", "kettle"),
    "kettle": ("mug", "teapot"),
    "desk lamp": ("digital clock", "alarm clock"),
    "table lamp": ("wall clock", "alarm clock"),
    "paper lantern": ("table lamp", "teapot"),
    "camping lantern": ("tumbler", "hiking boot"),
    "headphones": ("speaker", "radio"),
    "speaker": ("radio", "headphones"),
    "radio": ("wall clock", "speaker"),
    "alarm clock": ("desk lamp", "table lamp"),
    "wall clock": ("table lamp", "radio"),
    "digital clock": ("desk lamp", "table lamp"),
    "teddy bear": ("toy car", "rubber duck", "xylophone"),
    "toy car": ("toy train", "robot"),
    "toy train": ("xylophone", "toy car"),
    "rubber duck": ("teddy bear", "toy car"),
    "robot": ("headphones", "toy car"),
    "xylophone": ("teddy bear", "toy train"),
}


class Event(NamedTuple):
    """One row of events.csv; `value` counts pieces."""

    user: str
    product: str
    event: str
    value: int
    time: datetime.datetime


class Search(NamedTuple):
    """One row of searches.csv; `clicked` is empty when nothing was."""

    user: str
    text: str
    time: datetime.datetime
    clicked: str


def behaviour() -> tuple[list[Event], list[Search]]:
    """Everything that happened, in the order of time."""
    events: list[Event] = []
    searches: list[Search] = []
    for shopper in shoppers():
        seen, typed = _half_year(shopper)
        events += seen
        searches += typed
    return sorted(events, key=lambda e: (e.time, e.user)), sorted(searches, key=lambda s: (s.time, s.user))


def _half_year(shopper: Shopper) -> tuple[list[Event], list[Search]]:
    chance = random.Random(f"visits of {shopper.id}")
    events: list[Event] = []
    searches: list[Search] = []
    if not shopper.visits:
        time = START + datetime.timedelta(minutes=int(chance.random() * DAYS * 1440))
        chosen = _choose(shopper, list(_wanted(PRODUCTS)), None, set(), chance)
        return [Event(shopper.id, chosen.id, "view", 1, time)], []
    owned: set[str] = set()
    bought: Product | None = None
    day = chance.random() * DAYS * 0.4
    for number in range(shopper.visits):
        # People shop in the morning, at noon and, most of all, in the evening.
        hour = pick(chance, (2, 6, 13, 14, 15), (1, 2, 4, 4, 3)) + chance.random()
        time = START + datetime.timedelta(days=int(day), seconds=int(hour * 3600))
        follows = bought is not None and chance.random() < 0.75
        kind = _aim(shopper, bought if follows else None, chance)
        last = bought
        bought = None
        candidates = [p for p in _wanted(PRODUCTS) if p.kind == kind]
        looks: list[Product] = []
        for _ in range(2 + int(chance.random() * 4)):
            pool = candidates
            if chance.random() < 0.15 or len({p.id for p in candidates} - {p.id for p in looks}) == 0:
                pool = _wanted(CATEGORIES[CATEGORY_OF[candidates[0].id]])  # a side glance within the category
            looks.append(_choose(shopper, pool, last, {p.id for p in looks} | owned, chance))
        if chance.random() < 0.5:
            searches.append(_search(shopper, kind, next((p for p in looks if p.kind == kind), None), time, chance))
        for product in looks:
            time += datetime.timedelta(seconds=20 + int(chance.random() * 160))
            events.append(Event(shopper.id, product.id, "view", 1, time))
        best = max(looks, key=lambda p: liking(shopper, p) + _fits(last, p))
        if chance.random() < 0.72 and best.id not in owned:
            pieces = 1 + (best.usd < 25) * int(chance.random() * 2.6)
            time += datetime.timedelta(seconds=30 + int(chance.random() * 200))
            events.append(Event(shopper.id, best.id, "cart", pieces, time))
            if chance.random() < 0.82:
                time += datetime.timedelta(seconds=60 + int(chance.random() * 900))
                events.append(Event(shopper.id, best.id, "buy", pieces, time))
                owned.add(best.id)
                bought = best
        rest = (DAYS - day) / (shopper.visits - number) * (0.7 + chance.random())
        day = min(DAYS - 1.0, day + (min(rest, 1 + chance.random() * 6) if bought else rest))
    return events, searches


def _wanted(products: list[Product]) -> list[Product]:
    return [p for p in products if p.fame > 0]


def _aim(shopper: Shopper, bought: Product | None, chance: random.Random) -> str:
    """The kind of thing a visit looks for."""
    if bought is not None:
        kinds = GOES_WITH[bought.kind]
        return pick(chance, kinds, [0.5**i for i in range(len(kinds))])
    category = pick(chance, shopper.categories, [0.6**i for i in range(len(shopper.categories))])
    if chance.random() < 0.08:
        category = pick(chance, list(CATEGORIES))
    products = _wanted(CATEGORIES[category])
    return pick(chance, products, [p.fame for p in products]).kind


def _fits(last: Product | None, product: Product) -> float:
    """How well a product goes with what was bought last: the same uses, the same maker."""
    if last is None:
        return 0.0
    return 0.9 * len(set(last.tags) & set(product.tags)) + 0.8 * (last.brand == product.brand) + 0.4 * (last.colour == product.colour)


def _choose(shopper: Shopper, pool: list[Product], last: Product | None, known: set[str], chance: random.Random) -> Product:
    fresh = [p for p in pool if p.id not in known] or pool
    return pick(chance, fresh, [math.exp(1.4 * (liking(shopper, p) + _fits(last, p))) for p in fresh])


def _search(shopper: Shopper, kind: str, clicked: Product | None, time: datetime.datetime, chance: random.Random) -> Search:
    english = shopper.language == "en"
    texts = SEARCHES[kind][0 if english else 1]
    if clicked is not None and clicked.id in SPECIAL and chance.random() < 0.4:
        texts = SPECIAL[clicked.id][0 if english else 1]
    colour = clicked.colour if clicked is not None and chance.random() < 0.6 else ""
    word = colour if english else COLOUR_ZH.get(colour, "")
    text = " ".join(pick(chance, texts).replace("{c}", word).split())
    when = time - datetime.timedelta(seconds=5 + int(chance.random() * 20))
    return Search(shopper.id, text, when, clicked.id if clicked is not None and chance.random() < 0.85 else "")
