"""Judged queries answered by the store, and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.evaluate import Evaluation, evaluate
from mmsearch.evaluation.trec import untied
from mmsearch.measures import Measure, parse_measure
from mmsearch.search.hits import Result
from mmsearch.search.query import Query

DEPTH = 1000  # hits a query where a measure has no cut-off, as TREC runs have

#: What `eval` measures when no --metric is given.
DEFAULT_MEASURES = ("nDCG@10", "RR@10", "R@10", "judged@10")


class Searcher(Protocol):
    """What is evaluated: anything that answers many queries (a `Shop`)."""

    def search_many(self, queries: Mapping[str, Query], *, k: int, combine: str) -> dict[str, Result]: ...


def evaluate_search(
    searcher: Searcher,
    queries: Mapping[str, Query],
    qrels: Mapping[str, Mapping[str, int]],
    measures: Sequence[str],
    *,
    k: int | None = None,
    combine: str = "calibrated",
    drop_empty: bool = False,
) -> tuple[Evaluation, dict[str, dict[str, float]]]:
    """Run the queries that the qrels judge and measure the result.

    Parameters
    ----------
    k : depth of the run; None takes the deepest cut-off among the measures, 1000 where one has none.

    Returns
    -------
    The evaluation, and the run (query → product → score; see `mmsearch.evaluation.trec.untied`).

    Raises
    ------
    InputError : no query is judged at all: the ids of the two files do not meet. UsageError : no measure, or a malformed one.
    """
    parsed: list[Measure] = [parse_measure(m) for m in measures]
    if not parsed:
        raise UsageError("nothing to measure", hint=f"name measures, such as {', '.join(DEFAULT_MEASURES)}")
    judged = {id: q for id, q in queries.items() if id in qrels}
    if not judged:
        example = f"queries have ids like {next(iter(queries), '?')}, the qrels like {next(iter(qrels), '?')}"
        raise InputError("no query of the queries file is in the qrels", hint=example)
    cuts: list[Any] = [m.k for m in parsed]
    depth = k if k is not None else max(cuts) if all(cuts) else DEPTH
    results = searcher.search_many(judged, k=depth, combine=combine)
    run = {id: dict(zip((hit.id for hit in result), untied(hit.score for hit in result), strict=True)) for id, result in results.items()}
    return evaluate(run, qrels, parsed, drop_empty=drop_empty), run
