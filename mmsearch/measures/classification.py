"""How good yes-or-no answers are: accuracy, precision, recall and F1 at a threshold, and the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Truth = NDArray[np.bool_]
Probabilities = NDArray[np.float64]


def classification(truth: Truth, probability: Probabilities, threshold: float = 0.5) -> dict[str, float]:
    """Answers are yes from the threshold on.

    Parameters
    ----------
    truth : (n,). probability : (n,), of yes.

    Returns
    -------
    'accuracy', 'precision', 'recall', 'F1' and 'AUC' (see `roc_auc`). Where nothing was said, or is, yes, precision or recall is 0.

    Raises ValueError for no answers, or another number of them.
    """
    if not len(truth) or truth.shape != probability.shape:
        raise ValueError(f"{truth.shape} truths and {probability.shape} answers")
    said = probability >= threshold
    right = float(np.count_nonzero(said & truth))
    precision = right / max(1, int(np.count_nonzero(said)))
    recall = right / max(1, int(np.count_nonzero(truth)))
    return {
        "accuracy": float(np.mean(said == truth)),
        "precision": precision,
        "recall": recall,
        "F1": 2 * precision * recall / max(precision + recall, 1e-12),
        "AUC": roc_auc(truth, probability),
    }


def constant_answers(truth: Truth) -> dict[str, float]:
    """What one answer for all would get: the accuracy of the commoner one, and the F1 of always yes (of always no it is 0)."""
    share = float(np.mean(truth))
    return {"accuracy": max(share, 1 - share), "F1": 2 * share / (1 + share)}


def roc_auc(truth: Truth, probability: Probabilities) -> float:
    """How often a yes is thought likelier than a no, ties counting half; .5 where there is only one of them.

    Mann and Whitney's U, scaled: Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 1982.
    """
    yes = int(np.count_nonzero(truth))
    no = len(truth) - yes
    if not yes or not no:
        return 0.5
    _, where, counts = np.unique(probability, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # mean rank of each value, from 1
    return float((ranks[where][truth].sum() - yes * (yes + 1) / 2) / (yes * no))


def best_threshold(truth: Truth, probability: Probabilities) -> float:
    """The threshold with the highest Matthews correlation on some answers (n,), the largest of several; .5 where there is only yes or no.

    Unlike the one with the best F1, it does not say yes to nearly all where most are yes: Matthews, "Comparison of the predicted and
    observed secondary structure of T4 phage lysozyme", 1975. It lies halfway between two answers, so that others near by fall on the
    same side.
    """
    yes = int(np.count_nonzero(truth))
    if not yes or yes == len(truth):
        return 0.5
    order = np.argsort(-probability, kind="stable")
    falling = np.append(probability[order], 0.0)
    right = np.cumsum(truth[order])  # said yes, and is
    said = np.arange(1, len(truth) + 1)
    last = np.append(falling[1:-1] != falling[:-2], True)  # a threshold takes equal answers together
    n = float(len(truth))
    covariance = n * right - said * float(yes)
    spread = np.sqrt(said * (n - said) * yes * (n - yes))
    correlation = np.where(last, np.divide(covariance, spread, out=np.zeros(len(truth)), where=spread > 0), -2.0)
    at = int(correlation.argmax())
    return float((falling[at] + falling[at + 1]) / 2)
