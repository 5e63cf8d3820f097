"""What products belong to, by the values of an attribute: a path's levels, a list's items."""

from __future__ import annotations

from mmsearch.catalog.categories import SEPARATOR
from mmsearch.store.values import Values


def belonging(values: Values, n: int) -> list[tuple[str, ...]]:
    """Of n products, the values that each has, none twice; () where it has none.

    >>> import pyarrow as pa
    >>> belonging({"text": pa.chunked_array([["Home > Kitchen", None]])}, 2)
    [('Home', 'Home > Kitchen'), ()]
    """
    found: list[tuple[str, ...]] = [()] * n
    for kind, column in values.items():
        for i, value in enumerate(column.to_pylist()):
            if value is None:
                continue
            if kind == "list":
                found[i] = tuple(dict.fromkeys(str(item) for item in value))
            elif kind == "text":
                levels = value.split(SEPARATOR)
                found[i] = tuple(SEPARATOR.join(levels[: depth + 1]) for depth in range(len(levels)))
            else:
                found[i] = (str(value),)
    return found
