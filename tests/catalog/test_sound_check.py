"""Sounds are looked at by an ingest as photos are: each problem is told, and the product is there with the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_sounds import silence, tone, written

from mmsearch.shop import Shop


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (written(tone(440, 1)), None),
        (written(tone(440, 1), "MP3"), None),  # under a wrong name
        (b"", "empty file"),
        (b"hello", "not a sound: it starts like text"),
        (written(silence(0)), "zero length: there are no samples in it"),
        (written(tone(440, 1))[:9_000], "truncated"),
        (written(silence(4_000, 1_000), "FLAC", rate=1_000), "1 h 6 min long, the limit is 1 h 0 min (MMSEARCH_MAX_SECONDS)"),
        (None, "missing"),
    ],
)
def test_what_an_ingest_says_of_a_sound(tmp_path: Path, content: bytes | None, message: str | None) -> None:
    if content is not None:
        (tmp_path / "s.wav").write_bytes(content)
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "a", "title": "Bell", "audio": "s.wav"}))
    shop = Shop(tmp_path / "store.lancedb")
    report = shop.ingest(tmp_path / "p.jsonl")
    assert report.new == 1
    if message is None:
        assert report.exit_code == 0
        return
    assert report.exit_code == 3
    assert report.reject_file is not None
    assert message in Path(report.reject_file).read_text(encoding="utf-8")
