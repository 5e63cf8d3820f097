"""What query understanding brings and costs: brands, colours, categories, sizes and prices that a query names, as soft filters.

    python -m bench.understanding DATA_FOLDER               validation / test, off and on
    python -m bench.understanding DATA_FOLDER --choose      each kind at several strengths, on the validation parts
    python -m bench.understanding DATA_FOLDER --only=fashion   one of electronics, known, chinese, fashion, price, synonyms, sample
    python -m bench.understanding DATA_FOLDER --stores=FOLDER   keep the stores there

- *electronics*: the judged queries; nDCG@10 with linear gain / of the judged products alone.
- *known*: products of electronics asked for by their brand and two words of their title (300, seed 0); 1 / rank, in the mean.
- *chinese*: Chinese products asked for by some of their name, as `bench.search_quality` does; 1 / rank, in the mean.
- *fashion*: colour and type ("white flip flops"); P@10, right is what has both in its columns. The column that is asked is the one that
  judges, so that this says what a shop's own column is worth, not that it is right. *half the colours*: those of every second product
  (seed 0) are taken out of the store; P@10, and the share of the ten places that products without a colour hold (fair: 50 %).
- *price*: fashion with prices drawn at random (log-uniform, seed 0, none for every fifth): "flip flops under 500"; P@10, right is the type
  at such a price. No data set here has prices of its own: titles and types are real, the prices are not.
- *synonyms*: the judged queries of electronics with the synonyms below, written down from general knowledge of what such things are called,
  none of them because of a judgment.
- *sample*: the text queries of the sample shop, whose triples have synonyms in both languages (made by the script that made the judgments);
  nDCG@10, those at even places for validation, the others for test.
*reading*: what it costs, in milliseconds of CPU.

Products are halved by the hash of their title, types by their place in the alphabet.
"""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import mmsearch
from bench.data import SAMPLE
from bench.fashion_shop import catalogue, general
from bench.search_quality import DEPTH, asked_for
from bench.tables import print_table, read_rows, shown, written
from mmsearch.evaluation.evaluate import evaluate
from mmsearch.evaluation.trec import read_qrels
from mmsearch.measures import parse_measure
from mmsearch.search import lexical
from mmsearch.search.hits import Result
from mmsearch.search.queries import read_queries
from mmsearch.search.query import Query, in_one_spelling, make_query
from mmsearch.search.understand.reading import STRENGTH, Reader, told_of
from mmsearch.shop import Shop

SYNONYMS = """
laptop, notebook
usb stick, memory stick, flash drive, usb flash drive
smartphone, mobile phone, cell phone
headphones, earphones, headset
backpack, rucksack
flashlight, torch
computer, pc
desktop, desktop computer, desktop pc
extension cord, extension lead, power extension
stylus, stylus pen
phone case, mobile phone case
phone stand, phone holder
laptop stand, notebook stand
camera bag, camera case
external dvd drive, external optical disc drive
projector screen, projection screen
sd card, memory card
printer, laser printer, inkjet printer
"""
PARTS = ("validation", "test")
CHOICES = (0.1, 0.25, 0.5, 1.0, 2.0)
_ANSWERS: dict[tuple[str, int], dict[tuple[str, Query], Result]] = {}
_DEFAULT = dict(STRENGTH)
_K = 10

Figures = dict[str, str]  # part → figures


def electronics(shop: Shop, data: Path, understand: bool) -> Figures:
    folder = data / "electronics"
    qrels, split = read_qrels(str(folder / "qrels.txt")), _split(folder)
    queries = {id: query for id, query in read_queries(str(folder / "queries.tsv")).items() if id in split}
    found = answers(shop, queries, DEPTH, understand)
    run = {id: {hit.id: hit.score for hit in result} for id, result in found.items()}
    judged = {id: {hit: score for hit, score in hits.items() if hit in qrels[id]} for id, hits in run.items()}
    cells = {}
    for part in (*PARTS, "all"):
        mine = {id: qrels[id] for id in queries if part in ("all", split[id])}
        full, alone = (evaluate(one, mine, [parse_measure("nDCG@10")], drop_empty=True).means["nDCG@10"] for one in (run, judged))
        cells[part] = shown([full, alone])
    changed = sum(bool(result.understood) for result in found.values())
    return cells | {"understood": f"{changed} of {len(queries)}"}


