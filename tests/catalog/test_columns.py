"""Which column is which."""

from __future__ import annotations

import pytest

from mmsearch.catalog.columns import INTERACTION_ALIASES, PRODUCT_ALIASES, detect_kind, map_columns, parse_map
from mmsearch.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        ("id title", {"id": "id", "title": "title"}),
        ("SKU Product-Name Image_URL", {"id": "SKU", "title": "Product-Name", "images": "Image_URL"}),
        ("商品编号 标题 品牌 价格 主图", {"id": "商品编号", "title": "标题", "brand": "品牌", "price": "价格", "images": "主图"}),
        ("商品ID 名称 描述", {"id": "商品ID", "title": "名称", "description": "描述"}),
        ("_id name", {"id": "_id", "title": "name"}),
        ("asin id", {"id": "id"}),  # the plainest name wins, wherever it stands
        ("name title sku", {"id": "sku", "title": "title"}),
        ("id Title title", {"id": "id", "title": "Title"}),
    ],
)
def test_aliases(columns: str, mapping: dict[str, str]) -> None:
    assert map_columns("products", columns.split(), {}, "f.csv") == mapping


def test_every_alias_finds_its_field() -> None:
    for kind, aliases in (("products", PRODUCT_ALIASES), ("interactions", INTERACTION_ALIASES)):
        needed = {"id": "the-id"} if kind == "products" else {"user": "the-user", "product": "the-product"}
        for field, names in aliases.items():
            for name in names:
                given = {f: c for f, c in needed.items() if f != field}
                assert map_columns(kind, [name.upper(), *given.values()], given, "f")[field] == name.upper()


def test_map_comes_before_the_aliases() -> None:
    columns = ["id", "name", "title", "sale price"]
    mapping = map_columns("products", columns, {"title": "NAME", "price": "sale_price", "brand": "title"}, "f.csv")
    assert mapping == {"title": "name", "price": "sale price", "brand": "title", "id": "id"}


def test_one_column_may_serve_two_fields() -> None:
    assert map_columns("products", ["name"], {"title": "name", "id": "name"}, "f") == {"title": "name", "id": "name"}


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"titel": "name"}, "--map: products have no field 'titel'; did you mean title?", "fields: id, title, "),
        ({"title": "nam"}, "--map: f.csv has no column 'nam'; did you mean name?", "columns: id, name"),
    ],
)
def test_bad_maps(given: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        map_columns("products", ["id", "name"], given, "f.csv")
    assert caught.value.message == message
    assert str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        ("products", ["x", "y"], "f.csv has no id column; its columns: x, y"),
        ("interactions", ["user", "y"], "f.csv has no product column; its columns: user, y"),
        ("interactions", ["y", "sku"], "f.csv has no user column; its columns: y, sku"),
    ],
)
def test_a_column_that_is_needed(kind: str, columns: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        map_columns(kind, columns, {}, "f.csv")
    assert caught.value.message == message
    assert "--map" in str(caught.value.hint)


def test_parse_map() -> None:
    assert parse_map([]) == {}
    assert parse_map(["title=name", " id = 商品 编号 ", "price=a=b"]) == {"title": "name", "id": "商品 编号", "price": "a=b"}
    for bad in ("title", "=name", "title=", " = "):
        with pytest.raises(UsageError, match="--map takes field=column"):
            parse_map([bad])
    with pytest.raises(UsageError, match="--map gives title twice: a and b"):
        parse_map(["title=a", "title=b"])


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ("id title", "products"),
        ("sku", "products"),
        ("商品编号", "products"),
        ("user_id item_id rating timestamp", "interactions"),
        ("用户 商品", "interactions"),
        ("uid sku", "interactions"),
    ],
)
def test_detect_kind(columns: str, kind: str) -> None:
    assert detect_kind(columns.split(), "f.csv") == kind


@pytest.mark.parametrize(
    ("columns", "given", "kind"),
    [
        ("ean x", ["id"], "products"),
        ("a b", ["user", "product"], "interactions"),
        ("user sku", ["title"], "products"),
        ("user sku", ["nonsense"], "interactions"),
    ],
)
def test_map_tells_the_kind(columns: str, given: list[str], kind: str) -> None:
    assert detect_kind(columns.split(), "f.csv", given) == kind


def test_what_is_neither() -> None:
    with pytest.raises(InputError, match="neither a product id nor a user and a product column; its columns: x, y"):
        detect_kind(["x", "y"], "f.csv")
    with pytest.raises(InputError, match="looks like reviews, which this version cannot ingest"):
        detect_kind(["user", "product", "text"], "f.csv")
