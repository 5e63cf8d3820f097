"""Models of the Hugging Face hub: brought once, when the user names one; then found without a network.

What is brought lies in the hub's own cache (`HF_HOME`), where other programs find it, too. That all that was wanted is there is noted under
`MMSEARCH_HOME`, so that a later start asks nobody. `HF_HUB_OFFLINE=1` keeps all this from the network.
"""

from __future__ import annotations

import contextlib
import fnmatch
import glob
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch import settings
from mmsearch.errors import InputError

_PATIENCE = 10.0  # seconds to wait for the hub's first answer
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


class Lacking(Exception):
    """Files are not all that a model of some kind needs; the message says which it has not."""


@dataclass(frozen=True)
class Wanted:
    """Which files of a repository make a model. `*` in a pattern stands for folders, too.

    Parameters
    ----------
    kind : what such files are, for messages.
    needed : names of files without which it is none.
    weights : patterns, the preferred first: of several formats of the same weights one is brought.
    beside : patterns of what is brought where it is there.
    never : patterns of what is left where it is.
    """

    kind: str
    needed: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def patterns(self, names: Sequence[str]) -> list[str]:
        """The patterns by which a model's files are told from others, where `names` are there. Raises Lacking."""
        if missing := [name for name in self.needed if name not in names]:
            raise Lacking(f"is no {self.kind}: it has no {', '.join(missing)}")
        weights = [pattern for pattern in self.weights if any(self._takes(pattern, name) for name in names)][:1]
        if self.weights and not weights:
            raise Lacking(f"is no {self.kind}: it has none of the files {', '.join(self.weights)}")
        return [*map(glob.escape, self.needed), *weights, *self.beside]

    def files(self, names: Sequence[str]) -> list[str]:
        """What is wanted of `names`. Raises Lacking."""
        patterns = self.patterns(names)
        return sorted(name for name in names if any(self._takes(pattern, name) for pattern in patterns))

    def _takes(self, pattern: str, name: str) -> bool:
        return fnmatch.fnmatchcase(name, pattern) and not any(fnmatch.fnmatchcase(name, left) for left in self.never)


def bring(model: str, wanted: Wanted, *, instead: str, revision: str | None = None) -> Path:
    """The folder of a hub model, downloaded unless it is there.

    Parameters
    ----------
    model : 'owner/name'. revision : a branch, tag or commit; None is the model's main branch as it was when it was brought.
    instead : what can be used without the hub, for the hint.

    Raises
    ------
    InputError : no model can have that name; the hub cannot be reached, has no such model, or asks for leave; it is no model of this kind.
    """
    asked = f"{model} {revision} {wanted}"
    note = settings.home() / "hub" / f"{hashlib.sha256(asked.encode()).hexdigest()[:32]}.json"
    if (folder := _noted(note)) is not None:
        return folder
    if not _NAME.fullmatch(model):
        raise InputError(_no_name(model), hint=instead)
    with _reporting(model, revision, instead):
        folder, files = _brought(model, wanted, revision)
    _write_note(note, model, folder, files)
    return folder


def _brought(model: str, wanted: Wanted, revision: str | None) -> tuple[Path, list[str]]:
    """The folder, and the files in it that are wanted."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        info = HfApi().model_info(model, revision=revision, timeout=_PATIENCE)
    except (HfHubHTTPError, HFValidationError):  # it answered
        raise
    except Exception as error:  # its HTTP library's errors share no base with anything
        if (here := _here(model, wanted, revision)) is not None:
            return here
        raise _Unreachable(error) from error
    files = wanted.files([file.rfilename for file in info.siblings or ()])
    quiet: dict[str, Any] = {} if sys.stderr.isatty() else {"tqdm_class": _Silent}
    names = [glob.escape(name) for name in files]
    return Path(snapshot_download(model, revision=revision, etag_timeout=_PATIENCE, allow_patterns=names, **quiet)), files


def _here(model: str, wanted: Wanted, revision: str | None) -> tuple[Path, list[str]] | None:
    """What another program brought, if it is all that is wanted."""
    from huggingface_hub import snapshot_download

    with contextlib.suppress(FileNotFoundError, Lacking):
        folder = Path(snapshot_download(model, revision=revision, local_files_only=True, allow_patterns=[]))
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        # By patterns, for by the names of what is there nothing would be missing.
        patterns, left = wanted.patterns(names), list(wanted.never)
        snapshot_download(model, revision=revision, local_files_only=True, allow_patterns=patterns, ignore_patterns=left)
        return folder, wanted.files(names)
    return None


class _Unreachable(Exception):
    """The hub gave no answer at all."""


class _Silent:
    """In the place of the hub's progress bar, where nobody watches."""

    def __init__(self, iterable: Any = None, *args: Any, **options: Any):
        self.iterable, self.total, self.n = iterable, options.get("total"), 0

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: None


@contextlib.contextmanager
def _reporting(model: str, revision: str | None, instead: str) -> Iterator[None]:
    """Turns what the hub's library raises into what a user can act on."""
    try:
        yield
    except Exception as error:
        raise _told(error, model, revision, instead) from error


def _told(error: Exception, model: str, revision: str | None, instead: str) -> InputError:
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    absent = f"the model {model} is not on this machine, and"
    if isinstance(error, HFValidationError):
        return InputError(_no_name(model), hint=instead)
    if isinstance(error, GatedRepoError):
        hint = f"ask for it at {constants.ENDPOINT}/{model}, then: hf auth login; {instead}"
        return InputError(f"the hub gives the model {model} only to those whom its owner lets have it", hint=hint)
    if isinstance(error, RevisionNotFoundError):
        return InputError(f"the hub's model {model} has no revision {revision}", hint=instead)
    if isinstance(error, RepositoryNotFoundError):
        return InputError(f"the hub has no model {model}, or does not show it to you", hint=instead)
    if isinstance(error, Lacking):
        return InputError(f"the hub's model {model} {error}", hint=instead)
    if isinstance(error, _Unreachable):
        if isinstance(error.args[0], OfflineModeIsEnabled):
            return InputError(f"{absent} HF_HUB_OFFLINE forbids to ask the hub", hint=instead)
        return InputError(f"{absent} the hub {constants.ENDPOINT} cannot be reached: {_first_line(error.args[0])}", hint=instead)
    if isinstance(error, HfHubHTTPError):
        return InputError(f"{absent} the hub answers with an error: {_first_line(error)}", hint=instead)
    return InputError(f"the model {model} cannot be downloaded: {_first_line(error)}", hint=instead)  # a line that breaks, a full disk


def _no_name(model: str) -> str:
    return f"'{model}' is neither a folder nor a name of the hub (OWNER/NAME)"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _noted(note: Path) -> Path | None:
    """The folder that a note names, if every file that was there still is."""
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        folder = Path(said["folder"])
        return folder if all((folder / name).is_file() for name in said["files"]) else None
    except (OSError, ValueError, KeyError, TypeError):  # no note, or a damaged one: ask the hub
        return None


def _write_note(note: Path, model: str, folder: Path, files: Sequence[str]) -> None:
    with contextlib.suppress(OSError):  # a home that cannot be written costs asking the hub again, nothing else
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = note.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"model": model, "folder": str(folder), "files": list(files)}), encoding="utf-8")
        draft.replace(note)
