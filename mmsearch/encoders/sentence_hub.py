"""sentence-transformers models of the Hugging Face hub: brought once, when the user names one; then found without a network.

What is brought lies in the hub's own cache (`HF_HOME`), where other programs find it, too. That a model is there completely is noted under
`MMSEARCH_HOME`, so that a later start asks nobody. `HF_HUB_OFFLINE=1` keeps all this from the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmsearch import settings
from mmsearch.errors import InputError, UsageError

_PATIENCE = 10.0  # seconds to wait for the hub's first answer
_KEPT = ("*.json", "*.txt", "*.model", "*.safetensors", "*.jinja")  # what loading needs; other frameworks' weights are left there
_PICKLED = ("*.bin", "*.pt")  # only where there are no safetensors
_OTHER_FRAMEWORKS = ("onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*")


def bring(model: str, revision: str | None, *, bundled: str) -> Path:
    """The folder of a hub model, downloaded unless it is there.

    Parameters
    ----------
    model : 'owner/name'. revision : a branch, tag or commit; None is the model's main branch as it was when it was brought.
    bundled : the encoder to name when there is no network.

    Raises
    ------
    InputError : the hub cannot be reached, has no such model, or asks for leave. UsageError : no model can have that name.
    """
    note = settings.home() / "hub" / f"{hashlib.sha256(f'{model} {revision}'.encode()).hexdigest()[:32]}.json"
    if (folder := _noted(note)) is not None:
        return folder
    with _reporting(model, revision, bundled):
        folder = _brought(model, revision)
    _write_note(note, model, folder)
    return folder


def _brought(model: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        info = HfApi().model_info(model, revision=revision, timeout=_PATIENCE)
    except (HfHubHTTPError, HFValidationError):  # it answered
        raise
    except Exception:  # its HTTP library's errors share no base with anything
        for patterns in ([*_KEPT, *_PICKLED], [*_KEPT]):  # perhaps another program brought it, as a whole or what it needed
            with contextlib.suppress(FileNotFoundError):
                here = snapshot_download(
                    model, revision=revision, local_files_only=True, allow_patterns=patterns, ignore_patterns=[*_OTHER_FRAMEWORKS]
                )
                return Path(here)
        raise
    names = [file.rfilename for file in info.siblings or ()]
    weights = () if any(name.endswith(".safetensors") for name in names) else _PICKLED
    quiet: dict[str, Any] = {} if sys.stderr.isatty() else {"tqdm_class": _Silent}
    folder = snapshot_download(
        model,
        revision=revision,
        etag_timeout=_PATIENCE,
        allow_patterns=[*_KEPT, *weights],
        ignore_patterns=list(_OTHER_FRAMEWORKS),
        **quiet,
    )
    return Path(folder)


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
def _reporting(model: str, revision: str | None, bundled: str) -> Iterator[None]:
    """Turns what the hub's library raises into what a user can act on."""
    instead = f"without a network: {bundled} is bundled, and a folder with a model can be named instead"
    try:
        yield
    except Exception as error:
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

        if isinstance(error, HFValidationError):
            raise UsageError(f"'{model}' is neither a folder nor a name of a hub model", hint="a hub model is OWNER/NAME") from error
        if isinstance(error, GatedRepoError):
            hint = f"ask for it at https://huggingface.co/{model}, then: hf auth login"
            raise InputError(f"the hub gives the model {model} only to those whom its owner lets have it", hint=hint) from error
        if isinstance(error, RepositoryNotFoundError):
            raise InputError(f"the hub has no model {model}, or does not show it to you", hint=instead) from error
        if isinstance(error, RevisionNotFoundError):
            raise InputError(f"the hub's model {model} has no revision {revision}") from error
        what = "answers with an error" if isinstance(error, HfHubHTTPError) else "cannot be reached"
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"the model {model} is not on this machine, and the hub {what}: {first}", hint=instead) from error


def _noted(note: Path) -> Path | None:
    """The folder that a note names, if every file that was there still is."""
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        folder = Path(said["folder"])
        return folder if all((folder / name).is_file() for name in said["files"]) else None
    except (OSError, ValueError, KeyError, TypeError):  # no note, or a damaged one: ask the hub
        return None


def _write_note(note: Path, model: str, folder: Path) -> None:
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    with contextlib.suppress(OSError):  # a home that cannot be written costs asking the hub again, nothing else
        note.parent.mkdir(parents=True, exist_ok=True)
        draft = note.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"model": model, "folder": str(folder), "files": files}), encoding="utf-8")
        draft.replace(note)
