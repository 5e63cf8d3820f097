"""What the shop knows of one product, and more: what the photo, the shoppers and the judgments are made from."""

from __future__ import annotations

import datetime
import random
from dataclasses import dataclass

from sample_shop.drawings.look import Look

#: Everything happens in the first half of this year.
FIRST_DAY = datetime.date(2025, 1, 1)
LAST_DAY = datetime.date(2025, 6, 30)


@dataclass(frozen=True)
class Product:
    """One product.

    `language` is "en", "zh" or "both" (in the title). `photos` counts its pictures, `cut_out` makes them transparent PNGs.
    `sound` and `clip` name files without their ending. `fame` scales how often shoppers look at it; 0 means never.
    """

    id: str
    kind: str
    language: str
    title: str
    description: str
    brand: str
    price: float
    look: Look
    material: str
    origin: str
    tags: tuple[str, ...]
    currency: str = ""
    photos: int = 1
    cut_out: bool = False
    sound: str = ""
    clip: str = ""
    variant_of: str = ""
    out_of_stock: bool = False
    capacity_ml: int | None = None
    watts: float | None = None
    fame: float = 1.0

    @property
    def colour(self) -> str:
        return self.look.colour

    @property
    def money(self) -> str:
        """USD for English titles and CNY for Chinese ones, unless it is said."""
        return self.currency or ("USD" if self.language == "en" else "CNY")

    @property
    def usd(self) -> float:
        """The price in one currency, to compare shoppers' budgets (7.2 CNY a dollar)."""
        return self.price if self.money == "USD" else self.price / 7.2

    @property
    def chance(self) -> random.Random:
        """The product's own random numbers, so that adding a product changes no other one."""
        return random.Random(f"product {self.id}")

    @property
    def stock(self) -> int:
        return 0 if self.out_of_stock else 3 + int(self.chance.random() ** 2 * 240)

    @property
    def listed(self) -> datetime.date:
        """When it came into the shop: in the two years before the first event, or in the last days if nobody has seen it."""
        if self.fame == 0:
            return LAST_DAY - datetime.timedelta(days=int(self.chance.random() * 9))
        return FIRST_DAY - datetime.timedelta(days=10 + int(self.chance.random() * 700))

    def photo_names(self) -> list[str]:
        """File names below sample_data/, first the main photo."""
        ending = "png" if self.cut_out else "jpg"
        return [f"photos/{self.id.lower()}{'-' + 'abcd'[i] if i else ''}.{ending}" for i in range(self.photos)]
