"""The text that names a measure: what it means, how it prints, and what a wrong one is told."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import ParseError, UsageError
from mmsearch.measures import MEASURES, parse_measure
from mmsearch.measures.ap import AP
from mmsearch.measures.base import ALIASES, Measure
from mmsearch.measures.hit import Hit
from mmsearch.measures.judged import Judged
from mmsearch.measures.ndcg import NDCG
from mmsearch.measures.p import P
from mmsearch.measures.r import R
from mmsearch.measures.rr import RR


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("nDCG@10", NDCG(k=10)),
        ("NDCG@10", NDCG(k=10)),
        ("nDCG", NDCG()),
        ("MAP", AP()),
        ("ap@1000", AP(k=1000)),
        ("MRR@10", RR(k=10)),
        ("RR", RR()),
        ("HR@20", Hit(k=20)),
        ("Success@1", Hit(k=1)),
        ("hit@5", Hit(k=5)),
        ("Recall@50", R(k=50)),
        ("precision@3", P(k=3)),
        ("P(rel=2)@10", P(k=10, rel=2)),
        ("P( rel = 2 )@10", P(k=10, rel=2)),
        ("P(2)@10", P(k=10, rel=2)),
        ("P()@10", P(k=10)),
        ("AP(rel=3)", AP(rel=3)),
        ("judged@10", Judged(k=10)),
        ("Judged", Judged()),
        ("P@010", P(k=10)),
    ],
)
def test_meaning_and_print(text: str, measure: Measure) -> None:
    assert parse_measure(text) == measure
    assert str(parse_measure(text)) == text


@pytest.mark.parametrize(
    ("measure", "text"),
    [(NDCG(k=10), "nDCG@10"), (AP(), "AP"), (P(k=5, rel=2), "P(rel=2)@5"), (R(k=5, rel=1), "R@5"), (Judged(k=3), "Judged@3")],
)
def test_made_in_python_prints_the_usual_form(measure: Measure, text: str) -> None:
    assert str(measure) == text


def test_the_text_is_not_part_of_what_a_measure_is() -> None:
    assert parse_measure("MAP@5") == parse_measure("ap@5") == AP(k=5)
    assert len({parse_measure("MAP@5"), parse_measure("ap@5")}) == 1
    assert parse_measure("AP@5") != parse_measure("AP@6")
    assert parse_measure("AP@5") != parse_measure("AP(rel=2)@5")
    assert parse_measure("P@5") != parse_measure("R@5")


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "expected a measure's name"),
        ("@10", 0, "expected a measure's name"),
        ("(rel=2)@3", 0, "expected a measure's name"),
        ("nDG@10", 0, "did you mean ndcg?"),
        ("recal@10", 0, "did you mean recall?"),
        ("bleu@10", 0, "there is no measure 'bleu'"),
        ("P", 1, "P needs a cut-off"),
        ("Recall(rel=2)", 13, "Recall needs a cut-off"),
        ("HR", 2, "HR needs a cut-off"),
        ("nDCG@0", 5, "whole number"),
        ("nDCG@-1", 5, "whole number"),
        ("nDCG@1.5", 5, "whole number"),
        ("nDCG@ten", 5, "whole number"),
        ("nDCG@", 5, "whole number"),
        ("nDCG@٣", 5, "whole number"),
        ("nDCG@" + "9" * 5000, 5, "whole number"),
        ("nDCG@@3", 4, "unexpected text"),
        ("nDCG 10", 5, "unexpected text"),
        ("P(rel=2)x@3", 8, "unexpected text"),
        ("P(rel=2@3", 1, "never closed"),
        ("P(rel=1..2)@3", 6, "range"),
        ("P(rel=0)@3", 1, "must be at least 1"),
        ("P(rel=1.5)@3", 1, "whole number"),
        ("P(rel=high)@3", 1, "whole number"),
        ("P(rl=2)@3", 1, "did you mean rel?"),
        ("nDCG(rel=2)@3", 4, "no parameter 'rel'"),
        ("P(k=3)@3", 1, "no parameter 'k'"),
        ("P(text=x)@3", 1, "no parameter 'text'"),
    ],
)
def test_wrong_text_is_told_where_and_why(text: str, position: int, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_measure(text)
    assert caught.value.position == position
    assert said in str(caught.value)
    assert caught.value.text == text


def test_unknown_measure_lists_those_there_are_with_their_other_names() -> None:
    with pytest.raises(ParseError) as caught:
        parse_measure("bleu@10")
    for name in [*MEASURES.names(), *ALIASES]:
        assert name in (caught.value.hint or "")


def test_every_alias_names_a_registered_measure_and_none_hides_one() -> None:
    assert set(ALIASES.values()) <= set(MEASURES.names())
    assert not set(ALIASES) & set(MEASURES.names())


def test_a_measure_of_another_package_parses_like_the_built_in_ones() -> None:
    class First(Measure):
        name = "First"

        def compute(self, ranking: object, judgments: object) -> float:
            return 1.0

    MEASURES.register("first", First)
    try:
        assert str(parse_measure("FIRST@3")) == "FIRST@3"
        assert parse_measure("first@3").k == 3
    finally:
        MEASURES.unregister("first")


names = st.sampled_from([*MEASURES.names(), *ALIASES, "nDCG", "MAP", "Success"])
tails = st.one_of(st.just(""), st.integers(-2, 2000).map(lambda k: f"@{k}"))
parameters = st.sampled_from(["", "()", "(rel=1)", "(rel=2)", "( rel=3 )", "(0)", "(4)"])


@given(names, parameters, tails)
def test_what_parses_prints_as_typed_and_its_usual_form_means_the_same(name: str, params: str, tail: str) -> None:
    factory = MEASURES.factory(ALIASES.get(name.lower(), name.lower()))
    graded = params.strip("()") and not hasattr(factory, "rel")  # a parameter that the measure does not have
    if graded or "0" in params or tail in ("@0", "@-1", "@-2") or (factory.needs_cutoff and not tail):
        with pytest.raises(UsageError):
            parse_measure(name + params + tail)
        return
    measure = parse_measure(name + params + tail)
    assert str(measure) == name + params + tail
    made = type(measure)(**{f: getattr(measure, f) for f in ("k", "rel") if hasattr(measure, f)})
    assert parse_measure(str(made)) == made == measure


@given(st.text(alphabet=string.printable + "é商", max_size=20))
def test_any_other_text_is_parsed_or_refused_as_wrong_usage(text: str) -> None:
    try:
        measure = parse_measure(text)
    except UsageError:
        return
    assert str(measure) == text.strip()
