"""A layer of `mm-model` as a space: less its mean, so that what all products share makes none alike."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix
from mmsearch.fusion.calibration import pattern
from mmsearch.fusion.mm_network import Network
from mmsearch.fusion.mm_training import Inputs, penultimate

_LOOKED_AT = 2_000  # products that a mean is taken over
_FEWEST = 20  # of fewer it would be too much like each of them: the mean of all products serves

ALL = "all"


def means_of(network: Network, inputs: Inputs, n: int, layer: str, rng: np.random.Generator) -> dict[str, Matrix]:
    """Pattern of modalities ('image+text') → the mean of n products as far as these modalities tell of them, (dim,); and of all: 'all'."""
    has = {name: inputs.present(name, np.arange(n)) for name in inputs.of}
    means = {ALL: _mean(network, inputs, np.logical_or.reduce(list(has.values())), layer, rng)}
    for size in range(1, len(has) + 1):
        for names in itertools.combinations(has, size):
            rows = np.logical_and.reduce([has[name] for name in names])
            if rows.sum() >= _FEWEST:
                means[pattern(names)] = _mean(network, Inputs({name: inputs.of[name] for name in names}), rows, layer, rng)
    return means


def centred(network: Network, inputs: Inputs, n: int, layer: str, means: Mapping[str, Matrix]) -> Matrix:
    """The layer of n products less the mean of their pattern (n, d); zero rows for those that have nothing."""
    out = np.zeros((n, network.shape.size(layer)), np.float32)
    has = {name: inputs.present(name, np.arange(n)) for name in inputs.of}
    here = np.flatnonzero(np.logical_or.reduce(list(has.values())))
    if len(here):
        made_of = [pattern([name for name in has if has[name][row]]) for row in here.tolist()]
        out[here] = penultimate(network, inputs, here, layer) - np.stack([means.get(name, means[ALL]) for name in made_of])
    return out


def _mean(network: Network, inputs: Inputs, rows: NDArray[np.bool_], layer: str, rng: np.random.Generator) -> Matrix:
    some = np.sort(rng.permutation(np.flatnonzero(rows))[:_LOOKED_AT])
    mean: Matrix = penultimate(network, inputs, some, layer).mean(axis=0)
    return mean
