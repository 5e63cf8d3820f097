"""Files of models on the Hugging Face hub. What was downloaded once is used without asking again; else the hub is asked, because the
user named the model. One question tells whether it can be reached: huggingface_hub by itself would ask for half a minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from mmsearch.errors import InputError

_SECONDS = 5.0  # that the hub has to answer
_Got = TypeVar("_Got")


def hub_file(repo: str, names: Sequence[str], *, instead: str) -> Path:
    """The first of some files that a repository has, as a local file.

    Parameters
    ----------
    repo : 'organisation/name'. names : of files, the wanted first.
    instead : what a user without the hub can do, for the hint.

    Raises
    ------
    InputError : the hub cannot be reached, or has no such repository or file.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    for name in names:
        try:
            return Path(hf_hub_download(repo, name, local_files_only=True))
        except (EntryNotFoundError, OSError):  # not downloaded yet
            continue
    _reach(repo, instead)
    for name in names:
        try:
            return Path(_asked(lambda name=name: hf_hub_download(repo, name), repo, instead))  # type: ignore[misc]
        except EntryNotFoundError:
            continue
    raise InputError(f"the model {repo} has none of the files {', '.join(names)}", hint=instead)


def hub_folder(repo: str, needed: str, weights: Sequence[str], others: Sequence[str], *, instead: str) -> Path:
    """A repository as a local folder: the file `needed`, the first of `weights` that it has, and `others` (patterns).

    Raises
    ------
    InputError : see `hub_file`.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        folder = Path(snapshot_download(repo, local_files_only=True))
    except (EntryNotFoundError, OSError):
        folder = Path()
    else:
        if (folder / needed).is_file() and any((folder / name).is_file() for name in weights):
            return folder
    _reach(repo, instead)
    there = set(_asked(lambda: HfApi().list_repo_files(repo), repo, instead))
    chosen = [name for name in weights if name in there][:1]
    if needed not in there or not chosen:
        missing = needed if needed not in there else " or ".join(weights)
        raise InputError(f"the model {repo} has no {missing}", hint=instead)
    return Path(_asked(lambda: snapshot_download(repo, allow_patterns=[needed, *chosen, *others]), repo, instead))


def _reach(repo: str, instead: str) -> None:
    """One question, one answer. Raises InputError."""
    from huggingface_hub import constants
    from huggingface_hub.utils._http import get_session

    if constants.HF_HUB_OFFLINE:
        raise InputError(f"the model {repo} is not here, and HF_HUB_OFFLINE forbids to download it", hint=instead)
    try:
        get_session().head(constants.ENDPOINT, timeout=_SECONDS)
    except Exception as error:
        message = f"the model {repo} is not here, and the hub {constants.ENDPOINT} cannot be reached: {error}"
        raise InputError(message, hint=instead) from error


def _asked(ask: Callable[[], _Got], repo: str, instead: str) -> _Got:
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HFValidationError, RepositoryNotFoundError

    try:
        return ask()
    except EntryNotFoundError:
        raise
    except HFValidationError as error:
        raise InputError(f"'{repo}' cannot name a model of the hub: {error}", hint=instead) from error
    except GatedRepoError as error:
        raise InputError(f"the model {repo} is only for those who asked its owners: log in with `hf auth login`", hint=instead) from error
    except RepositoryNotFoundError as error:
        raise InputError(f"the hub has no model {repo}, or it is private", hint=instead) from error
    except OSError as error:  # what huggingface_hub raises for a connection that breaks, or a full disk
        raise InputError(f"the model {repo} cannot be downloaded: {error}", hint=instead) from error
