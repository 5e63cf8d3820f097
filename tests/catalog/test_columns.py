"""Which column is which."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from mmsearch.catalog.aliases import NEEDED
from mmsearch.catalog.columns import ALIASES, KINDS, detect_kind, language_columns, map_columns, parse_map
from mmsearch.catalog.readers import read_rows
from mmsearch.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("columns", "mapping"),
    [
        ("id title", {"id": "id", "title": "title"}),
        ("SKU Product-Name Image_URL", {"id": "SKU", "title": "Product-Name", "images": "Image_URL"}),
        ("商品编号 标题 品牌 价格 主图", {"id": "商品编号", "title": "标题", "brand": "品牌", "price": "价格", "images": "主图"}),
        ("商品ID 名称 描述 库存 父商品", {"id": "商品ID", "title": "名称", "description": "描述", "stock": "库存", "parent": "父商品"}),
        ("_id name", {"id": "_id", "title": "name"}),
        ("asin id", {"id": "id"}),  # the plainest name wins, wherever it stands
        ("name title sku", {"id": "sku", "title": "title"}),
        ("id Title title", {"id": "id", "title": "Title"}),
        ("sku spu qty currency", {"id": "sku", "parent": "spu", "stock": "qty", "currency": "currency"}),
        ("id item_group_id inventory", {"id": "id", "parent": "item_group_id", "stock": "inventory"}),
    ],
)
def test_aliases(columns: str, mapping: dict[str, str]) -> None:
    assert map_columns("products", columns.split(), {}, "f.csv") == {field: (column,) for field, column in mapping.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_alias_finds_its_field(kind: str) -> None:
    for field, names in ALIASES[kind].items():
        for name in names:
            given = {f: f"the {f}" for f in NEEDED[kind] if f != field}
            assert map_columns(kind, [name.upper(), *given.values()], given, "f")[field] == (name.upper(),)


@pytest.mark.parametrize("kind", KINDS)
def test_no_alias_is_given_twice(kind: str) -> None:
    for names in ALIASES[kind].values():
        assert len({name.replace("_", "") for name in names}) == len(names)


def test_map_comes_before_the_aliases() -> None:
    columns = ["id", "name", "title", "sale price"]
    mapping = map_columns("products", columns, {"title": "NAME", "price": ["sale_price"], "brand": ("title",)}, "f.csv")
    assert mapping == {"title": ("name",), "price": ("sale price",), "brand": ("title",), "id": ("id",)}


def test_map_takes_the_very_column_before_one_that_differs_in_case() -> None:
    assert map_columns("products", ["ID", "id", "Title", "title"], {"title": "title", "id": "id"}, "f") == {
        "title": ("title",),
        "id": ("id",),
    }


def test_one_column_may_serve_two_fields() -> None:
    assert map_columns("products", ["name"], {"title": "name", "id": "name"}, "f") == {"title": ("name",), "id": ("name",)}


@pytest.mark.parametrize(
    ("columns", "images"),
    [
        ("image image_2 image_10 image_1", "image image_1 image_2 image_10"),
        ("图片3 图片1 图片10 图片2", "图片1 图片2 图片3 图片10"),
        ("Image-URL-2 image_url_1", "image_url_1 Image-URL-2"),
        ("additional_image_link image_link", "image_link additional_image_link"),
        ("additional_image_2 additional_image_1 photo3 photo", "photo photo3 additional_image_1 additional_image_2"),
        ("主图 副图", "主图 副图"),
        ("image photo", "image"),  # two names without numbers: which shows the product is not ours to guess
        ("pic_1 image_count", None),
    ],
)
def test_several_columns_of_photos(columns: str, images: str | None) -> None:
    found = map_columns("products", ["id", *columns.split()], {}, "f").get("images")
    assert found == (tuple(images.split()) if images else None)


def test_numbered_sounds_and_clips_but_no_numbered_titles() -> None:
    found = map_columns("products", ["id", "audio2", "audio1", "video_url_1", "视频2", "title2", "title"], {}, "f")
    assert found == {"id": ("id",), "title": ("title",), "audio": ("audio1", "audio2"), "video": ("video_url_1", "视频2")}


def test_mapped_photos_replace_those_found() -> None:
    assert map_columns("products", ["id", "image", "a", "b"], {"images": ("b", "a")}, "f")["images"] == ("b", "a")
    assert map_columns("products", ["id", "image", "image2"], {"title": "image2"}, "f")["images"] == ("image",)


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"titel": "name"}, "--map: products have no field 'titel'; did you mean title?", "fields: id, title, "),
        ({"title": "nam"}, "--map: f.csv has no column 'nam'; did you mean name?", "columns: id, name"),
        ({"images": ("name", "nope")}, "--map: f.csv has no column 'nope'", "columns: id, name"),
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
        ("reviews", ["user", "sku"], "f.csv has no text column; its columns: user, sku"),
        ("searches", ["user"], "f.csv has no text column; its columns: user"),
        ("users", ["age"], "f.csv has no id column; its columns: age"),
        ("triples", ["head", "tail"], "f.csv has no relation column; its columns: head, tail"),
    ],
)
def test_a_column_that_is_needed(kind: str, columns: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        map_columns(kind, columns, {}, "f.csv")
    assert caught.value.message == message
    assert "--map" in str(caught.value.hint)


def test_parse_map() -> None:
    assert parse_map([]) == {}
    found = parse_map(["title=name", " id = 商品 编号 ", "price=a=b", "brand=a,b"])
    assert found == {"title": ("name",), "id": ("商品 编号",), "price": ("a=b",), "brand": ("a,b",)}
    assert parse_map(["images=pic_a", "images=pic_b, pic_c", "images=pic_a"]) == {"images": ("pic_a", "pic_b", "pic_c")}
    for bad in ("title", "=name", "title=", " = "):
        with pytest.raises(UsageError, match="--map takes field=column"):
            parse_map([bad])
    with pytest.raises(UsageError, match="--map gives title twice: a and b"):
        parse_map(["title=a", "title=b"])


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (
            "title_en title-zh 标题_fr name:de description.ja 品牌_en",
            {
                "title_en": ("title", "en"),
                "title-zh": ("title", "zh"),
                "标题_fr": ("title", "fr"),
                "name:de": ("title", "de"),
                "description.ja": ("description", "ja"),
                "品牌_en": ("brand", "en"),
            },
        ),
        (
            "title[zh] title(en) Category_EN",
            {"title[zh]": ("title", "zh"), "title(en)": ("title", "en"), "Category_EN": ("category", "en")},
        ),
        ("title_zh_CN title_pt-BR title_zh-Hant", {"title_zh_CN": ("title", "zh"), "title_pt-BR": ("title", "pt")}),
        ("product_name_en name_en", {"product_name_en": ("title", "en")}),  # one title a language
        ("category_id brand_no title_xx title_1 en_title colour_en title_english", {}),
        ("title[id]", {"title[id]": ("title", "id")}),
    ],
)
def test_columns_by_language(columns: str, found: dict[str, tuple[str, str]]) -> None:
    assert language_columns(columns.split(), {}) == found


def test_a_column_that_is_mapped_is_no_translation() -> None:
    assert language_columns(["title_en", "title_zh"], {"title": ("title_en",)}) == {"title_zh": ("title", "zh")}


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ("id title", "products"),
        ("sku", "products"),
        ("商品编号", "products"),
        ("id label image", "products"),
        ("id price", "products"),
        ("id title gender age_group price", "products"),  # shops sell by age and gender
        ("id title text", "products"),
        ("id title_en title_zh", "products"),
        ("item_id movie_title release_year", "products"),
        ("asin title brand author", "products"),
        ("user_id item_id rating timestamp", "interactions"),
        ("用户 商品", "interactions"),
        ("uid sku", "interactions"),
        ("user product event value time", "interactions"),
        ("user product text rating time", "reviews"),
        ("rating title text images asin parent_asin user_id timestamp", "reviews"),
        ("product_id review_text rating", "reviews"),
        ("用户 商品 评论内容 评分", "reviews"),
        ("user text time clicked", "searches"),
        ("query clicked", "searches"),
        ("用户 搜索词 时间", "searches"),
        ("id age city", "users"),
        ("id age_group city language", "users"),
        ("user_id age gender occupation zip_code", "users"),
        ("id name email", "users"),
        ("用户编号 年龄 性别", "users"),
        ("head relation tail", "triples"),
        ("subject predicate object weight", "triples"),
        ("头实体 关系 尾实体", "triples"),
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
        ("a b c", ["head"], "triples"),
        ("a b c", ["user", "text", "clicked"], "searches"),
        ("a b c d", ["user", "product", "text", "rating"], "reviews"),
        ("id image product", ["id"], "products"),
    ],
)
def test_map_tells_the_kind(columns: str, given: list[str], kind: str) -> None:
    assert detect_kind(columns.split(), "f.csv", given) == kind


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("id image product", "its rows have an id of their own and point at products"),
        ("category positive text", "it has texts, but neither the products that they are about nor the users who wrote them"),
        ("id text image like not where", "it has texts, but neither titles nor the products and users"),
    ],
)
def test_what_is_not_clear(columns: str, reason: str) -> None:
    with pytest.raises(InputError, match=r"what f\.csv holds is not clear: ") as caught:
        detect_kind(columns.split(), "f.csv")
    assert reason in caught.value.message
    assert f"its columns: {', '.join(columns.split())}" in caught.value.message
    assert "--kind (products, interactions, reviews, searches, users, triples)" in str(caught.value.hint)


@pytest.mark.parametrize("columns", ["x y", "spu"])
def test_what_is_nothing(columns: str) -> None:
    with pytest.raises(InputError) as caught:
        detect_kind(columns.split(), "f.csv")
    assert caught.value.message == (
        f"f.csv has neither a product id nor a user and a product column; its columns: {', '.join(columns.split())}"
    )
    assert "--kind products|interactions|reviews" in str(caught.value.hint)


@settings(max_examples=200, derandomize=True, deadline=None)
@examples(
    columns=st.lists(
        st.one_of(st.text(max_size=8), st.sampled_from([a for k in ALIASES.values() for names in k.values() for a in names])), max_size=8
    )
)
def test_any_columns_have_a_kind_that_can_be_mapped_or_are_refused(columns: list[str]) -> None:
    try:
        kind = detect_kind(columns, "f")
    except InputError:
        return
    try:
        found = map_columns(kind, columns, {}, "f")
    except InputError as error:
        assert "--map" in str(error.hint)
        return
    held = list(itertools.chain.from_iterable(found.values()))
    assert set(held) <= set(columns)
    assert len(set(held)) == len(held)
    assert not set(language_columns(columns, found)) & set(held)


_SHARED = {
    "electronics/products.jsonl": "products",
    "electronics/wide.jsonl": "products",
    "electronics/queries.tsv": None,
    "electronics/split.tsv": None,
    "fashion/products.csv": "products",
    "clothing/products.csv": "products",
    "grocery/products.csv": "products",
    "grocery/shelf.csv": None,
    "chinese/goods.csv": "products",
    "chinese/reviews.csv": None,
    "scientific/products.jsonl": "products",
    "scientific/events.csv": "interactions",
    "ml100k/ml-100k.item": "products",
    "ml100k/ml-100k.inter": "interactions",
    "ml100k/ml-100k.user": "users",
    "speech/transcripts.tsv": None,
}
_SAMPLE = {
    "products.csv": "products",
    "events.csv": "interactions",
    "reviews.csv": "reviews",
    "searches.csv": "searches",
    "users.csv": "users",
    "knowledge.csv": "triples",
    "queries.jsonl": None,
    "queries.tsv": None,
    "qrels.tsv": None,
}


def kind_of(path: Path) -> str | None:
    source = read_rows(str(path))
    first = list(itertools.islice(source.rows, 1000))
    columns = source.columns or list(dict.fromkeys(name for row in first for name in row.values))
    try:
        return detect_kind(columns, source.name)
    except InputError as error:
        assert "--kind" in str(error.hint)
        return None


@pytest.mark.parametrize(("name", "kind"), _SAMPLE.items())
def test_the_files_of_the_sample_shop(name: str, kind: str | None) -> None:
    assert kind_of(Path(__file__).parents[2] / "sample_data" / name) == kind


@pytest.mark.data
@pytest.mark.parametrize(("name", "kind"), _SHARED.items())
def test_the_files_of_real_shops(data: Path, name: str, kind: str | None) -> None:
    assert kind_of(data / name) == kind
