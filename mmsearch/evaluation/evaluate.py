"""A run, judgments and measures → numbers: one a query and measure, and their means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isnan
from typing import Any

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.trec import Qrels, Run, rank
from mmsearch.measures import Measure


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found. Measures are keyed by their text, as typed; queries are in the order of the qrels.

    `per_query` holds exactly the queries that `means` are taken over. `missing` and `empty` are queries of the qrels
    (all of them, whatever is averaged over): without a product in the run, and without a relevant product.
    `unjudged_queries` are queries of the run that the qrels do not have; they count nowhere.
    """

    per_query: Mapping[str, Mapping[str, float]]
    means: Mapping[str, float]
    missing: tuple[str, ...]
    empty: tuple[str, ...]
    unjudged_queries: tuple[str, ...]

    @property
    def queries(self) -> int:
        """The number of queries averaged over."""
        return len(self.per_query)


def evaluate(run: Run, qrels: Qrels, measures: Iterable[Measure], *, drop_empty: bool = False) -> Evaluation:
    """Measure a run.

    The mean is over all queries of the qrels (trec_eval's `-c`), so that a method cannot gain by not answering. A query
    for which the run has no product counts 0, whether the run leaves it out or holds an empty ranking (a run file
    cannot tell the two apart). So does, in the measures of quality, one without a relevant product; `Judged` remains
    what it is there.

    Parameters
    ----------
    drop_empty : average only over the queries with a relevant product (relevance above 0, whatever a measure's `rel`).

    Raises
    ------
    UsageError : no measure.
    InputError : no query to average over, or a score that is not finite.
    """
    measures = list(measures)
    if not measures:
        raise UsageError("nothing to measure", hint="name at least one measure, such as nDCG@10")
    return evaluated(run, qrels, measures, drop_empty=drop_empty)


def evaluated(run: Run, qrels: Qrels, measures: Sequence[Measure], *, drop_empty: bool = False) -> Evaluation:
    """As `evaluate`, also of no measure: what is missing and empty is told all the same."""
    empty = tuple(query for query, judgments in qrels.items() if not any(r > 0 for r in judgments.values()))
    dropped = frozenset(empty if drop_empty else ())
    per_query = {}
    for query, judgments in qrels.items():
        if query not in dropped:
            ranking = rank(run.get(query, {}))
            per_query[query] = {str(measure): measure.compute(ranking, judgments) for measure in measures}
    if not per_query:
        raise InputError("no query of the qrels has a relevant product" if qrels else "the qrels hold no query")
    return Evaluation(
        per_query=per_query,
        means={str(m): fsum(values[str(m)] for values in per_query.values()) / len(per_query) for m in measures},
        missing=tuple(query for query in qrels if not run.get(query)),
        empty=empty,
        unjudged_queries=tuple(query for query in run if query not in qrels),
    )


def to_json(evaluation: Evaluation, method: str, split: Any = None) -> dict[str, Any]:
    """One method's object for machines, numbers unrounded, null for a measure without a value. `split` is whatever JSON value says what
    was held out; null if nothing was."""
    return {
        "method": method,
        "queries": evaluation.queries,
        "measures": {measure: None if isnan(value) else value for measure, value in evaluation.means.items()},
        "missing": len(evaluation.missing),
        "empty": len(evaluation.empty),
        "unjudged_queries": len(evaluation.unjudged_queries),
        "split": split,
    }
