"""What each part of a query is compared with: the rows of which tables, through which map."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.base import Matrix
from mmsearch.encoders.recorded import Meeting, recorded_encoder
from mmsearch.errors import InputError, UsageError, did_you_mean
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import Fuser, Side
from mmsearch.fusion.calibration import Calibration, pattern
from mmsearch.fusion.contents import contents_by_product
from mmsearch.fusion.direct import calibration, direct_meetings
from mmsearch.fusion.profile import Profile
from mmsearch.fusion.stand_ins import stand_ins
from mmsearch.fusion.words import KIND as WORDS
from mmsearch.search.query import Part, Query, nothing_to_compare
from mmsearch.search.words import LABEL
from mmsearch.store import Store

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """One comparison: a query part's vector with the rows of one table."""

    part: int
    kind: str  # 'text>image'
    label: str  # as `explain` prints it
    table: str
    vector: Matrix  # (d,)
    fused: bool = False  # rows of a fused table: calibrated by what each is made of
    compares: tuple[str, ...] = ()  # the cross-modal kinds of the profile of a fused table
    words: Scores | None = None  # (n,) the similarities with the words of all products, which have no table


class Targets:
    """Chooses the comparisons of queries with one store. A fitted fusion method is loaded when a query first needs it, and kept."""

    def __init__(self, store: Store):
        self._store = store
        self._fusers: dict[str, tuple[int, Fuser]] = {}

    def choose(
        self, query: Query, vectors: Mapping[Part, dict[str, Matrix]], words: Mapping[int, Scores]
    ) -> tuple[list[Target], Calibration]:
        """The comparisons of a query, and how their similarities compare.

        Parameters
        ----------
        vectors : part → modality (or kind) → vector, as `Engine` encodes them.
        words : number of a part → similarities (n,) of the words on its photo with those of all products, where it shares any.

        Raises
        ------
        InputError : the store has no vectors, or none that a part can be compared with. UsageError : `within` is neither a modality nor
            a profile. StoreError : the profile's encoder was replaced since.
        """
        tables = {
            m: known["table"]
            for m in settings.MODALITIES
            if (known := recorded_encoder(self._store, m)) and self._store.count(known["table"])
        }
        if not tables:
            raise InputError("the store has no vectors", hint="make them: mmsearch embed")
        within = query.within
        profile = self._profile(within)
        if within in settings.MODALITIES and within not in tables:
            raise InputError(f"the store has no {within} vectors", hint=f"it has: {', '.join(tables)}")
        across = direct_meetings(self._store, profile)
        targets = []
        for number, part in enumerate(query.parts):
            if part.weight == 0:
                continue
            if within is None or within in settings.MODALITIES:
                found = self._targets_of(number, part, vectors[part], tables, profile, across, within)
            else:
                found = self._fused_target(number, part, vectors[part], profile)
            if not found:
                has = [m for m in settings.MODALITIES if any(name == m or name.startswith(f"{m}>") for name in vectors[part])]
                raise nothing_to_compare(part, has, within, tables, profile)
            targets += found
            if number in words:
                targets.append(Target(number, WORDS, LABEL, "", np.empty(0, np.float32), words=words[number]))
        return targets, calibration(self._store, profile)

    def _profile(self, within: str | None) -> Profile | None:
        """The profile that queries are mapped by: the one that is named, else the default."""
        if within is None or within in settings.MODALITIES:
            name = profiles.default_name(self._store)
            return profiles.load(self._store, name) if name else None
        there = [*settings.MODALITIES, *profiles.names(self._store)]
        if within not in there:
            hint = f"there are: {', '.join(there)}"
            raise UsageError(f"--in {within}: neither a modality nor a fusion profile{did_you_mean(within, there)}", hint=hint)
        return profiles.load(self._store, within)

    def _targets_of(
        self,
        number: int,
        part: Part,
        vectors: Mapping[str, Matrix],
        tables: Mapping[str, str],
        profile: Profile | None,
        across: Mapping[str, Meeting],
        within: str | None,
    ) -> list[Target]:
        targets = []
        for modality, product in itertools.product(settings.MODALITIES, tables):
            kind, table = f"{modality}>{product}", tables[product]
            vector = vectors.get(kind, vectors.get(modality))
            if vector is None or within not in (None, product):
                continue
            if product == modality:
                targets.append(Target(number, kind, product, table, vector))
            elif kind in across and (across[kind].own or kind in vectors):  # a tower does not know the products that are to be liked
                targets.append(Target(number, kind, f"{product} through {across[kind].name}", table, vector))
            elif modality in vectors and profile is not None and kind in profile.compares:
                stands_for = stand_ins(self._store, profile.modalities).get(modality, modality)
                mapped = self._mapped(profile, stands_for, modality, vectors[modality], part)
                targets.append(Target(number, kind, f"{product} through {profile.name}", profile.projected_table(product), mapped))
        return targets

    def _mapped(self, profile: Profile, by: str, modality: str, vector: Matrix, part: Part) -> Matrix:
        """A query vector in the space of a profile, by its map for the modality `by`."""
        fuser = self._fuser(profile)
        contents: list[object] | None = None
        if by == modality and by in fuser.reads:
            if part.kind == "like":
                contents = list(contents_by_product(self._store, modality, [part.content]))
            else:
                contents = [part.content if modality == "text" else Path(part.content)]
        mapped: Matrix = fuser.query(by, Side(vector[None, :], contents))[0]
        return mapped

    def _fused_target(self, number: int, part: Part, vectors: Mapping[str, Matrix], profile: Profile | None) -> list[Target]:
        """The comparison with a profile's fused vectors: one a part, for the modalities of a product that is to be liked meet there."""
        if profile is None:
            return []
        maps = dict(zip(profile.modalities, profile.modalities, strict=True)) | stand_ins(self._store, profile.modalities)
        known = [m for m in vectors if m in maps]
        if not known:
            return []
        total = np.sum([self._mapped(profile, maps[m], m, vectors[m], part) for m in known], axis=0)
        mapped = (total / max(float(np.linalg.norm(total)), 1e-6)).astype(np.float32)
        kind = f"{pattern({maps[m] for m in known})}>fused"
        return [Target(number, kind, profile.name, profile.fused_table, mapped, fused=True, compares=tuple(profile.compares))]

    def _fuser(self, profile: Profile) -> Fuser:
        cached = self._fusers.get(profile.name)
        if cached is None or cached[0] != profile.version:
            cached = profile.version, profiles.load_fuser(self._store, profile)
            self._fusers[profile.name] = cached
        return cached[1]
