"""Which column is which: aliases in English and Chinese, `--map`, numbered and language columns; the kind of a file from its columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from mmsearch.catalog.aliases import ALIASES, KINDS, LANGUAGES, MEDIA, NEEDED, NUMBERED, SYNONYMS, TEXTS
from mmsearch.errors import InputError, UsageError, did_you_mean

__all__ = ["ALIASES", "KINDS", "SYNONYMS", "detect_kind", "language_columns", "map_columns", "parse_map"]

_NUMBERED = re.compile(r"(.*?)(\d{1,3})")
_LANGUAGE = re.compile(r"(.+?)(?:[_.:\s-]([A-Za-z]{2})(?:[_-][A-Za-z]{2,4})?|\[([A-Za-z]{2})(?:[_-][A-Za-z]{2,4})?\]|\(([A-Za-z]{2})\))")
_NO_LANGUAGES = ("id", "no")  # Indonesian and Norwegian, but in names of columns the number of something


def parse_map(entries: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """`--map field=column` entries → field → columns; a media field may be given several times, and `images=a,b` names two.

    Raises UsageError.
    """
    mapping: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        field, equals, column = (part.strip() for part in entry.partition("="))
        if not equals or not field or not column:
            raise UsageError(f"--map takes field=column, not {entry!r}", hint="for example: --map title=name")
        columns = tuple(c.strip() for c in column.split(",") if c.strip()) if field in MEDIA else (column,)
        if field in mapping and field not in MEDIA:
            raise UsageError(f"--map gives {field} twice: {mapping[field][0]} and {column}")
        mapping[field] = tuple(dict.fromkeys(mapping.get(field, ()) + columns))
    return mapping


def detect_kind(columns: Iterable[str], name: str, given: Iterable[str] = ()) -> str:
    """The kind of a file's rows: of those that have all fields of `given` (from `--map`), the first that fits the columns.

    - triples: a head, a relation and a tail;
    - reviews: a text and a product, with a user or a rating;
    - searches: a text with a user, or a query with what was clicked; no product id;
    - interactions: a user and a product;
    - users: a user column that comes first; or an id beside what only people have (an email, an age) and nothing that products have;
    - products: a product id. Not where the rows have an id of their own and point at products, or hold texts and no title.

    Raises InputError where nothing fits, with the reason.
    """
    columns = [c for c in columns if c]
    fields = list(given)
    possible = [kind for kind in KINDS if all(field in ALIASES[kind] for field in fields)] or list(KINDS)
    if len(possible) == 1:
        return possible[0]
    found = {kind: {*_by_alias(kind, columns), *fields} if kind in possible else set() for kind in KINDS}
    folded = {_fold(c) for c in columns}
    product = found["products"] - {"id", "category", "stock", "parent"}
    if found["triples"] >= {"head", "relation", "tail"}:
        return "triples"
    if found["reviews"] >= {"text", "product"} and (
        "user" in found["reviews"] or ("rating" in found["reviews"] and not product - {"images"})
    ):
        return "reviews"
    if "text" in found["searches"] and "id" not in found["products"] and {"user", "clicked"} & found["searches"] and "title" not in product:
        return "searches"
    if found["interactions"] >= {"user", "product"}:
        return "interactions"
    if found["users"] and _fold(columns[0]) in _USERS:
        return "users"
    if "id" in found["users"] and ((folded & _PERSONAL and not product) or (folded & _PRIVATE and not product - {"title"})):
        return "users"
    if "id" in found["products"]:
        # A table that points at products (photos of shelves, say) has an id of its own: taking its rows for products would
        # fill the store with things that nobody sells.
        if not fields and "id" in folded and folded & _REFERENCES and not product & {"title", "price", "description", "brand"}:
            raise _unclear(name, columns, "its rows have an id of their own and point at products")
        if not fields and folded & {"text", "query"} and not product & {"title", "price", "description", "brand"}:
            raise _unclear(name, columns, "it has texts, but neither titles nor the products and users that they belong to")
        return "products"
    if "text" in found["reviews"]:
        raise _unclear(name, columns, "it has texts, but neither the products that they are about nor the users who wrote them")
    raise InputError(
        f"{name} has neither a product id nor a user and a product column; its columns: {', '.join(columns)}",
        hint=f"name the column: --map id=COLUMN   (or say what it holds: --kind {'|'.join(KINDS)})",
    )


def map_columns(kind: str, columns: Iterable[str], given: Mapping[str, str | Sequence[str]], name: str) -> dict[str, tuple[str, ...]]:
    """field → the columns of the file that hold it, from `--map` first, then by alias; several only for media, by their numbers.

    Raises
    ------
    UsageError : `--map` names an unknown field or a column that is not there.
    InputError : a column that every row needs is missing.
    """
    columns = list(columns)
    by_fold = {_fold(c): c for c in reversed(columns)}
    found: dict[str, tuple[str, ...]] = {}
    for field, wanted in given.items():
        if field not in ALIASES[kind]:
            raise UsageError(
                f"--map: {kind} have no field '{field}'{did_you_mean(field, ALIASES[kind])}", hint=f"fields: {', '.join(ALIASES[kind])}"
            )
        names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        for column in names:
            if column not in columns and _fold(column) not in by_fold:
                raise UsageError(
                    f"--map: {name} has no column '{column}'{did_you_mean(column, columns)}", hint=f"columns: {', '.join(columns)}"
                )
        found[field] = tuple(column if column in columns else by_fold[_fold(column)] for column in names)
    taken = {column for names in found.values() for column in names}
    for field, names in _by_alias(kind, [c for c in columns if c not in taken]).items():
        found.setdefault(field, names)
    for field in NEEDED[kind]:
        if field not in found:
            raise InputError(f"{name} has no {field} column; its columns: {', '.join(columns)}", hint=f"name it: --map {field}=COLUMN")
    return found


def language_columns(columns: Iterable[str], mapping: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """column → (field, language) for text fields that a file has in several languages: `title_en`, `标题_zh`, `name:fr`, `title[de]`.

    `mapping` is that of `map_columns`; a column that it gives to a field whole is left out. Languages are ISO 639-1, in lower case.
    """
    taken = {column for names in mapping.values() for column in names}
    fields = {_fold(alias): field for field in TEXTS for alias in ALIASES["products"][field]}
    found: dict[str, tuple[str, str]] = {}
    for column in columns:
        matched = _LANGUAGE.fullmatch(column.strip())
        if column in taken or not matched:
            continue
        stem, language = matched[1], next(code for code in matched.groups()[1:] if code).lower()
        written_out = matched[2] is None or ":" in column  # title[id] is Indonesian, category_id is no language
        if _fold(stem) in fields and language in LANGUAGES and (written_out or language not in _NO_LANGUAGES):
            meaning = (fields[_fold(stem)], language)
            if meaning not in found.values():  # name_en beside title_en stays a column of its own
                found[column] = meaning
    return found


def is_language_of(field: str, name: str) -> bool:
    """Whether an attribute is a field of `aliases.TEXTS` in a language, as `title_zh` is; `category_id` and `brand_no` are none."""
    stem, _, language = name.rpartition("_")
    return stem == field and language in LANGUAGES and (language not in _NO_LANGUAGES or field in ("title", "description"))


def _by_alias(kind: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """field → columns, by their names alone; the plainest name of a field wins, wherever it stands."""
    by_fold = {_fold(c): c for c in reversed(columns) if c}
    found: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for field, names in ALIASES[kind].items():
        for alias in names:
            column = by_fold.get(_fold(alias), "")
            if column and column not in taken:
                found[field] = (column,)
                taken.add(column)
                break
    for field in MEDIA if kind == "products" else ():
        if columns_of := [*found.get(field, ()), *_more_media(field, columns, taken)]:
            found[field] = tuple(columns_of)
            taken.update(columns_of)
    return found


def _more_media(field: str, columns: Sequence[str], taken: set[str]) -> list[str]:
    """Further columns of a media field: `image_2`, `图片3`, `additional_image_link`, the numbered ones in the order of their numbers."""
    names = {_fold(alias) for alias in ALIASES["products"][field]}
    further = {_fold(alias) for alias in NUMBERED[field]}
    found: list[tuple[int, int, str]] = []
    for place, column in enumerate(columns):
        folded = _fold(column)
        numbered = _NUMBERED.fullmatch(folded)
        if column in taken:
            continue
        if numbered and numbered[1] in names:
            found.append((int(numbered[2]), place, column))
        elif folded in further or (numbered and numbered[1] in further):
            found.append((1000 + (int(numbered[2]) if numbered else 0), place, column))
    return [column for _, _, column in sorted(found)]


def _unclear(name: str, columns: Sequence[str], why: str) -> InputError:
    return InputError(
        f"what {name} holds is not clear: {why}; its columns: {', '.join(columns)}",
        hint=f"say it with --kind ({', '.join(KINDS)}), and name columns with --map, for example: --kind products --map id=COLUMN",
    )


def _fold(name: str) -> str:
    return _SIGNS.sub("", name.strip().lower())


_SIGNS = re.compile(r"[\s_.-]+")
_REFERENCES = {_fold(alias) for alias in ("product", "product_id", "item_id", "sku", "商品", "商品编号")}
_USERS = {_fold(alias) for alias in ALIASES["users"]["id"]} - {"id", _fold("编号")}
#: What people have: in a table without prices and titles it tells users. Shops sell by age and gender too.
_PERSONAL = {
    *("age", "agegroup", "gender", "sex", "occupation", "city", "country", "email", "zipcode", "signup", "registeredat", "membersince"),
    *("年龄", "性别", "职业", "城市", "注册时间"),
}
#: What people have and nothing that is sold, whatever else a table has.
_PRIVATE = {
    *("email", "phone", "firstname", "lastname", "birthday", "birthdate", "birthyear", "dateofbirth", "occupation", "zipcode", "postcode"),
    *("邮箱", "电话", "手机", "手机号", "生日", "职业"),
}
