"""What a scenario gives back."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """One line with what was done, and what was found to be wrong: nothing, if all is well."""

    name: str
    line: str = ""
    findings: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # what could not be tried here, with the reason
