"""The page of `mmsearch search --html`."""

from __future__ import annotations

import dataclasses
import doctest
import itertools
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import fake_videos
import pytest
import small_shop
from hypothesis import given, settings
from hypothesis import strategies as st
from page_tree import HOSTILE, Tree

from mmsearch.search.hits import Contribution, Hit, Result
from mmsearch.search.query import Query, make_query
from mmsearch.shop import Shop
from mmsearch.web import breakdown, query_parts
from mmsearch.web import page as page_module
from mmsearch.web import search_page as module
from mmsearch.web.search_page import search_page
from mmsearch.web.thumbnails import Thumbnails


@dataclasses.dataclass(frozen=True)
class WithFacets(Result):
    facets: list[dict[str, Any]] = dataclasses.field(default_factory=list)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search-page")


@pytest.fixture(scope="module")
def shop(folder: Path) -> Shop:
    return small_shop.make(folder, events=False)


def answered(shop: Shop, query: Query, k: int = 5) -> tuple[str, Result]:
    results = shop.search_many({"": query}, k=k)
    return search_page(shop, {"": query}, results).html, results[""]


def words(page: str) -> str:
    return " ".join(" ".join(Tree(page).texts).split())


def test_hits_with_pictures_scores_and_what_they_are_made_of(shop: Shop, folder: Path) -> None:
    photo = folder / "photos" / "red-shoe.png"
    page, result = answered(shop, make_query(["red^0.5"], image=[str(photo)], not_text=["lamp"]))
    tree = Tree(page)
    assert tree.open == []
    assert len(tree.all("article")) == len(result) == 5
    assert len(tree.all("img")) == 6, "the photo of the query, too"
    shown = words(page)
    for hit in result:
        assert hit.id in shown
        assert f"{hit.score:.4f}" in shown
        for one in hit.explain:
            assert f"{abs(one.contribution):.4f}" in shown
    for text in (
        "red + photo red-shoe.png",
        "weight 0.5",
        "not lamp",
        "photo red-shoe.png → image",
        "5 of ",
        "Kandel · 10",
    ):
        assert text in shown
    assert str(folder / "photos") not in shown, "folders are nobody's business"


def test_numbers_add_up_to_the_score(shop: Shop) -> None:
    page, result = answered(shop, make_query(["red shoe"], not_text=["hat"]), k=12)
    tables = re.findall(r"<table>.*?</table>", page)
    assert len(tables) == len(result)
    for table, hit in zip(tables, result, strict=True):
        *pieces, total = [float(v.replace("\u2212", "-")) for v in re.findall(r"<td>([^<]*)</td>", table)]
        assert total == pytest.approx(hit.score, abs=5e-5)
        assert sum(pieces) == pytest.approx(total, abs=1e-4 * len(pieces))
    assert any(c.contribution < 0 for hit in result for c in hit.explain), "something lowers a score"
    assert ' less"' in page and "striped" in page
    for bar in re.findall(r"<div class=stack.*?</div>", page):
        for left, width in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", bar):
            assert float(left) + float(width) <= 100.02


def test_what_an_explanation_leaves_out_is_shown_as_such(shop: Shop) -> None:
    told = Contribution("text: red", "text", 1.0, 0.5, 0.25)
    hit = Hit(1, "red-shoe", 1.0, "Red shoe", {}, [told])
    page = search_page(shop, {"": make_query(["red"])}, {"": Result([hit], 1)}).html
    assert "everything else" in page and "+0.7500" in page
    page = search_page(shop, {"": make_query(["red"])}, {"": Result([dataclasses.replace(hit, explain=[])], 1)}).html
    assert "everything else" not in page and "<details" not in page and "1.0000" in page


def test_words_of_one_kind_have_one_colour(shop: Shop) -> None:
    told = [
        Contribution("text: red", kind, 1.0, 0.5, value)
        for kind, value in (("words: red (title)", 0.5), ("image", 2.0), ("words: x", 0.25))
    ]
    page = search_page(shop, {"": make_query(["red"])}, {"": Result([Hit(1, "red-shoe", 2.75, "Red shoe", {}, told)], 1)}).html
    legend = page[page.index("<div class=legend") : page.index("</ul></div>")]
    assert re.findall(r"<span dir=auto>([^<]*)<", legend) == ["image", "words"]
    assert re.findall(r'<i class="(c\d)"></i><span dir=auto>([^<]*)<', page[page.index("<table") :]) == [
        ("c0", "image"),
        ("c1", "words: red (title)"),
        ("c1", "words: x"),
    ]


def test_places_of_a_later_page(shop: Shop) -> None:
    hits = [Hit(rank, "red-shoe", 1.0, "Red shoe") for rank in (1_011, 1_012)]
    page = search_page(shop, {"": make_query(["red"])}, {"": Result(hits, 3_000)}).html
    assert "1,011 to 1,012 of 3,000 products" in page
    assert "1 product<" in search_page(shop, {"": make_query(["red"])}, {"": Result(hits[:1], 1)}).html


