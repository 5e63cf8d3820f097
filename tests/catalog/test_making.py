"""Products made in this process and in one beside it are the same; the end of that process is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from ingest_shop import IngestShop, counts
from PIL import Image

from mmsearch.catalog import feed
from mmsearch.catalog.making import Maker, MakerBeside, Meaning, Raw
from mmsearch.catalog.product_intake import ProductIntake
from mmsearch.errors import MMSearchError

MEANING = Meaning({"id": ("id",), "title": ("title",), "price": ("price",), "images": ("image",)}, {"title_zh": ("title", "zh")})


def rows(folder: Path) -> list[Raw]:
    Image.new("RGB", (4, 4)).save(folder / "a.png")
    values: list[dict[str, Any]] = [
        {"id": "1", "title": "Red <b>shoe</b> for running", "price": "$5", "image": "a.png", "size": "42", "title_zh": "红鞋"},
        {"id": "2", "title": "", "price": "cheap", "image": "no.png;../x.png", "size": ""},
        {"id": "3", "title": "跑步鞋", "tags": "a;b", "since": "2024-02-20", "weight": "1.5 kg"},
    ]
    return [(str(v["id"]), v, False, str(folder)) for v in values]


def test_beside_is_as_here(tmp_path: Path) -> None:
    here = Maker(MEANING, allow_outside=False).make(MEANING, rows(tmp_path))
    beside = MakerBeside(MEANING, allow_outside=False)
    try:
        beside.send(MEANING, rows(tmp_path))
        beside.send(MEANING, rows(tmp_path)[:1])
        assert beside.receive() == here
        assert beside.receive().products == here.products[:1]
        other = Meaning({"id": ("id",), "brand": ("title",)}, {})
        beside.send(other, rows(tmp_path)[:1])
        assert beside.receive().products[0].fields["brand"] == "Red shoe for running"
    finally:
        beside.close()
    assert [p.kind for p in here.products[1].problems] == [
        "price: not usable",
        "images: missing",
        "images: outside the catalogue's folder; allow it with --allow-outside",
    ]
    assert here.products[0].attributes["title_language"] == ("text", "en")
    assert here.products[2].attributes["weight_g"] == ("number", 1500.0)
    assert here.media == {"images": {"ok": 1, "missing": 1, "outside the catalogue's folder; allow it with --allow-outside": 1}}


def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    beside = MakerBeside(MEANING, allow_outside=False)
    try:
        os.kill(beside._process.pid, signal.SIGKILL)
        with pytest.raises(MMSearchError, match="was ended by signal 9"):
            beside.send(MEANING, rows(tmp_path))
            beside.receive()
    finally:
        beside.close()


def test_a_large_file_is_cleaned_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of several chunks, rejects of both threads in the order of their lines, and the same end as in one process."""
    content = "id,title,price\n" + "".join(f"{n},t{n},{n if n % 7 else 'cheap'}\n{n},again,1\n" for n in range(40)) + "bad\n"
    monkeypatch.setattr(feed, "CHUNK_ROWS", 8)
    used: list[bool] = []
    close = ProductIntake.close

    def told(self: ProductIntake) -> None:
        used.append(self._beside is not None)
        close(self)

    monkeypatch.setattr(ProductIntake, "close", told)
    found = []
    for threads in ("2", "1"):
        monkeypatch.setenv("MMSEARCH_THREADS", threads)
        (tmp_path / threads).mkdir()
        shop = IngestShop(tmp_path / threads)
        report = shop.bring(content)
        lines = [(line["_line"], line["_reason"], line["_kept"]) for line in shop.rejects(report)]
        assert [line for line, _, _ in lines] == sorted(line for line, _, _ in lines)
        found.append((counts(report), shop.products(), lines, report.reasons, report.cleaned))
        assert counts(shop.bring(content)) == {"rows": 81, "unchanged": 40, "rejected": 41, "problems": 6}
    assert found[0] == found[1]
    assert found[0][0] == {"rows": 81, "new": 40, "rejected": 41, "problems": 6}
    assert used == [True, False, False, False]
