"""From one encoder to another: the old vectors are searched until the new are complete, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from embed_shop import Shop, alone, outcome
from fake_encoders import FakeText

from mmsearch.encoders import ENCODERS, stages
from mmsearch.encoders.base import BrokenEncoder, Matrix
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import load_encoder, pending_encoder, recorded_encoder
from mmsearch.errors import StoreError


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the text encoder break after some texts, as a kill would: what was encoded before is written, nothing is finished."""
    monkeypatch.setattr(FakeText, "batch", 2)
    monkeypatch.setattr(stages, "WRITE", 2)
    whole = FakeText.encode_batch
    left = [10**9]

    def encode_batch(self: FakeText, prepared: Sequence[str]) -> Matrix:
        left[0] -= len(prepared)
        if left[0] < 0:
            raise BrokenEncoder("killed")
        return whole(self, prepared)

    monkeypatch.setattr(FakeText, "encode_batch", encode_batch)
    return lambda texts: left.__setitem__(0, texts)


def spec_of(shop: Shop) -> str:
    known = recorded_encoder(shop.store, "text")
    assert known is not None
    return str(known["spec"])


def test_the_canonical_spec_is_recorded_and_kept(shop: Shop) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed(text="fake-text( seed = 3 )")
    known = recorded_encoder(shop.store, "text")
    assert known is not None
    assert {k: known[k] for k in ("spec", "dim", "space")} == {"spec": "fake-text(seed=3)", "dim": 64, "space": "fake-text"}
    assert known["fingerprint"] == FakeText(3).fingerprint()
    report = embed(shop.store)  # no encoder named: the recorded one, not the default
    assert (report.modalities[0].encoder, outcome(report, "text")) == ("fake-text(seed=3)", (1, 0, 1, 0, 0))
    assert np.array_equal(alone(load_encoder(shop.store, "text"), "hat"), alone(FakeText(3), "hat"))


def test_a_switch_of_the_encoder_embeds_anew_and_drops_the_old_vectors(shop: Shop) -> None:
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(3)))
    shop.embed()
    old = shop.tables()
    report = shop.embed(text="fake-text(seed=1)")
    assert outcome(report, "text") == (3, 3, 0, 0, 0)
    assert len(old) == len(shop.tables()) == 1
    assert old != shop.tables()
    assert all(np.array_equal(v, alone(FakeText(1), f"shoe {id}")) for (id, _), v in shop.vectors("text").items())


def begun(shop: Shop, breaking: Callable[[int], None], spec: str = "fake-text(seed=1)") -> None:
    """Seven texts embedded, and four of them with another encoder as well, when that embed was killed."""
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(7)))
    shop.embed()
    breaking(4)
    with pytest.raises(BrokenEncoder, match="killed"):
        shop.embed(text=spec)
    breaking(10**9)


def test_the_old_vectors_go_only_when_the_new_are_complete(shop: Shop, breaking: Callable[[int], None]) -> None:
    begun(shop, breaking)
    assert spec_of(shop) == "fake-text"
    assert {id: v.tolist() for (id, _), v in shop.vectors("text").items()} == {
        str(n): alone(FakeText(), f"shoe {n}").tolist() for n in range(7)
    }
    assert len(shop.tables()) == 2
    before = shop.tables()
    report = embed(shop.store)  # without naming the encoder again
    assert outcome(report, "text") == (7, 3, 4, 0, 0)  # what was written before the kill is not embedded again
    (note,) = report.notes
    assert note.startswith("going on with the text encoder fake-text(seed=1), which an earlier embed began")
    assert note.endswith("(to stay with fake-text: mmsearch embed --text 'fake-text')")
    assert spec_of(shop) == "fake-text(seed=1)"
    assert pending_encoder(shop.store, "text") is None
    assert len(shop.tables()) == 1
    assert shop.tables() < before
    assert all(np.array_equal(v, alone(FakeText(1), f"shoe {id}")) for (id, _), v in shop.vectors("text").items())
    assert embed(shop.store).notes == []


def test_going_back_to_the_old_one_by_naming_it(shop: Shop, breaking: Callable[[int], None]) -> None:
    begun(shop, breaking)
    report = shop.embed(text="fake-text")
    assert outcome(report, "text") == (7, 0, 7, 0, 0)
    assert pending_encoder(shop.store, "text") is None
    assert shop.tables() == {str(recorded_encoder(shop.store, "text")["table"])}  # type: ignore[index]
    assert (embed(shop.store).notes, spec_of(shop)) == ([], "fake-text")