def test_a_query_of_filters_alone(shop: Shop) -> None:
    page = search_page(shop, {"": Query((), ("price < 9",))}, {"": Result([Hit(1, "red-shoe", 0.0, "Red shoe")], 1)}).html
    shown = words(page)
    assert "All products Only where price < 9 1 product" in shown
    assert "score" not in shown.partition("</style>")[2] and "<div class=made" not in page


def test_the_photo_that_matched(shop: Shop, folder: Path) -> None:
    second = folder / "photos" / "second.png"
    page, result = answered(shop, make_query(image=[str(second)], within="image"), k=40)
    hit = next(hit for hit in result if hit.id == small_shop.TWO_PHOTOS)
    assert hit.matched == {"image": "photos/second.png"}
    card = next(card for card in page.split("<article")[1:] if "<code><bdi>red-shoe<" in card)
    assert str(Thumbnails().of(second)[0]) in card
    assert "Fits best: photo 2 of 2" in page
    assert "photo 1 of 1" not in page


def test_what_has_no_picture(tmp_path: Path) -> None:
    small_shop.paint(tmp_path / "gone.png", "red", "hat")
    (tmp_path / "clip.mp4").write_bytes(fake_videos.video([fake_videos.scene(fake_videos.COLOURS[0])] * 5))
    rows = [
        {"id": "gone", "title": "shoe a", "images": "gone.png"},
        {"id": "web", "title": "shoe b", "images": "https://shop.example/a.jpg"},
        {"id": "none", "title": "shoe c"},
        {"id": "clip", "title": "shoe d"},
    ]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="fake-text", image="fake-image")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "clip", "title": "shoe d", "video": "clip.mp4"}]))
    (tmp_path / "gone.png").unlink()
    page, result = answered(shop, make_query(["shoe"]))
    assert len(result) == 4
    assert sorted(re.findall(r"<div class=picture><b class=rank>\d</b><span>([^<]*)<", page)) == [
        "missing",
        "no photo",
        "on the web, not fetched",
    ]
    assert Tree(page).all("img")[0]["alt"] == "shoe d", "a clip shows its first frame"
    assert "shop.example" not in page


def test_a_shop_without_photos_has_no_empty_frames(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": id, "title": f"shoe {id}"} for id in "ab"]))
    shop.embed(text="fake-text")
    page, _ = answered(shop, make_query(["shoe"]))
    assert "store.lancedb" in page and str(tmp_path) not in page, "pages are mailed"
    assert "<div class=picture" not in page and "no photo" not in page
    assert re.findall(r"<b class=rank>(\d)</b><h3", page) == ["1", "2"], "places are still said"


def test_a_batch(shop: Shop) -> None:
    queries = {"q1": make_query(["red shoe"]), "q2": make_query(["帽子"], where="price < 0"), "q3": make_query(like=["blue-cup"])}
    results = shop.search_many(queries, k=3)
    page = search_page(shop, queries, results)
    tree = Tree(page.html)
    assert page.left_out == []
    assert [a["href"] for a in tree.all("a")] == ["#q0", "#q1", "#q2"]
    shown = words(page.html)
    for text in ("3 searches", "No product was found.", "Only where price < 0", "no product matches price < 0", "like blue-cup"):
        assert text in shown
    assert len(tree.all("article")) == 6


def test_facets_where_a_result_has_them(shop: Shop) -> None:
    query = make_query(["red shoe"])
    result = shop.search_many({"": query}, k=3)[""]
    values = [{"value": "Ulm", "count": 1200, "where": "brand = 'Ulm'"}, {"value": 5, "count": 300, "where": "brand = '<5'"}]
    found = WithFacets(result.hits, result.candidates, facets=[{"facet": "brand", "values": values, "more": 7, "missing": 4}])
    page = search_page(shop, {"": query}, {"": found}).html
    shown = words(page)
    assert "and 7 more" in shown
    assert "1,200" in shown and "not given 4" in shown and "brand = '<5'" in shown
    assert "width:25%" in page
    assert "<aside" not in search_page(shop, {"": query}, {"": result}).html
    none = WithFacets(result.hits, result.candidates, facets=[{"facet": "colour", "values": [], "missing": 0}])
    assert "no product has it" in search_page(shop, {"": query}, {"": none}).html


def test_a_page_stays_small_and_says_what_it_leaves_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    query = make_query(["red shoe"])
    results = shop.search_many({"": query}, k=40)
    monkeypatch.setattr(module, "CARDS", 7)
    page = search_page(shop, {"": query}, results)
    assert len(Tree(page.html).all("article")) == 7
    assert page.left_out == ["products beyond the first 7 are left out: a page shows 7"]
    batch = {f"q{n}": query for n in range(3)}
    page = search_page(shop, batch, shop.search_many(batch, k=5))
    assert len(Tree(page.html).all("article")) == 6
    assert page.left_out == ["products of 3 searches beyond the first 2 are left out: a page shows 7"]
    batch = {f"q{n}": query for n in range(9)}
    page = search_page(shop, batch, shop.search_many(batch, k=1))
    assert len(Tree(page.html).all("article")) == 7
    assert page.left_out == ["2 searches are left out: a page shows 7"]
    monkeypatch.setattr(module, "PICTURES", 2_000)
    page = search_page(shop, {"": query}, shop.search_many({"": query}, k=7))
    shown = len(Tree(page.html).all("img"))
    assert 0 < shown < 7
    assert page.left_out == [f"{7 - shown} pictures are left out, so that the page still opens"]
    assert page.left_out[0] in words(page.html)


def test_a_text_of_any_length(shop: Shop) -> None:
    page, _ = answered(shop, make_query(["shoe " * 3_000]))
    assert len(page) < 100_000
    assert "(14,999 characters)" in page


ANYTHING = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.sampled_from(HOSTILE))


