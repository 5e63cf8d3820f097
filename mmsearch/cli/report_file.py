"""`--report FILE`: what a command did, as JSON for machines."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmsearch.errors import InputError


class ReportFile:
    """A report that will be written when the work is done: whole or not at all, in the place of an earlier one.

    That it can be written is tried when this is made, before any work starts. Raises InputError where it cannot.
    """

    def __init__(self, path: str):
        self.path = Path(path)
        self._draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        if self.path.is_dir():
            raise self._cannot("it is a folder")
        try:
            self._draft.touch()
            self._draft.unlink()
        except OSError as error:
            raise self._cannot(error.strerror or str(error)) from error

    def write(self, report: Mapping[str, Any]) -> None:
        """Write the report."""
        try:
            self._draft.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8", errors="backslashreplace")
            self._draft.replace(self.path)
        except OSError as error:
            raise self._cannot(error.strerror or str(error)) from error
        finally:
            self._draft.unlink(missing_ok=True)

    def _cannot(self, reason: str) -> InputError:
        return InputError(f"cannot write the report {self.path}: {reason}", hint="choose another with --report FILE")
