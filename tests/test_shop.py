"""The library's face: what the command line can do, Python does in as many lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import small_shop

import mmsearch
from mmsearch.catalog.report import IngestReport
from mmsearch.errors import EXIT_DONE, EXIT_REJECTED, InputError, StoreError, UsageError
from mmsearch.search.query import Part, Query, make_query
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only."""
    return small_shop.make(tmp_path_factory.mktemp("shop"))


def test_from_a_file_to_hits(tmp_path: Path) -> None:
    shop = mmsearch.open(str(tmp_path / "store.lancedb"))
    report = shop.ingest(small_shop.write_catalogue(tmp_path))
    assert isinstance(report, IngestReport)
    assert (report.new, report.exit_code) == (40, EXIT_DONE)
    embedded = shop.embed(text="fake-text", image="fake-image")
    assert {m.modality: m.new for m in embedded.modalities} == {"text": 38, "image": 37}
    assert embedded.exit_code == EXIT_DONE
    assert shop.fuse("fake-fuser").name == "fake-fuser"
    assert [hit.id for hit in shop.search("red shoe", image=str(tmp_path / "photos/red-shoe.png"), k=1)] == ["red-shoe"]
    assert shop.embed().modalities[0].unchanged == 38, "the store knows its encoders"


def test_opening_costs_nothing_and_the_place_is_told_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_STORE", str(tmp_path / "named"))
    shop = mmsearch.open()
    assert shop.store.path == str(tmp_path / "named")
    assert not (tmp_path / "named").exists()
    with pytest.raises(StoreError, match="there is no store"):
        shop.search("red")
    assert not (tmp_path / "named").exists(), "asking makes no store"


@pytest.mark.parametrize("ask", ["embed", "fuse", "info", "recommend", "evaluate_recommend"])
def test_every_command_but_ingest_needs_a_store(tmp_path: Path, ask: str) -> None:
    shop = Shop(tmp_path / "nothing")
    request = {"recommend": lambda: shop.recommend("u"), "evaluate_recommend": lambda: shop.evaluate_recommend(["popular"], ["HR@3"])}
    with pytest.raises(StoreError, match=r"there is no store at .*nothing") as raised:
        request.get(ask, lambda: getattr(shop, ask)())()
    assert "mmsearch ingest" in str(raised.value.hint)
    assert not (tmp_path / "nothing").exists()


def test_a_folder_of_something_else_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="is not an mmsearch store"):
        Shop(tmp_path).search("red")


