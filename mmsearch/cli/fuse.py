"""`mmsearch fuse`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table, write_rows
from mmsearch.errors import UsageError
from mmsearch.spec import Spec, parse

if TYPE_CHECKING:
    from mmsearch.fusion.profile import Profile


@global_options
def command(
    method: str | None = typer.Option(
        None,
        "--method",
        metavar="SPEC",
        help="Fusion method: aligned, conse, concat … (default: the profile's own, else aligned where there are texts and photos).",
    ),
    label: str | None = typer.Option(
        None, "--label", metavar="COLUMN", help="What mm-model learns to foretell: a column of interactions, or an attribute of products."
    ),
    name: str | None = typer.Option(None, "--name", metavar="NAME", help="Name of the profile (default: the method's name)."),
    seed: int | None = typer.Option(None, "--seed", help="Seed of what is random in fitting (default: the profile's own, else 0)."),
    keep_default: bool = typer.Option(False, "--keep-default", help="A new profile does not become the default."),
    replace: bool = typer.Option(False, "--replace", help="Give up the profile of that name for another method."),
    force: bool = typer.Option(False, "--force", help="Fit although nothing has changed."),
    refit: bool = typer.Option(False, "--refit", help="Fit every profile anew whose inputs have changed."),
    list_all: bool = typer.Option(False, "--list", help="List the profiles, and whether they are up to date."),
    show: str | None = typer.Option(None, "--show", metavar="NAME", help="Show everything that is known of a profile."),
    default: str | None = typer.Option(None, "--default", metavar="NAME", help="Let queries be mapped by this profile from now on."),
    drop: str | None = typer.Option(None, "--drop", metavar="NAME", help="Remove a profile."),
    tune: str | None = typer.Option(
        None, "--tune", metavar="QRELS", help="Learn from judgments how much each kind of evidence should count; the profile keeps it."
    ),
    queries: str | None = typer.Option(None, "--queries", metavar="FILE", help="With --tune: the judged queries (see eval search)."),
    held_out: str | None = typer.Option(
        None, "--held-out", metavar="QRELS", help="With --tune: judgments of the queries to report on (default: half of those judged)."
    ),
    metric: list[str] = typer.Option([], "--metric", metavar="MEASURE", help="With --tune: what to tune by (nDCG@10), and more to report."),
    accept: bool = typer.Option(False, "--accept", help="With --tune: keep the weights although held-out queries leave it open."),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Learn one space from the vectors of all modalities, as a named profile.

    'aligned' learns from the shop's own (title, photo) pairs, so that a text finds photos and a photo finds texts.
    New products join a profile at every embed, without a refit; a profile whose inputs have changed is fitted anew, and says what has.
    --tune learns from judged queries how much photos, texts and words on photos should count in searches that the profile maps.

    \b
    mmsearch fuse
    mmsearch fuse --name half --method 'concat(text=1, image=.5)'
    mmsearch fuse --list
    mmsearch fuse --default half
    mmsearch fuse --tune photos.qrels --queries photos.csv --metric RR
    """
    how = chosen_format(format, ROW_FORMATS[:3])
    method = _labelled(method, label)
    for option, given in (("--queries", queries), ("--held-out", held_out), ("--metric", metric), ("--accept", accept)):
        if given and tune is None:
            raise UsageError(f"{option} is for --tune", hint="for example: mmsearch fuse --tune judged.qrels --queries queries.tsv")
    if tune is not None and queries is None:
        raise UsageError("--tune needs the queries that were judged", hint="name their file: --queries FILE")
    actions = {
        "--list": list_all,
        "--show": show is not None,
        "--default": default is not None,
        "--drop": drop is not None,
        "--refit": refit,
    }
    fitting = {
        "--method": method is not None,
        "--name": name is not None,
        "--seed": seed is not None,
        "--keep-default": keep_default,
        "--replace": replace,
        "--force": force and not refit,
    }
    _alone(actions, fitting | {"--tune": tune is not None})
    if list_all:
        _list(how)
    elif show is not None:
        _show(shop().profile(show), how)
    elif default is not None:
        shop().make_default(default)
        note(f"queries are mapped by {default} from now on")
    elif drop is not None:
        _drop(drop)
    elif refit:
        _fused(shop().refit(force=force, told=note), how)
    elif tune is not None and queries is not None:
        fit = {"method": method, "default": not keep_default, "replace": replace, "force": force} if method or name else {}
        _tune(name, fit, tune, queries, held_out, metric, seed or 0, accept, how)
    else:
        made = shop().fuse(method, name=name, seed=seed, default=not keep_default, replace=replace, force=force, told=note)
        _fused([made], how)
        note(made.summary)
    return 0


