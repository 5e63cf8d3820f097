"""Sounds in searches: sound-alike, mixed with text, the second that matched, and fairness to products without a sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_shop
from fake_sounds import tone, written

from mmsearch.errors import InputError
from mmsearch.search.queries import read_queries
from mmsearch.shop import Shop

COLOURS = ("red", "green", "blue", "white", "black")
KINDS = ("bell", "horn", "drum", "whistle", "rattle", "siren", "gong", "buzzer")


def pitch(colour: str, kind: str) -> float:
    return 400 + 900 * KINDS.index(kind) + 30 * COLOURS.index(colour)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Forty products, each with a title; every second one has a sound, whose pitch tells the kind. One sound is long."""
    folder = tmp_path_factory.mktemp("sounds")
    products = []
    for number, (colour, kind) in enumerate((c, k) for c in COLOURS for k in KINDS):
        product = {"id": f"{colour}-{kind}", "title": f"{colour} {kind}", "price": number}
        if number % 2 == 0:
            (folder / f"{colour}@{kind}.wav").write_bytes(written(tone(pitch(colour, kind), 1)))
            product["audio"] = f"{colour}@{kind}.wav"
        products.append(product)
    long = np.concatenate([tone(400, 2), tone(7_900, 2), tone(400, 2)])
    (folder / "long.wav").write_bytes(written(long))
    products.append({"id": "radio", "title": "radio", "audio": "long.wav"})
    (folder / "products.jsonl").write_text("\n".join(map(json.dumps, products)))
    (folder / "asked.wav").write_bytes(written(tone(pitch("red", "drum") + 5, 0.7, loud=0.01)))
    (folder / "high.wav").write_bytes(written(tone(7_850, 1)))
    made = Shop(folder / "store.lancedb")
    made.ingest(folder / "products.jsonl")
    made.embed(text="fake-text", audio="fake-audio")
    made.fuse("concat")
    return made


@pytest.fixture
def folder(shop: Shop) -> Path:
    return Path(shop.store.path).parent


def test_a_sound_finds_those_that_sound_like_it(shop: Shop, folder: Path) -> None:
    hits = shop.search(audio=str(folder / "asked.wav"), k=3)
    assert hits.hits[0].id.endswith("-drum")
    assert hits.hits[0].matched["audio"].endswith("@drum.wav")
    assert hits.candidates == 21, "products without a sound are no hits of a search for one"


def test_a_hit_names_the_second(shop: Shop, folder: Path) -> None:
    (hit,) = shop.search(audio=str(folder / "high.wav"), k=1)
    assert (hit.id, hit.matched) == ("radio", {"audio": "long.wav@2.0"})


def test_weights_and_text_beside_it(shop: Shop, folder: Path) -> None:
    asked = str(folder / "asked.wav")
    light = shop.search("white siren", audio=f"{asked}^0.1", k=40)
    heavy = shop.search("white siren^0.1", audio=asked, k=40)
    assert light.hits[0].id == "white-siren"
    first = next(hit for hit in heavy if "audio" in hit.matched)
    assert first.id.endswith("-drum")
    for hit in heavy:
        assert sum(part.contribution for part in hit.explain) == pytest.approx(hit.score)
    assert heavy.candidates == 41, "a product without a sound is judged by its text"


def test_in_audio_and_what_cannot_be_compared(shop: Shop, folder: Path) -> None:
    asked = str(folder / "asked.wav")
    assert [h.id for h in shop.search(audio=asked, within="audio", k=3)] == [h.id for h in shop.search(audio=asked, k=3)]
    assert shop.search(audio=asked, within="concat", k=1).hits[0].id.endswith("-drum")
    with pytest.raises(InputError, match="audio cannot be compared with the products' text") as raised:
        shop.search(audio=asked, within="text")
    assert "--in audio" in (raised.value.hint or "")
    with pytest.raises(InputError, match=r"the query audio .* cannot be used: not a sound"):
        shop.search(audio=str(folder / "products.jsonl"))


def test_a_product_like_another_sounds_like_it(shop: Shop) -> None:
    first = shop.search(like="red-drum", within="audio", k=1).hits[0]
    assert first.id.endswith("-drum")


def test_queries_files_name_sounds(shop: Shop, folder: Path) -> None:
    path = folder / "queries.csv"
    path.write_text("id,text,audio\nq1,,asked.wav\nq2,white siren,asked.wav^0.1\n")
    found = shop.search_many(read_queries(str(path)), k=1)
    assert found["q1"].hits[0].id.endswith("-drum")
    assert found["q2"].hits[0].id == "white-siren"


@pytest.mark.parametrize("within", [None, "concat"])
def test_text_queries_are_fair_to_products_without_a_sound(shop: Shop, within: str | None) -> None:
    """Every colour and kind once: products without a sound hold about half of the top five places, as they are half of the shop."""
    silent, places = 0, 0
    for query in (*COLOURS, *KINDS):
        for hit in shop.search(query, within=within, k=5):
            places += 1
            silent += (
                hit.id != "radio"
                and "audio" not in hit.matched
                and (COLOURS.index(hit.id.split("-")[0]) * 8 + KINDS.index(hit.id.split("-")[1])) % 2 == 1
            )
    assert 0.4 <= silent / places <= 0.6


def test_sounds_are_calibrated_as_texts_are(shop: Shop) -> None:
    pairs = (shop.store.record.get("calibration") or {})["pairs"]
    assert pairs["audio>audio"][2] == pairs["text>text"][2] == 1.0
    assert 0 < pairs["audio>audio"][1] < 1


def test_profiles_of_text_and_photo_leave_sounds_alone(tmp_path: Path) -> None:
    """`aligned` maps texts and photos; sounds are compared in their own vectors beside it, and embedding them later breaks nothing."""
    made = small_shop.make(tmp_path, fuse=False, events=False)
    made.fuse("aligned")
    before = [(hit.id, hit.score) for hit in made.search("red shoe")]
    (tmp_path / "ring.wav").write_bytes(written(tone(2_000, 1)))
    small_shop.write_jsonl(tmp_path / "more.jsonl", [{"id": "red-lamp", "audio": "ring.wav"}, {"id": "blue-cup", "audio": "ring.wav"}])
    made.ingest(tmp_path / "more.jsonl")
    made.embed(text="fake-text", image="fake-image", audio="fake-audio")
    assert [(hit.id, pytest.approx(hit.score)) for hit in made.search("red shoe")] == before
    assert {hit.id for hit in made.search(audio=str(tmp_path / "ring.wav"))} == {"red-lamp", "blue-cup"}
    assert made.search(like="red-lamp", k=1).hits
    made.fuse("aligned")
    assert made.search("red lamp", audio=str(tmp_path / "ring.wav"), k=1).hits[0].id == "red-lamp"
