"""What can be wrong with a row of a catalogue file."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """Its kind, by which a report counts it (so never a value of the row's), and what it is in this row."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} ({self.detail})" if self.detail else self.kind


class BadRow(ValueError):
    """A row that cannot become a record."""

    def __init__(self, kind: str, detail: str = ""):
        self.problem = Problem(kind, detail)
        super().__init__(str(self.problem))


def shown(value: object) -> str:
    """A value in a message, as it would stand in Python, shortened."""
    text = repr(value[:100] if isinstance(value, str) else value)
    return text if len(text) <= 80 else text[:79] + "…"
