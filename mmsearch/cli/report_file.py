"""`--report FILE`: what a command did, as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mmsearch.cli.whole_file import WholeFile


class ReportFile:
    """A report that will be written when the work is done: see `mmsearch.cli.whole_file`. Raises InputError where it cannot be."""

    def __init__(self, path: str):
        self._file = WholeFile(path, "--report", "report")

    def write(self, report: Mapping[str, Any]) -> None:
        """Write the report."""
        self._file.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
