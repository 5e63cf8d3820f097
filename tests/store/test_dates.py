"""Dates and times of attributes, as text and as seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.store.dates import iso_seconds, iso_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0.0),
        ("1970-01-02T00:00:01Z", 86_401.0),
        ("1970-01-01 01:00", 3600.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T01:00:00.5 +0100", 0.5),
        ("1969-12-31T23:59:59Z", -1.0),
        ("0001-01-01", -62135596800.0),
        ("2023-02-30", None),
        ("2023-13-01", None),
        ("2023", None),
        ("20230101", None),
        ("2023-W01-1", None),
        ("2023-01", None),
        ("2023-01-01T", None),
        ("on 2023-01-01", None),
        ("２０２３-01-01", None),
        ("2023-01-01\n", None),
        ("2023-01-01T25:00", None),
        ("", None),
    ],
)
def test_texts(text: str, seconds: float | None) -> None:
    assert iso_seconds(text) == seconds


def test_midnight_is_a_date() -> None:
    assert iso_text(0.0) == "1970-01-01"
    assert iso_text(86_400.0) == "1970-01-02"
    assert iso_text(-1.0) == "1969-12-31T23:59:59Z"
    assert iso_text(0.5) == "1970-01-01T00:00:00.500000Z"
    assert iso_text(1e20) == "1e+20"


@given(st.datetimes(min_value=datetime(1850, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_there_and_back(moment: datetime) -> None:
    assert iso_seconds(moment.isoformat()) == moment.timestamp()
    assert iso_seconds(iso_text(moment.timestamp())) == pytest.approx(moment.timestamp(), abs=2e-6)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    assert iso_seconds(text) is None or iso_text(iso_seconds(text))  # type: ignore[arg-type]
