"""Parquet → rows, a few hundred at a time: numbers, texts, booleans and lists as they are, everything else as what a store can hold."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from mmsearch.catalog.problems import Problem
from mmsearch.catalog.readers.opened import Opened
from mmsearch.catalog.readers.row import MAX_CELL, Row, Source, Told
from mmsearch.errors import InputError

_ROWS = 256  # at a time: a dictionary-encoded column can unfold to a million characters a row
_PLAIN = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "string", "large_string", "string_view")
_FRACTION = re.compile(r"(\.\d+)(?=$|[Z+-])")
_ZONE = re.compile(r"([+-]\d\d)(\d\d)$")


def open_parquet(opened: Opened, folder: Path) -> Source:
    """The rows of a Parquet file, typed; `line` counts rows. Raises InputError: damaged, encrypted, no or doubled columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(opened.seekable(), pre_buffer=False, buffer_size=1 << 20)
        schema = file.schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{opened.name} is Parquet that cannot be read: {_first_line(error)}") from error
    # pandas keeps its row numbers in a column that no catalogue means.
    columns = [name for name in schema.names if not re.fullmatch(r"__index_level_\d+__", name)]
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise InputError(f"{opened.name} names the column {', '.join(twice)} more than once", hint="rename one of them")
    if not any(columns):
        raise InputError(f"{opened.name} has no columns")
    told = Told()
    return Source(opened.name, columns, True, _rows(file, columns, opened, told), folder, "parquet", opened.gzip, told=told)


def _rows(file: Any, columns: list[str], opened: Opened, told: Told) -> Iterator[Row]:
    import pyarrow as pa

    line = 1
    convert = {name: _Convert() for name in columns}
    with file:
        for group in range(file.num_row_groups):
            end = line + file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(_ROWS, row_groups=[group], columns=columns):
                    cells = {name: convert[name].column(batch.column(name)) for name in batch.schema.names}
                    for values in zip(*cells.values(), strict=True):
                        yield _row(line, dict(zip(cells, values, strict=True)))
                        line += 1
            except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
                told.incomplete = f"rows {line:,} to {end - 1:,} cannot be read: {_first_line(error)}"
                yield Row(line, {"_text": f"rows {line} to {end - 1}"}, Problem("damaged Parquet", told.incomplete))
            line = end
    told.notes.extend(f"column {name} holds bytes that are no text; they were left out" for name in columns if convert[name].left_out)
    opened.close()


def _row(line: int, values: dict[str, Any]) -> Row:
    for name, value in values.items():
        if isinstance(value, str) and len(value) > MAX_CELL:
            return Row(line, {"_text": f"{name}: {value[:1000]}…"}, Problem("too long", f"a cell of more than {MAX_CELL:,} characters"))
    if _BYTES in values.values():
        values = {name: value for name, value in values.items() if value is not _BYTES}
    return Row(line, values)


def _iso(text: str) -> str:
    """Arrow's text of a time as ISO 8601.

    >>> _iso("2024-05-01 10:00:00.500000+0800")
    '2024-05-01T10:00:00.5+08:00'
    """
    text = _FRACTION.sub(lambda found: found.group(1).rstrip("0").rstrip("."), text.replace(" ", "T", 1))
    return _ZONE.sub(r"\1:\2", text)


def _coarser(kind: Any) -> Any:
    """An Arrow type with its nanoseconds as microseconds."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if types.is_duration(kind):
        return pa.duration("us")
    if types.is_time64(kind):
        return pa.time64("us")
    if types.is_list(kind) or types.is_large_list(kind):
        return (pa.list_ if types.is_list(kind) else pa.large_list)(_coarser(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(field.name, _coarser(field.type)) for field in kind])
    return kind


class _Bytes:
    """Stands for bytes that are no text."""


_BYTES = _Bytes()


class _Convert:
    """Arrow's values of one column → values that JSON could hold; `left_out` tells whether there were bytes that are no text."""

    def __init__(self) -> None:
        self.left_out = False
        self._by_type: dict[type, Callable[[Any], Any]] = {
            float: _float,
            Decimal: _decimal,
            bytes: self._bytes,
            list: self._list,
            dict: self._struct,
            datetime.datetime: datetime.datetime.isoformat,
            datetime.date: datetime.date.isoformat,
            datetime.time: datetime.time.isoformat,
            datetime.timedelta: datetime.timedelta.total_seconds,
        }

    def column(self, cells: Any) -> list[Any]:
        """A column of a batch. Raises ValueError, OverflowError or Arrow's errors for what Python cannot hold."""
        import pyarrow as pa

        kind = str(cells.type)
        if kind in _PLAIN:
            return list(cells.to_pylist())
        if kind.startswith("timestamp"):
            # Through Arrow's own text: Python's times end at the microsecond and in the year 9999, Arrow's in the year 32767.
            texts, numbers = cells.cast(pa.string()).to_pylist(), cells.cast(pa.int64()).to_pylist()
            return [t if t is None else n if t.startswith("<") else _iso(t) for t, n in zip(texts, numbers, strict=True)]
        try:
            values = cells.to_pylist()
        except (ValueError, OverflowError, ArithmeticError):  # times inside lists that Python cannot hold
            values = cells.cast(_coarser(cells.type), safe=False).to_pylist()
        return [self._value(value) for value in values]

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, str | int):
            return value
        known = self._by_type.get(type(value))
        return known(value) if known else str(value)

    def _bytes(self, value: bytes) -> str | _Bytes:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.left_out = True
            return _BYTES

    def _list(self, value: list[Any]) -> Any:
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):  # a map
            return self._struct({str(self._value(key)): inner for key, inner in value})
        return [item for item in map(self._value, value) if item is not _BYTES]

    def _struct(self, value: Mapping[str, Any]) -> dict[str, Any]:
        converted = {key: self._value(inner) for key, inner in value.items()}
        return {key: inner for key, inner in converted.items() if inner is not _BYTES}


def _float(value: float) -> float | None:
    """NaN is how many programs write a missing number."""
    return None if math.isnan(value) else value


def _decimal(value: Decimal) -> int | float | str | None:
    """The number, exactly; as text where a float could not hold it."""
    if not value.is_finite():
        return None
    if value == value.to_integral_value():
        return int(value)
    return float(value) if len(value.normalize().as_tuple().digits) <= 15 else str(value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