def sample(shop: Shop, data: Path, understand: bool) -> Figures:
    queries, qrels = read_queries(str(SAMPLE / "queries.tsv")), read_qrels(str(SAMPLE / "qrels.tsv"))
    found = answers(shop, queries, _K, understand)
    run = {id: {hit.id: hit.score for hit in result} for id, result in found.items()}
    cells = {}
    for part, ids in zip(PARTS, (list(queries)[1::2], list(queries)[::2]), strict=True):
        cells[part] = shown([evaluate(run, {id: qrels[id] for id in ids}, [parse_measure("nDCG@10")]).means["nDCG@10"]])
    return cells | {"understood": f"{sum(bool(result.understood) for result in found.values())} of {len(queries)}"}


def known(shop: Shop, data: Path, understand: bool) -> Figures:
    rows = shop.store.read("products", ["id", "title", "brand"]).to_pylist()
    rng, asked, title = random.Random(0), dict[str, str](), dict[str, str]()
    for row in rng.sample([row for row in rows if row["brand"] and row["title"]], 300):
        words = [word for word in row["title"].split() if word.isalpha() and len(word) > 3 and word.lower() != row["brand"].lower()]
        if len(words) > 1:
            asked[row["id"]] = f"{row['brand']} {' '.join(rng.sample(words, 2))}"
            title[row["id"]] = row["title"]
    return _known_item(shop, {"": asked}, title, understand)


def chinese(shop: Shop, data: Path, understand: bool) -> Figures:
    rows = read_rows(data / "chinese" / "goods.csv")
    return _known_item(shop, asked_for(rows), {row["goods_id"]: row["name"] for row in rows}, understand)


def _known_item(shop: Shop, kinds: Mapping[str, Mapping[str, str]], title: Mapping[str, str], understand: bool) -> Figures:
    ranks: dict[str, list[float]] = {part: [] for part in PARTS}
    changed = asked = 0
    for queries in kinds.values():
        found = answers(shop, {id: make_query([text.replace('"', " ")]) for id, text in queries.items()}, 100, understand)
        for id, result in found.items():
            ranks[_half(title[id])].append(next((1 / hit.rank for hit in result if hit.id == id), 0.0))
            changed, asked = changed + bool(result.understood), asked + 1
    return {part: shown([float(np.mean(values))]) for part, values in ranks.items()} | {"understood": f"{changed:,} of {asked:,}"}


def fashion(shop: Shop, data: Path, understand: bool) -> Figures:
    table = catalogue(data / "fashion")
    exact = {query: set(ids) for query, ids in general(table).items()}
    return _precision(shop, exact, _types(table), understand)


def price(shop: Shop, data: Path, understand: bool) -> Figures:
    table, rng = priced(catalogue(data / "fashion")), random.Random(1)
    values = sorted(float(row["price"]) for row in table if row["price"])
    asked = {}
    for kind in _types(table):
        for share in (rng.uniform(0.15, 0.35), rng.uniform(0.35, 0.6)):
            most = int(values[int(share * len(values))])
            form = rng.choice((f"{kind.lower()} under {most}", f"{kind.lower()} below ${most}", f"{kind.lower()} up to {most} dollars"))
            right = {row["id"] for row in table if row["type"] == kind and row["price"] and float(row["price"]) <= most}
            if len(right) >= 5:
                asked[form] = right
    return _precision(shop, asked, _types(table), understand, ends=False)


