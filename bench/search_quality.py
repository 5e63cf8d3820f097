"""How well words and vectors find together: judged electronics, and Chinese products asked for by parts of their names.

    python -m bench.search_quality DATA_FOLDER              (the folder that holds electronics/ and chinese/)
    python -m bench.search_quality DATA_FOLDER --choose     what the defaults were chosen by, on the validation queries
    python -m bench.search_quality DATA_FOLDER --only=chinese   one of electronics, chinese

Electronics: nDCG@10 with linear gain over the queries that have a relevant product / the same over the judged products alone (what
nobody judged is taken out of the ranking) / judged@10. Chinese: 1 / rank, in the mean, of a product that is asked for by some of its name:
a piece of four to eight characters, every second word, a piece with one or two characters left out, with one replaced by another of the
catalogue (seed 0), or in traditional script. Products are halved by the hash of their name into validation and test. Codes: those of the
catalogue (letters and digits, of at most 15 products), typed alone: is the first product one that has it, and which share of as many
first products as have it.
"""

from __future__ import annotations

import hashlib
import random
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

import mmsearch
from bench.tables import print_table, read_rows, shown, written
from mmsearch.catalog.segment import words
from mmsearch.evaluation.evaluate import evaluate
from mmsearch.evaluation.trec import read_qrels
from mmsearch.lexical.fields import TABLE, WORDS
from mmsearch.measures import parse_measure
from mmsearch.ranking import calibrated
from mmsearch.search.queries import read_queries
from mmsearch.search.query import make_query
from mmsearch.shop import Shop
from mmsearch.store.fulltext import Clause, find_ids

ROWS: dict[str, dict[str, str]] = {
    "words alone (BM25)": {"weights": "text=0, words=1"},
    "vectors alone": {"weights": "words=0"},
    "calibrated (the default)": {},
    "rrf": {"combine": "rrf"},
    "borda": {"combine": "borda"},
    "wsum": {"combine": "wsum"},
    "wsum(norm=zscore)": {"combine": "wsum(norm=zscore)"},
    "wsum(norm=atan)": {"combine": "wsum(norm=atan)"},
}
CHOICES = {f"wsum(words={w:g})": {"combine": f"wsum(words={w:g})"} for w in (0.5, 0.6, 0.7, 0.8, 0.9)}
LAMBDAS = (8.0, 16.0, 24.0, 32.0, 48.0)
DEPTH = 3_000  # hits a query: all that was judged is among them, mostly
_HAN = re.compile("[\u3400-\u9fff]")
_CODE = re.compile("(?<![A-Za-z0-9-])(?=[A-Za-z0-9-]*[0-9])(?=[A-Za-z0-9-]*[A-Za-z])[A-Za-z0-9-]{4,12}(?![A-Za-z0-9])")
_SHARED = 15  # products that have a code, at most


def electronics(data: Path, folder: Path, choose: bool) -> None:
    shop = mmsearch.open(folder / "electronics.lancedb")
    shop.ingest(data / "products.jsonl")
    shop.embed()
    qrels = read_qrels(str(data / "qrels.txt"))
    split = dict(line.split("\t") for line in (data / "split.tsv").read_text(encoding="utf-8").splitlines())
    queries = {id: query for id, query in read_queries(str(data / "queries.tsv")).items() if id in split}
    measures = [parse_measure("nDCG@10"), parse_measure("judged@10")]

    parts = ("validation",) if choose else ("validation", "test", "all")

    def measured(options: Mapping[str, str]) -> dict[str, str]:
        asked = {id: make_query([p.content for p in query.parts], weights=options.get("weights")) for id, query in queries.items()}
        found = shop.search_many(asked, k=DEPTH, combine=options.get("combine", "calibrated"))
        run = {id: {hit.id: hit.score for hit in result} for id, result in found.items()}
        judged = {id: {hit: score for hit, score in hits.items() if hit in qrels[id]} for id, hits in run.items()}
        cells = {}
        for part in parts:
            mine = {id: qrels[id] for id in queries if part in ("all", split[id])}
            full, alone = (evaluate(one, mine, measures, drop_empty=True).means for one in (run, judged))
            cells[part] = shown([full["nDCG@10"], alone["nDCG@10"], full["judged@10"]])
        return cells

    print_table("electronics", [{"": name} | measured(options) for name, options in (CHOICES if choose else ROWS).items()])
    if choose:
        print_table("calibrated, λ", [{"": f"{value:g}"} | _with(value, measured) for value in LAMBDAS])


def _with(value: float, measured: Callable[[Mapping[str, str]], dict[str, str]]) -> dict[str, str]:
    before = calibrated.WORDS
    calibrated.WORDS = value
    try:
        return measured({})
    finally:
        calibrated.WORDS = before


