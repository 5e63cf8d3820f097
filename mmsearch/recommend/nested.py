"""Recommenders inside others: made from their specs, their needs joined, their states side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Recommender

State = tuple[dict[str, NDArray[Any]], dict[str, Any]]


def made(spec: str) -> Recommender:
    """The recommender that a spec names. Raises UsageError."""
    recommender: Recommender = RECOMMENDERS.create(spec)
    return recommender


def one_profile(parts: Sequence[Recommender]) -> str | None:
    """The fusion profile that all parts with vectors read. Raises ValueError when they name different ones."""
    names = {part.profile for part in parts if part.needs_vectors}
    if len(names) > 1:
        told = ", ".join(sorted("the default one" if name is None else str(name) for name in names))
        raise ValueError(f"its parts must read one fusion profile, not {told}; give all the same profile=NAME")
    return next(iter(names), None)


def packed(parts: Sequence[Recommender]) -> State:
    """The states of all parts, each array under `<position>.<name>`."""
    arrays: dict[str, NDArray[Any]] = {}
    values: dict[str, Any] = {}
    for i, part in enumerate(parts):
        own, values[str(i)] = part.state()
        arrays |= {f"{i}.{name}": array for name, array in own.items()}
    return arrays, values


def unpack(parts: Sequence[Recommender], arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
    """Give every part what `packed` took from it."""
    for i, part in enumerate(parts):
        own = {name.removeprefix(f"{i}."): np.asarray(array) for name, array in arrays.items() if name.startswith(f"{i}.")}
        part.load_state(own, values[str(i)])
