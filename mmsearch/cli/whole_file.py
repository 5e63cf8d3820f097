"""Files that a command writes beside its output: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from mmsearch.errors import InputError, UsageError


class WholeFile:
    """A file that will be written when the work is done: whole or not at all, in the place of an earlier one.

    That it can be written is tried when this is made, before any work starts. Raises InputError where it cannot, and UsageError for '-'.

    Parameters
    ----------
    path : of the file. option : that named it. what : it holds, for messages ('report').
    """

    def __init__(self, path: str, option: str, what: str):
        self.path, self._option, self._what = Path(path), option, what
        if path == "-":
            raise UsageError(f"{option} - is no file: standard output has the results", hint=f"name a file: {option} FILE")
        if self.path.is_dir():
            raise self._cannot("it is a folder")
        if self.path.exists() and not self.path.is_file():
            raise self._cannot("it is not a regular file")  # a device, which must not be replaced
        self._draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            self._draft.touch()
            self._draft.unlink()
        except OSError as error:
            raise self._cannot(error.strerror or str(error)) from error

    def write(self, text: str) -> None:
        """Write the file. What is not UTF-8 (an id from a feed with half a character) is escaped."""
        try:
            self._draft.write_text(text, encoding="utf-8", errors="backslashreplace")
            self._draft.replace(self.path)
        except OSError as error:
            raise self._cannot(error.strerror or str(error)) from error
        finally:
            self._draft.unlink(missing_ok=True)

    def _cannot(self, reason: str) -> InputError:
        return InputError(f"cannot write the {self._what} {self.path}: {reason}", hint=f"choose another with {self._option} FILE")


def whole_page(path: str | None) -> WholeFile | None:
    """The file of `--html`, if it is given. Raises as `WholeFile` does."""
    return None if path is None else WholeFile(path, "--html", "page")
