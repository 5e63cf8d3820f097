"""What looks wrong in user data."""

from __future__ import annotations

import csv
import doctest
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog import outliers
from mmsearch.catalog.outliers import Finding, UserDataOutliers, clip, rating_scale, robust_bounds, to_seconds

NOW = 1_750_000_000.0


def found(check: UserDataOutliers) -> dict[str, Finding]:
    return {finding.rule: finding for finding in check.findings()}


def test_the_examples_in_the_documentation() -> None:
    outcome = doctest.testmod(outliers)
    assert outcome.failed == 0
    assert outcome.attempted >= 2


def test_ratings_off_the_scale() -> None:
    check = UserDataOutliers(ratings=True)
    values = [1.0, 2, 3, 4, 5] * 100 + [55, -1, math.nan]
    rows = [f"line {n}" for n in range(len(values))]
    check.add(rows, [f"u{n % 50}" for n in range(len(rows))], rows, values, None)
    finding = found(check)[outliers.OFF_SCALE]
    assert finding.affected == 2
    assert finding.examples == ("line 500", "line 501")
    assert "-1 to 55" in finding.detail
    assert check.bounds() == (0, 5)
    assert clip([55, -1, 3, math.nan], check.bounds())[:3].tolist() == [5, 0, 3]


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        ([0, 1] * 20, (0, 1)),
        ([-1, 1] * 20, (-1, 1)),
        ([0.5, 5] * 20, (0, 5)),
        ([7, 10] * 20, (0, 10)),
        ([80, 100] * 20, (0, 100)),
        ([500, 1] * 20, None),
        ([5] * 3, None),
    ],
)
def test_scales(ratings: list[float], scale: tuple[float, float] | None) -> None:
    assert rating_scale(ratings) == scale


def test_amounts_far_outside() -> None:
    check = UserDataOutliers(ratings=False)
    amounts = np.random.default_rng(0).lognormal(3, 1, 5000)
    amounts[7] = 1e9
    rows = [str(n) for n in range(5000)]
    check.add(rows, rows, rows, amounts, None)
    assert found(check)[outliers.FAR].examples == ("7",)
    assert set(found(check)) == {outliers.FAR}


def test_a_robot_among_people() -> None:
    check = UserDataOutliers(ratings=False)
    users = [f"u{n % 500}" for n in range(5000)] + ["bot"] * 3000
    rows = [str(n) for n in range(len(users))]
    for start in range(0, len(rows), 1000):
        check.add(rows[start : start + 1000], users[start : start + 1000], rows[start : start + 1000], None, None)
    assert found(check)[outliers.ROBOT].examples == ("bot",)
    assert found(check)[outliers.ROBOT].affected == 1


def test_times() -> None:
    check = UserDataOutliers(ratings=False, now=NOW)
    times = [NOW - n * 1000 for n in range(50)] + [NOW + 1e6, 5.0, (NOW - 1e6) * 1000, math.nan]
    rows = [f"r{n}" for n in range(len(times))]
    check.add(rows, rows, rows, None, times)
    findings = found(check)
    assert set(findings) == {outliers.FUTURE, outliers.ANCIENT, outliers.MILLISECONDS}
    assert [findings[rule].examples for rule in (outliers.FUTURE, outliers.ANCIENT, outliers.MILLISECONDS)] == [
        ("r50",),
        ("r51",),
        ("r52",),
    ]


def test_repeats_within_a_minute_also_across_batches() -> None:
    check = UserDataOutliers(ratings=False, now=NOW)
    for batch in range(2):
        check.add([f"{batch}a", f"{batch}b"], ["u", "v"], ["p", "p"], None, [NOW - 100 + batch * 10, NOW - 10_000 + batch * 5_000])
    assert found(check)[outliers.BURST] == Finding(outliers.BURST, 1, ("1a",), "the same user did the same to the same thing")


def test_ordinals_are_no_dates() -> None:
    check = UserDataOutliers(ratings=False, now=NOW)
    rows = [str(n) for n in range(100)]
    check.add(rows, ["u"] * 100, ["p"] * 100, None, list(range(100)))
    assert check.findings() == []


def test_bad_batches() -> None:
    check = UserDataOutliers(ratings=False)
    with pytest.raises(ValueError, match="as many"):
        check.add(["a"], [], ["p"], None, None)
    with pytest.raises(ValueError, match="shape"):
        check.add(["a"], ["u"], ["p"], [1, 2], None)
    assert check.findings() == []


@given(st.floats(631_152_000, 5e9), st.sampled_from([1e3, 1e6, 1e9]))
def test_any_unit_of_time(seconds: float, unit: float) -> None:
    given_times, scaled = to_seconds([seconds, seconds * unit])
    assert given_times == pytest.approx([seconds, seconds])
    assert scaled.tolist() == [False, True]


@given(st.lists(st.floats(-1e6, 1e6), max_size=100))
def test_bounds_hold_the_median(values: list[float]) -> None:
    low, high = robust_bounds(values)
    assert low <= high
    if values:
        assert low - 1e-6 <= float(np.median(values)) <= high * (1 + 1e-9) + 1e-6
        assert len(clip(values, (low, high))) == len(values)


@pytest.mark.data
def test_no_false_alarm_on_real_data(data: Path) -> None:
    with (data / "ml100k" / "ml-100k.inter").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))[1:]
    check = UserDataOutliers(ratings=True)
    for start in range(0, len(rows), 20_000):
        users, items, ratings, times = zip(*rows[start : start + 20_000], strict=True)
        check.add(users, users, items, [float(r) for r in ratings], [float(t) for t in times])
    assert check.findings() == []
    with (data / "scientific" / "events.csv").open(encoding="utf-8") as file:
        events = list(csv.DictReader(file))
    check = UserDataOutliers(ratings=False)
    names = [event["user"] for event in events]
    check.add(names, names, [event["product"] for event in events], None, [float(event["time"]) for event in events])
    assert check.findings() == []
