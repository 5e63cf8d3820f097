"""What `mmsearch models` shows of features: those there are, what each needs, which the store uses."""

from __future__ import annotations

import importlib.util
import inspect
from typing import Any

from mmsearch.encoders.listing import parameters_of
from mmsearch.errors import MMSearchError, pip_name
from mmsearch.features import FEATURES
from mmsearch.features.chosen import recorded_features
from mmsearch.store import Store


def features(store: Store) -> list[dict[str, Any]]:
    """Every feature as {name, parameters, about, sources, names, install, download, used}; nothing is loaded.

    `names` are the facts that products get, `install` is the command that installs what is missing ('' if nothing is), `used` the spec by
    which
    the store uses it, or None.
    """
    used = {name: known["spec"] for name, known in recorded_features(store).items()}
    return [_row(name, used.get(name)) for name in FEATURES.names()]


def _row(name: str, used: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "parameters": [],
        "about": "",
        "sources": [],
        "names": [],
        "install": "",
        "download": "",
        "used": used,
    }
    try:
        factory: Any = FEATURES.factory(name)
    except MMSearchError as error:  # another package's feature, which cannot even be imported: listed, with the reason
        return row | {"about": error.message, "install": error.hint or ""}
    missing = [package for package in factory.packages if importlib.util.find_spec(package) is None]
    return row | {
        "parameters": parameters_of(factory),
        "about": (inspect.getdoc(factory) or "").partition("\n")[0],
        "sources": list(factory.sources),
        "names": list(factory.names),
        "install": f"pip install {' '.join(map(pip_name, missing))}" if missing else "",
        "download": factory.download,
    }
