"""One medium, or one item in the encoder, fails: that one only, with its reason, and no vector is another's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from embed_shop import Shop, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.encoders import ENCODERS, stages
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.errors import MMSearchError, StoreError
from mmsearch.media import MediaError

_FATES = ["good", "unopened", "strange", "zero", "nan", "raises", "refused"]
_REASONS = {
    "unopened": "does not open",
    "strange": "cannot be decoded (RuntimeError): strange",
    "zero": "the encoder finds nothing in it",
    "nan": "the encoder finds nothing in it",
    "raises": "the encoder fails on it (ZeroDivisionError): raises",
    "refused": "refused by the encoder",
}


class Fateful(Encoder):
    """A text's first word is what befalls it; its vector tells which text it was."""

    modality: ClassVar[str] = "text"
    dim = 16
    space = "fateful"
    batch = 4
    encoded: ClassVar[list[str]] = []
    broken: ClassVar[Exception | None] = None

    def fingerprint(self) -> str:
        return "a" * 64

    def prepare(self, item: Any) -> str:
        if item.startswith("unopened"):
            raise MediaError("does not open")
        if item.startswith("strange"):
            raise RuntimeError("strange")
        return str(item)

    def encode_batch(self, prepared: Sequence[str]) -> Matrix:
        if self.broken:
            raise self.broken
        for text in prepared:
            if text.startswith("raises"):
                raise ZeroDivisionError("raises")
            if text.startswith("refused"):
                raise MediaError("refused by the encoder")
        self.encoded.extend(prepared)
        return np.stack([self.raw(text) for text in prepared])

    @staticmethod
    def raw(text: str) -> Matrix:
        if text.startswith("zero"):
            return np.zeros(16, np.float32)
        if text.startswith("nan"):
            return np.full(16, np.nan, np.float32)
        return np.random.default_rng(list(text.encode())).normal(size=16).astype(np.float32)


@pytest.fixture(autouse=True)
def _fateful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS._local, "fateful", Fateful)
    monkeypatch.setattr(Fateful, "broken", None)
    monkeypatch.setattr(stages, "_BLOCK_TEXT", 3)
    monkeypatch.setattr(stages, "AHEAD", 9)
    monkeypatch.setattr(stages, "WRITE", 5)
    Fateful.encoded.clear()


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_FATES), st.integers(0, 6)), min_size=1, max_size=40))
def test_whatever_fails_costs_itself_only_and_shifts_nobody(fates: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        titles = {"first": "good 0", **{f"p{n:02}": f"{fate} {number}" for n, (fate, number) in enumerate(fates)}}
        shop.bring(*({"id": id, "title": title} for id, title in titles.items()))
        report = shop.embed(text="fateful")
        good = {id for id, title in titles.items() if title.startswith("good")}
        assert outcome(report, "text") == (len(titles), len(good), 0, 0, len(titles) - len(good))
        vectors = shop.vectors("text")
        assert {id for id, _ in vectors} == good
        for (id, _), vector in vectors.items():
            expected = Fateful.raw(titles[id])
            assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)
        assert sorted((id, reason) for _, id, _, reason in shop.failures) == sorted(
            (id, _REASONS[title.split()[0]]) for id, title in titles.items() if id not in good
        )
        assert sum(report.modalities[0].reasons.values()) == len(titles) - len(good)


def test_an_encoder_that_takes_nothing_is_an_error_and_not_a_thousand_bad_items(shop_of: Any) -> None:
    shop = shop_of(*(f"raises {n}" for n in range(20)))
    with pytest.raises(ZeroDivisionError):
        shop.embed(text="fateful")
    assert shop.failures == []


def test_an_encoder_that_breaks_on_its_way_is_an_error(shop_of: Any) -> None:
    """What was finished before is written, the next embed goes on."""
    shop = shop_of(*(f"good {n}" for n in range(20)))
    whole = Fateful.encode_batch

    def breaks(self: Fateful, prepared: Sequence[str]) -> Matrix:
        if len(self.encoded) >= 12:
            raise FloatingPointError("the card fell out")
        return whole(self, prepared)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fateful, "encode_batch", breaks)
        with pytest.raises(FloatingPointError):
            shop.embed(text="fateful")
    assert shop.failures == []
    assert outcome(shop.embed(text="fateful"), "text") == (20, 8, 12, 0, 0)


def test_a_batch_of_nothing_but_culprits_after_one_that_passed(shop_of: Any) -> None:
    shop = shop_of(*(f"good {n}" for n in range(4)), *(f"raises {n}" for n in range(8)), "good 9")
    assert outcome(shop.embed(text="fateful"), "text") == (13, 5, 0, 0, 8)


