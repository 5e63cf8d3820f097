"""Fusion profiles: a fitted method with a name and a version, its fused vectors and its projections, kept in the store.

Tables of a profile: `fused_NAME_vN` (one vector a product; `part` says what it is made of, 'image+text') and, for methods
that compare across modalities, `projected_NAME_vN_MODALITY` beside each modality's own vectors.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import StoreError, UsageError, did_you_mean
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Fuser
from mmsearch.fusion.stand_ins import further_kinds, stand_ins
from mmsearch.store import Store

DEFAULT = "default_profile"  # key of the record


@dataclass(frozen=True)
class Profile:
    """What the store records of a profile."""

    name: str
    version: int
    spec: str
    modalities: list[str]
    encoders: dict[str, str]  # modality → fingerprint of the encoder whose vectors it was fitted on
    compares: list[str]  # cross-modal kinds, 'text>image'; once loaded, those of modalities that stand for one of them, too
    dim: int
    summary: str
    scores: dict[str, Any]
    seed: int
    products: int
    training_hash: str
    calibration: dict[str, Any]
    #: kind ('image>text') → how much it counts in a search that this profile maps; 1 for those that are not named.
    weights: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)  # of former versions, the newest last: version, spec, products, summary
    by_contents: list[str] = field(default_factory=list)  # modalities that vectors alone cannot stand in for

    @property
    def fused_table(self) -> str:
        return f"fused_{self.name}_v{self.version}"

    def projected_table(self, modality: str) -> str:
        return f"projected_{self.name}_v{self.version}_{modality}"


def names(store: Store) -> list[str]:
    """The profiles there are."""
    return [key.removeprefix("profile/") for key in store.record.keys("profile/")]


def default_name(store: Store) -> str | None:
    """The profile that maps queries when none is named."""
    return store.record.get(DEFAULT)


def recorded(store: Store, name: str) -> Profile | None:
    """A profile as it was recorded, whatever became of its encoders; None if there is none of that name."""
    value = store.record.get(f"profile/{name}")
    return None if value is None else Profile(**value)


def load(store: Store, name: str) -> Profile:
    """A profile's record.

    Raises
    ------
    UsageError : no such profile. StoreError : it was made with an encoder that was replaced since (says how to refit).
    """
    profile = recorded(store, name)
    if profile is None:
        have = names(store)
        raise UsageError(
            f"there is no fusion profile '{name}'{did_you_mean(name, have)}",
            hint=f"profiles: {', '.join(have) or 'none; make one: mmsearch fuse'}",
        )
    for modality, fingerprint in profile.encoders.items():
        known = recorded_encoder(store, modality)
        if known is None or known["fingerprint"] != fingerprint:
            raise StoreError(
                f"the fusion profile {name} was made with another {modality} encoder than the store has now",
                hint=f"refit it: mmsearch fuse --name {name} --method '{profile.spec}'",
            )
    further = further_kinds(profile.compares, stand_ins(store, profile.modalities, profile.by_contents))
    return dataclasses.replace(profile, compares=[*profile.compares, *further])


def load_fuser(store: Store, profile: Profile) -> Fuser:
    """The fitted method of a profile. Raises StoreError when the method is not installed any more."""
    from safetensors import numpy as safe

    try:
        fuser: Fuser = FUSERS.create(profile.spec)
    except UsageError as error:
        message = f"the fusion profile {profile.name} was made by the method {profile.spec}, which cannot be used here: {error.message}"
        raise StoreError(message, hint=f"install it, or fuse anew: mmsearch fuse --name {profile.name} --method METHOD") from error
    blob = store.record.blob(f"profile/{profile.name}")
    length = int.from_bytes(blob[:8], "little")  # our JSON first, then safetensors: never pickle
    fuser.load_state(safe.load(blob[8 + length :]), json.loads(blob[8 : 8 + length]))
    return fuser
