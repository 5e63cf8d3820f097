"""Numbers as people write them: marks between thousands, a decimal point or comma."""

from __future__ import annotations

import re

_MARK = re.compile(r"[.,' ]")


def decimal(text: str) -> float:
    """Digits and marks → a number: the last mark is the decimal one, unless it separates thousands.

    Thousands are separated by one kind of mark, into groups of three digits (in India the upper ones of two). `1,234` is
    1234 and `1.234` is 1.234: a comma before exactly three digits separates thousands, a point never does alone.

    >>> decimal("1.299,00"), decimal("1,00,000"), decimal("1'299.50"), decimal("2,5")
    (1299.0, 100000.0, 1299.5, 2.5)

    Raises ValueError for any other grouping.
    """
    marks, groups = _MARK.findall(text), _MARK.split(text)
    separates = marks and marks[-1] in ".," and marks.count(marks[-1]) == 1
    if separates and (len(set(marks)) > 1 or marks[-1] == "." or len(groups[-1]) != 3 or groups[0] == "0"):
        marks, fraction = marks[:-1], groups.pop()
    else:
        fraction = ""
    if marks and (len(set(marks)) > 1 or len(groups[0]) > 3 or len(groups[-1]) != 3 or any(len(g) not in (2, 3) for g in groups[1:])):
        raise ValueError(f"{text!r} is not a number")
    return float(f"{''.join(groups)}.{fraction}")
