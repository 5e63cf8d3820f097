"""What an ingest leaves when it is interrupted, what `--fetch` brings, and titles in several languages."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from ingest_shop import IngestShop, counts
from PIL import Image

from mmsearch.catalog.ingest import unfinished
from mmsearch.catalog.product_table import ProductTable
from mmsearch.encoders.sources import items
from mmsearch.media import MediaError, fetch
from mmsearch.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def test_an_ingest_that_was_interrupted_is_told(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.catalog.feed.CHUNK_ROWS", 2)
    content = "id,title\n" + "".join(f"{n},t{n}\n" for n in range(6))
    write, done = ProductTable.write, []

    def dies(self: ProductTable, *args: Any, **options: Any) -> Any:
        done.append(1)
        if len(done) == 2:
            raise KeyboardInterrupt
        return write(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ProductTable, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            shop.bring(content)
    begun = unfinished(shop.store)
    assert begun is not None
    assert begun["source"].endswith("products.csv")
    assert Shop(shop.store.path).info()["unfinished"] == begun
    assert counts(shop.bring(content)) == {"rows": 6, "new": 4, "unchanged": 2}
    assert unfinished(shop.store) is None


def test_fetched_photos(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "id,title,image\n1,a,https://shop.example/a.png\n2,b,https://shop.example/gone.png\n"
    assert shop.bring(content).media == {"images": {"a web address is kept but not fetched": 2}}

    def answer(url: str, folder: Path, *, limit: int) -> Path:
        if url.endswith("gone.png"):
            raise MediaError("not fetched: the server answered 404")
        data = io.BytesIO()
        Image.new("RGB", (4, 4)).save(data, "PNG")
        folder.mkdir(parents=True, exist_ok=True)
        fetch.fetched_path(url, folder).write_bytes(data.getvalue())
        return fetch.fetched_path(url, folder)

    monkeypatch.setattr(fetch, "fetch", answer)
    report = shop.bring(content, fetch=True)
    assert report.media == {"images": {"ok": 1, "not fetched: the server answered 404": 1}}
    assert [(item.id, item.part) for item in items(shop.store, "image")] == [("1", "https://shop.example/a.png")]


def test_the_title_in_every_language_is_embedded(shop: IngestShop) -> None:
    shop.bring("id,title_en,title_zh,description\n1,Red shoe,红鞋,Light.\n2,,灯,\n3,Lamp,,\n")
    assert {item.id: item.content for item in items(shop.store, "text")} == {"1": "Red shoe. 红鞋. Light.", "2": "灯", "3": "Lamp"}
    assert shop.products()["1"] | {"title_language": None} == {
        "title": "Red shoe",
        "title_en": "Red shoe",
        "title_zh": "红鞋",
        "description": "Light.",
        "title_language": None,
    }


def test_a_rare_language_is_embedded_too(shop: IngestShop) -> None:
    """A name that few products have is no column."""
    shop.bring("id,title\n" + "".join(f"{n},shoe {n}\n" for n in range(60)))
    shop.bring("id,title,title_fr\n7,shoe 7,chaussure 7\n", "fr.csv")
    assert {item.id: item.content for item in items(shop.store, "text")}["7"] == "shoe 7. chaussure 7"
