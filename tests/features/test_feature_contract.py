"""What every feature promises. A new one is found here by its entry point; it needs samples only if its source is new."""

from __future__ import annotations

import inspect
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_sounds import RATE, tone, written
from PIL import Image

from mmsearch.catalog.ingest import ingest
from mmsearch.encoders.sources import StoreItems
from mmsearch.features import FEATURES
from mmsearch.features.base import SOURCES, Fact, Feature, Found, Medium
from mmsearch.features.chosen import On
from mmsearch.features.rolling import as_fact, facts_of
from mmsearch.store import Store

BUILT_IN = sorted(e.name for e in distribution("mmsearch").entry_points if e.group == "mmsearch.features")
FAKES = ["fake-shade", "fake-words", "fake-talk"]
NAMES = [*FAKES, *(pytest.param(name, marks=pytest.mark.models) for name in BUILT_IN)]

TITLES = ["Nike Pegasus 40 red running shoes EU 42", "海尔 双门冰箱 200升 白色", "x", "Oat Milk 6 x 1 l", "!!! 🙂"]
REVIEWS = ["Great sound, but the battery is terrible.", "质量很好，物流太慢了。", "ok", "Ich bin zufrieden.", "😡😡"]


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A small catalogue for features that learn."""
    folder = tmp_path_factory.mktemp("shop")
    rows = [{"id": f"p{n}", "title": title, "brand": title.split()[0]} for n, title in enumerate(TITLES * 3)]
    for n, pitch in enumerate((200, 300, 500, 800, 1300, 2000)):
        (folder / f"tone{n}.wav").write_bytes(written(tone(pitch, 1)))
        (folder / f"noise{n}.wav").write_bytes(written(np.random.default_rng(n).normal(0, 0.1, RATE)))
        rows += [{"id": f"{kind}{n}", "title": f"{kind} {n}", "category": kind, "audio": [f"{kind}{n}.wav"]} for kind in ("tone", "noise")]
    (folder / "products.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    reviews = [{"user": f"u{n}", "product": f"p{n}", "text": text} for n, text in enumerate(REVIEWS * 3)]
    (folder / "reviews.jsonl").write_text("\n".join(json.dumps(row) for row in reviews))
    store = Store(folder / "store")
    ingest(store, str(folder / "products.jsonl"))
    ingest(store, str(folder / "reviews.jsonl"))
    return store


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str | Medium]]:
    folder = tmp_path_factory.mktemp("media")
    Image.new("RGB", (200, 150), (200, 30, 30)).save(folder / "red.png")
    Image.effect_noise((64, 64), 80).convert("RGB").save(folder / "noise.jpg")
    Image.new("L", (8, 300), 255).save(folder / "narrow.png")
    (folder / "tone.wav").write_bytes(written(tone(440, 1)))
    (folder / "noise.wav").write_bytes(written(np.random.default_rng(0).normal(0, 0.1, RATE)))
    return {
        "title": list(TITLES),
        "text": list(TITLES),
        "review": list(REVIEWS),
        "image": [_medium(folder / name) for name in ("red.png", "noise.jpg", "narrow.png")],
        "audio": [_medium(folder / name) for name in ("tone.wav", "noise.wav")],
        "video": [],  # every feature that looks at clips looks at sounds or photos, too
    }


def _medium(path: Path) -> Medium:
    return Medium(path.read_bytes(), path)


def ready(name: str, shop: Store) -> Feature:
    feature: Feature = FEATURES.create(name)
    if feature.learns:
        feature.fit(StoreItems(shop, feature.sources[0]), shop)
    feature.load()
    return feature


def found_in(feature: Feature, samples: dict[str, list[str | Medium]]) -> list[list[Fact]]:
    items = [item for source in feature.sources for item in samples[source]]
    assert items, "no sample of any of its sources"
    return feature.extract([feature.prepare(item) for item in items])


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    factory: Any = FEATURES.factory(name)
    assert (inspect.getdoc(factory) or "").strip(), "mmsearch models shows its first line"
    assert factory.sources and set(factory.sources) <= set(SOURCES)
    assert factory.names and set(factory.names.values()) <= {"number", "text", "bool", "list"}
    assert isinstance(factory.searchable, bool) and factory.batch >= 1


@pytest.mark.parametrize("name", NAMES)
def test_every_item_has_its_facts_in_order_alone_or_in_a_batch(name: str, shop: Store, samples: dict[str, Any]) -> None:
    feature = ready(name, shop)
    together = found_in(feature, samples)
    items = [item for source in feature.sources for item in samples[source]]
    assert len(together) == len(items)
    assert [feature.extract([feature.prepare(item)])[0] for item in items] == together
    assert feature.extract([]) == []


@pytest.mark.parametrize("name", NAMES)
def test_facts_can_be_kept(name: str, shop: Store, samples: dict[str, Any]) -> None:
    feature = ready(name, shop)
    for facts in found_in(feature, samples):
        kept = json.loads(json.dumps(facts_of(On(name, name, feature), facts)))
        assert [as_fact(one) for one in kept] == facts
        for fact in facts:
            assert fact.score is None or 0 <= fact.score <= 1
            assert fact.box is None or all(0 <= edge <= 1 for edge in fact.box)
            assert fact.end is None or (fact.second is not None and fact.second <= fact.end)


@pytest.mark.parametrize("name", NAMES)
def test_what_follows_has_the_names_and_types_it_declares(name: str, shop: Store, samples: dict[str, Any]) -> None:
    feature = ready(name, shop)
    found = [Found(str(n), tuple(facts)) for n, facts in enumerate(found_in(feature, samples))]
    for some in ([*found], found[:1], []):
        for fact, value in feature.roll_up(some).items():
            kind = feature.names.get(fact) or next(k for n, k in feature.names.items() if n.endswith("*") and fact.startswith(n[:-1]))
            wanted = {"number": int | float, "text": str, "bool": bool, "list": list}[kind]
            assert isinstance(value, wanted), (fact, value)
    assert feature.roll_up([]) == {}, "nothing follows from nothing"


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint_is_of_its_parameters_and_of_what_it_learned(name: str, shop: Store) -> None:
    feature = ready(name, shop)
    assert feature.fingerprint() == ready(name, shop).fingerprint()
    if feature.learns:
        again: Feature = FEATURES.create(name)
        again.restore(feature.state())
        assert again.fingerprint() == feature.fingerprint()
        with pytest.raises(ValueError, match=r"\w"):
            FEATURES.create(name).restore(b"damaged")


def test_parameters_count() -> None:
    assert FEATURES.create("fake-shade(limit=0.2)").fingerprint() != FEATURES.create("fake-shade").fingerprint()
