from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_score, recall_score, roc_auc_score

from mmsearch.measures.classification import best_threshold, classification, constant_answers, roc_auc

ANSWERS = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=1, max_size=40)


def arrays(answers: list[tuple[bool, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([t for t, _ in answers], bool), np.array([p for _, p in answers])


@given(ANSWERS, st.sampled_from([0.1, 0.5, 0.9]))
def test_as_scikit_learn_has_it(answers: list[tuple[bool, float]], threshold: float) -> None:
    truth, likely = arrays(answers)
    said = likely >= threshold
    found = classification(truth, likely, threshold)
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, said))
    assert found["precision"] == pytest.approx(precision_score(truth, said, zero_division=0))
    assert found["recall"] == pytest.approx(recall_score(truth, said, zero_division=0))
    assert found["F1"] == pytest.approx(f1_score(truth, said, zero_division=0))
    if truth.any() and not truth.all():
        assert found["AUC"] == pytest.approx(roc_auc_score(truth, likely))
    else:
        assert found["AUC"] == 0.5


@given(ANSWERS)
def test_no_other_threshold_goes_better_with_the_truth(answers: list[tuple[bool, float]]) -> None:
    truth, likely = arrays(answers)
    if truth.all() or not truth.any():
        assert best_threshold(truth, likely) == 0.5
        return
    best = matthews_corrcoef(truth, likely >= best_threshold(truth, likely))
    assert all(matthews_corrcoef(truth, likely >= threshold) <= best + 1e-9 for threshold in np.unique(likely))


def test_a_threshold_lies_between_answers() -> None:
    assert best_threshold(np.array([True, True, False]), np.array([0.9, 0.8, 0.2])) == pytest.approx(0.5)


@given(ANSWERS)
def test_one_answer_for_all(answers: list[tuple[bool, float]]) -> None:
    truth, _ = arrays(answers)
    always, never = classification(truth, np.ones(len(truth))), classification(truth, np.zeros(len(truth)))
    found = constant_answers(truth)
    assert found["accuracy"] == pytest.approx(max(always["accuracy"], never["accuracy"]))
    assert found["F1"] == pytest.approx(always["F1"])


def test_answers_that_are_all_equal_tell_nothing() -> None:
    truth = np.array([True, False, False])
    assert roc_auc(truth, np.full(3, 0.7)) == 0.5


@pytest.mark.parametrize("likely", [np.empty(0), np.ones(2)])
def test_answers_must_be_as_many_as_truths(likely: np.ndarray) -> None:
    with pytest.raises(ValueError, match="truths"):
        classification(np.ones(len(likely) and 3, bool), likely)
