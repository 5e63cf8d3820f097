"""Queries and how relevant each product is to them, from what the generator knows: kind, colour, material, use.

Grades: 3 exactly what is asked for, 2 nearly, 1 the right kind of thing or a related one, 0 of the same category but not wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sample_shop.goods import CATEGORY_OF, PRODUCTS, Product
from sample_shop.words.searches import COLOUR_ZH

Grade = Callable[[Product], int]


def wants(
    *kinds: str,
    near: tuple[str, ...] = (),
    colour: str = "",
    materials: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    best: tuple[str, ...] = (),
    good: tuple[str, ...] = (),
) -> Grade:
    """What a query asks for.

    Parameters
    ----------
    kinds : the kinds of thing that are meant; none means any.
    near : related kinds; one that has all the rest is worth 1.
    colour, materials, uses : asked for besides (any of the materials, any of the uses).
    best, good : products that are exactly it, or nearly, where the words say more than the attributes do; others of the kind are worth 1.
    """

    def grade(product: Product) -> int:
        if best:
            return 3 if product.id in best else 2 if product.id in good else int(product.kind in kinds)
        asked = [
            *([_has_colour(product, colour)] if colour else []),
            *([product.material in materials] if materials else []),
            *([not set(uses).isdisjoint(product.tags)] if uses else []),
        ]
        if product.kind in near:
            return int(all(asked))
        if kinds and product.kind not in kinds:
            return 0
        missing = asked.count(False)
        return 3 if missing == 0 else 2 if missing < len(asked) and len(asked) > 1 else 1 if kinds else 0

    return grade


def _has_colour(product: Product, colour: str) -> bool:
    text = f"{product.title} {product.description}".lower()
    return product.colour == colour or f" {colour}" in text or COLOUR_ZH[colour] in text


@dataclass(frozen=True)
class Query:
    """One query; those with a photo, a negative or a filter are the mixed ones. `keeps` says in Python what `where` says in the grammar."""

    id: str
    grade: Grade
    text: str = ""
    image: str = ""
    unwanted: str = ""
    where: str = ""
    keeps: Callable[[Product], bool] = lambda product: True

    def judgments(self) -> list[tuple[str, int]]:
        """(product, grade): everything relevant, and the rest of those categories as 0."""
        grades = {p.id: self.grade(p) if self.keeps(p) else 0 for p in PRODUCTS}
        categories = {CATEGORY_OF[product] for product, grade in grades.items() if grade >= 2}
        return [(product, grade) for product, grade in grades.items() if grade or CATEGORY_OF[product] in categories]


_ALARM = ("CLK-01", "CLK-02", "CLK-03")

TEXT_QUERIES: list[Query] = [
    Query("q01", wants("running shoe", near=("sneaker",), colour="red"), "red running shoes"),
    Query("q02", wants("running shoe", near=("sneaker",), colour="red"), "红色跑步鞋"),
    Query("q03", wants("hiking boot", near=("rain boot",), uses=("waterproof",)), "waterproof hiking boots"),
    Query("q04", wants("sneaker", near=("running shoe",), colour="white", materials=("leather",)), "white leather sneakers"),
    Query("q05", wants("backpack", uses=("commuting", "office")), "backpack for work with a laptop sleeve"),
    Query("q06", wants("backpack", best=("BAG-05",), good=("BAG-01", "BAG-02")), "儿童书包"),
    Query("q07", wants("suitcase", best=("BAG-12", "BAG-13")), "hand luggage trolley for the cabin"),
    Query("q08", wants("tote bag", materials=("canvas",)), "帆布购物袋"),
    Query("q09", wants("t-shirt", uses=("running",)), "速干跑步T恤"),
    Query("q10", wants("t-shirt", best=("TOP-02",)), "striped sailor shirt"),
    Query("q11", wants("hoodie", uses=("hiking", "outdoor")), "warm zip hoodie for hiking"),
    Query("q12", wants("mug", best=("KIT-01",), good=("KIT-09",)), "blue coffee mug"),
    Query("q13", wants("tumbler", best=("KIT-06",)), "keeps coffee hot on the way to work"),
    Query("q14", wants("teapot", best=("KIT-10",)), "Yixing purple clay teapot"),
    Query("q15", wants("teapot", materials=("glass",)), "玻璃茶壶"),
    Query("q16", wants("desk lamp", near=("table lamp",), uses=("study", "reading")), "lamp for studying at a desk"),
    Query("q17", wants("table lamp", "desk lamp", colour="pink"), "粉色台灯"),
    Query("q18", wants("paper lantern", colour="red"), "red lantern for Chinese New Year"),
    Query("q19", wants("headphones", best=("AUD-01", "AUD-02")), "降噪耳机"),
    Query("q20", wants("headphones", uses=("kids",)), "headphones for children"),
    Query("q21", wants("speaker", uses=("waterproof",)), "防水音箱 waterproof speaker"),
    Query("q22", wants("alarm clock", near=("digital clock",), best=_ALARM), "loud alarm clock for heavy sleepers"),
    Query("q23", wants("wall clock", best=("CLK-07", "CLK-09")), "静音挂钟"),
    Query("q24", wants("teddy bear", best=("TOY-02",)), "panda soft toy"),
    Query("q25", wants("toy car", "toy train", materials=("wood",), uses=("baby", "kids")), "wooden toy vehicles for toddlers"),
    Query(
        "q26", wants("camping lantern", best=("LAMP-14", "LAMP-15", "KIT-05"), good=("TOP-12", "AUD-15", "BAG-06")), "露营用品 camping gear"
    ),
]

MIXED_QUERIES: list[Query] = [
    Query("m01", wants("running shoe", near=("sneaker",), colour="blue"), "in blue", image="queries/red-shoe.jpg"),
    Query("m02", wants("mug", near=("tumbler",), colour="blue"), image="queries/blue-mug.jpg"),
    Query(
        "m03",
        wants("desk lamp"),
        image="queries/desk-lamp.jpg",
        where="currency = 'USD' and price < 60",
        keeps=lambda p: p.money == "USD" and p.price < 60,
    ),
    Query(
        "m04",
        lambda p: 0 if {"hiking", "trail"}.isdisjoint(p.tags) else 1 if p.material == "leather" else 3,
        "shoes for mountain trails",
        unwanted="leather",
        where="category = 'shoes'",
        keeps=lambda p: CATEGORY_OF[p.id] == "shoes",
    ),
    Query("m05", lambda p: 3 if p.id == "TOY-02" else int(p.kind == "teddy bear"), "熊猫", image="queries/teddy.jpg"),
    Query(
        "m06",
        wants("mug", uses=("gift",)),
        "送礼 马克杯",
        where="产地 = '江西' and stock > 0",
        keeps=lambda p: p.origin == "江西" and p.stock > 0,
    ),
    Query(
        "m07",
        lambda p: 0 if p.kind != "headphones" else 1 if "kids" in p.tags else 3,
        "headphones for music",
        unwanted="children",
        where="colour in ('black', 'white', 'blue', 'pink') and tags has 'music'",
        keeps=lambda p: p.colour in ("black", "white", "blue", "pink") and "music" in p.tags,
    ),
    Query(
        "m08",
        wants("teapot", near=("mug",), uses=("tea",)),
        "everything for tea",
        where="category = 'kitchen' and not material = 'steel' and capacity_ml between 200 and 700",
        keeps=lambda p: (
            CATEGORY_OF[p.id] == "kitchen" and p.material != "steel" and p.capacity_ml is not None and 200 <= p.capacity_ml <= 700
        ),
    ),
]
