"""`mmsearch eval recommend`: several recommenders on the store's own events, held out by one split."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pyarrow as pa

from mmsearch.errors import InputError, MMSearchError
from mmsearch.evaluation.evaluate import to_json
from mmsearch.evaluation.recommend import evaluate_recommender
from mmsearch.evaluation.splits import SPLITS, Splitter
from mmsearch.evaluation.tune_blend import TunedBlend, tune_blend
from mmsearch.fusion.profile import default_name, load
from mmsearch.measures import parse_any_measure, parse_measure
from mmsearch.measures.calibration import Calibration
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Products, Recommender
from mmsearch.recommend.evidence import catalogue, load_products, read_evidence
from mmsearch.recommend.nested import made, one_profile
from mmsearch.search.rerank.belonging import belonging
from mmsearch.spec import parse
from mmsearch.store import Store
from mmsearch.store.values import read_values

#: Stands for every recommender that there is, with its defaults.
ALL = "all"
_OF_OTHERS = frozenset({"blend"})  # has no defaults: what it is made of must be named


def compare_recommenders(
    store: Store, methods: Sequence[str], measures: Sequence[str], split: str, told: Callable[[str], None] | None = None
) -> list[dict[str, Any]]:
    """One JSON object a method, as SPEC prints evaluations: full ranking over all products, history excluded.

    `warning` is among it where the vectors were made by a profile that has seen the events that are held out.

    Parameters
    ----------
    methods : specs; `ALL` among them stands for every recommender that can be used here.
    told : hears why those of `ALL` that cannot are left out.

    Raises
    ------
    UsageError : a bad spec of a method, a measure or the split. InputError : no events, no vectors where a method or measure needs them, or
        nothing that `ALL` stands for can be used.
    """
    splitter: Splitter = SPLITS.create(split)
    parsed = [parse_any_measure(m) for m in measures]
    say = told or (lambda line: None)
    recommenders = _created(methods, say)
    evidence = read_evidence(store, catalogue(store))
    interactions = evidence.interactions
    interactions.require_events("hold out")
    belongs = _belonging(store, interactions.product_ids, {measure.by for measure in parsed if isinstance(measure, Calibration)})
    # Measures of lists compare the same vectors whatever a method reads.
    products: dict[str | None, Products] = {None: load_products(store, interactions.product_ids)}

    def row(method: str, recommender: Recommender) -> dict[str, Any]:
        profile = recommender.profile if recommender.needs_vectors else None
        if profile not in products:
            products[profile] = load_products(store, interactions.product_ids, profile)
        found = evaluate_recommender(
            recommender, interactions, products[profile], splitter, parsed, shown=products[None], belonging=belongs
        )
        out = to_json(found.evaluation, method, found.split)
        out |= {"repeated": found.repeated, "unknown_products": evidence.unknown_products}
        if found.candidates is not None:
            out["candidates"] = found.candidates
            deep = [str(measure) for measure in parsed if (measure.k or 0) >= found.candidates]
            if deep and not rows:
                say(f"{found.split} ranks {found.candidates:,} products, so that a list is as long: {', '.join(deep)} looks at all of it")
        warning = seen_events(store, profile) if recommender.needs_vectors else None
        return out | ({"warning": warning} if warning else {})

    rows = []
    for method, recommender, by_name in recommenders:
        with nullcontext() if by_name else _left_out(method, say):
            rows.append(row(method, recommender))
    if not rows:
        raise InputError("no recommender could be compared", hint="the lines above say why")
    return rows


def _belonging(store: Store, product_ids: Sequence[str], names: Collection[str]) -> dict[str, list[tuple[str, ...]]]:
    """Of some attributes, what each product belongs to. Raises UsageError for an unknown one, InputError for one that no product has."""
    ids = pa.array(product_ids, pa.string())
    found = {name: belonging(read_values(store, name, ids, option="--metric"), len(ids)) for name in names}
    for name, known in found.items():
        if not any(known):
            raise InputError(f"calibration compares values of {name}, and no product has one", hint="as in 'calibration(by=brand)@20'")
    return found


def _created(methods: Sequence[str], say: Callable[[str], None]) -> list[tuple[str, Recommender, bool]]:
    """Each once, with its name, and whether it was named itself, not by `ALL`. Raises UsageError and MissingPackage for one that was."""
    named: dict[str, str] = {}
    for method in methods:
        if method != ALL:
            named.setdefault(str(parse(method, what="recommender")), method)
    found: list[tuple[str, Recommender, bool]] = [(method, RECOMMENDERS.create(method), True) for method in named.values()]
    if ALL in methods:
        for name in RECOMMENDERS.names():
            if name in named or name in _OF_OTHERS:
                continue
            with _left_out(name, say):
                found.append((name, RECOMMENDERS.create(name), False))
    return found


@contextmanager
def _left_out(method: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say why a method that nobody named cannot be compared, and go on."""
    try:
        yield
    except MMSearchError as error:
        say(f"{method} is left out: {error.message}" + (f" ({error.hint})" if error.hint else ""))
    except ModuleNotFoundError as error:
        say(f"{method} is left out: it needs the package {error.name}")


def tune_recommenders(store: Store, methods: Sequence[str], measure: str, split: str) -> TunedBlend:
    """The weights of a blend of methods, learned on the store's own events; see `tune_blend`.

    Raises
    ------
    UsageError : as `tune_blend`, or a measure of lists. InputError : no events, or no vectors for a method that needs them.
    """
    interactions = read_evidence(store, catalogue(store)).interactions
    interactions.require_events("hold out")
    profile = one_profile([made(method) for method in methods])
    return tune_blend(methods, interactions, load_products(store, interactions.product_ids, profile), split, parse_measure(measure))


def seen_events(store: Store, profile: str | None) -> str | None:
    """What to say of vectors that know what is to be foreseen: those of products drawn to what was bought with them, or learned from it."""
    name = profile or default_name(store)
    scores = {} if name is None else load(store, name).scores
    if scores.get("alpha") and scores.get("edges", {}).get("bought"):
        return f"the profile {name} joins products that were bought together, held-out events among them: the figure is too good"
    if scores.get("supervision") == "together":
        return f"the profile {name} learned from what the same people took, held-out events among them: the figure is too good"
    return None
