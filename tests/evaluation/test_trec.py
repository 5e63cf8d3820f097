"""TREC files: what is read, what is written, what is refused, and the order that scores mean."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import InputError
from mmsearch.evaluation.trec import rank, read_qrels, read_run, untied, write_qrels, write_run

Reader = Callable[[str | Path], object]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def to_file(content: str | bytes) -> Path:
        path = tmp_path / "file.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


class TestReadQrels:
    def test_as_trec_writes_them(self, write: Callable[..., Path]) -> None:
        path = write("q1 0 d1 3\nq1 0 d2 0\nq2   Q0\fd1  -1 \n q1 0 d3 +2\n")
        assert read_qrels(path) == {"q1": {"d1": 3, "d2": 0, "d3": 2}, "q2": {"d1": -1}}
        assert read_qrels(str(path)) == read_qrels(path)

    def test_tab_lets_ids_hold_spaces(self, write: Callable[..., Path]) -> None:
        assert read_qrels(write("red shoes\t0\tAir Max 90\t2\nq2 0 d1 1\n")) == {"red shoes": {"Air Max 90": 2}, "q2": {"d1": 1}}

    def test_without_the_iteration_column(self, write: Callable[..., Path]) -> None:
        assert read_qrels(write("q1 d1 1\nq1\td 2\t0\n")) == {"q1": {"d1": 1, "d 2": 0}}

    def test_beir_header_is_skipped(self, write: Callable[..., Path]) -> None:
        assert read_qrels(write("query-id\tcorpus-id\tscore\nq1\td1\t1\n")) == {"q1": {"d1": 1}}

    def test_byte_order_mark_blank_lines_and_crlf(self, write: Callable[..., Path]) -> None:
        assert read_qrels(write(b"\xef\xbb\xbfq1 0 d1 1\r\n\r\n \t \r\nq1 0 d2 0")) == {"q1": {"d1": 1, "d2": 0}}

    def test_chinese_ids_and_their_white_space(self, write: Callable[..., Path]) -> None:
        assert read_qrels(write("跑鞋 0 红\u3000鞋 1\n")) == {"跑鞋": {"红\u3000鞋": 1}}

    def test_repeated_line_is_harmless(self, write: Callable[..., Path]) -> None:
        assert read_qrels(write("q1 0 d1 1\nq1 1 d1 1\n")) == {"q1": {"d1": 1}}

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("商 0 d1 1\n".encode()), encoding="ascii"))
        assert read_qrels("-") == {"商": {"d1": 1}}

    @pytest.mark.parametrize(
        ("content", "place", "said"),
        [
            ("q1 0 d1 1\n\nq1 0 d2\n", ":3: ", "3 fields, expected 4"),
            ("q1 d1 1\nq1 0 d2 1\n", ":2: ", "4 fields, expected 3"),
            ("query-id\tcorpus-id\tscore\nq1\t0\td1\t1\n", ":2: ", "4 fields, expected 3"),
            ("q1 0 d1 1 x\n", ":1: ", "5 fields, expected query"),
            ("q1 1\n", ":1: ", "2 fields, expected query"),
            ("q1\t0\td1\n", ":1: ", "whole number, not 'd1'"),
            ("q1 0 d1 high\n", ":1: ", "whole number, not 'high'"),
            ("q1 0 d1 1.0\n", ":1: ", "whole number"),
            ("q1 0 d1 1_0\n", ":1: ", "whole number"),
            ("q1 0 d1 ١\n", ":1: ", "whole number"),
            ("q1 0 d1 " + "9" * 5000 + "\n", ":1: ", "whole number"),
            ("query\titer\tdoc\trel\nq1\t0\td1\t1\n", ":1: ", "whole number"),
            ("q1 0 d1 1\n\nq1 0 d1 0\n", ":3: ", "judges product 'd1' 0, an earlier line 1"),
            ("q1\t0\t \t1\n", ":1: ", "product id is empty"),
            ("\t0\td1\t1\n", ":1: ", "query id is empty"),
            (b"q1 0 d1 1\nq1 0 \xff\xfe 1\n", ":2: ", "not UTF-8"),
            ("q1 0 d1 1\n".encode("utf-16"), ":1: ", "not UTF-8"),
        ],
    )
    def test_malformed_line_is_named(self, write: Callable[..., Path], content: str | bytes, place: str, said: str) -> None:
        path = write(content)
        with pytest.raises(InputError) as caught:
            read_qrels(path)
        assert caught.value.message.startswith(f"{path}{place}")
        assert said in caught.value.message


class TestReadRun:
    def test_as_trec_writes_them(self, write: Callable[..., Path]) -> None:
        path = write("q1 Q0 d1 1 2.5 bm25\nq1 Q0 d2 2 -1e-3 bm25\nq2 Q0 d1 1 .5 bm25\n")
        assert read_run(path) == {"q1": {"d1": 2.5, "d2": -0.001}, "q2": {"d1": 0.5}}

    def test_the_rank_column_is_not_read(self, write: Callable[..., Path]) -> None:
        assert rank(read_run(write("q Q0 low 1 1 x\nq Q0 high 2 9 x\n"))["q"]) == ["high", "low"]

    def test_tab_lets_ids_and_tags_hold_spaces(self, write: Callable[..., Path]) -> None:
        assert read_run(write("\ufeffred shoes\tQ0\tAir Max\t1\t2\taligned | mmr\n")) == {"red shoes": {"Air Max": 2.0}}

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"q1 Q0 d1 1 2 x\n")))
        assert read_run("-") == {"q1": {"d1": 2.0}}

    @pytest.mark.parametrize(
        ("content", "place", "said"),
        [
            ("q1 Q0 d1 1 2\n", ":1: ", "5 fields"),
            ("q1 Q0 d1 1 2 x\nq1 Q0 Air Max 2 1 x\n", ":2: ", "7 fields"),
            ("q1 Q0 d1 1 high x\n", ":1: ", "finite number, not 'high'"),
            ("q1 Q0 d1 1 nan x\n", ":1: ", "finite number, not 'nan'"),
            ("q1 Q0 d1 1 inf x\n", ":1: ", "finite number"),
            ("q1 Q0 d1 1 1e999 x\n", ":1: ", "finite number"),
            ("q1 Q0 d1 1 1_0 x\n", ":1: ", "finite number"),
            ("q1 Q0 d1 1 2 x\nq2 Q0 d1 1 2 x\nq1 Q0 d1 2 2 x\n", ":3: ", "product 'd1' twice"),
            ("q1\tQ0\t\t1\t2\tx\n", ":1: ", "product id is empty"),
            (b"q1 Q0 \xff 1 2 x\n", ":1: ", "not UTF-8"),
        ],
    )
    def test_malformed_line_is_named(self, write: Callable[..., Path], content: str | bytes, place: str, said: str) -> None:
        path = write(content)
        with pytest.raises(InputError) as caught:
            read_run(path)
        assert caught.value.message.startswith(f"{path}{place}")
        assert said in caught.value.message


@pytest.mark.parametrize("read", [read_qrels, read_run])
class TestUnreadable:
    def test_missing_file(self, read: Reader, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"there is no file .*absent\.txt"):
            read(tmp_path / "absent.txt")

    def test_folder(self, read: Reader, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot read"):
            read(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"\n \n\t\n", b"\xef\xbb\xbf"])
    def test_empty_file(self, read: Reader, write: Callable[..., Path], content: bytes) -> None:
        with pytest.raises(InputError, match=r"file\.txt holds no"):
            read(write(content))

    def test_qrels_of_a_header_alone_hold_no_judgments(self, read: Reader, write: Callable[..., Path]) -> None:
        with pytest.raises(InputError):
            read(write("query-id\tcorpus-id\tscore\n"))

    def test_empty_standard_input(self, read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        with pytest.raises(InputError, match="standard input holds no"):
            read("-")


class TestRank:
    def test_score_descending_ties_by_id_descending(self) -> None:
        assert rank({"a": 1.0, "c": 1.0, "b": 1.0, "z": 0.5, "first": 2}) == ["first", "c", "b", "a", "z"]

    def test_ids_compare_as_text_in_code_point_order(self) -> None:
        assert rank(dict.fromkeys(["9", "10", "é", "z", "Z", "商", "😀", "\uffff", "a", "aa"], 0.0)) == [
            *("😀", "\uffff", "商", "é", "z", "aa", "a", "Z", "9", "10"),
        ]

    def test_scores_that_differ_only_past_single_precision_are_tied(self) -> None:
        assert rank({"a": 1 + 1e-9, "b": 1.0}) == ["b", "a"]
        assert rank({"a": 1 + 2e-7, "b": 1.0}) == ["a", "b"]
        assert rank({"a": 2e300, "b": 1e300}) == ["b", "a"]

    def test_zero_has_no_sign(self) -> None:
        assert rank({"a": 0.0, "b": -0.0}) == ["b", "a"]

    def test_nothing(self) -> None:
        assert rank({}) == []

    @pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
    def test_scores_must_be_finite(self, score: float) -> None:
        with pytest.raises(InputError, match="'bad'"):
            rank({"good": 1.0, "bad": score})


def written(function: Callable[..., None], *arguments: object) -> str:
    file = io.StringIO()
    function(file, *arguments)
    return file.getvalue()


class TestWrite:
    def test_run(self) -> None:
        assert written(write_run, {"q1": {"a": 0.5, "b": 2, "c": 0.5}, "q2": {}, "q 3": {"a": -1e-9}}, "bm25") == (
            "q1 Q0 b 1 2.0 bm25\nq1 Q0 c 2 0.5 bm25\nq1 Q0 a 3 0.5 bm25\nq 3\tQ0\ta\t1\t-1e-09\tbm25\n"
        )

    def test_qrels(self) -> None:
        assert written(write_qrels, {"q1": {"a": 3, "b c": -1}}) == "q1 0 a 3\nq1\t0\tb c\t-1\n"

    @pytest.mark.parametrize("bad", ["", " a", "a ", "a\tb", "a\nb", "a\r", "\ufeffa"])
    def test_ids_that_would_not_be_read_back_are_refused(self, bad: str) -> None:
        with pytest.raises(InputError, match="cannot hold"):
            written(write_qrels, {bad: {"a": 1}})
        with pytest.raises(InputError, match="cannot hold"):
            written(write_qrels, {"q": {bad: 1}})
        with pytest.raises(InputError, match="cannot hold"):
            written(write_run, {"q": {bad: 1.0}}, "tag")
        with pytest.raises(InputError, match="cannot hold"):
            written(write_run, {"q": {"a": 1.0}}, bad)

    def test_score_that_does_not_fit_is_refused(self) -> None:
        with pytest.raises(InputError, match="'a' does not fit"):
            written(write_run, {"q": {"b": 1.0, "a": 1e300}}, "tag")


SPACE = " \t\r\n\v\f"
ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n"), min_size=1).filter(
    lambda s: s[0] not in SPACE + "\ufeff" and s[-1] not in SPACE + "\ufeff"
)
single = st.floats(width=32, allow_nan=False, allow_infinity=False)
double = st.floats(-1e30, 1e30)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trec") / "file.txt"


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


@given(st.dictionaries(ids, st.dictionaries(ids, st.integers(-3, 999_999_999), min_size=1), min_size=1))
def test_qrels_read_back_as_written(path: Path, qrels: dict[str, dict[str, int]]) -> None:
    text = written(write_qrels, qrels)
    assert read_qrels(put(path, text)) == qrels
    assert read_qrels(put(path, "\ufeff\n" + text.replace("\n", " \r\n\r\n"))) == qrels


@given(st.dictionaries(ids, st.dictionaries(ids, single, min_size=1), min_size=1), ids)
def test_run_reads_back_as_written(path: Path, run: dict[str, dict[str, float]], tag: str) -> None:
    read = read_run(put(path, written(write_run, run, tag)))
    assert {q: {d: np.float32(s) for d, s in scores.items()} for q, scores in read.items()} == run


@given(st.dictionaries(ids, double | st.sampled_from([1.0, 1 + 1e-12, 1 + 1e-7, 0.0]), min_size=1))
def test_a_written_run_means_the_same_order_in_single_and_in_double_precision(path: Path, scores: dict[str, float]) -> None:
    text = written(write_run, {"q": scores}, "tag")
    read = read_run(put(path, text))["q"]
    in_double = [product for _, product in sorted(((s, d) for d, s in read.items()), reverse=True)]
    assert list(read) == in_double == rank(read) == rank(scores)


@given(st.lists(double | st.sampled_from([1.0, 1 + 1e-12, 1 + 1e-7, 0.0, -0.0]), min_size=1).map(lambda s: sorted(s, reverse=True)))
def test_untied_scores_keep_the_order_in_single_and_in_double_precision(scores: list[float]) -> None:
    found = untied(scores)
    shown = {f"d{place:05}": score for place, score in enumerate(found)}  # ids go up, as in a list whose scores tie
    assert rank(shown) == list(shown) == sorted(shown, key=lambda d: (shown[d], d), reverse=True)
    assert all(new == old or new < old for new, old in zip(found, scores, strict=True))
    if len({np.float32(score) for score in scores}) == len(scores):
        assert found == scores, "nothing ties"


good_lines = st.lists(st.sampled_from(["q1 0 d1 1", "q1 0 d2 0", "q2\t0\td 3\t2", "", "  "]), max_size=6)
bad_lines = st.sampled_from(["q1 0 d1", "q1", "q1 0 d1 1 x", "q1 0 d1 one", "q1 0 d9 0.5", "q1\t0\t\t1", "a\tb\tc\td\te", "q1 0 d9 nan"])


@given(good_lines, bad_lines, good_lines)
def test_a_bad_line_is_found_wherever_it_stands(path: Path, before: list[str], bad: str, after: list[str]) -> None:
    put(path, "\n".join([*before, bad, *after]))
    with pytest.raises(InputError) as caught:
        read_qrels(path)
    # Three fields may open a file without iterations: then it is their last field that is wrong, on the same line.
    assert caught.value.message.startswith(f"{path}:{len(before) + 1}: ")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("q 0 d 1\n")
    secret.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read_qrels(secret)
