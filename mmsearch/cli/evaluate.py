"""`mmsearch eval`: search, run, recommend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, write_rows
from mmsearch.cli.search import WEIGHTS, restricted
from mmsearch.errors import InputError, UsageError
from mmsearch.spec import Spec, parse

app = typer.Typer(help="Measure search, runs and recommendations.", no_args_is_help=True, rich_markup_mode=None)

_METRIC = typer.Option([], "--metric", metavar="MEASURE", help="nDCG@10, AP, RR, P@5, R@10, Hit@1, judged@10 … (repeatable).")
_DROP = typer.Option(False, "--drop-empty", help="Average over queries that have a relevant product (else all count).")


@app.command("search")
@global_options
def search(
    queries: str = typer.Option(
        ..., "--queries", metavar="FILE", help="TSV id<TAB>text, or CSV/JSONL with columns; - reads standard input."
    ),
    qrels: str = typer.Option(..., "--qrels", metavar="FILE", help="TREC judgments: query 0 product relevance."),
    metric: list[str] = _METRIC,
    within: str | None = typer.Option(None, "--in", metavar="text|image|PROFILE", help="Compare with this evidence of the products alone."),
    weights: str | None = WEIGHTS,
    where: list[str] = typer.Option([], "--where", metavar="FILTER", help="Only products that pass."),
    expand: bool = typer.Option(False, "--expand", help="Widen the queries by the store's triples."),
    k: int | None = typer.Option(None, "-k", metavar="N", help="Depth of the run (default: the deepest cut-off of the measures)."),
    combine: str = typer.Option("calibrated", "--combine", metavar="SPEC", help="How scores are combined."),
    drop_empty: bool = _DROP,
    split: str | None = typer.Option(
        None, "--split", metavar="LABEL", help="Which part of the judgments this is; printed with the numbers."
    ),
    run_out: str | None = typer.Option(None, "--run-out", metavar="FILE", help="Also write the run in TREC format."),
    method: str | None = typer.Option(None, "--method", metavar="LABEL", help="Name of the row (default: the options as a spec)."),
    format: str | None = format_option(ROW_FORMATS),
) -> int:
    """Answer judged queries and measure the result.

    \b
    mmsearch eval search --queries queries.tsv --qrels qrels.tsv --metric nDCG@10 --metric judged@10
    mmsearch eval search --queries photos.csv --qrels photos.qrels --in image --metric R@1
    """
    from mmsearch.evaluation.search import DEFAULT_MEASURES
    from mmsearch.evaluation.trec import read_qrels, write_run
    from mmsearch.search.asked import check_filters
    from mmsearch.search.queries import read_queries

    how = chosen_format(format, ROW_FORMATS)
    _read_once(queries, qrels)
    notes: list[str] = []
    wanted = {id: restricted(q, where, within, weights, expand) for id, q in read_queries(queries, notes).items()}
    check_filters(shop().store, where)
    judgments = read_qrels(qrels)
    options = {
        "in": within,
        "combine": None if combine == "calibrated" else parse(combine, what="combiner"),
        "where": " and ".join(where) or None,
        "weights": weights,
        "expand": expand or None,
    }
    label = method or str(Spec("search", (), tuple((key, value) for key, value in options.items() if value)))
    evaluation, run = shop().evaluate_search(
        wanted, judgments, metric or list(DEFAULT_MEASURES), k=k, combine=combine, drop_empty=drop_empty
    )
    if unjudged := sum(id not in judgments for id in wanted):
        notes.append(f"{unjudged} queries of {queries} have no judgments and are left out")
    for line in notes:
        note(line)
    if run_out:
        try:
            with Path(run_out).open("w", encoding="utf-8") as file:
                write_run(file, run, "mmsearch")
        except OSError as error:
            raise InputError(f"cannot write the run to {run_out}: {error.strerror}") from error
    _report([_row(evaluation, label, split)], how)
    return 0


@app.command("run")
@global_options
def run(
    runs: list[str] = typer.Argument(..., metavar="RUN...", help="TREC runs; - reads standard input."),
    qrels: str = typer.Option(..., "--qrels", metavar="FILE", help="TREC judgments: query 0 product relevance."),
    metric: list[str] = _METRIC,
    drop_empty: bool = _DROP,
    split: str | None = typer.Option(
        None, "--split", metavar="LABEL", help="Which part of the judgments this is; printed with the numbers."
    ),
    format: str | None = format_option(ROW_FORMATS),
) -> int:
    """Measure TREC runs, one row a run.

    \b
    mmsearch eval run run.txt --qrels qrels.tsv --metric nDCG@10
    """
    from mmsearch.evaluation.evaluate import evaluate
    from mmsearch.evaluation.search import DEFAULT_MEASURES
    from mmsearch.evaluation.trec import read_qrels, read_run
    from mmsearch.measures import parse_measure

    how = chosen_format(format, ROW_FORMATS)
    _read_once(qrels, *runs)
    measures = [parse_measure(m) for m in metric or DEFAULT_MEASURES]
    judgments = read_qrels(qrels)
    _report([_row(evaluate(read_run(r), judgments, measures, drop_empty=drop_empty), r, split) for r in runs], how)
    return 0


@app.command("recommend")
@global_options
def recommend(
    method: list[str] = typer.Option(
        [],
        "--method",
        metavar="SPEC|all",
        help="What to compare (repeatable; default: popular, itemcf, content); all: whatever can be used.",
    ),
    split: str = typer.Option(
        "leave-last-out",
        "--split",
        metavar="SPEC",
        help="What is held out: leave-last-out, temporal, random, cold-items or cold-users, with part=test|validation.",
    ),
    metric: list[str] = typer.Option(
        [],
        "--metric",
        metavar="MEASURE",
        help="nDCG@20, HR@20, MAP, R@20 …; of all lists: coverage@20, novelty@20, diversity@20, gini@20, lift@20, calibration@20.",
    ),
    tune: bool = typer.Option(False, "--tune", help="Learn the weights of a blend of the methods, by the first measure."),
    format: str | None = format_option(ROW_FORMATS),
) -> int:
    """Hold out events, recommend, and see whether they are found: full ranking, history excluded.

    \b
    mmsearch eval recommend --method all --metric HR@20 --metric nDCG@20
    mmsearch eval recommend --method popular --method 'itemcf(k=100)' --metric HR@20 --metric nDCG@20
    mmsearch eval recommend --split 'temporal(test=.2)' --metric nDCG@20 --metric coverage@20
    mmsearch eval recommend --tune --method 'itemcf(directed=true)' --method content --metric nDCG@20
    """
    how = chosen_format(format, ROW_FORMATS)
    if tune:
        return _tune(method, metric, split, how)
    methods, metrics = method or ["popular", "itemcf", "content"], metric or ["HR@10", "nDCG@10", "RR@10"]
    rows = shop().evaluate_recommend(methods, metrics, split=split, told=note)
    _report(rows, how)
    return 0


def _tune(methods: list[str], metric: list[str], split: str, how: str) -> int:
    """Print the weights that were chosen, with what they were chosen by and what they reach."""
    from mmsearch.evaluation.compare_recommenders import tune_recommenders

    opened = shop()
    opened.store.check()
    found = tune_recommenders(opened.store, methods, (metric or ["nDCG@20"])[0], split)
    if how in ("json", "jsonl"):
        write_rows([found.to_json()], how)
        return 0
    rows = [
        {"method": spec, found.measure: value, "95 %": "", "split": f"{found.validation}, chosen on it"}
        for spec, value in found.chosen_on.items()
    ]
    for label, span in ((found.single, found.alone), (found.spec, found.blend), ("gain of the blend", found.gain)):
        rows.append({"method": label, found.measure: span.mean, "95 %": f"{span.low:.4f} to {span.high:.4f}", "split": found.test})
    write_rows(rows, how)
    return 0


def _read_once(*paths: str) -> None:
    if paths.count("-") > 1:
        raise UsageError("standard input can be read once only", hint="give the other inputs as files")


def _row(evaluation: Any, label: str, split: str | None) -> dict[str, Any]:
    from mmsearch.evaluation.evaluate import to_json

    return to_json(evaluation, label, split)


def _report(rows: list[dict[str, Any]], how: str) -> None:
    """JSON as it is; tables and CSV with a column a measure, – (in CSV nothing) where it has no value."""
    if any(row.get("repeated") for row in rows):
        note(f"{rows[0]['repeated']} held-out products were in the user's history already; history is excluded, so they count as missed")
    for warning in dict.fromkeys(f"{row['method']}: {row['warning']}" for row in rows if row.get("warning")):
        note(warning)
    for row in rows:
        if row.get("missing") or row.get("empty"):
            note(f"{row['method']}: {row.get('missing', 0)} queries without an answer, {row.get('empty', 0)} without a relevant product")
    if how not in ("json", "jsonl"):
        none = "–" if how == "table" else None
        measured = [{name: none if value is None else value for name, value in row["measures"].items()} for row in rows]
        rows = [
            {key: row[key] for key in ("method", "queries", "candidates") if key in row} | values | {"split": row["split"]}
            for row, values in zip(rows, measured, strict=True)
        ]
    write_rows(rows, how)