def test_a_store_of_a_newer_version(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    shop.store.record.put("format", {"version": 99, "written_by": "9.9"})
    with pytest.raises(StoreError, match=r"written by mmsearch 9\.9 \(store format 99\)") as raised:
        Shop(shop.store.path).search("red")
    assert "pip install --upgrade mmsearch" in str(raised.value.hint)


def test_one_part_or_several(shop: Shop) -> None:
    assert shop.search("red shoe", k=5).hits == shop.search(["red shoe"], k=5).hits
    both = shop.search(["red", "shoe^2"], like=("red-hat",), k=5)
    assert {c.part for c in both.hits[0].explain} == {"text: red", "text: shoe", "like: red-hat", "understood"}


MEDIA = ("image", "audio", "speech", "video", "not_image", "not_video")
WORDS = ("text", "like", "not_text", "unlike")


def parts(shop: Shop, monkeypatch: pytest.MonkeyPatch, **given: Any) -> list[Part]:
    """The parts of the query that `search` makes of one parameter; beside a negative one stands a text."""
    asked: list[Query] = []
    monkeypatch.setattr(Shop, "search_many", lambda self, queries, **_: (asked.append(queries[""]), {"": None})[1])
    negative = any(name.startswith(("not_", "unlike")) for name in given)
    shop.search(**({"text": "red"} if negative else {}), **given)
    return list(asked[0].parts[negative:])


@pytest.mark.parametrize("name", MEDIA)
def test_media_are_given_by_one_path_or_several(shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind, negative = name.removeprefix("not_"), name.startswith("not_")
    usual = 0.5 if negative else 1.0

    def made(value: Any) -> list[tuple[str, str, float, bool]]:
        return [(p.kind, p.content, p.weight, p.negative) for p in parts(shop, monkeypatch, **{name: value})]

    assert made("a.b") == made(Path("a.b")) == made(["a.b"]) == made((Path("a.b"),)) == [(kind, "a.b", usual, negative)]
    assert made(iter(["a.b^2", Path("c/d")])) == [(kind, "a.b", 2.0, negative), (kind, "c/d", usual, negative)]
    assert made(Path("x^2.b")) == made(r"x\^2.b") == [(kind, "x^2.b", usual, negative)], "a Path has no weight"
    for wrong in (5, [5], b"a.b", [b"a.b"], ["a.b", None]):
        with pytest.raises(UsageError, match="where a path"):
            made(wrong)


@pytest.mark.parametrize("name", WORDS)
def test_texts_and_ids_are_one_or_several(shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def made(value: Any) -> list[str]:
        return [p.content for p in parts(shop, monkeypatch, **{name: value})]

    assert made("a b") == made(["a b"]) == made(iter(["a b"])) == ["a b"]
    assert made(("a", "b^2")) == ["a", "b"]
    for wrong in (5, [5], b"a", Path("a.jpg"), [Path("a.jpg")]):
        with pytest.raises(UsageError, match="where a text is wanted") as raised:
            made(wrong)
        assert raised.value.hint is not None and "media are given by their paths" in raised.value.hint


def test_a_photo_by_its_path(shop: Shop) -> None:
    photo = Path(shop.store.path).parent / "photos" / "red-shoe.png"
    assert shop.search(image=photo, k=5).hits == shop.search(image=str(photo), k=5).hits == shop.search(image=[photo], k=5).hits


def test_photos_that_cannot_be_embedded_are_listed_and_their_products_stay(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    small_shop.paint(tmp_path / "good.png", "red", "hat")
    rows = [{"id": f"p{n}", "title": f"red hat {n}", "images": ["good.png", "broken.jpg"][n : n + 1]} for n in range(2)]
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    report = shop.embed(text="fake-text", image="fake-image", rejects=str(tmp_path / "rejects.jsonl"))
    assert report.exit_code == EXIT_REJECTED
    assert report.reject_file == str(tmp_path / "rejects.jsonl")
    (line,) = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (line["id"], line["modality"], line["part"]) == ("p1", "image", "broken.jpg")
    assert line["_reason"]
    assert [hit.id for hit in shop.search("red hat 1", k=1)] == ["p1"]


def test_a_search_that_an_embed_switches_the_encoder_under(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its look at the record and its look at the vectors: a query of the old encoder never meets vectors of the new one."""
    from mmsearch.search.engine import Engine
    from mmsearch.search.query_vectors import QueryVectors

    shop = small_shop.make(tmp_path, fuse=False, events=False)
    expected = [hit.id for hit in shop.search("red shoe", k=3)]
    real, switched = QueryVectors.encode, []

    def encode(self: QueryVectors, parts: object) -> object:
        vectors = real(self, parts)  # type: ignore[arg-type]
        if not switched:
            switched.append(1)
            Shop(shop.store.path).embed(text="fake-text(seed=4)")
        return vectors

    monkeypatch.setattr(QueryVectors, "encode", encode)
    hits = Shop(shop.store.path).search("red shoe", k=3).hits
    assert hits == Shop(shop.store.path).search("red shoe", k=3).hits
    assert hits[0].id == expected[0]
    assert switched
    with pytest.raises(StoreError, match="gone"):
        monkeypatch.setattr(Engine, "search", lambda *_, **__: (_ for _ in ()).throw(StoreError("gone")))
        shop.search("red shoe")


def test_evaluating_search_gives_the_numbers_and_the_run(shop: Shop) -> None:
    queries = {"q1": make_query(["red shoe"]), "q2": make_query(["blue hat"]), "unjudged": make_query(["cup"])}
    qrels = {"q1": {"red-shoe": 1}, "q2": {"nowhere": 1}, "q3": {"red-hat": 1}}
    evaluation, run = shop.evaluate_search(queries, qrels, ["RR", "R@1"], k=20)
    assert dict(evaluation.means) == {"RR": pytest.approx(1 / 3), "R@1": pytest.approx(1 / 3)}
    assert evaluation.missing == ("q3",)
    assert list(run) == ["q1", "q2"]
    alone = {hit.id: hit.score for hit in shop.search("red shoe", k=20)}
    assert run["q1"] == pytest.approx(alone, abs=1e-6), "a batch is one product of matrices, which rounds otherwise"


def test_a_run_is_as_deep_as_the_measures_look(shop: Shop) -> None:
    queries, qrels = {"q": make_query(["red shoe"])}, {"q": {"red-shoe": 1}}
    depths = {
        tuple(measures): len(shop.evaluate_search(queries, qrels, measures)[1]["q"]) for measures in (["P@3"], ["P@3", "R@7"], ["AP"])
    }
    assert depths == {("P@3",): 3, ("P@3", "R@7"): 7, ("AP",): 39}


@pytest.mark.parametrize(
    ("measures", "qrels", "k", "error", "message"),
    [
        ([], {"q": {"a": 1}}, None, UsageError, "nothing to measure"),
        (["nope@3"], {"q": {"a": 1}}, None, UsageError, "there is no measure 'nope'"),
        (["P@3"], {"other": {"a": 1}}, None, InputError, "no query of the queries file is in the qrels"),
        (["P@3"], {"q": {"a": 1}}, 0, UsageError, "-k must be at least 1"),
    ],
)
def test_what_cannot_be_evaluated(
    shop: Shop, measures: list[str], qrels: dict[str, dict[str, int]], k: int | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        shop.evaluate_search({"q": make_query(["red"])}, qrels, measures, k=k)


def test_evaluating_recommenders(shop: Shop) -> None:
    rows = shop.evaluate_recommend(["popular", "content"], ["HR@5"])
    assert [row["method"] for row in rows] == ["popular", "content"]
    assert all(row["queries"] == 24 and row["split"] == "leave-last-out(part=test)" for row in rows)
    assert rows[1]["measures"]["HR@5"] == 1


def test_info_tells_what_the_store_holds(shop: Shop) -> None:
    info = shop.info()
    assert (info["products"], info["interactions"], info["store"]) == (40, 138, shop.store.path)
    assert info["encoders"]["text"] == {"encoder": "fake-text", "dim": 64, "vectors": 38}
    assert {"title", "colour", "stock"} <= set(info["attributes"])
    profile = info["profiles"]["fake-fuser"]
    assert (profile["method"], profile["version"], profile["default"]) == ("fake-fuser", 1, True)
    json.dumps(info)
