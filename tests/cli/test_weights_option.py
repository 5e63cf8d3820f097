"""`--weights` of search and of eval search."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Ran

Run = Callable[..., "Ran"]


def test_weights_are_told_by_explain(store: str, mm: Run) -> None:
    hits = [json.loads(line) for line in mm("search", "red shoe", "--weights", "text=1, image=.25", "--explain").lines]
    assert {(term["evidence"].partition(":")[0], term["weight"]) for hit in hits for term in hit["explain"]} == {
        ("text", 1.0),
        ("words", 1.0),
        ("image through fake-fuser", 0.25),
    }
    table = mm("search", "red shoe", "-k", "1", "--weights", "image=.25", "--explain", "--format", "table").out
    assert "weight" in table and "0.2500" in table


def test_weights_are_part_of_the_name_of_a_measured_row(store: str, mm: Run, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("1\tred shoe\n", encoding="utf-8")
    (tmp_path / "q.qrels").write_text("1 0 red-shoe 1\n", encoding="utf-8")
    ran = mm("eval", "search", "--queries", tmp_path / "q.tsv", "--qrels", tmp_path / "q.qrels", "--weights", "image=0", "--metric", "R@1")
    assert json.loads(ran.out)["method"] == 'search(weights="image=0")'
    assert json.loads(ran.out)["measures"] == {"R@1": 1.0}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            ["--weights", "imag=1"],
            "error: weights: 'imag' is nothing that products are compared by; did you mean image?\n"
            "  there are: text, image, audio, video, words; for example: text=1, image=.3   "
            "or for one kind of query alone: image>text=.2\n",
        ),
        (
            ["--weights", "text=0,image=0"],
            "error: weights: they leave nothing to compare the part 'text: red' with\n"
            "  it can be compared by text>text, text>image, text>words: give one a weight above 0, or leave the part out\n",
        ),
        (["--weights", "text=-1"], "error: weights: the weight of text must be a number of 0 or more, not -1.0\n"),
        (
            ["--weights", "text=1", "--in", "fake-fuser"],
            "error: weights: the vectors of the profile fake-fuser mix the modalities, so that a query cannot weigh them apart\n"
            "  leave --in fake-fuser out: the default search weighs every kind of evidence apart; or fit it with other weights\n",
        ),
    ],
)
def test_errors(store: str, mm: Run, options: list[str], error: str) -> None:
    ran = mm("search", "red", *options)
    assert (ran.code, ran.err, ran.out) == (2, error, "")
