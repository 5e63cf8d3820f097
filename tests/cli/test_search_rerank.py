"""`mmsearch search --rerank`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from mmsearch.errors import EXIT_DONE, EXIT_USAGE

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_a_chain(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe", "-k", 3, "--rerank", "pin(ids=[blue-hat]) | collapse(by=colour)", "--explain")
    assert ran.code == EXIT_DONE
    hits = [json.loads(line) for line in ran.lines]
    assert [hit["id"] for hit in hits[:2]] == ["blue-hat", "red-shoe"]
    for hit in hits:
        assert abs(sum(one["contribution"] for one in hit["explain"]) - hit["score"]) < 1e-9
        assert isinstance(hit["stands_for"], list)


def test_the_table_counts_what_a_hit_stands_for(store: str, mm: Mm) -> None:
    ran = mm("search", "kettle", "-k", 2, "--rerank", "dedupe", "--format", "table")
    assert ran.code == EXIT_DONE
    assert "stands for" in ran.out and "+1" in ran.out


def test_a_run_is_ranked_by_its_scores(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe", "--rerank", "mmr(lambda=.3)", "--format", "trec")
    scores = [float(line.split()[4]) for line in ran.lines]
    assert scores == sorted(scores, reverse=True)


def test_either_sorted_or_reranked(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe", "--sort", "price", "--rerank", "mmr")
    assert (ran.code, ran.out) == (EXIT_USAGE, "")
    assert "--sort and --rerank" in ran.err
    assert mm("search", "red shoe", "--rerank", "").code == EXIT_USAGE