def _precision(shop: Shop, asked: Mapping[str, set[str]], types: list[str], understand: bool, *, ends: bool = True) -> Figures:
    def half(query: str) -> str | None:
        mine = [n for n, kind in enumerate(types) if (query.endswith(f" {kind.lower()}") if ends else query.startswith(f"{kind.lower()} "))]
        return PARTS[mine[-1] % 2] if mine else None

    found = answers(shop, {query: make_query([query]) for query in asked}, _K, understand)
    right: dict[str, list[float]] = {part: [] for part in PARTS}
    for query, result in found.items():
        if (part := half(query)) is not None:
            right[part].append(sum(hit.id in asked[query] for hit in result) / min(_K, len(asked[query])))
    changed = sum(bool(result.understood) for result in found.values())
    colourless = set(shop.store.read("products", ["id"], where="colour is null").column("id").to_pylist())
    hits = [hit.id in colourless for result in found.values() for hit in result]
    cells = {part: shown([float(np.mean(values))]) for part, values in right.items()}
    cells |= {"understood": f"{changed} of {len(asked)}"}
    return cells | ({"without a colour": f"{np.mean(hits):.1%}"} if any(hits) else {})


def answers(shop: Shop, queries: Mapping[str, Query], k: int, understand: bool) -> dict[str, Result]:
    """Queries answered; of those in which nothing is understood, the answer is the same, and is kept."""
    kept = _ANSWERS.setdefault((shop.store.path, k), {})
    new = {id: query for id, query in queries.items() if (id, query) not in kept}
    kept |= {(id, new[id]): result for id, result in shop.search_many(new, k=k, understand=False).items()} if new else {}
    found = {id: kept[id, query] for id, query in queries.items()}
    if understand:
        reader, version = Reader(shop.store, lexical.Lexical(shop.store)), shop.store.version("products")
        products = shop.store.read("products", ["id"]).column("id").combine_chunks()
        named = {id: query for id, query in queries.items() if told_of(*reader.read(in_one_spelling(query), products, version))}
        found |= shop.search_many(named, k=k) if named else {}
    return found


