"""How well titles are read, on real columns and on labelled titles: the figures of docs/facts.md, section Entities.

    python -m bench.entity_quality DATA_FOLDER             # test parts
    python -m bench.entity_quality DATA_FOLDER --choose    # validation parts

Columns: half of the products (seed 0) teach brands and categories, a quarter validates, a quarter tests: what the feature finds in the
title of a product is compared with its column. Electronics has brands, and colours of a part (wide.jsonl); scientific has brands, of
which many do not stand in the title; fashion has colours and types. 'whole column hidden': brands are guessed from titles alone.
Labelled titles: bench/labelled_titles.py.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.labelled_titles import CHINESE, ENGLISH, PAIRS, Labels
from bench.tables import print_table, read_rows
from mmsearch.features import entity_patterns as patterns
from mmsearch.features.entities import Entities
from mmsearch.features.entity_brands import Brands, fold, guess_brands, learn_brands
from mmsearch.features.entity_types import Types, learn_types
from mmsearch.features.entity_words import COLOURS

Row = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--choose", action="store_true", help="the validation parts")
    given = parser.parse_args()
    electronics = lines(given.data / "electronics" / "products.jsonl")
    scientific = lines(given.data / "scientific" / "products.jsonl")
    fashion = read_rows(given.data / "fashion" / "products.csv")
    rows = [*brand_rows("electronics", electronics, given.choose), *brand_rows("scientific", scientific, given.choose)]
    print_table("brand in the title, against the brand column", rows)
    print_table(
        "kind and colour in the title, against columns",
        [
            type_row("fashion: type", [{**r, "category": r["type"]} for r in fashion], given.choose),
            type_row(
                "scientific: category",
                [{**r, "category": str(r.get("category") or "").rpartition(",")[2]} for r in scientific],
                given.choose,
            ),
            colour_row("fashion: colour", [(r["title"], [r["colour"]]) for r in part(fashion, given.choose)]),
            colour_row(
                "electronics: product colour",
                [
                    (r["title"], str(r["attr_t_product_colour"]).split(","))
                    for r in part(lines(given.data / "electronics" / "wide.jsonl"), given.choose)
                    if "attr_t_product_colour" in r
                ],
            ),
        ],
    )
    if not given.choose:
        labelled(given.data, electronics)
        parallel()
    return 0


def lines(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]  # titles may hold other line ends


def taught(rows: Sequence[Row]) -> list[Row]:
    return mixed(rows)[: len(rows) // 2]


def part(rows: Sequence[Row], validation: bool) -> list[Row]:
    half, three = len(rows) // 2, len(rows) * 3 // 4
    return mixed(rows)[half:three] if validation else mixed(rows)[three:]


def mixed(rows: Sequence[Row]) -> list[Row]:
    order = list(rows)
    random.Random(0).shuffle(order)
    return order


def brand_rows(name: str, rows: Sequence[Row], validation: bool) -> list[Row]:
    learned = learn_brands((r["title"], r.get("brand")) for r in taught(rows) if r["title"])
    guessed = guess_brands(r["title"] for r in rows if r["title"])
    asked = [r for r in part(rows, validation) if r["title"] and r.get("brand")]
    return [brand_row(f"{name}: learned of the other half", learned, asked), brand_row(f"{name}: whole column hidden", guessed, asked)]


def brand_row(name: str, brands: Brands, rows: Sequence[Row]) -> Row:
    """Right: the same brand but for case and punctuation. `stands in the title`: the share whose title has the column's brand at all."""
    found = [(brands.find(r["title"]), r["brand"], r["title"]) for r in rows]
    said = [(fold(one[0]), fold(brand)) for one, brand, _ in found if one]
    right = sum(a == b for a, b in said)
    there = sum(" ".join(fold(brand)) in " ".join(fold(title)) for _, brand, title in found)
    return {
        "": name,
        "titles": len(rows),
        "precision": ratio(right, len(said)),
        "recall": ratio(right, len(rows)),
        "stands in the title": ratio(there, len(rows)),
    }