def _labelled(method: str | None, label: str | None) -> str | None:
    """The method with what it is to foretell."""
    if label is None:
        return method
    spec = parse(method or "mm-model", what="fusion method")
    if spec.name != "mm-model":
        raise UsageError(f"--label is for mm-model, not {spec.name}", hint=f"for example: mmsearch fuse --method mm-model --label {label}")
    if "label" in dict(spec.params):
        raise UsageError(f"the method {method} names a label already", hint="leave --label out")
    return str(Spec(spec.name, spec.args, (*spec.params, ("label", label))))


def _alone(actions: dict[str, bool], fitting: dict[str, bool]) -> None:
    """Raises UsageError for options that do not go together."""
    asked = [name for name, given in actions.items() if given]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} do not go together", hint="one at a time")
    if asked and (others := [name for name, given in fitting.items() if given]):
        raise UsageError(f"{others[0]} is for fitting, and {asked[0]} fits nothing by name", hint="one at a time")


def _fused(made: list[Profile], how: str) -> None:
    if how == "table":
        rows = [{"profile": p.name, "version": p.version, "method": p.spec, "products": p.products, "dim": p.dim} for p in made]
        table([row | {"modalities": p.modalities} for row, p in zip(rows, made, strict=True)], title="fused")
        return
    hidden = ("calibration", "history")
    shown: list[dict[str, Any]] = [{k: v for k, v in vars(p).items() if k not in hidden} for p in made]
    for row in shown:
        typer.echo(json.dumps(row, ensure_ascii=False, indent=2 if how == "json" else None))


def _list(how: str) -> None:
    rows = shop().profiles()
    if not rows:
        note("there are no fusion profiles; make one: mmsearch fuse")
    if how == "table":
        shown = ("profile", "version", "method", "default", "state", "changes", "modalities", "products", "dim", "summary")
        rows = [{key: row[key] for key in shown} for row in rows]
    write_rows(rows, how)


def _show(found: dict[str, Any], how: str) -> None:
    if how != "table":
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2 if how == "json" else None))
        return
    apart = ("calibration", "history")
    table([{"": key, "value": value} for key, value in found.items() if key not in apart and value not in ({}, [])], title=found["profile"])
    table(found["calibration"]["kinds"], title="comparisons")
    table(found["history"], title="former versions")


def _drop(name: str) -> None:
    dropped = shop().drop_profile(name)
    note(f"the profile {name} is gone")
    if dropped.was_default:
        now = dropped.default
        note(f"queries are mapped by {now} from now on" if now else "no profile is left: queries are compared with the same modality alone")


def _tune(
    name: str | None,
    fit: dict[str, Any],
    qrels: str,
    queries: str,
    held_out: str | None,
    metric: list[str],
    seed: int,
    accept: bool,
    how: str,
) -> None:
    """`fit`: with what the profile is made, or brought up to date, first; {} for the default one as it is."""
    from mmsearch.evaluation.trec import read_qrels
    from mmsearch.evaluation.tune_fusion import MEASURE
    from mmsearch.search.queries import read_queries

    notes: list[str] = []
    asked, judged, reported = read_queries(queries, notes), read_qrels(qrels), None if held_out is None else read_qrels(held_out)
    one = shop()
    if fit:
        made = one.fuse(name=name, told=note, **fit)
        name = made.name
    measures = metric or [MEASURE]
    found = one.tune(asked, judged, name=name, held_out=reported, measures=measures, seed=seed, accept=accept)
    for line in (*notes, *found.notes):
        note(line)
    if how == "table":
        split = f"{found.train} queries to choose on, {found.held_out} held out ({found.split})"
        table([_row(row) for row in found.rows], title=f"{found.profile}: {split}")
        kinds = [{"kind": kind, "before": found.before.get(kind, 1.0), "tuned": weight} for kind, weight in found.weights.items()]
        table(kinds, title="weights")
    else:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2 if how == "json" else None))
    note(found.told())
    if found.saved:
        note(f"searches that the profile {found.profile} maps use these weights from now on")
    else:
        before = ", ".join(f"{kind}={found.before.get(kind, 1.0):g}" for kind in found.weights)
        note(f"the weights stay as they are ({before}); the same command with --accept keeps these")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A measure's means and intervals in one line."""
    spans = {f"held out {name}": row[name] for name in ("before", "after", "difference")}
    shown = {name: f"{span['mean']:.4f} [{span['low']:.4f}, {span['high']:.4f}]" for name, span in spans.items()}
    return {"measure": row["measure"], "chosen on: before": row["train"]["before"], "after": row["train"]["after"]} | shown