@settings(max_examples=60)
@given(ANYTHING)
def test_whatever_is_said_is_text(shop: Shop, said: str) -> None:
    def page(text: str) -> Tree:
        part = f"text: {text}"
        hit = Hit(
            1,
            text,
            0.5,
            text,
            {"image": text},
            [Contribution(part, text, 1.0, 0.5, 0.75), Contribution(part, "(another)", 1.0, 0.5, -0.25)],
        )
        query = dataclasses.replace(make_query(["a b", "c"], where=text), within=text)
        query = dataclasses.replace(query, parts=tuple(dataclasses.replace(p, content=text) for p in query.parts))
        facets = [{"facet": text, "values": [{"value": text, "count": 1, "where": text}], "missing": 1}]
        found = WithFacets([hit], 1, [text], facets)
        return Tree(search_page(shop, {text: query, "other": query}, {text: found, "other": found}).html)

    mine, plain = page(said), page("plain")
    assert mine.open == []
    same, other = ([one for one in tree.shape() if one[0] != "mark"] for tree in (mine, plain))  # only words are marked
    assert same == other
    assert {tag for tag, _ in mine.tags}.isdisjoint({"script", "iframe", "object", "link", "form"})
    assert not any(name.startswith("on") for _, attributes in mine.tags for name in attributes)


def test_landmarks_headings_and_names(shop: Shop) -> None:
    single, _ = answered(shop, make_query(["red shoe", "bag"]))
    queries = {"q1": make_query(["red shoe"]), "q2": make_query(["hat"])}
    batch = search_page(shop, queries, shop.search_many(queries, k=3)).html
    for page in (single, batch):
        tree = Tree(page)
        tags = [tag for tag, _ in tree.tags]
        assert [tags.count(tag) for tag in ("header", "main", "footer", "h1", "title")] == [1] * 5
        assert tree.all("html") == [{"lang": "en"}]
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
        ids = [a["id"] for _, a in tree.tags if "id" in a]
        assert len(set(ids)) == len(ids)
        assert {a["aria-labelledby"] for _, a in tree.tags if "aria-labelledby" in a} <= set(ids)
        assert {str(a["href"])[1:] for a in tree.all("a")} <= set(ids)
        assert all(a.get("alt") for a in tree.all("img"))
        assert all(a.get("aria-label") for _, a in tree.tags if a.get("role") == "img")
        assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
        assert "http://" not in page and "https://" not in page and "url(" not in page and "@import" not in page


def test_contrast_in_both_themes(shop: Shop) -> None:
    page, _ = answered(shop, make_query(["red shoe"]))
    style = page[page.index("<style>") : page.index("</style>")]
    dark = "".join(re.findall(r"@media \(prefers-color-scheme: dark\) \{(.*?\})\s*\}", style, re.DOTALL))
    light = re.sub(r"@media \(prefers-color-scheme: dark\) \{.*?\}\s*\}", "", style, flags=re.DOTALL)
    for theme in (light, dark):
        colours = dict(re.findall(r"--([\w]+): (#[0-9a-f]{3,6})", theme))
        assert {"back", "card", "code", "bar", "ink", "soft", "mark", "focus", "c0", "c6", "rest"} <= set(colours)
        for ground in ("back", "card", "code"):
            for ink in ("ink", "soft"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for ground in ("back", "card"):
            assert contrast(colours["mark"], colours[ground]) >= 4.5
            assert contrast(colours["focus"], colours[ground]) >= 3
        for piece in [*(f"c{n}" for n in range(7)), "rest", "soft"]:
            for ground in ("card", "bar"):
                assert contrast(colours[piece], colours[ground]) >= 3, (piece, ground)


def contrast(one: str, other: str) -> float:
    """Of two colours, by WCAG 2.2: 1 to 21."""
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * d for d in colour[1:])
    channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("documented", [breakdown, page_module, query_parts, module])
def test_examples(documented: ModuleType) -> None:
    outcome = doctest.testmod(documented)
    assert outcome.attempted and not outcome.failed
