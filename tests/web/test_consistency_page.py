"""The page of `mmsearch check consistency --html`."""

from __future__ import annotations

from pathlib import Path

import small_shop

from mmsearch.web.consistency_page import consistency_page


def test_products_with_their_photos(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, events=False)
    found = shop.check_consistency(k=4)
    page = consistency_page(shop, found)
    shown = 2 * len(found.disagreements) + 4  # pairs, and the groups bare, yellow-hat and blue-shoe, red-shoe
    assert page.count("<img src=") == shown
    assert page.count("<article") == shown + 2 + 1  # the twins have no photo, and nothing has none either
    for text in ("Twin kettle", "same words", "no title and no description", "35 products with text and photo"):
        assert text in page
    # Photos may have gone since, or be others.
    for photo in (tmp_path / "photos").glob("*.png"):
        photo.unlink()
    (tmp_path / "photos" / "bare.png").write_bytes(b"no photo any more")
    page = consistency_page(shop, found)
    assert page.count("<img src=") == 0
    assert "<span>missing</span>" in page and "not an image: it starts like text" in page


def test_hostile_ids_and_titles(tmp_path: Path) -> None:
    small_shop.paint(tmp_path / "a.png", "red", "hat")
    bad = '"><script>alert(1)</script>'
    rows = [{"id": f"{bad}{n}", "title": f"{bad} of many words {n}", "images": "a.png"} for n in range(2)]
    shop = small_shop.Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [*rows, {"id": f"{bad}empty", "price": 1}]))
    shop.embed(text="fake-text", image="fake-image")
    page = consistency_page(shop, shop.check_consistency())
    assert "<script" not in page and "script&gt;" in page
    assert "store.lancedb" in page and str(tmp_path) not in page, "pages are mailed"
    assert page.count("<img src=") == 2
