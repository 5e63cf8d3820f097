"""`eval recommend`, where the vectors may know what is to be foreseen."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop
from typer.testing import CliRunner

from mmsearch.cli import app
from mmsearch.errors import InputError, UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.popular import Popular
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return small_shop.make(tmp_path_factory.mktemp("compare"), fuse=False)


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ("knowledge(alpha=.5)", True),
        ("knowledge(alpha=.5, bought=0)", False),
        ("knowledge(alpha=0)", False),
        ("gated(supervision=together, rounds=1)", True),
        ("concat", False),
    ],
)
def test_vectors_that_have_seen_the_held_out_events_are_told(shop: Shop, spec: str, warned: bool) -> None:
    shop.fuse(spec, name="measured", replace=True)
    content, popular = shop.evaluate_recommend(["content", "popular"], ["HR@5"])
    assert ("held-out events among them" in content.get("warning", "")) == warned and "warning" not in popular


def test_the_command_line_says_so(shop: Shop, tmp_path: Path) -> None:
    shop.fuse("knowledge(alpha=.5)", name="measured", replace=True)
    run = CliRunner().invoke(app, ["--store", str(shop.store.path), "eval", "recommend", "--method", "content", "--metric", "HR@5"])
    assert run.exit_code == 0 and "the figure is too good" in run.stderr


def test_all_methods_that_can_be_used_are_compared_and_the_others_are_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Popular):
        def fit(self, interactions: Interactions, products: Products) -> None:
            raise ModuleNotFoundError(name="heavy")

    for name in ("sasrec", "twotower"):  # minutes of training say nothing here
        RECOMMENDERS.register(name, Broken)
    told: list[str] = []
    try:
        rows = shop.evaluate_recommend(["itemcf(k=3)", "all"], ["HR@5"], told=told.append)
    finally:
        for name in ("sasrec", "twotower"):
            RECOMMENDERS.unregister(name)
    methods = [row["method"] for row in rows]
    assert methods[0] == "itemcf(k=3)" and {"content", "cold", "ease", "graph", "itemcf", "popular", "usercf"} <= set(methods)
    assert len(rows) + len(told) == len(RECOMMENDERS.names()), "all but blend, and one that is named"
    assert "sasrec is left out: it needs the package heavy" in told
    assert not any("blend" in line for line in told), "nobody asked for it"


def test_a_method_is_compared_once(shop: Shop) -> None:
    rows = shop.evaluate_recommend(["itemcf", "popular", "itemcf( k = 3 )", "itemcf(k=3)", "itemcf"], ["HR@5"])
    assert [row["method"] for row in rows] == ["itemcf", "popular", "itemcf( k = 3 )"]
    with pytest.raises(UsageError, match="it needs recommenders with weights"):
        shop.evaluate_recommend(["popular", "blend"], ["HR@5"])


def test_how_many_are_ranked_is_told_where_a_split_limits_them(shop: Shop) -> None:
    told: list[str] = []
    split = "cold-items(share=.2)"
    rows = shop.evaluate_recommend(["popular", "content"], ["HR@2", "nDCG@8", "gini@20"], split=split, told=told.append)
    assert [row["candidates"] for row in rows] == [8, 8]
    assert rows[0]["measures"]["gini@20"] is None and rows[1]["measures"]["gini@20"] is not None
    [line] = told
    assert "ranks 8 products, so that a list is as long: nDCG@8, gini@20 looks at all of it" in line
    assert "candidates" not in shop.evaluate_recommend(["popular"], ["HR@2"])[0]
    run = CliRunner().invoke(
        app, ["--store", str(shop.store.path), "eval", "recommend", "--split", split, "--metric", "gini@2", "--format", "table"]
    )
    assert "candidates" in run.stdout and "–" in run.stdout


def test_one_that_is_named_must_be_usable(tmp_path: Path) -> None:
    bare = Shop(tmp_path / "store.lancedb")
    bare.ingest(small_shop.write_catalogue(tmp_path))
    bare.ingest(small_shop.write_events(tmp_path))
    with pytest.raises(InputError, match="no product has a vector"):
        bare.evaluate_recommend(["popular", "content"], ["HR@5"])


def test_lists_are_compared_with_histories_by_an_attribute(shop: Shop) -> None:
    [row] = shop.evaluate_recommend(["itemcf"], ["calibration(by=colour)@1", "calibration(by=brand)@5"])
    assert row["measures"]["calibration(by=colour)@1"] == pytest.approx(0.0, abs=1e-9), "fans take one colour, and get it"
    assert row["measures"]["calibration(by=brand)@5"] > 0.1
    with pytest.raises(InputError, match="values of category, and no product has one"):
        shop.evaluate_recommend(["all"], ["calibration@1"])
    with pytest.raises(UsageError, match="no product has an attribute 'color'"):
        shop.evaluate_recommend(["itemcf"], ["calibration(by=color)@1"])


def test_where_nothing_can_be_compared(tmp_path: Path) -> None:
    one = Shop(tmp_path / "store.lancedb")
    one.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "a", "title": "A"}]))
    one.ingest(small_shop.write_jsonl(tmp_path / "e.jsonl", [{"user": "u", "product": "a", "event": "buy"}]))
    told: list[str] = []
    with pytest.raises(InputError, match="no recommender could be compared"):
        one.evaluate_recommend(["all"], ["HR@5"], told=told.append)
    assert any("it takes to hold one out" in line for line in told)
