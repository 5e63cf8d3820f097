"""Modalities whose vectors lie in the space of another: the frames of clips in that of photos. What maps the one maps the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.fusion.calibration import Calibration
from mmsearch.ranking.base import together
from mmsearch.settings import MODALITIES
from mmsearch.store import Store


def stand_ins(store: Store, fitted: Collection[str], by_contents: Collection[str] = ()) -> dict[str, str]:
    """Modality → the one of a profile's modalities in whose place it may stand, for those that the profile was not fitted on.

    Nothing stands in for those that the profile maps `by_contents`, not by vectors.
    """
    spaces = {m: known["space"] for m in MODALITIES if (known := recorded_encoder(store, m))}
    return {
        m: other
        for m in spaces
        if m not in fitted
        for other in fitted
        if other not in by_contents and other in spaces and spaces[other] == spaces[m]
    }


def further_kinds(compares: Collection[str], standing: Mapping[str, str]) -> dict[str, str]:
    """kind ('text>video') → the kind of the profile that it is like ('text>image')."""
    found = {}
    for kind in compares:
        query, _, product = kind.partition(">")
        for m, other in standing.items():
            if other == product and m != query:
                found[f"{query}>{m}"] = kind
            if other == query and m != product:
                found[f"{m}>{product}"] = kind
    return found


def with_further(known: Calibration, further: Mapping[str, str]) -> Calibration:
    """What was measured of the profile's kinds holds for those that are like them.

    How 'text>video' goes with 'text>image' is taken to be as 'image>video' goes with 'image>image', which is measured.
    """
    pairs = {kind: known.pairs[like] for kind, like in further.items() if like in known.pairs}
    correlations: dict[str, float] = {}
    tails: dict[str, float] = {}
    for kind, like in further.items():
        for mine, values in ((correlations, known.correlations), (tails, known.tails)):
            for key, value in values.items():
                kinds = key.split("|")
                if like in kinds and kind not in kinds:
                    mine[together([kind if k == like else k for k in kinds])] = value
        (query, _, product), other = kind.partition(">"), like.partition(">")
        same, across = (other[2], product) if query == other[0] else (other[0], query)
        measured = known.correlations.get(together([f"{same}>{same}", f"{same}>{across}"]))
        if measured is not None:
            correlations[together([kind, like])] = measured
    return Calibration(pairs, correlations, tails).merged(known)
