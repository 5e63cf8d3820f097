"""`mmsearch recommend`, and its subcommands `train` and `models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from mmsearch.cli.common import global_options, note, progress_of, shop
from mmsearch.cli.output import HIT_FORMATS, ROW_FORMATS, chosen_format, format_option, table, write_ids, write_rows, write_trec
from mmsearch.errors import EXIT_DONE, EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from mmsearch.recommend.serve import Recommendations, Why

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

_METHOD = "The recommender with its parameters, such as 'itemcf(k=100)' or 'blend(itemcf=.7, content=.3)'"


@app.callback(invoke_without_command=True)
@global_options
def command(
    context: typer.Context,
    user: str | None = typer.Option(None, "--user", metavar="ID", help="The shopper to recommend for."),
    like: list[str] = typer.Option([], "--like", metavar="ID", help="A product that is liked; counts as the newest event."),
    unlike: list[str] = typer.Option([], "--unlike", metavar="ID", help="A product that is not liked (weight .5)."),
    basket: str | None = typer.Option(None, "--basket", metavar="ID,ID", help="What lies in the cart: what goes with all of it."),
    similar: str | None = typer.Option(None, "--similar", metavar="ID", help="Products that are like this one."),
    goes_with: str | None = typer.Option(None, "--goes-with", metavar="ID", help="Products that people take after this one."),
    all_users: bool = typer.Option(False, "--all-users", help="For every shopper, into the file --out."),
    out: str | None = typer.Option(None, "--out", metavar="FILE", help="With --all-users: a .parquet, .csv or .jsonl file."),
    method: str | None = typer.Option(
        None,
        "--method",
        metavar="SPEC",
        help=f"{_METHOD} (default: the trained model, else itemcf and new products by their likes; without events content).",
    ),
    model: str | None = typer.Option(None, "--model", metavar="NAME", help="A trained model; see: mmsearch recommend models."),
    where: str | None = typer.Option(None, "--where", metavar="FILTER", help="Only products that pass."),
    already: str = typer.Option(
        "exclude", "--already", metavar="exclude|include|only", help="What becomes of products that the shopper had before."
    ),
    sold_out: bool = typer.Option(False, "--sold-out", help="Also products with a stock of 0."),
    rerank: str | None = typer.Option(
        None, "--rerank", metavar="SPEC", help="Reorder, as in a search: 'mmr | boost(rating=.2)'; see docs/search.md."
    ),
    mood: str | None = typer.Option(None, "--mood", metavar="WORD", help="Raise what reviews speak of so: joyful, calm …; as in a search."),
    explore: float = typer.Option(0.0, "--explore", metavar="SHARE", help="This share of the places goes by lot to products further down."),
    seed: int | None = typer.Option(None, "--seed", metavar="N", help="Of --explore: the same lot each time."),
    k: int = typer.Option(10, "-k", metavar="N", help="How many products."),
    why: bool = typer.Option(False, "--why", help="Show what speaks for each, in parts that add up to its score."),
    tag: str = typer.Option("mmsearch", "--tag", help="Name of the run in --format trec."),
    format: str | None = format_option(HIT_FORMATS),
) -> int:
    """Recommend products to a shopper, from products that are liked, or for a product.

    \b
    mmsearch recommend --user u42 --why
    mmsearch recommend --like P1 --unlike P2 --method content
    mmsearch recommend --basket P1,P3
    mmsearch recommend --similar P1          mmsearch recommend --goes-with P1
    mmsearch recommend --user u42 --where "price < 50" --mood joyful --rerank 'mmr | boost(rating=.2)'
    mmsearch recommend --all-users --out recommendations.parquet
    mmsearch recommend train --method 'itemcf(directed=true)'
    """
    if context.invoked_subcommand is not None:
        return 0
    how = chosen_format(format, HIT_FORMATS)
    policy: dict[str, Any] = {"where": where, "already": already, "sold_out": sold_out, "explore": explore, "seed": seed}
    chosen: dict[str, Any] = {"method": method, "model": model, "k": k}
    cart = [id.strip() for id in basket.split(",") if id.strip()] if basket is not None else []
    shopper = {"--user": user is not None, "--like": like, "--unlike": unlike, "--basket": cart}
    _one_question(shopper, {"--similar": similar is not None}, {"--goes-with": goes_with is not None}, {"--all-users": all_users})
    if all_users != (out is not None):
        raise UsageError("--all-users and --out go together", hint="mmsearch recommend --all-users --out recommendations.parquet")
    if (rerank is not None or mood is not None) and (all_users or similar is not None or goes_with is not None):
        raise UsageError("--rerank and --mood are for one shopper (--user, --like, --basket)")
    here = shop()
    if all_users and out is not None:
        done = here.recommend_everyone(out, told=progress_of("recommending", "users"), **chosen, **policy)
        for line in done.notes:
            note(line)
        resumed = f", {done.resumed:,} of them from the run that was interrupted" if done.resumed else ""
        strangers = f"; {done.strangers:,} of whom nothing is known got what is popular" if done.strangers else ""
        untaken = f"; {done.untaken:,} rows are of products that nobody took yet" if done.untaken else ""
        note(f"{done.path}: {done.rows:,} rows for {done.users:,} users by {done.method}{resumed}{strangers}{untaken}")
        if done.nothing:
            note(f"nothing is left to show to {done.nothing:,} users: they had it all, or no event speaks for what is left")
        return 0
    if similar is not None:
        found = here.similar(similar, **chosen, **policy)
    elif goes_with is not None:
        found = here.goes_with(goes_with, **chosen, **policy)
    else:
        found = here.recommend(user, like=like, unlike=unlike, basket=cart, rerank=rerank, mood=mood, **chosen, **policy)
    _write(found, how, why=why, query=user or similar or goes_with or "user", tag=tag)
    for line in found.notes:
        note(line)
    return 0


@app.command("train")
@global_options
def train(
    method: str | None = typer.Option(None, "--method", metavar="SPEC", help=f"{_METHOD}."),
    name: str | None = typer.Option(None, "--name", metavar="NAME", help="What to call the model (default: as the method)."),
    default: bool = typer.Option(True, "--default/--no-default", help="Let it answer when no model is named."),
    replace: bool = typer.Option(False, "--replace", help="A model of this name that was made by another method may go."),
    force: bool = typer.Option(False, "--force", help="Without --method: also models whose events and products have not changed."),
) -> int:
    """Fit a recommender on all events and reviews and keep it in the store; without --method, bring the models that there are up to date.

    Who comes later, and what shoppers do later, is answered from the model as it is, and so are new products where it knows products by
    their vectors (content, cold, blends with these). A model that cannot be trained stays as it is; the others are, and the exit code is 1.

    \b
    mmsearch recommend train --method 'itemcf(directed=true)'
    mmsearch recommend train                     # every night
    """
    here = shop()
    if method is None:
        if name is not None:
            raise UsageError("--name goes with --method", hint="without both, all models are brought up to date")
        done = here.retrain(force=force, told=note)
        models, failed = done.models, done.failed
        if not models and not failed and not here.trained():
            raise UsageError("there is no model to bring up to date", hint="mmsearch recommend train --method itemcf")
    else:
        models, failed = [here.train(method, name=name, default=default, replace=replace)], {}
    for model, notes in models:
        for line in notes:
            note(line)
        learned = f"{model.events:,} events of {model.users:,} users, {model.products:,} products, {model.seconds:.1f} s"
        note(f"trained {model.name}, version {model.version}: {model.spec} on {learned}")
    for other, error in failed.items():
        note(f"not trained: {other}: {error}")
    return EXIT_FAILED if failed else EXIT_DONE


@app.command("models")
@global_options
def models(
    default: str | None = typer.Option(None, "--default", metavar="NAME", help="Let this model answer when none is named."),
    drop: str | None = typer.Option(None, "--drop", metavar="NAME", help="Remove a model."),
    format: str | None = format_option(ROW_FORMATS),
) -> int:
    """List the trained models and what has changed since; choose the default one, or remove one.

    \b
    mmsearch recommend models
    mmsearch recommend models --default itemcf
    """
    how = chosen_format(format, ROW_FORMATS)
    here = shop()
    if default is not None:
        here.make_default_model(default)
    if drop is not None:
        heir = here.drop_model(drop)
        note(f"{drop} is gone; " + (f"{heir} answers by default" if heir else "no model is left"))
    rows = here.trained()
    if not rows and drop is None:
        note("no model is trained: mmsearch recommend train --method itemcf")
    write_rows(rows, how, title="trained models")
    return 0


def _one_question(*kinds: dict[str, object]) -> None:
    """Raise UsageError where more than one kind of answer is asked for; each kind has the options that ask for it, as far as given."""
    given = [found for kind in kinds if (found := [option for option, value in kind.items() if value])]
    if len(given) > 1:
        named = " and ".join("/".join(options) for options in given)
        raise UsageError(f"{named} ask for different things", hint="ask one at a time: a shopper, --similar, --goes-with or --all-users")


def _write(found: Recommendations, how: str, *, why: bool, query: str, tag: str) -> None:
    if how == "trec":
        write_trec(((query, item.id, item.rank, item.score) for item in found.items), tag)
    elif how == "ids":
        write_ids(item.id for item in found.items)
    elif how == "table":
        rows = []
        for item in found.items:
            row: dict[str, object] = {"rank": item.rank, "score": item.score, "id": item.id, "title": item.title}
            rows.append(row | ({"why": "; ".join(map(_reason, item.why[:5]))} if why else {}))
        table(rows, title=found.method)
    else:
        write_rows([item.to_json(why=why) for item in found.items], how)


def _reason(part: Why) -> str:
    return " ".join(filter(None, (part.relation, part.id, f"{part.contribution:+.3f}")))
