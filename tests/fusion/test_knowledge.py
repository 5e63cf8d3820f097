"""Another method's vectors, propagated over the graph of a store."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import small_shop
from safetensors import numpy as safe

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import FUSERS, knowledge
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import EVERY, Batch, FitReport
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.concat import Concat
from mmsearch.fusion.fitting import changes_since
from mmsearch.fusion.knowledge import Knowledge
from mmsearch.fusion.propagation import propagate
from mmsearch.shop import Shop
from mmsearch.store.vectors import read_vectors


def make(folder: Path) -> Shop:
    shop = small_shop.make(folder, fuse=False)
    write(
        folder / "knowledge.csv",
        [("head", "relation", "tail"), ("shoe", "broader", "clothing"), ("hat", "broader", "clothing"), ("lost", "broader", "gone")],
    )
    with (folder / "knowledge.csv").open("a") as file:
        file.write("red-shoe,goes-with,blue-cup\ngone,broader,lost\n")
    shop.ingest(folder / "knowledge.csv")
    return shop


def write(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return make(tmp_path_factory.mktemp("knowledge"))


@pytest.fixture(scope="module")
def batch(shop: Shop) -> Batch:
    return load_batch(shop.store, tables(shop))[1]


def tables(shop: Shop) -> dict[str, str]:
    return {m: (shop.store.record.get(f"encoder/{m}") or {})["table"] for m in ("text", "image")}


def fitted(batch: Batch, fuser: Knowledge) -> FitReport:
    return fuser.fit(batch, {}, 0)


def base(batch: Batch) -> np.ndarray:
    concat = Concat()
    concat.fit(batch, {}, 0)
    return concat.items(batch)


def test_a_refit_keeps_alpha_and_reads_the_edges_anew(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Knowledge(alpha=0.4, hops=2)
    fitted(batch, fuser)
    monkeypatch.delattr(knowledge, "evidence_of")
    again = Knowledge(hops=2)  # alpha is what the state says
    again.load_state(*fuser.state())
    again.refit(batch, {}, 0)
    np.testing.assert_allclose(again.items(batch), fuser.items(batch), atol=1e-6)
    assert not np.allclose(again.items(batch), base(batch), atol=1e-3)


@pytest.mark.parametrize("fuser", [Knowledge(hops=0), Knowledge(alpha=0), Knowledge(brand=0, category=0, attributes=0, bought=0, given=0)])
def test_without_hops_or_share_or_edges_it_is_the_base(batch: Batch, fuser: Knowledge) -> None:
    fitted(batch, fuser)
    np.testing.assert_array_equal(fuser.items(batch), base(batch))


def test_without_a_store_it_is_the_base_and_says_so(batch: Batch) -> None:
    alone = Batch(batch.vectors, batch.present)
    fuser = Knowledge(alpha=0.5)
    assert "no store" in fitted(alone, fuser).summary
    np.testing.assert_array_equal(fuser.items(alone), base(alone))


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_products_are_what_propagation_over_the_whole_graph_makes_of_them(batch: Batch, hops: int) -> None:
    fuser = Knowledge(alpha=0.5, hops=hops)
    fitted(batch, fuser)
    assert batch.store is not None
    relations = [relation for _, relation in fuser._relations(batch.store, batch.ids, base(batch))]
    expected, _ = propagate(base(batch), relations, 0.5, hops)
    assert np.abs(expected - base(batch)).max() > 0.05
    np.testing.assert_allclose(fuser.items(batch), expected, atol=1e-5)
    rows = np.array([5, 0, 17])
    np.testing.assert_allclose(fuser.items(batch.take(rows)), expected[rows], atol=1e-5)


def test_pieces_are_the_same_as_the_whole(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Knowledge(alpha=0.5, hops=2)
    fitted(batch, fuser)
    whole = fuser.items(batch)
    monkeypatch.setattr("mmsearch.fusion.knowledge._PIECE", 3)
    np.testing.assert_allclose(fuser.items(batch), whole, atol=1e-5)


def test_each_type_of_edge_draws_together_what_it_joins(batch: Batch) -> None:
    place = {id: i for i, id in enumerate(batch.ids)}

    def nearer(weights: dict[str, float], one: str, other: str) -> float:
        fuser = Knowledge(alpha=0.6, **({"brand": 0, "category": 0, "attributes": 0, "bought": 0, "given": 0} | weights))
        fitted(batch, fuser)
        Z, H = fuser.items(batch), base(batch)
        return float(Z[place[one]] @ Z[place[other]] - H[place[one]] @ H[place[other]])

    assert nearer({"attributes": 1}, "red-shoe", "red-cup") > 0.1
    assert nearer({"bought": 1}, "red-shoe", "red-cup") > 0.1
    assert nearer({"given": 1}, "red-shoe", "blue-cup") > 0.1  # by the triple that joins the two products
    assert nearer({"given": 1}, "green-shoe", "blue-hat") > 0.02  # by their common broader concept
    assert nearer({"given": 1}, "green-cup", "blue-lamp") == pytest.approx(0, abs=1e-6)


def test_a_product_without_a_vector_gets_none(batch: Batch) -> None:
    rows = [batch.ids.index(id) for id in ("red-shoe", "red-cup", "red-hat")]
    vectors, present = {m: X.copy() for m, X in batch.vectors.items()}, {m: p.copy() for m, p in batch.present.items()}
    for m in vectors:
        vectors[m][rows[0]], present[m][rows[0]] = 0, False
    lacking = Batch(vectors, present, {}, batch.ids, batch.store)
    fuser = Knowledge(alpha=0.5)
    fitted(lacking, fuser)
    assert not fuser.items(lacking)[rows[0]].any() and fuser.items(lacking)[rows[1]].any()


def test_state_brings_it_back(batch: Batch) -> None:
    fuser = Knowledge(alpha=0.5, hops=2)
    fitted(batch, fuser)
    arrays, values = fuser.state()
    again = Knowledge(alpha=0.5, hops=2)
    again.load_state(safe.load(safe.save({k: np.ascontiguousarray(a) for k, a in arrays.items()})), json.loads(json.dumps(values)))
    np.testing.assert_array_equal(again.items(batch), fuser.items(batch))


def test_the_report_says_what_the_graph_is_and_what_belongs_to_no_product(batch: Batch) -> None:
    report = fitted(batch, Knowledge(alpha=0.5))
    assert report.scores["edges"]["brand"] > 30 and report.scores["edges"]["bought"] > 100
    assert report.scores["given"] == {
        "triples": 5,
        "concepts": 5,
        "astray": 2,
        "astray_such_as": ["gone", "lost"],
        "loops": [["gone", "lost"]],
    }
    assert "2 of 5 labels of triples belong to no product (gone, lost)" in report.summary and "loop: gone → lost" in report.summary
    assert report.scores["alpha"] == 0.5 and "as asked for" in report.summary


def test_few_purchases_choose_nothing(batch: Batch) -> None:
    report = fitted(batch, Knowledge())
    assert report.scores["alpha"] == 0.1 and "too few purchases" in report.summary


def test_purchases_choose_the_share(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shoppers here buy by colour: what was bought together foretells what is bought next."""
    monkeypatch.setattr("mmsearch.fusion.graph_evidence._FEWEST", 10)
    report = fitted(batch, Knowledge("concat(text=1)"))
    told = report.scores["held_out"]["bought"]
    assert report.scores["alpha"] >= 0.5 and told["after"] > told["before"] and told["n"] == 24