def test_a_third_encoder_takes_the_place_of_the_unfinished_one(shop: Shop, breaking: Callable[[int], None]) -> None:
    begun(shop, breaking)
    breaking(2)
    with pytest.raises(BrokenEncoder):
        shop.embed(text="fake-text(seed=2)")
    breaking(10**9)
    assert len(shop.tables()) == 2, "the table of the one that was given up is gone"
    assert outcome(embed(shop.store), "text") == (7, 5, 2, 0, 0)
    assert (spec_of(shop), len(shop.tables())) == ("fake-text(seed=2)", 1)


def test_a_first_embed_that_was_killed_goes_on_with_its_encoder(shop: Shop, breaking: Callable[[int], None]) -> None:
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(7)))
    breaking(4)
    with pytest.raises(BrokenEncoder):
        shop.embed(text="fake-text(seed=3)")
    breaking(10**9)
    assert recorded_encoder(shop.store, "text") is None, "half of the vectors are not searched"
    report = embed(shop.store)
    assert (outcome(report, "text"), spec_of(shop)) == ((7, 3, 4, 0, 0), "fake-text(seed=3)")
    assert report.notes == ["going on with the text encoder fake-text(seed=3), which an earlier embed began"]


def test_killed_between_the_switch_and_the_clearing_up(
    shop: Shop, breaking: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record names the new encoder already; its pending entry and the old table are still there."""
    begun(shop, breaking)
    with monkeypatch.context() as patch:
        patch.setattr(shop.store.record, "delete", lambda key: (_ for _ in ()).throw(KeyError("killed")))
        with pytest.raises(KeyError, match="killed"):
            embed(shop.store)
    assert spec_of(shop) == "fake-text(seed=1)"
    assert (pending_encoder(shop.store, "text") is not None, len(shop.tables())) == (True, 2)
    report = embed(shop.store)
    assert (outcome(report, "text"), report.notes) == ((7, 0, 7, 0, 0), [])
    assert (pending_encoder(shop.store, "text"), len(shop.tables())) == (None, 1)


def test_an_unfinished_encoder_that_is_not_installed_any_more(
    shop: Shop, breaking: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENCODERS._local, "passing", lambda: FakeText(9))
    begun(shop, breaking, "passing")
    monkeypatch.delitem(ENCODERS._local, "passing")
    with pytest.raises(StoreError, match="an embed with the text encoder passing was begun, but it cannot be used here") as caught:
        embed(shop.store)
    assert caught.value.hint == "install it, or name another: mmsearch embed --text 'fake-text'"
    assert outcome(shop.embed(text="fake-text"), "text") == (7, 0, 7, 0, 0)


def test_vectors_of_different_encoders_are_never_mixed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a table of its own, named by all that decides its vectors: also for the same spec with other weights."""
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(3)))
    shop.embed()
    first = recorded_encoder(shop.store, "text")
    assert first is not None
    assert set(first) == {"spec", "fingerprint", "dim", "space", "table"}
    assert first["table"] == f"vectors_text_{first['fingerprint'][:12]}"
    monkeypatch.setattr(FakeText, "fingerprint", lambda self: "f" * 64)
    monkeypatch.setattr(FakeText, "_signs", lambda self, token: np.arange(64.0) + len(token))
    shop.bring({"id": "1", "title": "boot"})
    assert outcome(shop.embed(), "text") == (3, 3, 0, 0, 0), "none is taken over, equal contents or not"
    assert shop.tables() == {"vectors_text_" + "f" * 12}
    assert all(np.array_equal(v, alone(FakeText(), "boot" if id == "1" else f"shoe {id}")) for (id, _), v in shop.vectors("text").items())


def test_a_switch_that_fails_throughout_keeps_the_old_vectors(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed()
    tables = shop.tables()
    monkeypatch.setattr(FakeText, "encode_batch", lambda self, prepared: np.zeros((len(prepared), 64), np.float32))
    assert outcome(shop.embed(text="fake-text(seed=1)"), "text") == (1, 0, 0, 0, 1)
    assert recorded_encoder(shop.store, "text")["spec"] == "fake-text"  # type: ignore[index]
    assert (shop.tables(), set(shop.vectors("text"))) == (tables, {("1", "")})
