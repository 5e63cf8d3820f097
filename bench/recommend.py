"""Recommenders on generated events: time and peak memory, beside `implicit`, the library that a user would pick.

Both sides learn and answer once from few events before the clock runs, so that libraries are loaded and code is compiled. What that costs
the first time on a machine, and the first time in a process, is a line of its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mmsearch import settings
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Interactions, Products, Recommender
from mmsearch.recommend.interactions import histories

K = 20  # recommended
ASKED = 20_000  # users
NEAREST = 200
#: Events, users, products. The smallest is large enough for compiled code.
SIZES = {"200k": (200_000, 10_000, 4_000), "1M": (1_000_000, 60_000, 20_000), "10M": (10_000_000, 500_000, 50_000)}
FIRST = "200k"
LARGE_EASE = "ease(directed=false, dense=20000)"
ALL_USERS = ("itemcf(directed=false)", "itemcf(directed=true)", "als", "ease", "graph", "usercf")


def generated(size: str, seed: int = 0) -> Interactions:
    """Events of users of very different diligence (log-normal) with products of Zipf popularity, each drawn to a few of 200 tastes."""
    events, people, things = SIZES[size]
    rng = np.random.default_rng(seed)
    diligence = rng.lognormal(0, 1, people)
    users = np.sort(rng.choice(people, events, p=diligence / diligence.sum()))
    order = np.argsort(rng.random(things))  # popularity has nothing to do with a product's taste
    tastes, each = 200, things // 200
    mine = rng.integers(0, tastes, (people, 3))
    common = rng.random(events) < 0.4
    weights = 1 / np.arange(1, things + 1) ** 0.8
    anything = order[np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(events))]
    inner = 1 / np.arange(1, each + 1) ** 0.8
    place = np.searchsorted(np.cumsum(inner) / inner.sum(), rng.random(events))
    own = mine[users, rng.integers(0, 3, events)] * each + place
    products = np.minimum(np.where(common, anything, own), things - 1)
    names = [str(i) for i in range(things)]
    return Interactions([str(u) for u in range(people)], names, users, products, np.ones(events), np.arange(events, dtype=float))


def ours(spec: str, events: Interactions, asked: int) -> dict[str, float]:
    recommender: Recommender = RECOMMENDERS.create(spec)
    fit = timed(lambda: recommender.fit(events, Products(events.product_ids)))
    given = histories(events)[:asked]
    known = [history.products for history in given]
    return {"fit": fit, "recommend": timed(lambda: recommender.recommend(given, K, known)) if asked else 0.0}


def knn(events: Interactions, asked: int) -> dict[str, float]:
    """`implicit`'s item-kNN by cosine, users in one call."""
    from implicit.nearest_neighbours import CosineRecommender
    from scipy.sparse import csr_matrix

    start = time.perf_counter()
    R = csr_matrix((events.values, (events.users, events.products)), shape=(len(events.user_ids), len(events.product_ids)))
    R.data[:] = 1  # an event that is there twice counts once, as with ours
    model = CosineRecommender(K=NEAREST, num_threads=settings.threads())
    model.fit(R, show_progress=False)
    fit = time.perf_counter() - start
    return {"fit": fit, "recommend": timed(lambda: model.recommend(np.arange(asked), R[:asked], N=K))}


def als(events: Interactions, asked: int) -> dict[str, float]:
    """`implicit`'s ALS with what our `als` asks of it."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    ask: Any = RECOMMENDERS.create("als")
    confidence = np.full(len(events), 1 + ask.alpha, np.float32)
    C = csr_matrix((confidence, (events.users, events.products)), (len(events.user_ids), len(events.product_ids)))
    C.data[:] = 1 + ask.alpha  # an event that is there twice counts once
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(ask.factors, ask.reg, iterations=ask.iterations, num_threads=settings.threads(), random_state=0)
        fit = timed(lambda: model.fit(C, show_progress=False))
        return {"fit": fit, "recommend": timed(lambda: model.recommend(np.arange(asked), C[:asked], N=K))}


THEIRS: dict[str, Callable[[Interactions, int], dict[str, float]]] = {"implicit's item-kNN": knn, "implicit's ALS": als}


def timed(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def alone(what: str, size: str, asked: int = ASKED, **environment: str) -> dict[str, float]:
    """One fit, and one answer for many users, in a process of its own."""
    run = [sys.executable, "-W", "ignore", "-m", "bench.recommend", what, size, str(asked)]
    ran = subprocess.run(run, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    told: dict[str, float] = json.loads(ran.stdout)
    return told


def shown(label: str, size: str, told: dict[str, float], asked: int = ASKED) -> str:
    rate = f", {asked / told['recommend']:,.0f} users/s" if told["recommend"] else ""
    return (
        f"{label}, {size} events: fit {told['fit']:.1f} s{rate}, {told['cpu']:.1f} s of processors, "
        f"peak {told['peak']:,.0f} MB over {told['before']:,.0f} MB of events"
    )


def measure() -> Iterator[str]:
    for size in ("1M", "10M"):
        yield from compared("itemcf(directed=false)", "implicit's item-kNN", size)
    for spec in ("itemcf(directed=false)", "itemcf(directed=true)"):
        yield first_time(spec)
    yield from compared("als", "implicit's ALS", "1M")
    for spec in ALL_USERS:
        yield shown(spec, "1M", alone(spec, "1M"))
    for spec in ("itemcf(directed=true)", "ease", "graph", "usercf"):
        yield shown(spec, "10M", alone(spec, "10M", 1000), 1000)
    yield shown(LARGE_EASE, "1M", alone(LARGE_EASE, "1M", 0))


def compared(spec: str, theirs: str, size: str) -> Iterator[str]:
    """Theirs, ours, theirs, so that a machine that slows down does not speak for either; of theirs the quicker run counts."""
    before, told, after = alone(theirs, size), alone(spec, size), alone(theirs, size)
    other = {name: min(before[name], after[name]) for name in before}
    yield shown(theirs, size, other)
    yield shown(spec, size, told)
    whole, others = told["fit"] + told["recommend"], other["fit"] + other["recommend"]
    yield (
        f"{spec} beside {theirs}, {size}: fit {told['fit'] / other['fit']:.2f}, recommend {told['recommend'] / other['recommend']:.2f}, "
        f"both {whole / others:.2f}, processors {told['cpu'] / other['cpu']:.2f}, peak {told['peak'] / other['peak']:.2f} times"
    )


def first_time(spec: str) -> str:
    """What compiling costs: the first fit and answers with an empty cache, in the next process, and once all is loaded."""
    with tempfile.TemporaryDirectory() as empty:
        machine, process = (alone(spec, FIRST, NUMBA_CACHE_DIR=empty) for _ in range(2))
    later = process["fit"] + process["recommend"]
    return (
        f"{spec}, {FIRST} events, learning and answering: {machine['first']:.1f} s the first time on a machine, "
        f"{process['first']:.1f} s the first time in a process, {later:.1f} s from then on"
    )


def main() -> None:
    what, size, asked = sys.argv[1], sys.argv[2], int(sys.argv[3])

    def measured(events: Interactions) -> dict[str, float]:
        some = min(asked, len(events.user_ids))
        return THEIRS[what](events, some) if what in THEIRS else ours(what, events, some)

    few, events = generated(FIRST), generated(size)
    first = timed(lambda: measured(few))
    before, start = peak(), time.process_time()
    told = measured(events)
    print(json.dumps(told | {"first": first, "cpu": time.process_time() - start, "before": before, "peak": peak()}))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
