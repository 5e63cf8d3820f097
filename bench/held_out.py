"""Recommendations of what people took last (scientific): the events, a file of those that are not held out, and how well it goes."""

from __future__ import annotations

from pathlib import Path

from bench.tables import read_rows, written
from mmsearch.evaluation.recommend import evaluate_recommender
from mmsearch.evaluation.splits import LeaveLastOut
from mmsearch.measures import parse_measure
from mmsearch.recommend.base import Interactions
from mmsearch.recommend.content import Content
from mmsearch.recommend.evidence import load_products
from mmsearch.recommend.interactions import build
from mmsearch.shop import Shop


def events_of(file: Path, shop: Shop) -> Interactions:
    """The events of a file with user, product and time, over a shop's products."""
    table = read_rows(file)
    ids = shop.store.read("products", ["id"]).column("id").to_pylist()
    columns = [row["user"] for row in table], [row["product"] for row in table]
    return build(*columns, times=[float(row["time"]) for row in table], product_ids=ids).interactions


def before(path: Path, events: Interactions, part: str) -> Path:
    """A file of the events that come before those held out."""
    train = LeaveLastOut(part).split(events).train
    triples = zip(train.users.tolist(), train.products.tolist(), train.times.tolist(), strict=True)
    table = [{"user": train.user_ids[u], "product": train.product_ids[p], "event": "buy", "time": int(t)} for u, p, t in triples]
    return written(path, table)


def recommended(shop: Shop, spec: str, events: Interactions, part: str) -> str:
    """HR@20 / nDCG@20 of `content` over the vectors of a profile fitted by `spec`, in a line."""
    profile = shop.fuse(spec, name="measured", replace=True)
    products = load_products(shop.store, events.product_ids)
    measures = [parse_measure(name) for name in ("HR@20", "nDCG@20")]
    found = evaluate_recommender(Content(), events, products, LeaveLastOut(part), measures).evaluation
    alpha = f" (alpha {profile.scores['alpha']:g})" if "alpha" in profile.scores and "alpha=" not in spec else ""
    return f"{' / '.join(f'{value:.4f}' for value in found.means.values())}  {spec}{alpha}"
