"""A small shop of which much is known: dates, parents, reviews with emotions, and what sells when."""

from __future__ import annotations

import pytest
import small_shop

from mmsearch.shop import Shop

DAY = 86_400
JANUARY = 1_672_531_200  # the 1st of January 2023
LAMPS = 340  # the day of the year on which lamps sell, in December; hats sell half a year before


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Shoes are dated and two of them variants of a third; green shoes made people happy, red ones angry; lamps sell in December, and hats
    in June. The fans of a colour (`small_shop.write_events`) take all of it. Read only."""
    folder = tmp_path_factory.mktemp("told")
    made = small_shop.make(folder)
    more = [
        {"id": f"{colour}-shoe", "listed": f"2024-0{number}-01", "parent": "red-shoe" if colour in ("blue", "green") else None}
        for number, colour in enumerate(small_shop.COLOURS, 1)
    ]
    made.ingest(small_shop.write_csv(folder / "more.csv", ("id", "listed", "parent"), more))
    happy, angry = "I am so happy with it", "I am furious, it makes me angry"
    said = [("green-shoe", 5, happy)] * 20 + [("blue-shoe", 5, "said"), ("red-shoe", 1, angry)]
    reviews = [{"user": f"u{n}", "product": id, "text": text, "rating": rating} for n, (id, rating, text) in enumerate(said)]
    made.ingest(small_shop.write_csv(folder / "reviews.csv", ("user", "product", "text", "rating"), reviews))
    made.ingest(small_shop.write_csv(folder / "seasons.csv", ("user", "product", "event", "time"), seasons()))
    made.embed(features="emotion")
    return made


def seasons() -> list[dict[str, object]]:
    """Two years in which white lamps sell in December and white hats in June, each time to somebody else."""
    return [
        {"user": f"{kind}{year}{n}", "product": f"white-{kind}", "event": "buy", "time": JANUARY + (365 * year + day + n % 10) * DAY}
        for year in range(2)
        for kind, day in (("lamp", LAMPS), ("hat", LAMPS - 182))
        for n in range(10)
    ]
