"""What queries name, looked up before they are answered: filters and the products of sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmsearch.errors import UsageError
from mmsearch.search.product import unknown_products
from mmsearch.search.query import Query, of_query
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.filter import check
from mmsearch.store.where import id_list


def check_filters(store: Store, where: Sequence[str]) -> None:
    """Raise what `--where` beside a file of queries raises in a search: by itself, so that no query of the file is blamed for it."""
    if where:
        store.check()
        for one in where if store.has(PRODUCTS) else ():
            check(store, one)


def ready(store: Store, queries: Mapping[str, Query]) -> tuple[dict[str, Query], dict[str, str]]:
    """Queries (by id, '' of a single one) as the store can answer them, and id → what a person should know of that.

    Sessions are written down by machines, and products come and go: those that are gone are left out, as long as another one is there.

    Raises UsageError, or InputError for a query of a file, with the query that it is of: a filter that cannot be answered, a session of
    which no product is there.
    """
    if not store.has(PRODUCTS):
        return dict(queries), {}
    checked: set[str] = set()
    for id, query in queries.items():
        for where in query.where if id else ():  # the filters of a single query name themselves
            if where not in checked:
                try:
                    check(store, where)
                except UsageError as error:
                    raise of_query(error, id, query) from error
                checked.add(where)
    return _with_products(store, queries)


def _with_products(store: Store, queries: Mapping[str, Query]) -> tuple[dict[str, Query], dict[str, str]]:
    answered, told = dict(queries), dict[str, str]()
    named = sorted({product for query in queries.values() for product in query.shopper.session})
    if not named:
        return answered, told
    there = set(store.read(PRODUCTS, ["id"], where=id_list("id", named)).column("id").to_pylist())
    for id, query in queries.items():
        session = query.shopper.session
        gone = list(dict.fromkeys(product for product in session if product not in there))
        if gone and set(gone) == set(session):
            unknown = unknown_products(store, gone)
            raise of_query(UsageError(f"of the session nothing is there: {unknown.message}", hint=unknown.hint), id, query)
        if gone:
            left = tuple(product for product in session if product in there)
            answered[id] = replace(query, shopper=replace(query.shopper, session=left))
            told[id] = f"session: there is no product {', '.join(gone)}; the rest of the session counts"
    return answered, told