def chinese(data: Path, folder: Path, choose: bool) -> None:
    rows = read_rows(data / "goods.csv")
    products = [{"id": row["goods_id"], "title": row["name"], "description": row["intro"]} for row in rows]
    shop = mmsearch.open(folder / "chinese.lancedb")
    shop.ingest(written(folder / "goods.csv", products))
    shop.embed()
    kinds = asked_for(rows)
    split = {row["goods_id"]: "test" if hashlib.sha256(row["name"].encode()).digest()[0] % 2 else "validation" for row in rows}
    plain = {kind: _plain(shop, asked, split, choose) for kind, asked in kinds.items()}
    title = "Chinese, validation" if choose else "Chinese, validation / test"
    rated = ((name, {kind: _rr(shop, asked, split, options, choose) for kind, asked in kinds.items()}) for name, options in ROWS.items())
    print_table(title, [{"": "BM25 of ICU's words alone"} | plain, *({"": name} | cells for name, cells in rated)])
    print_table(*_codes(shop, rows, choose))


def _codes(shop: Shop, rows: Sequence[Mapping[str, str]], choose: bool) -> tuple[str, list[dict[str, str]]]:
    having: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for code in _CODE.findall(f"{row['name']} {row['intro']}"):
            having[code].add(row["goods_id"])
    asked = {code: ids for code, ids in having.items() if len(ids) <= _SHARED}
    split = {code: "test" if hashlib.sha256(code.encode()).digest()[0] % 2 else "validation" for code in asked}
    table = []
    for name in ("words alone (BM25)", "vectors alone", "calibrated (the default)"):
        found = shop.search_many({code: make_query([code], weights=ROWS[name].get("weights")) for code in asked}, k=_SHARED)
        first = {code: float(any(hit.id in asked[code] for hit in result.hits[:1])) for code, result in found.items()}
        precise = {code: sum(hit.id in ids for hit in found[code].hits[: len(ids)]) / len(ids) for code, ids in asked.items()}
        table.append({"": name, "first": _means(first, split, choose), "as many first": _means(precise, split, choose)})
    return f"{len(asked)} codes, {'validation' if choose else 'validation / test'}", table


def _rr(shop: Shop, asked: Mapping[str, str], split: Mapping[str, str], options: Mapping[str, str], choose: bool) -> str:
    queries = {id: make_query([text.replace('"', " ")], weights=options.get("weights")) for id, text in asked.items()}
    found = shop.search_many(queries, k=100, combine=options.get("combine", "calibrated"))
    return _means({id: next((1 / hit.rank for hit in result if hit.id == id), 0.0) for id, result in found.items()}, split, choose)


def _plain(shop: Shop, asked: Mapping[str, str], split: Mapping[str, str], choose: bool) -> str:
    """What LanceDB's full text gives by itself: words as ICU cuts them, no characters, no folding of scripts."""
    ranks = {}
    for id, text in asked.items():
        found = find_ids(shop.store, TABLE, Clause(text, WORDS), 100)[0]
        ranks[id] = 1 / (1 + found.index(id)) if id in found else 0.0
    return _means(ranks, split, choose)


def _means(ranks: Mapping[str, float], split: Mapping[str, str], choose: bool) -> str:
    means = [
        float(np.mean([ranks[id] for id in ranks if split[id] == part])) for part in (("validation",) if choose else ("validation", "test"))
    ]
    return shown(means)


def asked_for(rows: Sequence[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Kind of query → product id → query."""
    import opencc

    traditional, rng = opencc.OpenCC("s2t"), random.Random(0)
    pool = [c for row in rows for c in _HAN.findall(row["name"])]
    found: dict[str, dict[str, str]] = {"a piece": {}, "half the words": {}, "characters left out": {}, "one wrong": {}, "traditional": {}}
    for row in rows:
        id, name = row["goods_id"], row["name"]
        if len(_HAN.findall(name)) < 5:
            continue
        if piece := _piece(name, rng, 4, 8, 3):
            found["a piece"][id] = piece
        found["half the words"][id] = " ".join(words(name)[::2])
        if piece := _piece(name, rng, 6, 9, 5):
            inner = [at.start() for at in _HAN.finditer(piece)][1:-1]
            left_out = set(rng.sample(inner, 1 if len(inner) < 4 else 2))
            found["characters left out"][id] = "".join(c for at, c in enumerate(piece) if at not in left_out)
        if piece := _piece(name, rng, 6, 9, 5):
            at = rng.choice([at.start() for at in _HAN.finditer(piece)])
            found["one wrong"][id] = piece[:at] + rng.choice(pool) + piece[at + 1 :]
        if piece := _piece(name, rng, 4, 8, 3):
            found["traditional"][id] = traditional.convert(piece)
    return found


def _piece(name: str, rng: random.Random, least: int, most: int, han: int) -> str | None:
    for _ in range(50):
        length = rng.randint(least, most)
        start = rng.randint(0, max(0, len(name) - length))
        piece = name[start : start + length].strip()
        if len(_HAN.findall(piece)) >= han:
            return piece
    return None


def main() -> int:
    data = Path(sys.argv[1]).resolve()
    only = next((a.partition("=")[2] for a in sys.argv if a.startswith("--only=")), None)
    with tempfile.TemporaryDirectory() as folder:
        for part in (electronics, chinese):
            if only in (None, part.__name__):
                part(data / part.__name__, Path(folder), "--choose" in sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
