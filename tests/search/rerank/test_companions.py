"""`search --user` takes the model that `recommend train` kept: the same answers, without learning or reading all events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import small_shop

from mmsearch.errors import StoreError
from mmsearch.ranking.shopper import Shopper
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.search.query import make_query
from mmsearch.search.rerank import shoppers
from mmsearch.shop import Shop

ALL = 100
DIRECTED = "itemcf(directed=true)"


@pytest.fixture
def own(tmp_path: Path) -> Shop:
    """A shop to change."""
    return small_shop.make(tmp_path, fuse=False)


def scores(shop: Shop, shopper: Shopper) -> dict[str, float]:
    return {hit.id: hit.score for hit in shop.search("chair", k=ALL, shopper=shopper)}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str] | None]:
    """Whose events were read, None for all, from now on; and nothing is learned any more."""
    asked: list[Sequence[str] | None] = []
    whole = shoppers.read_evidence

    def reading(*args: Any, users: Sequence[str] | None = None, **options: Any) -> Any:
        asked.append(users)
        return whole(*args, users=users, **options)

    monkeypatch.setattr(shoppers, "read_evidence", reading)
    return asked


def nothing_is_learned(patch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any) -> None:
        raise AssertionError("a model is kept")

    patch.setattr(ItemCF, "fit", fit)


@pytest.mark.parametrize("method", [DIRECTED, f"cold(base={DIRECTED})"])
@pytest.mark.parametrize("shopper", [Shopper("red-fan0"), Shopper(session=("green-hat", "green-bag")), Shopper("nobody")])
def test_a_kept_model_answers_as_one_that_is_learned(
    own: Shop, method: str, shopper: Shopper, read: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = scores(own, shopper)
    assert None in read
    own.train("popular")
    own.train(method, default=False)
    read.clear()
    nothing_is_learned(monkeypatch)
    fresh = Shop(own.store.path)
    assert scores(fresh, shopper) == pytest.approx(learned, abs=1e-6)
    assert None not in read, "only the shopper's own events are read"
    assert fresh.search("chair", k=1, shopper=Shopper("red-fan0")).notes == []


def test_another_kind_of_model_says_nothing_of_what_goes_with_what(own: Shop, read: list[Any]) -> None:
    learned = scores(own, Shopper("red-fan0"))
    for method in ("popular", "content", "cold(base=popular)"):
        own.train(method)
    assert scores(Shop(own.store.path), Shopper("red-fan0")) == learned


def test_the_default_model_comes_first(own: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Shopper(session=("red-hat", "blue-hat"))
    own.train(DIRECTED, name="a", default=False)
    own.train("itemcf(directed=true, decay=.1)", name="z")
    nothing_is_learned(monkeypatch)
    by_default = scores(Shop(own.store.path), session)
    own.make_default_model("a")
    assert scores(Shop(own.store.path), session) != by_default


@pytest.mark.parametrize("method", [DIRECTED, f"cold(base={DIRECTED})"])  # the new product has no vectors, so that neither knows it
def test_what_came_after_the_model_counts_as_far_as_it_can(own: Shop, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.train(method)
    nothing_is_learned(monkeypatch)
    assert own.search("chair", k=1, shopper=Shopper("fresh")).notes
    new = [{"user": "fresh", "product": id, "event": "view"} for id in ("red-hat", "brand-new")]
    own.ingest(small_shop.write_csv(tmp_path / "p.csv", ("id", "title"), [{"id": "brand-new", "title": "Brand new chair"}]))
    own.ingest(small_shop.write_csv(tmp_path / "new.csv", ("user", "product", "event"), new))
    result = own.search("chair", k=1, shopper=Shopper("fresh"))
    assert result.hits[0].id == "red-chair"
    assert [note.partition(" came")[0].partition(" since")[0] for note in result.notes] == ["+2 events", "1 product"]
    own.store.delete("products", "id = 'red-bag'")
    assert own.search("chair", k=1, shopper=Shopper("red-fan0")).hits[0].id == "red-chair"


def test_of_many_shoppers_all_events_are_read_once(own: Shop, read: list[Any]) -> None:
    users = [f"{colour}-fan{n}" for colour in small_shop.COLOURS for n in range(4)]
    queries = {user: make_query(["chair"], shopper=Shopper(user)) for user in users}
    learned = own.search_many(queries, k=5)
    own.train(DIRECTED)
    read.clear()
    kept = Shop(own.store.path).search_many(queries, k=5)
    assert read.count(None) == 1 and len(read) <= shoppers._ALONE + 1
    for user in users:
        assert [(h.id, h.score) for h in kept[user]] == [(h.id, pytest.approx(h.score, abs=1e-6)) for h in learned[user]]


def test_a_damaged_model_is_told(own: Shop) -> None:
    own.train(DIRECTED)
    known = own.store.record.get("model/itemcf")
    own.store.record.put("model/itemcf", known, b"nonsense")
    with pytest.raises(StoreError, match=r"the model itemcf of .* is damaged"):
        Shop(own.store.path).search("chair", shopper=Shopper("red-fan0"))
