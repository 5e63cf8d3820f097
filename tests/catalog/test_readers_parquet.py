"""Parquet → rows."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.readers import Row, Source, read_rows
from mmsearch.errors import InputError

MOMENT = dt.datetime(2024, 5, 1, 10, 0, 0, 500_000)


def opened(path: Path, table: pa.Table, **options: Any) -> tuple[Source, list[Row]]:
    pq.write_table(table, path / "f", **options)
    source = read_rows(str(path / "f"))
    return source, list(source.rows)


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        (1, pa.int8(), 1),
        (2**63, pa.uint64(), 2**63),
        (True, pa.bool_(), True),
        ("鞋", pa.large_string(), "鞋"),
        ("a", pa.dictionary(pa.int32(), pa.string()), "a"),
        (1.5, pa.float32(), 1.5),
        (float("nan"), pa.float64(), None),
        (float("inf"), pa.float64(), float("inf")),
        (Decimal("12.30"), pa.decimal128(10, 2), 12.3),
        (Decimal("5.00"), pa.decimal128(10, 2), 5),
        (Decimal("12345678901234567890"), pa.decimal128(38, 0), 12345678901234567890),
        (Decimal("1234567890123456.78"), pa.decimal128(20, 2), "1234567890123456.78"),
        (MOMENT, pa.timestamp("ns"), "2024-05-01T10:00:00.5"),
        (MOMENT.replace(microsecond=0), pa.timestamp("us"), "2024-05-01T10:00:00"),
        (MOMENT, pa.timestamp("ms", "UTC"), "2024-05-01T10:00:00.5Z"),
        (MOMENT, pa.timestamp("us", "Asia/Shanghai"), "2024-05-01T18:00:00.5+08:00"),
        (10**15, pa.timestamp("ms"), 10**15),  # the year 33658
        (dt.date(2024, 5, 1), pa.date32(), "2024-05-01"),
        (dt.date(2024, 5, 1), pa.date64(), "2024-05-01"),
        (dt.time(5, 6), pa.time64("us"), "05:06:00"),
        (dt.timedelta(seconds=90), pa.duration("s"), 90.0),
        (b"text", pa.binary(), "text"),
        (["a", None], pa.list_(pa.string()), ["a", None]),
        ([MOMENT], pa.list_(pa.timestamp("us")), ["2024-05-01T10:00:00.500000"]),
        ([1714557600000000001], pa.list_(pa.timestamp("ns")), ["2024-05-01T10:00:00"]),
        ({"x": Decimal("1.5"), "y": [b"z"]}, pa.struct([("x", pa.decimal128(5, 1)), ("y", pa.list_(pa.binary()))]), {"x": 1.5, "y": ["z"]}),
        ([("k", 1)], pa.map_(pa.string(), pa.int32()), {"k": 1}),
        (None, pa.null(), None),
        (None, pa.struct([("x", pa.int8())]), None),
    ],
)
def test_every_type_becomes_what_json_could_hold(tmp_path: Path, cell: Any, kind: pa.DataType, value: Any) -> None:
    source, rows = opened(tmp_path, pa.table({"id": ["1", "2"], "a": pa.array([cell, None], kind)}))
    assert [row.values for row in rows] == [{"id": "1", "a": value}, {"id": "2", "a": None}]
    assert type(rows[0].values["a"]) is type(value)
    assert (source.columns, source.typed, source.format, source.encoding, source.notes) == (["id", "a"], True, "parquet", None, [])


def test_bytes_that_are_no_text_are_left_out_and_named(tmp_path: Path) -> None:
    photo = pa.array([{"bytes": b"\xff\xd8", "path": "a.jpg"}, {"bytes": None, "path": "b.jpg"}])
    source, rows = opened(tmp_path, pa.table({"id": [1, 2], "raw": pa.array([b"\xff", b"text"]), "image": photo}))
    assert [row.values for row in rows] == [
        {"id": 1, "image": {"path": "a.jpg"}},
        {"id": 2, "raw": "text", "image": {"bytes": None, "path": "b.jpg"}},
    ]
    assert source.notes == [f"column {name} holds bytes that are no text; they were left out" for name in ("raw", "image")]


def test_rows_are_counted_over_groups_and_batches(tmp_path: Path) -> None:
    table = pa.table({"id": range(3000), "__index_level_0__": range(3000)})
    source, rows = opened(tmp_path, table, row_group_size=700)
    assert source.columns == ["id"]
    assert rows == [Row(n + 1, {"id": n}) for n in range(3000)]


def test_a_very_long_cell(tmp_path: Path) -> None:
    _, rows = opened(tmp_path, pa.table({"id": [1, 2, 3], "a": ["x", "y" * 2_000_000, "z"]}))
    assert [(row.line, row.problem and row.problem.kind) for row in rows] == [(1, None), (2, "too long"), (3, None)]
    assert len(str(rows[1].values)) < 2000


def test_a_damaged_group_costs_its_rows_only(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": range(3000), "a": ["text"] * 3000}), tmp_path / "f", row_group_size=1000, compression="none")
    content = bytearray((tmp_path / "f").read_bytes())
    place = pq.ParquetFile(tmp_path / "f").metadata.row_group(1).column(0).data_page_offset
    content[place : place + 40] = b"\xff" * 40
    (tmp_path / "f").write_bytes(content)
    source = read_rows(str(tmp_path / "f"))
    rows = list(source.rows)
    assert [row.line for row in rows if not row.problem] == [*range(1, 1001), *range(2001, 3001)]
    ((line, problem),) = [(row.line, row.problem) for row in rows if row.problem]
    assert (line, problem.kind) == (1001, "damaged Parquet")
    assert "rows 1,001 to 2,000 cannot be read" in str(source.incomplete)


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + b"x" * 100, b"PAR1" + b"\x00" * 8 + b"PAR1"])
def test_what_cannot_be_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(InputError, match="f is Parquet that cannot be read"):
        read_rows(str(tmp_path / "f"))


def test_columns_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names the column a more than once"):
        opened(tmp_path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))
    with pytest.raises(InputError, match="has no columns"):
        opened(tmp_path, pa.table({}))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(place=st.integers(0, 3000), junk=st.binary(min_size=1, max_size=30))
def test_damage_anywhere_is_rows_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    table = pa.table({"id": range(50), "a": ["text"] * 50, "t": pa.array([MOMENT] * 50), "l": [["x", "y"]] * 50})
    pq.write_table(table, path)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(junk)] = junk
    path.write_bytes(content)
    try:
        rows = list(read_rows(str(path)).rows)
    except InputError as error:
        assert str(path) in error.message
        return
    json.dumps([row.values for row in rows], ensure_ascii=False).encode()
