"""What `mm-model` says of itself: answers on held-out examples, beside what a constant answer would get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.mm_examples import Examples
from mmsearch.measures.classification import best_threshold, classification, constant_answers

Answers = tuple[NDArray[np.bool_], NDArray[np.float64]]  # what is true (k,), and how likely the network thinks it (k,)


def measured(validation: Answers, test: Answers, new: Answers) -> dict[str, Any]:
    """Held-out figures. Yes is said from the probability on that goes best with the truth of the validation examples.

    Parameters
    ----------
    test : of examples that were held out. new : of examples whose products were, too; there may be none.
    """
    threshold = best_threshold(*validation)
    scores: dict[str, Any] = {"threshold": threshold}
    for name, (truth, likely) in (("held_out", test), ("new_products", new)):
        if truth.any() and not truth.all():
            counted = {"pairs": len(truth), "share_yes": float(truth.mean()), "constant": constant_answers(truth)}
            scores[name] = classification(truth, likely, threshold) | counted
    return scores


def summary(examples: Examples, scores: Mapping[str, Any]) -> str:
    """One line for people."""
    held = scores["held_out"]
    sampled = ", negatives sampled" if examples.sampled else ""
    people = f" ({scores['users']:,} users)" if scores["users"] else ""
    parts = [
        f"learned in {scores['epochs']} epochs from {scores['examples']:,} of {len(examples):,} {examples.what}{people}",
        f"on {held['pairs']:,} held-out pairs ({held['share_yes']:.0%} yes{sampled}) {_figures(held)}",
    ]
    if new := scores.get("new_products"):
        parts.append(f"of products it never saw ({new['pairs']:,} pairs) {_figures(new)}")
    if scores["trouble"]:
        parts.append(scores["trouble"])
    return "; ".join(parts)


def _figures(found: Mapping[str, Any]) -> str:
    named = ", ".join(f"{name} {found[name]:.3f}" for name in ("accuracy", "precision", "recall", "F1", "AUC"))
    constant = found["constant"]
    return f"{named}; one answer for all: accuracy {constant['accuracy']:.3f}, F1 {constant['F1']:.3f}"
