"""Catalogues of texts or photos alone: what is said of them names what works."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop

from mmsearch.errors import InputError
from mmsearch.fusion import lacking
from mmsearch.shop import Shop


def shop_of(folder: Path, **columns: str) -> Shop:
    small_shop.paint(folder / "0.png", "red", "hat")
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", [{"id": f"p{n}", **columns} for n in range(12)]))
    return shop


def test_what_a_catalogue_brings(tmp_path: Path) -> None:
    store = shop_of(tmp_path, description="red hat", images="").store
    assert lacking.brings(store, "text") and not lacking.brings(store, "image")
    assert lacking.brings(None, "image"), "nobody knows"


@pytest.mark.parametrize("method", ["aligned", "conse", "knowledge(base=aligned)"])
def test_texts_alone(tmp_path: Path, method: str) -> None:
    shop = shop_of(tmp_path, title="red hat")
    shop.embed(text="fake-text", image="fake-image")
    with pytest.raises(InputError, match="no product of the catalogue has a photo") as raised:
        shop.fuse(method)
    hint = str(raised.value.hint)
    assert hint.startswith("texts alone can be fused by mmsearch fuse --method concat") and "embed" not in hint and "conse" not in hint
    for works in ("concat", "weighted", "knowledge(base=concat)"):
        assert works in hint and shop.fuse(works).products == 12


def test_photos_alone(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, images="0.png")
    shop.embed(text="fake-text", image="fake-image")
    with pytest.raises(InputError, match="no product of the catalogue has a text") as raised:
        shop.fuse("aligned")
    assert str(raised.value.hint).startswith("photos alone can be fused by mmsearch fuse --method conse, so that texts find them; or mm")
    assert shop.fuse("conse").products == 12


def test_conse_is_named_only_where_it_can_read_photos() -> None:
    assert "conse" in lacking.told(None, "text", by_names=True)[1]
    assert "conse" not in lacking.told(None, "text")[1] and "conse" not in lacking.told(None, "image", by_names=True)[1]


def test_photos_that_were_not_embedded(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, title="red hat")
    shop.embed(text="fake-text", image="fake-image")
    shop.ingest(small_shop.write_jsonl(tmp_path / "more.jsonl", [{"id": "p0", "images": "0.png"}]))
    with pytest.raises(InputError, match="no product has a vector of photos") as raised:
        shop.fuse("aligned")
    assert str(raised.value.hint).startswith("make vectors: mmsearch embed; texts alone")
