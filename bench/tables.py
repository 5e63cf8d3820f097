"""Tables that benchmarks read, write and print."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, column → cell."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def written(path: Path, table: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> Path:
    """A CSV file of rows; `columns`: only these, else those of the first row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, columns or list(table[0]), extrasaction="ignore" if columns else "raise")
        out.writeheader()
        out.writerows(table)
    return path


def shown(values: Iterable[float]) -> str:
    """Figures of one thing in a line: '0.500 / 0.250'."""
    return " / ".join(f"{value:.3f}" for value in values)


def print_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows under the names of the first one's columns, aligned; fractions with four digits."""
    print(f"\n{title}")
    names = list(rows[0])
    cells = [names, *([f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    for row in cells:
        print(
            "  " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))),
            flush=True,
        )
