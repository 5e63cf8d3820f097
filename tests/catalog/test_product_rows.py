"""Rows of a catalogue → products."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from fake_sounds import tone, written
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmsearch.catalog.clean import Cleaner
from mmsearch.catalog.media_check import MediaCheck, media_path
from mmsearch.catalog.problems import BadRow, shown
from mmsearch.catalog.product_rows import ProductRows
from mmsearch.catalog.records import Product, record_id
from mmsearch.media import MediaError
from mmsearch.store.attributes import CORE

_FIELDS = tuple(CORE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    Image.new("RGB", (4, 4)).save(folder / "good.png")
    (folder / "text.jpg").write_text("this is no photo")
    (folder / "sound.mp3").write_bytes(written(tone(440, 0.2)))
    (folder / "empty.mp3").write_bytes(b"")
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    return folder


def to_product(
    values: dict[str, Any],
    mapping: dict[str, str | tuple[str, ...]],
    *,
    typed: bool = True,
    folder: Path = Path("/none"),
    allow_outside: bool = False,
    languages: dict[str, tuple[str, str]] | None = None,
) -> Product:
    columns = {name: (column,) if isinstance(column, str) else column for name, column in mapping.items()}
    rows = ProductRows(columns, languages or {}, MediaCheck(allow_outside), Cleaner())
    id = record_id(values.get(columns["id"][0]), "id", columns["id"][0])
    return rows.product(id, values, typed=typed, folder=str(folder))


def product(
    values: dict[str, Any], folder: Path = Path("/none"), *, typed: bool = True, allow_outside: bool = False, **names: str
) -> Product:
    mapping: dict[str, str | tuple[str, ...]] = {name: name for name in _FIELDS if name in values or name == "id"} | names
    return to_product(values, mapping, typed=typed, folder=folder, allow_outside=allow_outside)


def problems(made: Product) -> list[str]:
    return [str(p) for p in made.problems]


# -- ids ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "id"),
    [
        ("A-1", "A-1"),
        (" A 1\n", "A 1"),
        (5, "5"),
        (5.0, "5"),
        (5.5, "5.5"),
        (10**30, str(10**30)),
        ("007", "007"),
        ("商品", "商品"),
        ("x" * 512, "x" * 512),
    ],
)
def test_ids(value: Any, id: str) -> None:
    assert product({"id": value}).id == id


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no id (column id)"),
        ("", "no id (column id)"),
        (" \x00\u200b", "no id (column id)"),
        (True, "bad id (True is neither text nor a number)"),
        ([1], "bad id ([1] is neither text nor a number)"),
        ({"a": 1}, "bad id ({'a': 1} is neither text nor a number)"),
        (math.nan, "bad id (nan is neither text nor a number)"),
        (math.inf, "bad id (inf is neither text nor a number)"),
        ("x" * 513, "bad id (513 characters, 512 are allowed)"),
    ],
)
def test_what_is_no_id(value: Any, reason: str) -> None:
    with pytest.raises(BadRow) as caught:
        product({"id": value})
    assert str(caught.value) == reason


def test_a_row_without_the_column() -> None:
    with pytest.raises(BadRow, match=r"no id \(column sku\)"):
        to_product({"title": "x"}, {"id": "sku"})


# -- fields ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("<b>Red</b> shoe", "Red shoe"),
        ("  ", None),
        ("<br>", None),
        (None, None),
        ([], None),
        (42, "42"),
        (42.0, "42"),
        (True, "true"),
        (["Shoes", None, "Men", 5], "Shoes, Men, 5"),
        (math.nan, None),
        ("bro\ud83dken", "broken"),
        ("x" * 150_000, "x" * 100_000),
    ],
)
def test_texts(value: Any, text: str | None) -> None:
    assert product({"id": 1, "title": value}).fields == {"title": text}


@pytest.mark.parametrize("value", [{"main": "shoe"}, {"en": 5}, {"en": "shoe", "x": {}}])
def test_an_object_is_no_text(value: dict[str, Any]) -> None:
    made = product({"id": 1, "title": value})
    assert made.fields == {"title": None}
    assert problems(made) == [f"title: not a text ({value})"]


def test_an_object_of_languages_is_a_text_in_each() -> None:
    made = product({"id": 1, "title": {"en": "Red  shoe", "zh-CN": "红鞋"}})
    assert made.fields == {"title": "Red shoe"}
    assert made.attributes == {"title_en": ("text", "Red shoe"), "title_zh": ("text", "红鞋")}


def test_columns_of_languages() -> None:
    languages = {"名称_zh": ("title", "zh"), "name en": ("title", "en")}
    made = to_product({"id": 1, "名称_zh": "红鞋", "name en": "Red shoe"}, {"id": "id"}, languages=languages)
    assert (made.fields, made.attributes) == ({"title": "红鞋"}, {"title_zh": ("text", "红鞋"), "title_en": ("text", "Red shoe")})
    made = to_product({"id": 1, "title": "Shoe", "名称_zh": "红鞋"}, {"id": "id", "title": "title"}, languages=languages)
    assert (made.fields, made.attributes) == ({"title": "Shoe"}, {"title_zh": ("text", "红鞋")})
    made = to_product({"id": 1, "名称_zh": "", "name en": "Red shoe"}, {"id": "id"}, languages=languages)
    assert (made.fields, made.cleared) == ({"title": "Red shoe"}, ["title_zh"])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("Shoes>Men", "Shoes > Men"),
        (["Shoes", None, "Men", 5], "Shoes > Men > 5"),
        ("TV & Audio", "TV & Audio"),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_categories(value: Any, path: str | None) -> None:
    assert product({"id": 1, "category": value}).fields == {"category": path}


@pytest.mark.parametrize(
    ("value", "stock", "problem"),
    [
        ("12", 12.0, None),
        (3, 3.0, None),
        (True, 1.0, None),
        ("1,200", 1200.0, None),
        ("-2", -2.0, None),
        ("", None, None),
        ("many", None, "stock: not a number ('many')"),
    ],
)
def test_stock(value: Any, stock: float | None, problem: str | None) -> None:
    made = product({"id": 1, "stock": value})
    assert (made.fields, problems(made)) == ({"stock": stock}, [problem] if problem else [])


def test_a_formula_stays_a_text() -> None:
    made = product({"id": "=cmd()", "title": "=cmd|' /C calc'!A0", "note": "=1+1", "__proto__": "x"}, typed=False)
    assert (made.id, made.fields) == ("=cmd()", {"title": "=cmd|' /C calc'!A0"})
    assert made.attributes == {"note": ("text", "=1+1"), "__proto__": ("text", "x")}


@pytest.mark.parametrize(
    ("value", "price", "currency"),
    [
        ("$5.50", 5.5, "USD"),
        ("5", 5.0, None),
        (5, 5.0, None),
        (5.25, 5.25, None),
        (1e-05, 1e-05, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_prices(value: Any, price: float | None, currency: str | None) -> None:
    made = product({"id": 1, "price": value})
    assert made.fields == {"price": price} | ({"currency": currency} if currency else {})
    assert made.problems == []


@pytest.mark.parametrize("value", ["cheap", -1, True, [5], {"a": 1}, 10**400, math.inf, "-5"])
def test_a_bad_price_costs_only_itself(value: Any) -> None:
    made = product({"id": 1, "title": "x", "price": value})
    assert made.fields == {"title": "x", "price": None}
    assert [p.kind for p in made.problems] == ["price: not usable"]


@pytest.mark.parametrize("columns", [["price", "currency"], ["currency", "price"]])
def test_a_currency_column_wins_over_the_one_in_the_price(columns: list[str]) -> None:
    values = {"price": "$5", "currency": "CAD"}
    assert product({"id": 1, **{c: values[c] for c in columns}}).fields["currency"] == "CAD"
    assert product({"id": 1, **{c: (values | {"currency": ""})[c] for c in columns}}).fields["currency"] == "USD"


def test_one_column_may_serve_two_fields() -> None:
    for mapping in ({"id": "name", "title": "name"}, {"title": "name", "id": "name"}):
        made = to_product({"name": "A1"}, mapping, typed=False)
        assert (made.id, made.fields, made.attributes) == ("A1", {"title": "A1"}, {})


def test_a_field_that_the_row_does_not_have_is_left_alone() -> None:
    made = to_product({"id": "1"}, {"id": "id", "title": "title"})
    assert made.fields == {}


# -- attributes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "typed", "untyped"),
    [
        (42, ("number", 42.0), None),
        (4.5, ("number", 4.5), None),
        (True, ("bool", True), None),
        (10**15 - 1, ("number", 1e15 - 1), None),
        (10**15, ("text", str(10**15)), None),  # a code: as a float it would be rounded
        (10**400, ("text", str(10**400)), None),
        (math.inf, ("text", "inf"), None),
        (["a", 5, 2.0, True, None, "", " b "], ("list", ["a", "5", "2", "true", "b"]), None),
        ([{"x": "é"}, [1]], ("list", ['{"x": "é"}', "[1]"]), None),
        ("42", ("text", "42"), ("number", 42.0)),
        ("-4.50", ("text", "-4.50"), ("number", -4.5)),
        ("007", ("text", "007"), ("text", "007")),
        ("4006381333931000", ("text", "4006381333931000"), ("text", "4006381333931000")),
        ("TRUE", ("text", "TRUE"), ("bool", True)),
        ("M", ("text", "M"), ("text", "M")),
        ("2024-02-20", ("time", 1_708_387_200.0), ("time", 1_708_387_200.0)),
        ("2024-02-20T10:00:00Z", ("time", 1_708_423_200.0), ("time", 1_708_423_200.0)),
        ("2024-02-20 12:00+02:00", ("time", 1_708_423_200.0), ("time", 1_708_423_200.0)),
        ("2024-02-30", ("text", "2024-02-30"), ("text", "2024-02-30")),
        ("４２", ("text", "42"), ("number", 42.0)),
        ("run;sport|trail", ("text", "run;sport|trail"), ("list", ["run", "sport", "trail"])),
        (f"Prose; {'with a semicolon' * 5}", ("text", f"Prose; {'with a semicolon' * 5}"), ("text", f"Prose; {'with a semicolon' * 5}")),
    ],
)
def test_attribute_types(value: Any, typed: tuple[str, Any], untyped: tuple[str, Any] | None) -> None:
    """JSON values have types of their own; a CSV cell is what it looks like."""
    assert product({"id": 1, "size": value}).attributes == {"size": typed}
    if untyped is not None:
        assert product({"id": 1, "size": value}, typed=False).attributes == {"size": untyped}


@pytest.mark.parametrize("value", [None, "", "  ", "<br>", [], math.nan])
def test_an_empty_cell_clears(value: Any) -> None:
    made = product({"id": 1, "size": value})
    assert (made.attributes, made.cleared) == ({}, ["size"])


def test_nested_objects_become_dotted_names() -> None:
    made = product({"id": 1, "spec": {"screen": {"size": 6.1, "kind": "OLED"}, "ports": ["usb"], "old": None, "": 5}})
    assert made.attributes == {
        "spec.screen.size": ("number", 6.1),
        "spec.screen.kind": ("text", "OLED"),
        "spec.ports": ("list", ["usb"]),
        "spec.": ("number", 5.0),
    }
    assert made.cleared == ["spec.old"]


def test_names_of_attributes() -> None:
    made = product({"id": 1, "_line": 5, "__proto__": 1, "Ｓｉｚｅ  (cm)": 1, "<b></b>": 2, "title": "x"}, title="title")
    assert made.attributes == {"__proto__": ("number", 1.0), "Size (cm)": ("number", 1.0)}
    assert to_product(
        {"id": 1, "price": 5, "sale": 4}, {"id": "id", "price": "sale"}, typed=True, folder=Path(), allow_outside=False
    ).attributes == {"original_price": ("number", 5.0)}


# -- media -------------------------------------------------------------------------------------------------------------


def test_photos(folder: Path) -> None:
    made = product({"id": 1, "images": "good.png; ./good.png|missing.png;text.jpg;http://x.org/a.jpg;good.png"}, folder)
    assert made.fields["images"] == ["good.png", "./good.png", "missing.png", "text.jpg", "http://x.org/a.jpg"]
    assert [p.detail for p in made.problems] == ["missing.png", "text.jpg", "http://x.org/a.jpg"]
    kinds = [p.kind for p in made.problems]
    assert kinds[0] == "images: missing"
    assert kinds[1].startswith("images: ")
    assert "text" in kinds[1]
    assert kinds[2] == "images: a web address is kept but not fetched"


def test_sounds(folder: Path) -> None:
    made = product({"id": 1, "audio": ["sound.mp3", "empty.mp3", "x" * 300], "video": "."}, folder)
    assert made.fields == {"audio": ["sound.mp3", "empty.mp3", "x" * 300], "video": ["."]}
    assert [p.kind for p in made.problems] == ["audio: empty file", "audio: missing", "video: a folder, not a file"]


@pytest.mark.parametrize("item", ["../secret.png", "/etc/passwd", "link.png", "a/../../secret.png"])
def test_a_path_outside_is_not_kept(folder: Path, item: str) -> None:
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    made = product({"id": 1, "images": ["good.png", item]}, folder)
    assert made.fields["images"] == ["good.png"]
    assert problems(made) == [f"images: outside the catalogue's folder; allow it with --allow-outside ({item!r})"]
    allowed = product({"id": 1, "images": [item]}, folder, allow_outside=True)
    assert allowed.fields["images"] == [item]
    assert media_path("good.png", folder, allow_outside=False) == folder / "good.png"


def test_a_photo_named_outside_is_kept(folder: Path) -> None:
    assert product({"id": 1, "images": "outside.jpg"}, folder).fields["images"] == ["outside.jpg"]


@pytest.mark.parametrize("item", ["a\x00.png", "a\x1fb.png", "a\nb.png", "\ud800.png"])
def test_a_name_that_no_file_has_is_not_kept(folder: Path, item: str) -> None:
    with pytest.raises(MediaError, match="not a usable path"):
        media_path(item, folder)
    made = product({"id": 1, "images": [item]}, folder)
    assert made.fields["images"] is None
    assert [p.kind for p in made.problems] == ["images: not a usable path"]


def test_a_loop_of_links(folder: Path) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    made = product({"id": 1, "images": "loop", "audio": "loop"}, folder)
    assert len(made.problems) == 2


@pytest.mark.parametrize("value", ["", None, [], " ; "])
def test_no_photos(folder: Path, value: Any) -> None:
    assert product({"id": 1, "images": value}, folder).fields == {"images": None}


# -- anything ----------------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("\ud800"), st.just(10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(values=st.dictionaries(st.one_of(st.sampled_from(_FIELDS), st.text(max_size=5)), _json, max_size=6), typed=st.booleans())
def test_any_row_is_a_product_that_can_be_stored_or_a_bad_row(values: dict[str, Any], typed: bool) -> None:
    try:
        made = product(values, typed=typed)
    except BadRow:
        return
    for kind, value in made.attributes.values():
        assert type(value) is {"number": float, "time": float, "text": str, "bool": bool, "list": list}[kind]
    for value in (made.id, *made.attributes, *made.fields.values(), *(v for _, v in made.attributes.values())):
        for text in value if isinstance(value, list) else [value]:
            assert not isinstance(text, float) or math.isfinite(text)
            assert text is None or str(text).encode("utf-8")


def test_shown() -> None:
    assert shown("a'b") == '"a\'b"'
    assert len(shown("x" * 10_000)) == 80
    assert shown([1, None]) == "[1, None]"
