"""Queries that are widened by given triples, in English and Chinese."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import small_shop
from typer.testing import CliRunner

from mmsearch.cli import app
from mmsearch.search.expand import Expander
from mmsearch.search.hits import Result
from mmsearch.search.query import Part, Query, make_query, shares
from mmsearch.shop import Shop

TRIPLES = [
    ("sneaker", "synonym", "shoe"),
    ("shoe", "broader", "footwear"),
    ("sole", "part-of", "shoe"),
    ("跑鞋", "synonym", "shoe"),
    ("footwear", "broader", "shoe"),  # a loop
    ("red-shoe", "goes-with", "blue-cup"),  # two products
    ("sneaker", "made-for", "red-shoe"),  # a word said of a product
]


def with_triples(folder: Path, triples: list[tuple[str, str, str]]) -> Shop:
    shop = small_shop.make(folder, events=False, fuse=False)
    path = folder / "knowledge.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("head", "relation", "tail"), *triples])
    shop.ingest(path)
    return shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return with_triples(tmp_path_factory.mktemp("expand"), TRIPLES)


@pytest.fixture(scope="module")
def plain_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One triple alone: to the fake encoder every word that no title has is noise."""
    return with_triples(tmp_path_factory.mktemp("plain"), [("sneaker", "synonym", "shoe")])


def widened(shop: Shop, query: Query) -> tuple[list[Part], list[str]]:
    queries, notes = Expander(shop.store).widened({"q": query})
    return list(queries["q"].parts), notes["q"]


def test_a_word_that_no_product_has_finds_what_it_means(plain_shop: Shop) -> None:
    plain = plain_shop.search("Sneaker", within="text", k=40, understand=False)
    wide = plain_shop.search("Sneaker", within="text", expand=True, k=40)
    assert mean_rank(wide) < mean_rank(plain) / 2
    assert "expanded: Sneaker → synonym: shoe (×0.8) (weight 0.44)" in wide.notes
    assert any(c.part == "text: shoe [Sneaker → synonym: shoe (×0.8)]" for c in wide.hits[0].explain)
    assert sum(c.contribution for c in wide.hits[0].explain) == pytest.approx(wide.hits[0].score)


def mean_rank(result: Result) -> float:
    """Of the shoes: to the fake encoder the word itself is noise, which still counts for more than half."""
    return sum(hit.rank for hit in result if hit.id.endswith("-shoe")) / len(small_shop.COLOURS)


def test_chinese_words_are_found_inside_a_text(shop: Shop) -> None:
    parts, notes = widened(shop, make_query(["红色跑鞋男款"], expand=True))
    assert parts[1].content == "shoe" and notes[0].startswith("expanded: 跑鞋 → synonym: shoe")


def test_the_weight_of_a_part_is_shared_and_stays_beside_others(shop: Shop) -> None:
    parts, _ = widened(shop, make_query(["red sneaker^2"], image=["x.jpg"], not_text=["sole"], expand=True))
    typed = [part for part in parts if part.kind == "text" and not part.negative]
    assert sum(part.weight for part in typed) == pytest.approx(2)
    assert typed[0].content == "red sneaker" and typed[0].weight == pytest.approx(max(part.weight for part in typed))
    assert sum(typed[i].weight for i in range(1, len(typed))) <= typed[0].weight + 1e-9
    others = [part for part in parts if part not in typed]
    assert [str(part) for part in others] == ["image: x.jpg", "not text: sole"]  # photos and what lowers are left alone
    assert shares(parts)[parts.index(others[0])] == pytest.approx(1 / 3)


def test_loops_end_and_no_concept_comes_twice(shop: Shop) -> None:
    parts, _ = widened(shop, make_query(["shoe"], expand=True))
    contents = [part.content for part in parts]
    assert sorted(contents) == ["footwear", "shoe", "sneaker", "sole", "跑鞋"]


