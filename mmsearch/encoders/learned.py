"""What an encoder learned from a store's items, as bytes: arrays as safetensors, the rest as JSON in their header. Never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pack(arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any] | None = None) -> bytes:
    """Named arrays and JSON values → bytes, the same for the same content."""
    from safetensors.numpy import save

    header = {"facts": json.dumps(facts or {}, ensure_ascii=False, sort_keys=True)}
    return save({name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}, metadata=header)


def unpack(state: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What `pack` was given: arrays and JSON values. Raises ValueError for anything else."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(state)
        length = int.from_bytes(state[:8], "little")
        return arrays, dict(json.loads(json.loads(state[8 : 8 + length])["__metadata__"]["facts"]))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"not what an encoder learned: {error}") from error


def digest(state: bytes) -> str:
    """Hex digest of a state: part of the fingerprint of an encoder that learns."""
    return hashlib.sha256(state).hexdigest()
