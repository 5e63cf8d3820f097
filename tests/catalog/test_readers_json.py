"""JSON Lines and JSON documents → rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.readers import Row, Source, read_rows
from mmsearch.catalog.readers.json_document import json_shape


def opened(tmp_path: Path, content: str, name: str = "f.json") -> tuple[Source, list[Row]]:
    (tmp_path / name).write_bytes(content.encode())
    source = read_rows(str(tmp_path / name))
    return source, list(source.rows)


def good(rows: list[Row]) -> list[tuple[int, dict[str, Any]]]:
    return [(row.line, row.values) for row in rows if row.problem is None]


def bad(rows: list[Row]) -> list[tuple[int, str]]:
    return [(row.line, row.problem.kind) for row in rows if row.problem is not None]


def test_json_lines(tmp_path: Path) -> None:
    content = '\ufeff{"id": 1, "a": [1, null]}\n\nnot json\n[1]\n{"id": "2"}\n"x"\n{"id": 3'
    source, rows = opened(tmp_path, content)
    assert (source.format, source.columns, source.typed) == ("jsonl", None, True)
    assert good(rows) == [(1, {"id": 1, "a": [1, None]}), (5, {"id": "2"})]
    assert bad(rows) == [(3, "not JSON"), (4, "not a JSON object"), (6, "not a JSON object"), (7, "not JSON")]
    assert next(row.values for row in rows if row.problem) == {"_text": "not json"}


_HOSTILE = [
    ('{"id": ' + "9" * 5000 + "}", "not usable", "a number of thousands of digits"),
    ('{"a":' * 10_000 + "1" + "}" * 10_000, "not usable", "nested over 50 levels deep"),
    ('{"a":' + "[" * 10_000 + "]" * 10_000 + "}", "not usable", "nested over 50 levels deep"),
    ('{"a":' * 60 + "1" + "}" * 60, "not usable", "nested over 50 levels deep"),
    ('{"a": ' + "[" * 60 + "]" * 60 + "}", "not usable", "nested over 50 levels deep"),
    ('{"a": 1, "b": 2, "a": 3}', "not usable", "the key a is given twice"),
    ('{"a": {"__proto__": 1, "__proto__": 2}}', "not usable", "the key __proto__ is given twice"),
    ("{'id': 1}", "not JSON", "double quotes, character 2"),
    ('{"id": "a\tb"}', "not JSON", "Invalid control character"),
    ('{"id": "a\\x"}', "not JSON", "Invalid \\escape"),
    ('{"id": nope, "variants": [{"id": 7}, {"id": 8}]}', "not JSON", "Expecting value"),
    ('{"a": "' + "x" * 9_000_000 + '"}', "too long", ""),
]


@pytest.mark.parametrize(("text", "kind", "detail"), _HOSTILE)
@pytest.mark.parametrize("shape", ["%s\n%s\n%s\n", "[%s,\n%s,\n%s]", '{"n": 3, "products": [%s,\n%s,\n%s], "more": 1}', "[%s,%s,%s]"])
def test_hostile_json(tmp_path: Path, text: str, kind: str, detail: str, shape: str) -> None:
    source, rows = opened(tmp_path, shape % ('{"id": 1}', text, '{"id": 2}'))
    assert [values for _, values in good(rows)] == [{"id": 1}, {"id": 2}]
    ((_, found),) = bad(rows)
    assert found == kind
    assert detail in str(rows[1].problem)
    assert [row.line for row in rows] == ([1, 1, 1] if shape == "[%s,%s,%s]" else [1, 2, 3])
    assert source.incomplete is None
    json.dumps([row.values for row in rows], ensure_ascii=False).encode()


def test_json_of_some_depth_is_fine(tmp_path: Path) -> None:
    assert len(good(opened(tmp_path, '{"a":' * 40 + "1" + "}" * 40)[1])) == 1


def test_values_that_json_has_no_word_for(tmp_path: Path) -> None:
    for shape in ("%s\n", "[%s]"):
        (row,) = opened(tmp_path, shape % '{"id": 1, "a": NaN, "b": Infinity, "c": [-Infinity, 1e999]}')[1]
        assert row.values == {"id": 1, "a": None, "b": float("inf"), "c": [float("-inf"), float("inf")]}


def test_halves_of_characters_are_replaced(tmp_path: Path) -> None:
    (row,) = opened(tmp_path, '{"a\\ud800": ["x\\ud83d", {"b": "\\ud83d\\ude00\\udc00"}], "c": "\\\\ud800"}')[1]
    assert row.values == {"a\ufffd": ["x\ufffd", {"b": "😀\ufffd"}], "c": "\\ud800"}


PRODUCTS = [{"id": n, "标题": f"鞋 {n}", "list": [{"id": "inner"}, []], "text": 'a "quoted" \\ [text] {'} for n in range(5000)]


@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("key", [None, "products", "Items", "商品"])
def test_documents(tmp_path: Path, indent: Any, ascii_only: bool, key: str | None) -> None:
    document = PRODUCTS if key is None else {"version": {"a": [1, {"data": []}]}, "total": 5, key: PRODUCTS, "next": "x", "more": [1, 2]}
    content = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    source, rows = opened(tmp_path, "\ufeff \n" + content)
    assert [values for _, values in good(rows)] == PRODUCTS
    assert (source.format, source.columns, source.typed, source.incomplete, bad(rows)) == ("json", None, True, None, [])
    lines = [number for number, line in enumerate(("\n" + content).split("\n"), 1) if '"id": 0' in line or '"id": 4999' in line]
    assert [rows[0].line, rows[-1].line] == [lines[0] - (indent is not None), lines[-1] - (indent is not None)]


def test_objects_over_several_lines(tmp_path: Path) -> None:
    """What `jq .` prints."""
    source, rows = opened(tmp_path, "\n".join(json.dumps(product, indent=2) for product in PRODUCTS))
    assert [values for _, values in good(rows)] == PRODUCTS
    assert source.format == "json"
    _, rows = opened(tmp_path, '{\n"id": 1\n}\n{\n"id": oops\n}\n{\n"id": 3\n}\n')
    assert (good(rows), bad(rows)) == ([(1, {"id": 1}), (7, {"id": 3})], [(4, "not JSON")])


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('[{"id": 1}]', "array"),
        ("[", "array"),
        ("[]", "array"),
        ("[id],[name]\n1,2\n", None),
        ('{"products": [{"id": 1}]}', "wrapped"),
        ('{"products": []}', "wrapped"),
        ('{"id": 1, "images": [{"url": "x"}]}', None),
        ('{"data": [{"id": 1}]}\n{"data": [{"id": 2}]}\n', None),
        ('{"data": [1, 2]}\n', None),
        ('{"id": 1}\n{"id": 2}\n', None),
        ('{\n"id": 1}\n', "stream"),
        ("{bad\n", None),
        ("id,a\n", None),
    ],
)
def test_shapes(text: str, shape: str | None) -> None:
    assert json_shape(text) == shape


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        ('{"id": 2, "a": {"x": 1}', [1, 3, 4]),  # a bracket is missing
        ('{"id": 2, "a": "open}', [1, 3, 4]),
        ('{"id": 2, "a": "op"en"}', [1, 3, 4]),
        ('{"id": 2]', [1, 3, 4]),
        ('{"id": 2}}', [1, 2, 3, 4]),
        ("nope", [1, 3, 4]),
        ("12", [1, 3, 4]),
        ('"x"', [1, 3, 4]),
        ("", [1, 3, 4]),
    ],
)
@pytest.mark.parametrize("margin", ["", "  "])
def test_a_broken_object_costs_itself(tmp_path: Path, broken: str, lines: list[int], margin: str) -> None:
    rows = opened(tmp_path, f'[{{"id": 1}},\n{margin}{broken},\n{margin}{{"id": 3}},\n{margin}{{"id": 4}}\n]')[1]
    assert [line for line, _ in good(rows)] == lines
    assert len(bad(rows)) == (broken != "")


def test_many_broken_objects(tmp_path: Path) -> None:
    """Each is given up where it is known to be broken: looking for its end in all that follows would take hours."""
    rows = opened(tmp_path, "[\n" + '{"id": 1, "a": {"x": 1},\n{"id": 2},\n' * 5_000 + '{"id": 3}\n]')[1]
    assert (len(good(rows)), len(bad(rows))) == (5_001, 5_000)


@pytest.mark.parametrize("end", ["", ",", ',\n{"id": 3, "a": "x', ',\n{"id": 3', ",\n["])
def test_a_document_that_breaks_off(tmp_path: Path, end: str) -> None:
    for start in ("[", '{"products": ['):
        source, rows = opened(tmp_path, start + '{"id": 1},\n{"id": 2}' + end)
        assert [values for _, values in good(rows)] == [{"id": 1}, {"id": 2}]
        assert len(bad(rows)) == 1
        assert source.incomplete


def test_what_follows_the_array(tmp_path: Path) -> None:
    source, rows = opened(tmp_path, '[{"id": 1}]\n[{"id": 2}]\n')
    assert (good(rows), bad(rows)) == ([(1, {"id": 1})], [(2, "not JSON")])
    source, rows = opened(tmp_path, '{"items": [{"id": 1}], "products": [{"id": 2}]}')
    assert good(rows) == [(1, {"id": 1})]
    assert "products" in source.notes[0]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(
            st.text(max_size=4),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3),
                max_leaves=5,
            ),
            max_size=4,
        ),
        max_size=6,
    ),
    indent=st.sampled_from([None, 1]),
)
def test_what_json_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], indent: int | None) -> None:
    path = tmp_path_factory.getbasetemp() / "written.json"
    path.write_text(json.dumps(rows, indent=indent).replace("NaN", "null"), encoding="utf-8")
    expected = json.loads(path.read_text(encoding="utf-8").replace("\\ud", "\\u0"))
    found = [row.values for row in read_rows(str(path)).rows]
    assert json.loads(json.dumps(found)) == expected or "\\ud" in path.read_text(encoding="utf-8")
    path.write_text("".join(json.dumps(row) + "\n" for row in [{"id": 1}, *rows]).replace("NaN", "null"), encoding="utf-8")
    assert len([row for row in read_rows(str(path)).rows if row.problem is None]) == len(rows) + 1


@settings(max_examples=300, derandomize=True, deadline=None)
@given(broken=st.text('{}[]",:\\1a \n', max_size=25))
def test_what_stands_before_a_broken_object_is_kept(tmp_path_factory: pytest.TempPathFactory, broken: str) -> None:
    path = tmp_path_factory.getbasetemp() / "broken.json"
    path.write_text('[{"id": "first"},\n{"id": 2' + broken, encoding="utf-8")
    rows = list(read_rows(str(path)).rows)
    assert rows[0] == Row(1, {"id": "first"})
    assert [row.line for row in rows] == sorted(row.line for row in rows)
