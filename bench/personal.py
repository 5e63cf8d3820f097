"""What it brings to know who asks: products that people bought next, asked for by few words, with and without their history.

    python -m bench.personal DATA_FOLDER              (the folder that holds scientific/)
    python -m bench.personal DATA_FOLDER --choose     what the defaults were chosen by, on validation
    … --stores=FOLDER                                 where to keep the two stores for another run

Each person's last purchase is for test, the last but one for validation; the store has the events before it alone. It is asked for by the
last words of its category ("stretch wrap"; as Ai et al., "Learning a hierarchical embedding model for personalized product search", SIGIR
2017, made queries) or by two words of its title (seed 0). 1 / rank (0 beyond 100) and nDCG@10 of that product, in the mean over people
chosen at random (seed 0). *Another's*: the same, by the history of somebody else, for what a reranking brings that knows nothing of the
person. *Session*: the last two purchases, of nobody that is named.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mmsearch
from bench.held_out import before, events_of
from bench.tables import print_table
from mmsearch.evaluation.splits import LeaveLastOut
from mmsearch.ranking.boost import Boost
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import Reranker
from mmsearch.ranking.shopper import Shopper
from mmsearch.search.answers import Scored
from mmsearch.search.engine import Engine
from mmsearch.search.query import Query, make_query
from mmsearch.search.rerank.chain import rerank
from mmsearch.search.rerank.known import Known, Some
from mmsearch.search.rerank.personal import Personal, Session
from mmsearch.search.understand.soft import SoftFilters
from mmsearch.shop import Shop

_DEEPEST = 100
_WORD = re.compile("[A-Za-z]{3,}")


@dataclass(frozen=True)
class Asked:
    """Someone who is about to buy a product: kind of query → its words, what they bought last, and somebody else."""

    user: str
    product: str
    words: Mapping[str, str]
    last: tuple[str, ...]
    other: str


@dataclass(frozen=True)
class Row:
    """A line of the table: the steps of a reranking, and whose history they see."""

    steps: Sequence[Reranker] = ()
    whose: str = "own"


def rows() -> dict[str, Row]:
    popular = Boost(popularity=0.2)
    return {
        "plain": Row(),
        "personal": Row([Personal()]),
        "personal, another's history": Row([Personal()], "another's"),
        "personal(taste=1)": Row([Personal(taste=1.0)]),
        "personal(taste=0)": Row([Personal(taste=0.0)]),
        "session, the last two": Row([Session()]),
        "boost(popularity=.2)": Row([popular]),
        "boost(popularity=.2) | personal": Row([popular, Personal()]),
    }


def choices() -> dict[str, Row]:
    grid = [(weight, taste) for weight in (0.1, 0.2, 0.3, 0.4) for taste in (0.2, 0.4, 0.6)]
    found = {f"personal(weight={weight:g}, taste={taste:g})": Row([Personal(weight=weight, taste=taste)]) for weight, taste in grid}
    sessions = {f"session(weight={weight:g})": Row([Session(weight=weight)]) for weight in (0.1, 0.2, 0.3)}
    return {"plain": Row(), **found, **sessions}


def measure(data: Path, part: str, people: int, table: Mapping[str, Row], folder: Path) -> None:
    fresh = not (folder / f"{part}.lancedb").exists()
    shop = mmsearch.open(str(folder / f"{part}.lancedb"))
    if fresh:
        shop.ingest(data / "products.jsonl")
        shop.embed(no_features="all")
        shop.ingest(before(folder / f"{part}.csv", events_of(data / "events.csv", shop), part))
    asked = list(people_of(data, part, people, shop))
    engine = Engine(shop.store)
    known = Known(engine.index)
    found = {kind: ranks(engine, known, asked, kind, table) for kind in asked[0].words}
    title = f"{part}: {len(asked)} people; 1 / rank, nDCG@10"
    print_table(title, [{"": name} | {kind: shown(found[kind][name]) for kind in found} for name in table])


def people_of(data: Path, part: str, people: int, shop: Shop) -> Iterable[Asked]:
    """Those who can be asked for: with a category and three words in the title of what they buy."""
    events = events_of(data / "events.csv", shop)
    split = LeaveLastOut(part).split(events)
    with (data / "products.jsonl").open(encoding="utf-8") as lines:
        products = {product["id"]: product for product in map(json.loads, lines)}
    rng = random.Random(0)
    pairs = list(zip(split.users.tolist(), split.products.tolist(), strict=True))
    rng.shuffle(pairs)
    for user, place in pairs:
        product = products[events.product_ids[place]]
        words = list(dict.fromkeys(word.lower() for word in _WORD.findall(product["title"])))
        category = str(product.get("category") or "").split(",")[-1].replace('"', " ").strip()
        if len(words) < 3 or not category:
            continue
        two = " ".join(words[i] for i in sorted(rng.sample(range(len(words)), 2)))
        mine = split.train.products[split.train.users == user][-2:]
        last = tuple(events.product_ids[i] for i in mine.tolist())
        other = rng.choice([one for one, _ in rng.sample(pairs, 2) if one != user])
        yield Asked(events.user_ids[user], product["id"], {"category": category, "title": two}, last, events.user_ids[other])
        people -= 1
        if not people:
            return


def ranks(engine: Engine, known: Known, asked: Sequence[Asked], kind: str, table: Mapping[str, Row]) -> dict[str, list[int]]:
    """Name of a line → the rank of each product that was bought, 0 beyond the hundredth. Queries are compared once for all lines."""
    queries = {str(n): make_query([one.words[kind]], shopper=Shopper(str(n))) for n, one in enumerate(asked)}

    def placed(query: Query, scored: Scored, _: list[str]) -> dict[str, int]:
        one, places = asked[int(query.shopper.user or 0)], {}
        for name, row in table.items():
            shopper = Shopper(one.user if row.whose == "own" else one.other, one.last)
            candidates = Some(known, scored.candidates, 1.0, make_query([one.words[kind]], shopper=shopper))
            steps = [*([SoftFilters(scored.softly, candidates)] if scored.softly else []), *row.steps]
            scores = rerank(steps, scored.combined.total, candidates).scores
            ids = scored.candidates.take(best(scored.candidates, scores, _DEEPEST)).to_pylist()
            places[name] = 1 + ids.index(one.product) if one.product in ids else 0
        return places

    found = engine.compared(queries, _DEEPEST, placed)
    return {name: [places[name] for places in found.values()] for name in table}


def shown(ranks: Sequence[int]) -> str:
    reciprocal = np.mean([1 / rank if rank else 0.0 for rank in ranks])
    gain = np.mean([1 / np.log2(rank + 1) if 0 < rank <= 10 else 0.0 for rank in ranks])
    return f"{reciprocal:.3f} / {gain:.3f}"


def option(name: str) -> str | None:
    return next((a.partition("=")[2] for a in sys.argv if a.startswith(f"--{name}=")), None)


def main() -> int:
    data = Path(sys.argv[1]).resolve() / "scientific"
    people = int(option("people") or 1_000)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(option("stores") or made)
        for part in ("validation",) if "--choose" in sys.argv else ("validation", "test"):
            measure(data, part, people, choices() if "--choose" in sys.argv else rows(), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
