"""Which column is which: aliases in English and Chinese, `--map`, and the kind of a file from its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mmsearch.errors import InputError, UsageError, did_you_mean

#: field → the column names that mean it, in order of preference. Compared without case, with '_', '-' and spaces equal.
PRODUCT_ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("id", "product_id", "sku", "item_id", "goods_id", "asin", "article_id", "product", "编号", "商品编号", "商品id", "货号"),
    "title": ("title", "name", "product_name", "product_title", "item_name", "movie_title", "标题", "名称", "商品名称", "商品标题", "品名"),
    "description": ("description", "desc", "product_description", "body", "intro", "summary", "描述", "简介", "商品描述", "介绍"),
    "category": ("category", "categories", "category_path", "product_type", "分类", "类别", "类目", "商品类别"),
    "brand": ("brand", "brand_name", "manufacturer", "vendor", "品牌"),
    "price": ("price", "sale_price", "unit_price", "价格", "售价", "单价"),
    "images": ("images", "image", "image_url", "image_path", "photo", "photos", "picture", "pictures", "img", "图片", "主图", "照片"),
    "audio": ("audio", "sound", "sounds", "audio_path", "音频", "声音"),
    "video": ("video", "videos", "clip", "clips", "video_path", "视频"),
}
INTERACTION_ALIASES: dict[str, tuple[str, ...]] = {
    "user": ("user", "user_id", "uid", "customer", "customer_id", "shopper", "visitor_id", "用户", "用户id"),
    "product": ("product", "product_id", "item", "item_id", "sku", "asin", "goods_id", "商品", "商品编号", "商品id"),
    "event": ("event", "event_type", "action", "behavior", "behaviour", "type", "事件", "行为"),
    "value": ("value", "rating", "score", "weight", "quantity", "评分"),
    "time": ("time", "timestamp", "date", "datetime", "created_at", "时间"),
}
ALIASES = {"products": PRODUCT_ALIASES, "interactions": INTERACTION_ALIASES}
KINDS = tuple(ALIASES)


def parse_map(entries: Iterable[str]) -> dict[str, str]:
    """`--map field=column` entries → field → column. Raises UsageError."""
    mapping: dict[str, str] = {}
    for entry in entries:
        field, equals, column = entry.partition("=")
        if not equals or not field.strip() or not column.strip():
            raise UsageError(f"--map takes field=column, not {entry!r}", hint="for example: --map title=name")
        if field.strip() in mapping:
            raise UsageError(f"--map gives {field.strip()} twice: {mapping[field.strip()]} and {column.strip()}")
        mapping[field.strip()] = column.strip()
    return mapping


def detect_kind(columns: Iterable[str], name: str, given: Iterable[str] = ()) -> str:
    """products or interactions, by the fields that `--map` gives, else by the columns. Raises InputError when neither fits."""
    meant = {kind for kind in KINDS for field in given if field in ALIASES[kind]}
    if len(meant) == 1:
        return meant.pop()
    have = {_fold(c) for c in columns}

    def has(kind: str, field: str) -> bool:
        return any(_fold(alias) in have for alias in ALIASES[kind][field])

    if has("interactions", "user") and has("interactions", "product"):
        if "text" in have or "review" in have:
            raise InputError(f"{name} looks like reviews, which this version cannot ingest yet", hint="kinds: " + ", ".join(KINDS))
        return "interactions"
    if has("products", "id"):
        return "products"
    raise InputError(
        f"{name} has neither a product id nor a user and a product column; its columns: {', '.join(columns)}",
        hint="name the column: --map id=COLUMN   (or --kind interactions with --map user=COLUMN --map product=COLUMN)",
    )


def map_columns(kind: str, columns: Iterable[str], given: Mapping[str, str], name: str) -> dict[str, str]:
    """field → column of the file, from `--map` first, then by alias.

    Raises
    ------
    UsageError : `--map` names an unknown field or a column that is not there.
    InputError : a column that every row needs is missing.
    """
    columns = list(columns)
    by_fold = {_fold(c): c for c in reversed(columns)}
    aliases = ALIASES[kind]
    found: dict[str, str] = {}
    for field, column in given.items():
        if field not in aliases:
            raise UsageError(f"--map: {kind} have no field '{field}'{did_you_mean(field, aliases)}", hint=f"fields: {', '.join(aliases)}")
        if _fold(column) not in by_fold:
            raise UsageError(
                f"--map: {name} has no column '{column}'{did_you_mean(column, columns)}", hint=f"columns: {', '.join(columns)}"
            )
        found[field] = by_fold[_fold(column)]
    taken = set(found.values())
    for field, names in aliases.items():
        if field not in found:
            for alias in names:
                column = by_fold.get(_fold(alias), "")
                if column and column not in taken:
                    found[field] = column
                    taken.add(column)
                    break
    needed = ("id",) if kind == "products" else ("user", "product")
    for field in needed:
        if field not in found:
            raise InputError(f"{name} has no {field} column; its columns: {', '.join(columns)}", hint=f"name it: --map {field}=COLUMN")
    return found


def _fold(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")
