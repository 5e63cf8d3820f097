"""`mmsearch fuse --tune`: the weights of a profile's searches, learned from judged queries and kept in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from mmsearch.errors import UsageError
from mmsearch.evaluation.trec import Qrels
from mmsearch.evaluation.tune_fusion import MEASURE, MOST, Tuned, halves, tune
from mmsearch.fusion.keeping import weigh
from mmsearch.fusion.profile import default_name, load
from mmsearch.search.engine import Engine
from mmsearch.search.query import Query
from mmsearch.store import Store

_K = 10  # hits a query that candidates of a large store are gathered for; see `Engine.keep`


def tune_profile(
    store: Store,
    name: str | None,
    queries: Mapping[str, Query],
    qrels: Qrels,
    *,
    held_out: Qrels | None = None,
    measures: Sequence[str] = (MEASURE,),
    seed: int = 0,
    accept: bool = False,
) -> Tuned:
    """Tune the weights of a profile on judged queries, as if it were the default; keep them in it if they are surely better.

    Parameters
    ----------
    name : of the profile; None takes the default one.
    held_out : judgments of the queries to report on; None holds out half of the queries at random.
    measures : the first one is what is tuned by. accept : keep the weights although held-out queries do
        not make it certain that they are better (the interval of the difference reaches 0).

    Raises
    ------
    UsageError : no such profile or none at all, or no measure. InputError : too few queries (says how many), or nothing to weigh.
    """
    name = name or default_name(store)
    if name is None:
        raise UsageError("there is no fusion profile to tune", hint="make one: mmsearch fuse")
    profile = load(store, name)
    train, out, split = halves(queries, qrels, seed, held_out)
    wanted = {id: queries[id] for id in (*train, *out)}
    kept = Engine(store, name).keep(wanted, _K, MOST)
    both = {id: (held_out or {}).get(id) or qrels[id] for id in wanted}
    found = tune(kept, both, train, out, profile.weights, measures=measures, seed=seed, split=split, profile=name)
    if not (found.sure or accept):
        return found
    weigh(store, name, profile.weights | found.weights, found.to_json() | {"saved": True})
    return dataclasses.replace(found, saved=True)