@pytest.mark.parametrize("error", [MMSearchError("no model"), ImportError("no module"), OSError("no file")])
def test_what_no_item_can_have_done_is_raised_at_once(shop_of: Any, error: Exception) -> None:
    shop = shop_of("good 1", "good 2")
    Fateful.broken = error
    with pytest.raises(type(error), match=r"no (model|module|file)"):
        shop.embed(text="fateful")


def test_an_encoder_that_opens_nothing_is_an_error(shop_of: Any) -> None:
    shop = shop_of(*(f"strange {n}" for n in range(5)))
    with pytest.raises(RuntimeError, match="strange"):
        shop.embed(text="fateful")


def test_a_write_that_fails_is_an_error_and_nothing_hangs(shop_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shop_of(*(f"good {n}" for n in range(60)))

    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(stages, "append_vectors", full)
        with pytest.raises(StoreError, match="the disk is full"):
            shop.embed(text="fateful")
    assert shop.vectors("text") == {}
    assert outcome(shop.embed(text="fateful"), "text") == (60, 60, 0, 0, 0)


def test_reasons_are_counted_by_their_kinds_and_their_number_is_bounded(shop_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(self: Fateful, item: str) -> str:
        if item.startswith("good"):
            return item
        raise MediaError(f"truncated: after {item}" if item.startswith("t") else item)

    monkeypatch.setattr(Fateful, "prepare", prepare)
    shop = shop_of("good 1", *(f"t{n}" for n in range(9)), *(f"x{n}" for n in range(200)))
    reasons = shop.embed(text="fateful").modalities[0].reasons
    assert (reasons["truncated"], sum(reasons.values())) == (9, 209)
    assert len(reasons) <= 101
    assert reasons["other reasons"] > 50


@pytest.fixture
def shop_of(tmp_path: Path) -> Any:
    def make(*titles: str) -> Shop:
        shop = Shop(tmp_path)
        shop.bring(*({"id": f"p{n:03}", "title": title} for n, title in enumerate(titles)))
        return shop

    return make


# -- equal contents ----------------------------------------------------------------------------------------------------


def test_equal_texts_are_encoded_once(shop_of: Any) -> None:
    shop = shop_of(*["good"] * 500, "good too", *["good"] * 500)
    report = shop.embed(text="fateful")
    assert sorted(Fateful.encoded) == ["good", "good too"]
    assert outcome(report, "text") == (1001, 1001, 0, 0, 0)
    assert report.modalities[0].encoded == 2
    assert len(np.unique(np.stack(list(shop.vectors("text").values())), axis=0)) == 2


def test_a_text_of_which_the_store_has_a_vector_is_not_encoded(shop_of: Any) -> None:
    shop = shop_of("good a", "good b", "good c")
    shop.embed(text="fateful")
    before = {id: vector for (id, _), vector in shop.vectors("text").items()}
    Fateful.encoded.clear()
    shop.bring({"id": "p000", "title": "good b"}, {"id": "p001", "title": "good a"}, {"id": "new", "title": "good c"})
    assert outcome(shop.embed(text="fateful"), "text") == (4, 3, 1, 0, 0)
    assert Fateful.encoded == []
    after = {id: vector for (id, _), vector in shop.vectors("text").items()}
    for id, was in {"p000": "p001", "p001": "p000", "p002": "p002", "new": "p002"}.items():
        assert np.array_equal(after[id], before[was])


def test_equal_texts_that_fail_fail_all(shop_of: Any) -> None:
    shop = shop_of("good", *["raises"] * 30, *["unopened"] * 30, "good")
    assert outcome(shop.embed(text="fateful"), "text") == (62, 2, 0, 0, 60)
    assert {id for _, id, _, _ in shop.failures} == {f"p{n:03}" for n in range(1, 61)}


def test_equal_texts_are_right_when_little_is_remembered(shop_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered and few may wait: encoded more than once, perhaps, and never wrong."""
    monkeypatch.setattr("mmsearch.encoders.looking._REMEMBERED", 0)
    monkeypatch.setattr(stages, "_TWINS", 2)
    titles = [f"good {n % 3}" for n in range(120)]
    shop = shop_of(*titles)
    assert outcome(shop.embed(text="fateful"), "text") == (120, 120, 0, 0, 0)
    for (id, _), vector in shop.vectors("text").items():
        expected = Fateful.raw(titles[int(id[1:])])
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


def test_the_report_is_json(shop_of: Any) -> None:
    shop = shop_of("good", "unopened")
    (text,) = json.loads(json.dumps(shop.embed(text="fateful").to_json()))["modalities"]
    assert {k: text[k] for k in ("items", "new", "encoded", "unchanged", "removed", "failed", "reasons")} == {
        "items": 2,
        "new": 1,
        "encoded": 1,
        "unchanged": 0,
        "removed": 0,
        "failed": 1,
        "reasons": {"does not open": 1},
    }
