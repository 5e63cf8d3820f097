"""What a learned gate is worth: products of one type among products it never saw, recommendation by texts alone, the sample shop.

    python -m bench.gated DATA_FOLDER                  (the folder that holds fashion/ and scientific/)
    python -m bench.gated DATA_FOLDER --test           the test split, too, which chose nothing
    python -m bench.gated DATA_FOLDER --alternatives   what the defaults were chosen by, on validation products
    python -m bench.gated DATA_FOLDER --only=fashion   one of sample, scientific, fashion

Fashion: learned from the 2,000 train products by their category path (category > subcategory > type), measured among the 500 products
of a split: every product asks for those of its type, MAP / P@10. The same with half of the photos removed (seed 0), with texts alone and
with photos alone; a text for its own photo, R@1 / R@10; and how many of the top-10 places hold a product without a photo, half of all.
Scientific: learned from the events before those held out; a user is served by `content`, full ranking, HR@20 / nDCG@20.
Sample shop: held-out products of five seeds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import mmsearch
from bench.data import SAMPLE
from bench.held_out import before
from bench.tables import read_rows, shown, written
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Matrix
from mmsearch.evaluation.recommend import evaluate_recommender
from mmsearch.evaluation.splits import LeaveLastOut
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, FitReport, Fuser
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.shared_space import pair_recall
from mmsearch.measures import parse_measure
from mmsearch.recommend.base import Products
from mmsearch.recommend.content import Content
from mmsearch.recommend.evidence import catalogue, read_evidence
from mmsearch.store import Store

SEEDS = (0, 1, 2)
ALTERNATIVES = (
    *(f"gated(own={own})" for own in (0, 0.1, 0.2, 0.3, 0.5)),
    *(f"gated(dropout={chance})" for chance in (0, 0.3, 0.5)),
    *(f"gated(temperature={t})" for t in (0.05, 0.1, 0.2)),
    *(f"gated(rate={rate})" for rate in (0.0005, 0.001, 0.003)),
    *(f"gated(dim={dim})" for dim in (128, 256, 512)),
)


def fitted(spec: str, batch: Batch, encoders: dict[str, Any], seed: int = 0) -> tuple[Fuser, FitReport, float]:
    fuser: Fuser = FUSERS.create(spec)
    started = time.perf_counter()
    report = fuser.fit(batch, encoders, seed)
    return fuser, report, time.perf_counter() - started


class Fashion:
    def __init__(self, data: Path, folder: Path):
        table = read_rows(data / "fashion" / "products.csv")
        self.encoders: dict[str, Any] = {m: ENCODERS.create(name) for m, name in (("text", "usem"), ("image", "efficientnet"))}
        self.ids = [row["id"] for row in table]
        self.type = np.unique([row["type"] for row in table], return_inverse=True)[1]
        self.split = np.array([row["split"] for row in table])
        self.vectors = {
            "text": self.encoders["text"].encode([row["title"] for row in table]).vectors,
            "image": self.encoders["image"].encode([data / "fashion" / row["image"] for row in table]).vectors,
        }
        paths = [{"id": row["id"], "category": " > ".join((row["category"], row["subcategory"], row["type"]))} for row in table]
        shop = mmsearch.open(folder / "fashion.lancedb")
        shop.ingest(written(folder / "fashion.csv", paths))
        self.store: Store = shop.store
        self.photoless = np.random.default_rng(0).random(len(table)) < 0.5

    def batch(self, split: str, modalities: tuple[str, ...] = ("text", "image"), *, halved: bool = False) -> Batch:
        at = np.flatnonzero(self.split == split)
        present = {m: np.full(len(at), m in modalities) for m in self.vectors}
        if halved:
            present["image"] &= ~self.photoless[at]
        vectors = {m: X[at] * present[m][:, None] for m, X in self.vectors.items()}
        return Batch(vectors, present, {}, [self.ids[i] for i in at.tolist()], self.store)

    def same_type(self, items: Matrix, split: str) -> list[float]:
        """MAP and P@10 over products that share their type with another one of the split."""
        labels = self.type[self.split == split]
        similarity = items @ items.T
        np.fill_diagonal(similarity, -np.inf)
        right = labels[np.argsort(-similarity, axis=1, kind="stable")[:, :-1]] == labels[:, None]
        some = right.any(axis=1)
        precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
        average = (precision * right).sum(axis=1)[some] / right.sum(axis=1)[some]
        return [float(average.mean()), float(right[some, :10].mean())]

    def measured(self, fuser: Fuser, split: str) -> dict[str, list[float]]:
        halved = self.batch(split, halved=True)
        few = fuser.items(halved)
        found = {"all": self.same_type(fuser.items(self.batch(split)), split), "half the photos": self.same_type(few, split)}
        for m in ("text", "image"):
            found[f"{m} alone"] = self.same_type(fuser.items(self.batch(split, (m,))), split)
        whole = self.batch(split)
        if fuser.compares("text", "image"):
            T, G = (fuser.project(m, whole.side(m, np.arange(len(whole)))) for m in ("text", "image"))
            found["text → own photo"] = list(pair_recall(T, G, np.eye(len(whole), dtype=bool))["text>image"].values())[:2]
        similarity = few @ few.T
        np.fill_diagonal(similarity, -np.inf)
        best = np.argsort(-similarity, axis=1, kind="stable")[:, :10]
        lacking = ~halved.present["image"]
        found["places without a photo, of"] = [float(lacking[best].mean()), float(lacking.mean())]
        return found


def fashion(data: Path, folder: Path, splits: list[str], alternatives: bool) -> Iterator[str]:
    catalogue = Fashion(data, folder)
    for spec in ("concat", "aligned", "gated"):
        for mode, train in (("learned from all photos", False), ("learned from half the photos", True)):
            fits = [
                fitted(spec, catalogue.batch("train", halved=train), catalogue.encoders, s) for s in (SEEDS if spec == "gated" else (0,))
            ]
            for split in splits:
                each = [catalogue.measured(fuser, split) for fuser, _, _ in fits]
                line = "; ".join(f"{name} {shown(np.mean([one[name] for one in each], axis=0))}" for name in each[0])
                spread = f" (MAP of {len(fits)} seeds {min(e['all'][0] for e in each):.3f}–{max(e['all'][0] for e in each):.3f})"
                yield f"fashion {split}, {spec}, {mode}: {line}{spread if len(fits) > 1 else ''}"
            if spec == "gated":
                yield f"  {np.mean([took for _, _, took in fits]):.0f} s a fit; {fits[0][1].summary}"
    for spec in ALTERNATIVES if alternatives else ():
        fuser, report, took = fitted(spec, catalogue.batch("train"), catalogue.encoders)
        line = "; ".join(f"{name} {shown(values)}" for name, values in catalogue.measured(fuser, "validation").items())
        yield f"fashion validation, {spec}: {line}; round {report.scores['round']}, {took:.0f} s"


def scientific(data: Path, folder: Path, parts: list[str], alternatives: bool) -> Iterator[str]:
    with (data / "scientific" / "products.jsonl").open(encoding="utf-8") as file:
        products = [json.loads(line) for line in file]
    known = [{"id": p["id"], "title": p.get("title") or p["id"], "category": p.get("category") or ""} for p in products]
    texts = [f"{p.get('title') or ''}. {(p.get('description') or '')[:200]}" for p in products]
    encoded = ENCODERS.create("usem").encode(texts)
    X = np.zeros((len(products), encoded.vectors.shape[1]), np.float32)
    X[encoded.kept] = encoded.vectors
    there = np.isin(np.arange(len(products)), encoded.kept)
    whole = mmsearch.open(folder / "scientific.lancedb")
    whole.ingest(written(folder / "scientific.csv", known))
    whole.ingest(data / "scientific" / "events.csv")
    interactions = read_evidence(whole.store, catalogue(whole.store)).interactions
    row = {p["id"]: i for i, p in enumerate(products)}
    order = np.array([row[id] for id in interactions.product_ids])
    measures = [parse_measure(text) for text in ("HR@20", "nDCG@20")]
    for part in parts:
        split = LeaveLastOut(part)
        shop = mmsearch.open(folder / f"scientific-{part}.lancedb")  # it knows nothing of what is held out
        shop.ingest(folder / "scientific.csv")
        shop.ingest(before(folder / f"{part}.csv", interactions, part))
        batch = Batch({"text": X}, {"text": there}, {}, [p["id"] for p in products], shop.store)
        further = ("gated(supervision=together, dim=512)", "gated(supervision=together, rate=.003)") if alternatives else ()
        for spec in ("concat", "gated(supervision=together)", "gated(supervision=category)", *further):
            fuser, report, took = fitted(spec, batch, {})
            vectors = Products(interactions.product_ids, fuser.items(batch)[order])
            means = evaluate_recommender(Content(), interactions, vectors, split, measures).evaluation.means
            numbers = " / ".join(f"{value:.4f}" for value in means.values())
            yield f"scientific {split.spec}, content over {spec}: HR@20 / nDCG@20 {numbers}; {took:.0f} s"
            yield f"  {report.summary}"


def sample(folder: Path) -> Iterator[str]:
    shop = mmsearch.open(folder / "sample.lancedb")
    for name in ("products", "events"):
        shop.ingest(SAMPLE / f"{name}.csv")
    shop.embed(no_features="all")
    from mmsearch.encoders.recorded import recorded_encoder

    tables = {m: known["table"] for m in ("text", "image", "audio", "video") if (known := recorded_encoder(shop.store, m))}
    _, batch = load_batch(shop.store, tables)
    for spec in ("gated(supervision=together)", "gated(supervision=category)"):
        reports = [fitted(spec, batch, {}, seed)[1] for seed in range(5)]
        after, before = ([r.scores[key] if key == "before" else r.scores[key]["all"] for r in reports] for key in ("ndcg", "before"))
        found = f"{np.mean(after):.3f} ({min(after):.3f}–{max(after):.3f})"
        yield f"sample shop, {spec}, 5 seeds: held-out nDCG@10 {found}, concat {np.mean(before):.3f}"
        yield f"  {reports[0].summary}"


def main() -> int:
    data, options = Path(sys.argv[1]).resolve(), set(sys.argv[2:])
    parts = ["validation", "test"] if "--test" in options else ["validation"]
    alternatives = "--alternatives" in options
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subjects = {
            "sample": lambda: sample(folder),
            "scientific": lambda: scientific(data, folder, parts, alternatives),
            "fashion": lambda: fashion(data, folder, parts, alternatives),
        }
        for subject in [o.removeprefix("--only=") for o in options if o.startswith("--only=")] or subjects:
            for line in subjects[subject]():
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