def type_row(name: str, rows: Sequence[Row], validation: bool) -> Row:
    types = learn_types((r["title"], r["category"]) for r in taught(rows) if r["title"])
    asked = [r for r in part(rows, validation) if r["title"] and r["category"]]
    said = [(types.find(r["title"]), r["category"].strip()) for r in asked]
    return overall(name, [({one} if one else set(), {truth}) for one, truth in said])


def colour_row(name: str, rows: Iterable[tuple[str, list[str]]]) -> Row:
    """The column's colours go through the same names first; a cell whose colour has none ('Steel') is left out."""
    pairs = []
    for title, written in rows:
        truth = {colour for one in written for colour in patterns.colours(one)}
        if truth:
            pairs.append(({c for c in patterns.colours(title) if c not in COLOURS["zh"]}, truth))
    return overall(name, pairs)


def overall(name: str, pairs: Sequence[tuple[set[Any], set[Any]]]) -> Row:
    right = sum(len(said & truth) for said, truth in pairs)
    said, true = sum(len(said) for said, _ in pairs), sum(len(truth) for _, truth in pairs)
    return {"": name, "titles": len(pairs), "precision": ratio(right, said), "recall": ratio(right, true)}


def ratio(a: int, b: int) -> float:
    return a / b if b else float("nan")


def labelled(data: Path, electronics: Sequence[Row]) -> None:
    """Real titles whose labels the author of the rules wrote, by id."""
    goods = {r["goods_id"]: f"{r['name']} {r['intro']}" for r in read_rows(data / "chinese" / "goods.csv")}
    english = {r["id"]: r["title"] for r in electronics}
    rows = []
    for language, truth, titles in (("en", ENGLISH, english), ("zh", CHINESE, goods)):
        asked = [(titles[one.id], one) for one in truth if one.id in titles]
        rows.append(brand_labels(f"{language}: brand, guessed of titles alone", guess_brands(titles.values()), asked))
        half = asked[: len(asked) // 2], asked[len(asked) // 2 :]
        learned = learn_brands((title, name) for title, one in half[0] for name in one.brands[:1])
        rows.append(brand_labels(f"{language}: brand, learned of the other half", learned, half[1]))
        for what, find in READERS.items():
            rows.append(overall(f"{language}: {what}", [(set(find(title)), set(one.of(what))) for title, one in asked]))
    print_table("labelled real titles", rows)


def brand_labels(name: str, brands: Brands, asked: Sequence[tuple[str, Labels]]) -> Row:
    said = [(found[0].lower() if (found := brands.find(title)) else "", {one.lower() for one in labels.brands}) for title, labels in asked]
    right = sum(brand in names for brand, names in said)
    return {"": name, "titles": len(said), "precision": ratio(right, sum(bool(b) for b, _ in said)), "recall": ratio(right, len(said))}


def parallel() -> None:
    feature = Entities()
    rows = []
    for language in ("en", "zh"):
        titles = [getattr(pair, language) for pair in PAIRS]
        feature.learn(learn_brands((title, pair.brand) for title, pair in zip(titles, PAIRS, strict=True)), Types({}))
        for what, find in {**READERS, "material": patterns.materials, "colour": patterns.colours, "size": patterns.sizes}.items():
            pairs = [
                ({one for one in find(title) if str(one).isascii()}, set(pair.of(what))) for title, pair in zip(titles, PAIRS, strict=True)
            ]
            rows.append(overall(f"{language}: {what}", pairs))
    print_table(f"{len(PAIRS)} titles in both languages (written for this, bench/labelled_titles.py)", rows)


def pieces(title: str) -> list[int]:
    found = patterns.pieces(title)
    return [found] if found else []


def measures(title: str) -> list[str]:
    return [f"{value:g} {unit}" for value, unit in patterns.measures(title)]


READERS: dict[str, Callable[[str], Iterable[Any]]] = {"model code": patterns.model_codes, "measure": measures, "quantity": pieces}


if __name__ == "__main__":
    sys.exit(main())
