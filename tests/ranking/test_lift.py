"""How many times as often as expected: the algebra of the shrunk ratio."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.ranking.lift import lift

counts = st.floats(0, 1e6)


@given(seen=counts, expected=counts, prior=st.floats(0.1, 100))
def test_it_is_between_nothing_and_the_plain_ratio(seen: float, expected: float, prior: float) -> None:
    found = float(lift(np.array([seen]), np.array([expected]), prior)[0])
    plain = np.log2(seen) - np.log2(expected) if seen and expected else np.inf * np.sign(seen - expected) if seen != expected else 0.0
    assert min(0.0, plain) - 1e-9 <= found <= max(0.0, plain) + 1e-9


@given(seen=counts, expected=counts, more=st.floats(1, 1e6), prior=st.floats(0.1, 100))
def test_more_sightings_raise_it_and_what_is_not_known_is_neutral(seen: float, expected: float, more: float, prior: float) -> None:
    low, high, missing = lift(np.array([seen, seen + more, np.nan]), np.array([expected, expected, np.nan]), prior)
    assert low < high and missing == 0
    assert lift(np.array([expected]), np.array([expected]), prior)[0] == 0