def priced(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """The products with prices drawn at random in dollars, none for every fifth."""
    rng = random.Random(0)
    return [row | {"price": "" if rng.random() < 0.2 else f"{np.exp(rng.uniform(np.log(10), np.log(2000))):.2f}"} for row in table]


def halved(table: list[dict[str, str]]) -> list[dict[str, str]]:
    """The products with the colours of half of them taken out."""
    without = set(random.Random(0).sample(range(len(table)), len(table) // 2))
    return [row | ({"colour": ""} if n in without else {}) for n, row in enumerate(table)]


def _types(table: list[dict[str, str]]) -> list[str]:
    return sorted(kind for kind, count in Counter(row["type"] for row in table).items() if count >= 20)


def _half(title: str) -> str:
    return PARTS[hashlib.sha256(title.encode()).digest()[0] % 2]


def _split(folder: Path) -> dict[str, str]:
    return dict(line.split("\t") for line in (folder / "split.tsv").read_text(encoding="utf-8").splitlines())


def shops(data: Path, folder: Path, only: str | None) -> Iterator[tuple[str, Any, Shop, tuple[str, ...]]]:
    """(name, what is measured, the shop, the kinds that its queries may name)."""

    def made(name: str, source: Path) -> Shop:
        shop = mmsearch.open(folder / f"{name}.lancedb")
        if not shop.store.has("products"):
            shop.ingest(source, allow_outside=True)
        shop.embed(wait=True)
        return shop

    every = ("brand", "category", "colour", "material", "size", "model code", "quantity")
    if only in (None, "electronics", "known"):
        shop = made("electronics", data / "electronics" / "products.jsonl")
        yield from (
            (name, measure, shop, every) for name, measure in (("electronics", electronics), ("known", known)) if only in (None, name)
        )
    if only in (None, "chinese"):
        rows = [
            {"id": row["goods_id"], "title": row["name"], "description": row["intro"]} for row in read_rows(data / "chinese" / "goods.csv")
        ]
        yield "chinese", chinese, made("chinese", written(folder / "goods.csv", rows)), every
    columns = ["id", "title", "category", "colour"]
    if only in (None, "fashion"):
        table = catalogue(data / "fashion")
        yield "fashion", fashion, made("fashion", written(folder / "fashion.csv", table, columns)), ("colour", "category")
        shop = made("half", written(folder / "half.csv", halved(table), columns))
        yield "fashion, half the colours", fashion, shop, ("colour", "category")
    if only in (None, "price"):
        table = priced(catalogue(data / "fashion"))
        yield "price", price, made("priced", written(folder / "priced.csv", table, [*columns, "price"])), ("price",)


def reading(shop: Shop) -> list[dict[str, str]]:
    """What reading a query costs in CPU, first in a process that has nothing of the catalogue yet, and again."""
    products, version = shop.store.read("products", ["id"]).column("id").combine_chunks(), shop.store.version("products")
    rows = []
    for text in ("shoes", "lenovo laptop", "red headphones", "headphones, pack of 2"):
        reader, query, taken = Reader(shop.store, lexical.Lexical(shop.store)), make_query([text]), list[float]()
        for _ in range(2):
            begun = time.process_time()
            reader.read(query, products, version)
            taken.append(1000 * (time.process_time() - begun))
        rows.append({"": text, "first": f"{taken[0]:.1f} ms", "then": f"{taken[1]:.1f} ms"})
    return rows


def with_synonyms(data: Path, folder: Path, only: str | None) -> Iterator[tuple[str, Any, Shop]]:
    """(name, what is measured, a shop with synonyms)."""
    if only in (None, "synonyms"):
        (folder / "synonyms.txt").write_text(SYNONYMS, encoding="utf-8")
        shop = mmsearch.open(folder / "synonyms.lancedb")
        if not shop.store.has("products"):
            shop.ingest(data / "electronics" / "products.jsonl")
        shop.embed(wait=True)
        shop.ingest(folder / "synonyms.txt", kind="synonyms", sync=True)
        yield "synonyms", electronics, shop
    if only in (None, "sample"):
        shop = mmsearch.open(folder / "sample.lancedb")
        for name in ("products", "knowledge"):
            shop.ingest(SAMPLE / f"{name}.csv")
        shop.embed(wait=True, no_features="all")
        yield "sample", sample, shop


def main() -> int:
    data = Path(sys.argv[1]).resolve()
    only = next((a.partition("=")[2] for a in sys.argv if a.startswith("--only=")), None)
    kept = next((a.partition("=")[2] for a in sys.argv if a.startswith("--stores=")), None)
    with tempfile.TemporaryDirectory() as made:
        for name, measure, shop, kinds in shops(data, Path(kept or made), only):
            rows = [{"": "off"} | measure(shop, data, False)]
            if "--choose" in sys.argv:
                for kind in kinds:
                    for strength in CHOICES:
                        _set({kind: strength})
                        rows.append({"": f"{kind} {strength:g}"} | measure(shop, data, True))
                rows = [{key: cell for key, cell in row.items() if key not in ("test", "all")} for row in rows]
            else:
                _set(_DEFAULT)
                rows.append({"": "on"} | measure(shop, data, True))
            print_table(name, rows)
            if name == "electronics":
                print_table("reading a query, CPU", reading(shop))
        for name, measure, shop in with_synonyms(data, Path(kept or made), only):
            rows = [{"": "off"} | measure(shop, data, False)]
            for strength in CHOICES if "--choose" in sys.argv else (lexical.SYNONYM,):
                before, lexical.SYNONYM = lexical.SYNONYM, strength
                rows.append({"": f"synonyms {strength:g}"} | measure(shop, data, True))
                lexical.SYNONYM = before
            if "--choose" in sys.argv:
                rows = [{key: cell for key, cell in row.items() if key not in ("test", "all")} for row in rows]
            print_table(name, rows)
    return 0


def _set(strengths: Mapping[str, float]) -> None:
    for kind in STRENGTH:
        STRENGTH[kind] = strengths.get(kind, 0.0)


if __name__ == "__main__":
    sys.exit(main())
