"""What `mmsearch models` shows: the encoders there are, what each needs and downloads, named sets of them, and what a store uses."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.recorded import pending_encoder, recorded_encoder
from mmsearch.encoders.sources import items
from mmsearch.errors import MMSearchError, UsageError, did_you_mean, pip_name
from mmsearch.spec import parse
from mmsearch.store import Store


def models(store: Store) -> dict[str, Any]:
    """The encoders, the sets of them, and the store's own. No model is loaded, nothing is asked of a network.

    Returns
    -------
    'encoders': a list of {modality, name, parameters, about, learns, install, download, used, pending}, by modality: `install` is the
    command that installs what is missing ('' if nothing is), `download` what a first use downloads ('' for nothing), `used` and
    `pending` the specs by which the store uses it or began to. 'sets': name → list of {modality, spec, available, install, megabytes},
    `megabytes` about how large a download (0 for none).
    """
    used = {m: entry["spec"] for m in settings.MODALITIES if (entry := recorded_encoder(store, m))}
    pending = {m: entry["spec"] for m in settings.MODALITIES if (entry := pending_encoder(store, m)) and entry["spec"] != used.get(m)}
    rows = [_row(name, used, pending) for name in ENCODERS.names()]
    order = {modality: place for place, modality in enumerate(settings.MODALITIES)}
    known = {row["name"]: row for row in rows}
    sets = {
        name: [
            {
                "modality": modality,
                "spec": spec,
                "available": (row := known.get(parse(spec).name)) is not None,
                "install": row["install"] if row else "",
                "megabytes": settings.MODEL_MEGABYTES.get(spec, 0),
            }
            for modality, spec in chosen.items()
        ]
        for name, chosen in settings.MODEL_SETS.items()
    }
    return {"encoders": sorted(rows, key=lambda row: (order.get(row["modality"], len(order)), row["name"])), "sets": sets}


def model_set(store: Store, name: str) -> dict[str, str]:
    """modality → spec of a named set, for the modalities that the store's products have. Raises UsageError for an unknown name."""
    chosen = settings.MODEL_SETS.get(name)
    if chosen is None:
        there = list(settings.MODEL_SETS)
        hint = f"sets: {', '.join(there)}; a single encoder is chosen with --text, --image or --audio"
        raise UsageError(f"there is no set of models '{name}'{did_you_mean(name, there)}", hint=hint)
    return {m: spec for m, spec in chosen.items() if m == "text" or next(items(store, m), None) is not None}


def _row(name: str, used: dict[str, str], pending: dict[str, str]) -> dict[str, Any]:
    try:
        factory = ENCODERS.factory(name)
    except MMSearchError as error:  # another package's encoder, which cannot even be imported: listed, with the reason
        return _made("", name, [], error.message, False, error.hint or "", "", used, pending)
    missing = [package for package in getattr(factory, "packages", ()) if importlib.util.find_spec(package) is None]
    install = f"pip install {' '.join(map(pip_name, missing))}" if missing else ""
    about = (inspect.getdoc(factory) or "").partition("\n")[0]
    parameters = parameters_of(factory)
    learns, download = bool(getattr(factory, "learns", False)), str(getattr(factory, "download", ""))
    return _made(getattr(factory, "modality", ""), name, parameters, about, learns, install, download, used, pending)


def _made(
    modality: str,
    name: str,
    parameters: list[str],
    about: str,
    learns: bool,
    install: str,
    download: str,
    used: dict[str, str],
    pending: dict[str, str],
) -> dict[str, Any]:
    return {
        "modality": modality,
        "name": name,
        "parameters": parameters,
        "about": about,
        "learns": learns,
        "install": install,
        "download": download,
        "used": next((spec for spec in used.values() if parse(spec).name == name), None),
        "pending": next((spec for spec in pending.values() if parse(spec).name == name), None),
    }


def parameters_of(factory: Callable[..., Any]) -> list[str]:
    """The parameters of an implementation with their defaults, as a spec takes them: 'window=30'."""
    return [str(p).partition(":")[0] + _default(p) for p in inspect.signature(factory).parameters.values()]


def _default(parameter: inspect.Parameter) -> str:
    if parameter.default in (inspect.Parameter.empty, None):
        return ""
    return f"={str(parameter.default).lower() if isinstance(parameter.default, bool) else parameter.default}"
