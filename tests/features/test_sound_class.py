"""Kinds of sounds, learned from the shop's own labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from embed_shop import FAKES
from fake_sounds import RATE, tone, written

import mmsearch
from mmsearch.errors import InputError, UsageError
from mmsearch.features import FEATURES
from mmsearch.shop import Shop

FEATURE = "sound-class(by=kind, encoder=fake-audio)"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Six high and six low sounds that are labelled, one each that is not."""
    rows = []
    for n, pitch in enumerate((300, 400, 500, 600, 700, 800, 350)):
        for kind, hertz in (("low", pitch), ("high", 6_000 + pitch)):
            name = f"{kind}{n}.wav"
            (tmp_path / name).write_bytes(written(tone(hertz, 0.5) + np.random.default_rng(n).normal(0, 0.01, RATE // 2)))
            rows.append({"id": f"{kind}{n}", "title": "x", "audio": [name]} | ({"kind": kind} if n < 6 else {}))
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    made = mmsearch.open(tmp_path / "store")
    made.ingest(tmp_path / "p.jsonl")
    return made


def test_sounds_without_a_label_get_the_right_kind(shop: Shop) -> None:
    shop.embed(**FAKES, audio="fake-audio", features=[FEATURE])
    known = shop.show(["low6", "high6"])
    assert {id: one["facts"]["sound_class"] for id, one in known.items()} == {"low6": "low", "high6": "high"}
    assert all(0.5 < one["facts"]["sound_class_sure"] <= 1 for one in known.values())
    assert [hit.id for hit in shop.search("x", where="sound_class = 'high' and kind is null")] == ["high6"]


def test_what_it_learned_is_kept(shop: Shop, tmp_path: Path) -> None:
    shop.embed(**FAKES, audio="fake-audio", features=[FEATURE])
    (tmp_path / "new.wav").write_bytes(written(tone(6_500, 0.5)))
    (tmp_path / "more.jsonl").write_text(json.dumps({"id": "new", "audio": ["new.wav"]}))
    shop.ingest(tmp_path / "more.jsonl")
    learned: list[tuple[str, str]] = []
    report = shop.embed(learning=lambda *what: learned.append(what))
    assert learned == [] and report.features[0].unchanged == 14
    assert shop.show(["new"])["new"]["facts"]["sound_class"] == "high"


def test_too_few_examples_say_so(shop: Shop) -> None:
    with pytest.raises(InputError, match=r"needs 7 sounds of each of two values of 'kind' .*: (high|low) \(6\), (high|low) \(6\)"):
        shop.embed(**FAKES, audio="fake-audio", features=["sound-class(by=kind, encoder=fake-audio, least=7)"])
    with pytest.raises(UsageError, match="no product has a text attribute 'genre'"):
        shop.embed(**FAKES, audio="fake-audio", features=["sound-class(by=genre, encoder=fake-audio)"])
    with pytest.raises(UsageError, match="encodes text"):
        FEATURES.create("sound-class(encoder=fake-text)")
    with pytest.raises(UsageError, match="least must be 2 or more"):
        FEATURES.create("sound-class(encoder=fake-audio, least=1)")


@pytest.mark.data
@pytest.mark.models
def test_spoken_digits(data: Path, tmp_path: Path) -> None:
    """Half of two speakers' clips learned, the other half heard."""
    rows = []
    for file in sorted((data / "spoken_digits" / "clips").glob("*.wav")):
        word, speaker, take = file.stem.split("_")
        if speaker in ("jackson", "lucas") and word in "0123":
            rows.append({"id": file.stem, "audio": [str(file)]} | ({"word": f"w{word}"} if int(take) < 4 else {}))
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shop = mmsearch.open(tmp_path / "store")
    shop.ingest(tmp_path / "p.jsonl", allow_outside=True)
    shop.embed(**FAKES, features=["sound-class(by=word)"])
    heard = [row["id"] for row in rows if "word" not in row]
    right = [shop.show([id])[id]["facts"]["sound_class"] == f"w{id[0]}" for id in heard]
    assert len(right) == 32 and np.mean(right) > 0.8