def test_what_hurts_is_said_and_not_chosen(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shoppers here buy by colour: to draw together what a triple joins across colours leads away from what they buy next."""
    monkeypatch.setattr("mmsearch.fusion.graph_evidence._FEWEST", 10)
    given_alone = {"brand": 0.0, "category": 0.0, "attributes": 0.0, "bought": 0.0}
    asked = fitted(batch, Knowledge("concat(text=1)", alpha=0.9, **given_alone))
    told = asked.scores["held_out"]["bought"]
    assert told["after"] < told["before"] and "WORSE for bought" in asked.summary
    left = Knowledge("concat(text=1)", **given_alone)
    report = fitted(batch, left)
    assert report.scores["alpha"] == 0 and "does not help, so that nothing is propagated" in report.summary
    np.testing.assert_array_equal(left.items(batch), left._base.items(batch))


def test_a_profile_takes_new_products_without_a_refit(tmp_path: Path) -> None:
    shop = make(tmp_path)
    profile = shop.fuse("knowledge(base=fake-fuser, alpha=.5)", name="k")
    before = dict(zip(*fused(shop, "k"), strict=True))
    write(
        tmp_path / "new.csv",
        [("id", "title", "brand", "colour"), ("fresh", "Fresh thing", "Ulm", "red"), ("odd", "Odd thing", "Odd", "odd")],
    )
    shop.ingest(tmp_path / "new.csv")
    shop.embed()
    after = dict(zip(*fused(shop, "k"), strict=True))
    assert set(after) == {*before, "fresh", "odd"}
    fuser = profiles.load_fuser(shop.store, profiles.load(shop.store, "k"))
    _, batch = load_batch(shop.store, tables(shop), ["fresh", "odd"])
    plain = fuser._base.items(batch)  # type: ignore[attr-defined]
    np.testing.assert_allclose(after["odd"], plain[1], atol=1e-5)  # joined to nothing
    assert after["fresh"] @ before["red-cup"] > plain[0] @ before["red-cup"] + 0.05  # to what is red
    for id, vector in before.items():
        np.testing.assert_array_equal(after[id], vector)
    assert profile.compares == ["text>image", "image>text"] and shop.search("red shoe", within="k").hits[0].id == "red-shoe"


def fused(shop: Shop, name: str) -> tuple[list[str], np.ndarray]:
    rows = read_vectors(shop.store, profiles.load(shop.store, name).fused_table)
    return rows.ids.to_pylist(), rows.vectors


def test_new_events_and_triples_are_seen_at_the_next_vector(tmp_path: Path) -> None:
    shop = make(tmp_path)
    _, batch = load_batch(shop.store, tables(shop))
    fuser = Knowledge(alpha=0.5, brand=0, attributes=0, given=0)
    fitted(batch, fuser)
    one = fuser.items(batch)
    write(
        tmp_path / "more.csv",
        [
            ("user", "product", "event", "time"),
            *((f"n{i}", id, "buy", "1800000000") for i in range(9) for id in ("red-shoe", "green-lamp")),
        ],
    )
    shop.ingest(tmp_path / "more.csv")
    two = fuser.items(batch)
    at = [batch.ids.index(id) for id in ("red-shoe", "green-lamp")]
    assert two[at[0]] @ two[at[1]] > one[at[0]] @ one[at[1]]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("knowledge(base=knowledge)", "cannot be knowledge again"),
        ("knowledge(base=knowledge(hops=2))", "cannot be knowledge again"),
        ("knowledge(base=no-such)", "unknown fusion method 'no-such'"),
        ("knowledge(base=concat(txt=1))", "unknown modality 'txt'"),
        ("knowledge(hops=-1)", "hops must be at least 0"),
        ("knowledge(alpha=1)", "alpha must be at least 0 and below 1"),
        ("knowledge(brand=-1)", "weight of brand"),
        ("knowledge(price=1)", "no parameter 'price'"),
    ],
)
def test_bad_parameters_are_told(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FUSERS.create(spec)


def test_a_nested_spec_is_the_base(batch: Batch) -> None:
    fuser = FUSERS.create("knowledge(base=concat(text=1), alpha=.3)")
    fitted(batch, fuser)
    assert fuser.modalities() == ["text"] and fuser.dim == batch.vectors["text"].shape[1]


def test_it_is_fitted_anew_when_events_or_triples_change(tmp_path: Path) -> None:
    shop = make(tmp_path)
    shop.fuse("knowledge(alpha=.5)", name="k")
    for file, header, row in (
        ("triples.csv", ("head", "relation", "tail"), ("bag", "broader", "clothing")),
        ("events.csv", ("user", "product", "event", "time"), ("new", "red-hat", "buy", "1800000000")),
        ("products.csv", ("id", "brand"), ("red-hat", "Elsewhere")),
    ):
        shop.fuse(name="k")
        assert not changes_since(shop.store, profiles.load(shop.store, "k"))
        write(tmp_path / file, [header, row])
        shop.ingest(tmp_path / file)
        assert len(changes_since(shop.store, profiles.load(shop.store, "k"))) == 1, file
    assert Knowledge(brand=0, category=0, attributes=0, given=0).learns_from == {"interactions": EVERY}
    assert Knowledge(base="gated", brand=0, attributes=0, given=0).learns_from["products"] == ("id", "category")


def test_another_price_is_no_reason_to_fit_anew_and_another_colour_is(tmp_path: Path) -> None:
    shop = make(tmp_path)
    write(tmp_path / "products.csv", [("id", "price", "stock"), ("red-hat", "9", "3")])
    shop.ingest(tmp_path / "products.csv")
    shop.fuse("knowledge(alpha=.5)", name="k")
    shop.fuse("knowledge(attributes=0, given=0)", name="brands")
    for column, value, stale in (("price", "99", []), ("stock", "1", []), ("colour", "crimson", ["k"])):
        write(tmp_path / "products.csv", [("id", column), ("red-hat", value)])
        shop.ingest(tmp_path / "products.csv")
        changed = [name for name in ("k", "brands") if changes_since(shop.store, profiles.load(shop.store, name))]
        assert changed == stale, column
    write(tmp_path / "products.csv", [("id", "brand"), ("red-hat", "Elsewhere")])
    shop.ingest(tmp_path / "products.csv")
    assert changes_since(shop.store, profiles.load(shop.store, "brands")) == ["products: other brand or category"]


def test_the_base_says_what_is_missing() -> None:
    with pytest.raises(InputError, match="mmsearch embed"):
        fitted(Batch({}, {}), Knowledge())