def test_names_of_products_are_no_words_to_look_for(shop: Shop) -> None:
    for text in ("red-shoe", "sneaker"):
        parts, _ = widened(shop, make_query([text], expand=True))
        assert not {"red-shoe", "blue-cup"} & {part.content for part in parts[1:]}


def test_what_is_typed_already_is_not_added(shop: Shop) -> None:
    parts, _ = widened(shop, make_query(["sneaker, shoe, sole"], expand=True))
    assert {part.content for part in parts[1:]} == {"footwear", "跑鞋"}


def test_many_synonyms_leave_room_for_the_rest(tmp_path: Path) -> None:
    shop = with_triples(tmp_path, [*((f"word{i}", "synonym", "shoe") for i in range(9)), ("shoe", "broader", "footwear")])
    parts, _ = widened(shop, make_query(["shoe"], expand=True))
    assert [part.content for part in parts] == ["shoe", "word0", "word1", "word2", "word3", "footwear"]


def test_without_the_option_nothing_is_read_or_changed(shop: Shop) -> None:
    query = make_query(["sneaker"])
    expander = Expander(shop.store)
    assert expander.widened({"q": query}) == ({"q": query}, {"q": []}) and not expander._known


def test_an_unknown_word_and_a_store_without_triples_are_told(shop: Shop, tmp_path: Path) -> None:
    assert shop.search("lamp", expand=True, k=1).notes == ["--expand changes nothing: no concept of the triples is in the query"]
    bare = small_shop.make(tmp_path, events=False, fuse=False)
    result = bare.search("lamp", expand=True, k=1)
    assert result.hits and result.notes == ["--expand changes nothing: the store has no triples; bring them: mmsearch ingest knowledge.csv"]


def test_new_triples_are_seen(tmp_path: Path) -> None:
    shop = with_triples(tmp_path, TRIPLES)
    assert len(shop.search("beaker", expand=True).notes) == 1
    (tmp_path / "more.csv").write_text("head,relation,tail\nbeaker,synonym,cup\n")
    shop.ingest(tmp_path / "more.csv")
    assert shop.search("beaker", expand=True, k=1).hits[0].id.endswith("-cup")


def test_a_part_that_was_heard_is_widened_as_one_that_was_typed(shop: Shop) -> None:
    parts, _ = widened(shop, Query((Part("text", "sneaker", heard="ask.wav"),), expand=True))
    assert str(parts[0]) == 'speech: ask.wav "sneaker"' and str(parts[1]) == "text: shoe [sneaker → synonym: shoe (×0.8)]"


def test_the_command_line_says_what_was_added(plain_shop: Shop) -> None:
    run = CliRunner().invoke(
        app, ["--store", str(plain_shop.store.path), "search", "sneaker", "--expand", "-k", "3", "--explain", "--format", "json"]
    )
    assert run.exit_code == 0, run.output
    assert len(json.loads(run.stdout)) == 3
    assert "[sneaker → synonym: shoe (×0.8)]" in run.stdout and "expanded: sneaker → synonym: shoe" in run.stderr


def test_a_batch_and_an_evaluation_are_widened_too(tmp_path: Path) -> None:
    plain_shop = with_triples(tmp_path, [("sneaker", "narrower", "shoe")])  # a synonym is looked for in any case
    (tmp_path / "q.tsv").write_text("a\tsneaker\n")
    (tmp_path / "qrels").write_text("".join(f"a 0 {colour}-shoe 1\n" for colour in small_shop.COLOURS))
    command = [
        "--store",
        str(plain_shop.store.path),
        "eval",
        "search",
        "--queries",
        str(tmp_path / "q.tsv"),
        "--qrels",
        str(tmp_path / "qrels"),
    ]
    plain, wide = (
        json.loads(CliRunner().invoke(app, [*command, "--metric", "nDCG", "--format", "json", *more]).stdout)[0]
        for more in ([], ["--expand"])
    )
    assert wide["measures"]["nDCG"] > plain["measures"]["nDCG"] and wide["method"] == "search(expand=true)"
