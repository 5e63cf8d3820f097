"""What knowledge changes: recommendations, search and neighbours with and without propagation, and queries with and without --expand.

    python -m bench.knowledge DATA_FOLDER            (the folder that holds scientific/, electronics/ and fashion/): validation
    python -m bench.knowledge DATA_FOLDER --test     adds the test splits, which chose nothing
    python -m bench.knowledge DATA_FOLDER --quick    without the tables of alternatives

Scientific: the content recommender over fused vectors of the text, full ranking; the graph knows no event that is asked for, for it is
made from a store that does not have them. Electronics: text search in the fused vectors alone (`--in`), nDCG@10. Fashion: neighbours of
products whose category is hidden from the graph; colours and kinds are left in, and are nearly labels. Sample shop: `--expand`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import mmsearch
from bench.data import SAMPLE
from bench.held_out import before, events_of, recommended
from mmsearch.evaluation.search import evaluate_search
from mmsearch.evaluation.trec import read_qrels
from mmsearch.search.queries import read_queries

ALPHAS = (0.1, 0.3, 0.5, 0.7, 0.8)


def alone(**weights: float) -> str:
    """The weights of a spec in which only some types of edges are left."""
    off = [f"{name}=0" for name in ("brand", "category", "attributes", "bought", "given") if name not in weights]
    return ", ".join([*off, *(f"{name}={weight:g}" for name, weight in weights.items())])


RECOMMENDED = {
    "one type of edge": [f"knowledge(alpha={a}, {alone(**w)})" for w in ({"brand": 1}, {"category": 1}, {"bought": 1}) for a in ALPHAS],
    "bought : brand : category": [f"knowledge(alpha=.7, {alone(bought=b, brand=1, category=1)})" for b in (1, 2, 4, 8)],
    "hops": [f"knowledge(alpha=.5, hops={h})" for h in (1, 2, 3)],
}


# -- scientific: recommendations ---------------------------------------------------------------------------------------


def scientific(data: Path, folder: Path, parts: list[str], quick: bool) -> Iterator[str]:
    shop = mmsearch.open(folder / "scientific.lancedb")
    shop.ingest(data / "scientific" / "products.jsonl")
    shop.embed(no_features="all")
    events = events_of(data / "scientific" / "events.csv", shop)
    for part in parts:  # validation first: its store has fewer events, and those that come in for the test are added
        shop.ingest(before(folder / f"{part}.csv", events, part))
        yield f"scientific, {part}, HR@20 / nDCG@20"
        for spec in ("concat", "knowledge", f"knowledge({alone(brand=1, category=1)})"):
            yield f"  {recommended(shop, spec, events, part)}"
        for name, specs in {} if quick or part == "test" else RECOMMENDED.items():
            yield f"  {name}"
            for spec in specs:
                yield f"    {recommended(shop, spec, events, part)}"


# -- electronics: search -----------------------------------------------------------------------------------------------


def electronics(data: Path, folder: Path, parts: list[str], quick: bool) -> Iterator[str]:
    source = data / "electronics"
    shop = mmsearch.open(folder / "electronics.lancedb")
    shop.ingest(source / "products.jsonl")
    shop.embed(no_features="all")
    with (source / "split.tsv").open(encoding="utf-8") as file:
        split = dict(line.split() for line in file if line.strip())
    queries, qrels = read_queries(str(source / "queries.tsv")), read_qrels(str(source / "qrels.txt"))
    for spec in ("concat", "knowledge", *([] if quick else [f"knowledge(alpha={a})" for a in (0.2, 0.3, 0.5, 0.7)])):
        shop.fuse(spec, name="measured", replace=True, default=False)
        for part in parts:
            mine = {id: judged for id, judged in qrels.items() if split.get(id) == part}
            asked = {id: replace(query, within="measured") for id, query in queries.items() if id in mine}
            found, _ = shop.evaluate_search(asked, mine, ["nDCG@10", "judged@10"])
            yield f"electronics, {part}, nDCG@10 / judged@10: {' / '.join(f'{v:.3f}' for v in found.means.values())}  {spec}"


# -- fashion: neighbours -----------------------------------------------------------------------------------------------


def fashion(data: Path, folder: Path) -> Iterator[str]:
    shop = mmsearch.open(folder / "fashion.lancedb")
    shop.ingest(data / "fashion" / "products.csv")
    shop.embed(no_features="all")
    for spec in ("knowledge(base=concat(text=1, image=1), alpha=.1)", "knowledge(base=concat(text=1, image=1), alpha=.5)"):
        profile = shop.fuse(spec, name="measured", replace=True, default=False)
        yield f"fashion, {spec}: {json.dumps(profile.scores['edges'])}"
        for name, told in profile.scores["held_out"].items():
            if name != "alpha_is":
                yield f"  {name} hidden, {told['measure']} over {told['n']} products: {told['before']:.3f} → {told['after']:.3f}"


# -- the sample shop: --expand -----------------------------------------------------------------------------------------


def sample(folder: Path) -> Iterator[str]:
    shop = mmsearch.open(folder / "sample.lancedb")
    for name in ("products", "knowledge"):
        shop.ingest(SAMPLE / f"{name}.csv")
    shop.embed(no_features="all")
    queries, qrels = read_queries(str(SAMPLE / "queries.tsv")), read_qrels(str(SAMPLE / "qrels.tsv"))
    halves = {"the 2nd, 4th … query (chose the weights)": list(queries)[1::2], "the 1st, 3rd … query": list(queries)[::2]}
    for name, ids in halves.items():
        found = {}
        for expand in (False, True):
            asked = {id: replace(queries[id], expand=expand, within="text") for id in ids}
            plainly = SimpleNamespace(search_many=partial(shop.search_many, understand=False))  # synonyms are what --expand is measured by
            found[expand] = evaluate_search(plainly, asked, {id: qrels[id] for id in ids}, ["nDCG@10"])[0].per_query
        plain, wide = (np.array([found[e][id]["nDCG@10"] for id in ids]) for e in (False, True))
        yield (
            f"sample shop, --in text, {name}: nDCG@10 {plain.mean():.3f}, with --expand {wide.mean():.3f} "
            f"({(wide > plain).sum()} better, {(wide < plain).sum()} worse of {len(ids)})"
        )


def main() -> None:
    data = Path(sys.argv[1])
    parts, quick = ["validation", *(["test"] if "--test" in sys.argv else [])], "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for lines in (
            sample(folder),
            scientific(data, folder, parts, quick),
            electronics(data, folder, parts, quick),
            fashion(data, folder),
        ):
            for line in lines:
                print(line, flush=True)


if __name__ == "__main__":
    main()
