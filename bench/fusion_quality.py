"""Every fusion method on the same data: the table of docs/fusion.md.

    python -m bench.fusion_quality DATA_FOLDER                    validation parts
    python -m bench.fusion_quality DATA_FOLDER --test             test parts, which chose nothing
    python -m bench.fusion_quality DATA_FOLDER --only=fashion     one of fashion, half, grocery, scientific, sample
    python -m bench.fusion_quality DATA_FOLDER --methods=aligned,conse

fashion     learned from the 2,000 train products; a title for its own photo and back among the 500 products of a part, whose pairs no
            method saw: R@1 / R@10 / RR
half        search in the fused vectors (`--in`) of 3,000 products by colour and type ("white flip flops"; every second query is for
            validation, and --test adds the others), P@10: all photos, half of them removed at random (seed 0), and two ideal mixtures,
            means of the first and of texts alone: as their own vectors rank them (for the default search with words), and as the same
            method does that learned from texts alone. Both parts together, learned from as a shop's own products, category paths included:
            what a shop would see, not what unseen products would
grocery     a photo taken in a shop for its product in the fused vectors, R@1 / RR, and a title for its photo, held out by turns: R@10
scientific  `content` over the fused vectors, leave-last-out, full ranking: HR@20 / nDCG@20; events held out are not in the store
sample      the sample shop, texts, photos and sounds as queries in the fused vectors, and the default search: nDCG@10
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import mmsearch
from bench.alignment import both, encoded, recall
from bench.data import SAMPLE
from bench.fashion_shop import catalogue, general, halved
from bench.held_out import before, events_of, recommended
from bench.tables import read_rows, shown, written
from mmsearch.encoders.recorded import load_encoder
from mmsearch.errors import MMSearchError
from mmsearch.evaluation.trec import read_qrels
from mmsearch.fusion import FUSERS
from mmsearch.fusion.profile import load, load_fuser
from mmsearch.search.queries import read_queries
from mmsearch.search.query import make_query
from mmsearch.shop import Shop
from mmsearch.store import INTERACTIONS

METHODS = {
    "concat": "concat",
    "weighted": "weighted",
    "conse": "conse",
    "aligned": "aligned",
    "gated": "gated",
    "knowledge": "knowledge(base=aligned)",
    "mm-model": "mm-model",
}
_SEED, _PAIRS = 0, 60  # products of grocery that are learned from when the others are held out
_FOLDS = 10


def each(shop: Shop, methods: Mapping[str, str], measured: Callable[[str], str]) -> Iterator[str]:
    """One line a method; one that has nothing to learn from says why."""
    for name, spec in methods.items():
        try:
            shop.fuse(spec, name="measured", replace=True, force=True)
            found = measured("measured")
        except MMSearchError as error:
            found = f"– ({error.message})"
        yield f"  {name:10} {found}"


def shop_of(folder: Path, name: str, table: list[dict[str, Any]]) -> Shop:
    shop = mmsearch.open(folder / f"{name}.lancedb")
    shop.ingest(written(folder / f"{name}.csv", table), allow_outside=True)
    shop.embed(no_features="all")
    return shop


def fashion(data: Path, folder: Path, methods: Mapping[str, str], part: str) -> Iterator[str]:
    names = ("id", "title", "category", "image", "split")
    table = [{name: row[name] for name in names} for row in catalogue(data / "fashion")]
    shop = shop_of(folder, "train", [row for row in table if row["split"] == "train"])
    held = [row for row in table if row["split"] == part]
    T = encoded(load_encoder(shop.store, "text"), [row["title"] for row in held])
    G = encoded(load_encoder(shop.store, "image"), [Path(row["image"]) for row in held])

    def measured(name: str) -> str:
        fuser = load_fuser(shop.store, load(shop.store, name))
        if not fuser.compares("text", "image"):
            return "– (compares like with like only)"
        return " | ".join(shown(values) for values in recall(fuser, T, G).values())

    yield f"fashion, {part}: title → own photo | photo → own title among {len(held)}, R@1 / R@10 / RR"
    yield from each(shop, methods, measured)


def half(data: Path, folder: Path, methods: Mapping[str, str], part: str) -> Iterator[str]:
    names = ("id", "title", "category", "image")
    table = catalogue(data / "fashion")
    every = [(kind, set(ids)) for kind, ids in general(table).items()]
    parts = {"validation": dict(every[::2])} | ({"test": dict(every[1::2])} if part == "test" else {})
    products = [{name: row[name] for name in names} for row in table]
    fewer, photoless = halved(products)
    whole = shop_of(folder, "whole", products)
    half_of_it, titles = (without(folder, whole, name, some) for name, some in (("halved", fewer), ("titles", bare(products))))

    def found(shop: Shop, within: str | None) -> dict[str, tuple[float, float]]:
        told = {}
        for one, kinds in parts.items():
            results = shop.search_many({kind: make_query([kind], within=within) for kind in kinds}, k=10)
            places = [hit.id in photoless for result in results.values() for hit in result]
            right = [sum(hit.id in kinds[kind] for hit in results[kind]) / 10 for kind in kinds]
            told[one] = float(np.mean(right)), float(np.mean(places))
        return told

    titles.fuse("concat(text=1)", name="texts")
    texts = {"in vectors": found(titles, "texts"), "with words": found(titles, "text")}

    def alone(spec: str) -> dict[str, tuple[float, float]]:
        """What the method does with texts alone; {} where it cannot learn from them."""
        try:
            titles.fuse(spec, name="measured", replace=True, force=True)
        except MMSearchError:
            return {}
        return found(titles, "measured")

    def measured(name: str | None) -> str:
        own: dict[str, tuple[float, float]] = {}
        if name is not None:
            spec = load(whole.store, name).spec
            half_of_it.fuse(spec, name="measured", replace=True, force=True)
            own = alone(spec)
        all_photos, few, told = found(whole, name), found(half_of_it, name), []
        for one in parts:
            mixed = (all_photos[one][0] + texts["with words" if name is None else "in vectors"][one][0]) / 2
            learned = f"{(all_photos[one][0] + own[one][0]) / 2:.3f} (texts alone {own[one][0]:.3f})" if own else "–"
            told.append(f"{one} {all_photos[one][0]:.3f} | {few[one][0]:.3f} | {mixed:.3f} | {learned} | {few[one][1]:.1%}")
        return "; ".join(told)

    mixtures = "ideal mixture by text vectors | by the method's own texts alone"
    counts = " and ".join(str(len(kinds)) for kinds in parts.values())
    yield f"fashion, {counts} queries of colour and type, P@10: all photos | half | {mixtures} | places without a photo"
    for how, values in texts.items():
        yield f"  texts alone {how}: {', '.join(f'{one} {value:.3f}' for one, (value, _) in values.items())}"
    yield from each(whole, methods, measured)
    whole.fuse("aligned", name="aligned", replace=True)
    half_of_it.fuse("aligned", name="aligned", replace=True)
    whole.make_default("aligned")
    half_of_it.make_default("aligned")
    yield f"  default search, profile aligned: {measured(None)}"


def bare(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"image": ""} for row in table]


def without(folder: Path, whole: Shop, name: str, table: list[dict[str, Any]]) -> Shop:
    """A copy of a store in which some photos are taken away: nothing is encoded again."""
    shutil.copytree(whole.store.path, folder / f"{name}.lancedb")
    return shop_of(folder, name, table)


def grocery(data: Path, folder: Path, methods: Mapping[str, str], part: str) -> Iterator[str]:
    source = data / "grocery"
    table = read_rows(source / "products.csv")
    category = {row["id"]: f"{row['category']} > {row['subcategory']}" for row in table}
    shop = shop_of(
        folder,
        "grocery",
        [{"id": r["id"], "title": r["title"], "category": category[r["id"]], "image": str(source / r["image"])} for r in table],
    )
    queries, qrels = read_queries(str(source / "shelf.csv")), read_qrels(str(source / "shelf.qrels"))
    mine = dict(list(qrels.items())[part == "test" :: 2])
    encoders: dict[str, Any] = {m: load_encoder(shop.store, m) for m in ("text", "image")}
    T, G = encoded(encoders["text"], [r["title"] for r in table]), encoded(encoders["image"], [source / r["image"] for r in table])

    def measured(name: str) -> str:
        asked = {id: dataclasses.replace(queries[id], within=name) for id in mine}
        means = shop.evaluate_search(asked, mine, ["R@1", "RR"])[0].means
        spec = load(shop.store, name).spec
        fuser = FUSERS.create(spec)
        line = shown(means.values())
        if not load_fuser(shop.store, load(shop.store, name)).compares("text", "image") or INTERACTIONS in fuser.learns_from:
            return f"{line} | –"
        ways = []
        for turn in range(_FOLDS):
            order = np.random.default_rng(turn).permutation(len(table))
            fuser = FUSERS.create(spec)
            fuser.fit(both(T.take(order[:_PAIRS]), G.take(order[:_PAIRS])), encoders, 0)
            ways.append(recall(fuser, T.take(order[_PAIRS:]), G.take(order[_PAIRS:]))["text>image"][1])
        return f"{line} | {np.mean(ways):.3f}"

    yield f"grocery, {part}: {len(mine)} photos taken in shops → product of 81, R@1 / RR | title → own photo of {len(table) - _PAIRS}, R@10"
    yield from each(shop, methods, measured)


def scientific(data: Path, folder: Path, methods: Mapping[str, str], part: str) -> Iterator[str]:
    shop = mmsearch.open(folder / "scientific.lancedb")
    shop.ingest(data / "scientific" / "products.jsonl")
    shop.embed(no_features="all")
    events = events_of(data / "scientific" / "events.csv", shop)
    shop.ingest(before(folder / "events.csv", events, part))
    yield f"scientific, {part}: content over the fused vectors of texts, HR@20 / nDCG@20"
    for name, spec in methods.items():
        if name in ("conse", "aligned", "knowledge"):  # there are no photos to align
            spec = "knowledge(base=concat)" if name == "knowledge" else ""
        try:
            line = recommended(shop, spec, events, part) if spec else "– (no photos)"
        except MMSearchError as error:
            line = f"– ({error.message})"
        yield f"  {name:10} {line}"


def sample(data: Path, folder: Path, methods: Mapping[str, str], part: str) -> Iterator[str]:
    shop = mmsearch.open(folder / "sample.lancedb")
    for name in ("products", "events", "reviews", "searches", "users", "knowledge"):
        shop.ingest(SAMPLE / f"{name}.csv")
    shop.embed(no_features="all")
    sets = {
        "texts": (read_queries(str(SAMPLE / "queries.tsv")), read_qrels(str(SAMPLE / "qrels.tsv"))),
        "mixed": (read_queries(str(SAMPLE / "queries.jsonl")), read_qrels(str(SAMPLE / "mixed_qrels.tsv"))),
    }

    def measured(name: str | None) -> str:
        found = []
        for queries, qrels in sets.values():
            asked = {id: dataclasses.replace(query, within=name) for id, query in queries.items()}
            try:
                found.append(f"{shop.evaluate_search(asked, qrels, ['nDCG@10'])[0].means['nDCG@10']:.3f}")
            except MMSearchError as error:
                found.append(f"– ({error.message})")
        return " | ".join(found)

    yield f"sample shop: {' | '.join(f'{len(q)} {name} queries' for name, (q, _) in sets.items())}, nDCG@10"
    yield from each(shop, methods, measured)
    shop.make_default(shop.fuse("aligned", name="aligned", replace=True).name)
    yield f"  default search, profile aligned: {measured(None)}"


SUBJECTS = {"fashion": fashion, "half": half, "grocery": grocery, "scientific": scientific, "sample": sample}


def main() -> int:
    data, options = Path(sys.argv[1]).resolve(), sys.argv[2:]
    part = "test" if "--test" in options else "validation"
    chosen = [o.removeprefix("--only=") for o in options if o.startswith("--only=")] or list(SUBJECTS)
    names = next((o.removeprefix("--methods=").split(",") for o in options if o.startswith("--methods=")), list(METHODS))
    methods = {name: METHODS.get(name, name) for name in names}
    for subject in chosen:
        with tempfile.TemporaryDirectory() as folder:
            for line in SUBJECTS[subject](data, Path(folder), methods, part):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
