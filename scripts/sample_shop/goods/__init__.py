"""The shop's products, one file a category, and what belongs to which category."""

from __future__ import annotations

from sample_shop.goods.bags import BAGS
from sample_shop.goods.clocks import CLOCKS
from sample_shop.goods.kitchen import KITCHEN
from sample_shop.goods.lamps import LAMPS
from sample_shop.goods.model import Product
from sample_shop.goods.shoes import SHOES
from sample_shop.goods.sound_gear import SOUND_GEAR
from sample_shop.goods.tops import TOPS
from sample_shop.goods.toys import TOYS

__all__ = ["CATEGORIES", "CATEGORY_OF", "PRODUCTS", "Product"]

#: Category name (as in products.csv) → its products.
CATEGORIES: dict[str, list[Product]] = {
    "shoes": SHOES,
    "bags": BAGS,
    "tops": TOPS,
    "kitchen": KITCHEN,
    "lamps": LAMPS,
    "audio": SOUND_GEAR,
    "clocks": CLOCKS,
    "toys": TOYS,
}

PRODUCTS: list[Product] = [product for goods in CATEGORIES.values() for product in goods]

CATEGORY_OF: dict[str, str] = {product.id: category for category, goods in CATEGORIES.items() for product in goods}
