"""A parsed filter → the SQL text that Lance takes, through one typed, escaping serialiser."""

from __future__ import annotations

import math
from collections.abc import Mapping

from mmsearch.errors import UsageError, did_you_mean
from mmsearch.store.attributes import Attributes
from mmsearch.store.dates import iso_seconds
from mmsearch.store.where import And, Between, Compare, In, IsNull, Literal, Name, Node, Not, Or, text_literal, written

_SHOWN = 30  # names that an error lists


def compile_where(node: Node, attributes: Attributes, *, wanted: bool = True) -> str:
    """SQL for a filter over attributes that have columns; `mmsearch.store.filter` answers any filter.

    The literal's type picks the attribute's type: `size = 42` asks the numbers, `size = 'M'` the texts. A text that
    reads as a number also meets the number (`year = '2009'`), because CSV cannot tell the two apart; one that reads as
    an ISO 8601 date or time also meets the times.

    Parameters
    ----------
    wanted : True selects the rows for which the filter is true, False those for which it is false (neither: it is unknown).

    Raises
    ------
    UsageError : an attribute that no product has (names near ones), or one that never holds a value of the literal's type.
    """
    return _sql(node, attributes, wanted)


def _sql(node: Node, attributes: Attributes, wanted: bool) -> str:
    """SQL that is true where the filter is true, or with `wanted` false where it is false; in neither where it is unknown.

    `not` is moved down to the comparisons, where `IS FALSE` leaves missing values out. Lance's own `not` is no help: its
    planner turns `NOT (x = 1 AND x IN (2))` into true, also where x is missing, and fails on about 20 nested ones.
    """
    match node:
        case And(parts) | Or(parts):
            word = " AND " if isinstance(node, And) is wanted else " OR "
            return "(" + word.join(_sql(p, attributes, wanted) for p in parts) + ")"
        case Not(part):
            return _sql(part, attributes, not wanted)
        case Between(name, low, high):
            return _sql(And((Compare(name, ">=", low), Compare(name, "<=", high))), attributes, wanted)
        case Compare(name, "!=", value):
            return _sql(Compare(name, "=", value), attributes, not wanted)
        case IsNull(name):
            word, test = (" AND ", "IS NULL") if wanted else (" OR ", "IS NOT NULL")
            return "(" + word.join(f"{_quote(c)} {test}" for c in _columns(name, attributes).values()) + ")"
        case In(name, values):
            test = _compare(name, "in", values, attributes)
        case Compare(name, "has", value):
            test = _has(name, value, attributes)
        case Compare(name, op, value):
            test = _compare(name, op, (value,), attributes)
    return test if wanted else f"({test}) IS FALSE"


def _has(name: Name, value: Literal, attributes: Attributes) -> str:
    columns = _columns(name, attributes)
    if "list" not in columns:
        raise UsageError(f"--where: {name.name} is not a list", hint=f"compare it: {written(name.name)} = {_print(value)}")
    inside = f"array_has({_quote(columns['list'])}, {text_literal(item_text(value))})"
    return _either([inside, *_tests(columns, "=", (value,))])  # a cell with a single value did not look like a list


def _compare(name: Name, op: str, values: tuple[Literal, ...], attributes: Attributes) -> str:
    columns = _columns(name, attributes)
    if tests := _tests(columns, op, values):
        return _either(tests)
    value = values[0]
    if set(columns) == {"list"}:
        raise UsageError(f"--where: {name.name} is a list", hint=f"write: {written(name.name)} has {_print(value)}")
    plural = {"number": "numbers", "text": "text", "bool": "true or false", "list": "lists", "time": "dates"}
    holds = " or ".join(plural[k] for k in columns)
    if "text" in columns:
        hint = f"quote the value: {text_literal(item_text(value))}"
    elif "time" in columns:
        hint = f"compare it with a date: {written(name.name)} >= '2024-05-31' (or '2024-05-31T18:00:00Z')"
    else:
        hint = f"compare it with {holds}"
    raise UsageError(f"--where: {name.name} holds {holds}, which {_print(value)} is not", hint=hint)


def _tests(columns: Mapping[str, str], op: str, values: tuple[Literal, ...]) -> list[str]:
    """The comparison in each column whose type a value can have."""
    tests = []
    for kind in ("bool", "number", "time", "text"):
        literals = [text for v in values if (text := _as(kind, v, op)) is not None]
        if kind in columns and literals:
            tests.append(f"{_quote(columns[kind])} {op.upper()} {'(' + ', '.join(literals) + ')' if op == 'in' else literals[0]}")
    return tests


def _either(tests: list[str]) -> str:
    """A product has its value in one of the columns; coalesce gives NULL only where none of them has one."""
    return tests[0] if len(tests) == 1 else f"coalesce({', '.join(tests)})"


def _as(kind: str, value: Literal, op: str) -> str | None:
    """The literal for a column of one type, or None where it cannot be one."""
    if kind == "text":
        return text_literal(value) if isinstance(value, str) else None
    if op == "like":
        return None
    if kind == "bool":
        flag = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else value
        return str(flag).lower() if isinstance(flag, bool) and op in ("=", "in") else None
    if kind == "time":
        moment = iso_seconds(value.strip()) if isinstance(value, str) else None
        return None if moment is None else repr(moment)
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return repr(number) if math.isfinite(number) else None


def _columns(name: Name, attributes: Attributes) -> dict[str, str]:
    columns = attributes.columns.get(name.name)
    if not columns:
        raise unknown(name.name, attributes)
    return columns


def unknown(name: str, attributes: Attributes, option: str = "--where") -> UsageError:
    """The error for a name that no product has, with near misses: there may be thousands of names. `option`: where it was written."""
    have = [*attributes.names(), *attributes.facts]
    if alike := [n for n in have if name.casefold() in n.casefold()][:_SHOWN]:  # 'colour' where the shop says 'attr_t_product_colour'
        have = alike + [n for n in have if n not in set(alike)]
    shown = ", ".join(map(written, have[:_SHOWN]))
    more = f" and {len(have) - _SHOWN:,} more (all of them: mmsearch info; of one product: mmsearch show ID)" if len(have) > _SHOWN else ""
    return UsageError(f"{option}: no product has an attribute '{name}'{did_you_mean(name, have)}", hint=f"attributes: {shown}{more}")


def item_text(value: Literal) -> str:
    """How a list holds a value: as text, whole numbers without a decimal point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value


def _print(value: Literal) -> str:
    return text_literal(value) if isinstance(value, str) else item_text(value)


def _quote(column: str) -> str:
    return f"`{column}`"  # columns are named by Attributes.column, which lets no backtick through
