"""Words find sounds that have no title, and sounds find titles, where a profile brings both into one space."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_sounds import tone, written

from mmsearch.fusion.profile import load
from mmsearch.shop import Shop

KINDS = ("bell", "horn", "drum", "whistle")
PITCHES = dict(zip(KINDS, (750, 2_750, 4_750, 6_750), strict=True))
MAKERS = ("ada", "bob", "cora", "dan", "eva", "finn", "gus", "hal", "ida", "jim", "kim", "lou")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """48 products with a title and a sound, whose pitch tells the kind; one of each kind has a sound alone, another a title alone."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    products = []
    for kind in KINDS:
        for maker in (*MAKERS, "nobody", "mute"):
            product = {"id": f"{maker}-{kind}", "title": "" if maker == "nobody" else f"{kind} by {maker}"}
            if maker != "mute":
                (folder / f"{maker}@{kind}.wav").write_bytes(written(tone(PITCHES[kind] + float(rng.uniform(-200, 200)), 0.5)))
                product["audio"] = f"{maker}@{kind}.wav"
            products.append(product)
    (folder / "products.jsonl").write_text("\n".join(map(json.dumps, products)))
    (folder / "asked.wav").write_bytes(written(tone(PITCHES["drum"] + 90, 0.7)))
    made = Shop(folder / "store.lancedb")
    made.ingest(folder / "products.jsonl")
    made.embed(text="fake-text", audio="fake-audio")
    made.fuse("aligned")
    return made


def test_the_profile_says_what_joined(shop: Shop) -> None:
    profile = load(shop.store, "aligned")
    assert "audio joins" in profile.summary
    assert profile.modalities == ["text", "audio"] and sorted(profile.compares) == ["audio>text", "text>audio"]


def test_a_word_finds_the_sounds_without_a_title(shop: Shop) -> None:
    """Of the products that have only a sound, that of the kind comes first, in the default search and in the profile."""
    for within in (None, "aligned"):
        for kind in KINDS:
            hits = [hit.id for hit in shop.search(kind, k=60, within=within).hits]
            untitled = [id for id in hits if id.startswith("nobody")]
            assert untitled[0] == f"nobody-{kind}"


def test_a_sound_finds_titles_without_a_sound(shop: Shop) -> None:
    asked = str(Path(shop.store.path).parent / "asked.wav")
    hits = [hit.id for hit in shop.search(audio=asked, k=60).hits]
    assert next(id for id in hits if id.startswith("mute")) == "mute-drum"
    assert hits[0].endswith("-drum")
