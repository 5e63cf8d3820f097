"""Products that have nothing to fuse, and why."""

from __future__ import annotations

from pathlib import Path

import small_shop

from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.fusion.unfused import reasons, without_vectors
from mmsearch.shop import Shop


def test_why_a_product_has_no_vector(tmp_path: Path) -> None:
    small_shop.paint(tmp_path / "good.png", "red", "hat")
    (tmp_path / "broken.jpg").write_bytes(b"no photo at all")
    (tmp_path / "huge.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    rows = [
        {"id": "fine", "title": "Red hat of felt", "images": "good.png"},
        {"id": "nothing", "price": 5},
        {"id": "broken", "images": "broken.jpg"},
        {"id": "cut", "images": "huge.png"},
        {"id": "gone", "images": "gone.jpg"},
        {"id": "web", "images": "https://shop.example/a.jpg"},
        {"id": "many", "images": ";".join(f"{n}.jpg" for n in range(5))},
    ]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="fake-text", image="fake-image")
    shop.ingest(small_shop.write_jsonl(tmp_path / "late.jsonl", [{"id": "late", "title": "Came after the embed", "images": "good.png"}]))
    tables = {m: (recorded_encoder(shop.store, m) or {})["table"] for m in ("text", "image")}
    passes = {str(row["id"]) for row in rows} | {"late"}
    bare, lacking = without_vectors(shop.store, tables, passes)
    assert bare == sorted(passes - {"fine"})
    assert lacking == {"text": 7, "image": 7}
    assert without_vectors(shop.store, tables, {"fine", "web"}) == (["web"], {"text": 1, "image": 1})
    why = {one.id: one.missing for one in reasons(shop.store, bare, ["text", "image"])}
    assert why["nothing"] == {"text": "no title and no description", "image": "no photo"}
    assert why["broken"]["image"] == "broken.jpg: not an image: it starts like text"
    assert why["cut"]["image"].startswith("huge.png: ")
    assert why["gone"]["image"] == "gone.jpg: missing"
    assert why["web"]["image"] == "https://shop.example/a.jpg: a web address that was not fetched: mmsearch ingest --fetch"
    assert why["many"]["image"] == "0.jpg: missing; 1.jpg: missing; 2.jpg: missing; and 2 more"
    assert why["late"] == {
        "text": "no vector yet: mmsearch embed",
        "image": "good.png: no vector yet: mmsearch embed (if it was refused there, the reject file says why)",
    }
    assert reasons(shop.store, [], ["text"]) == []
