"""What each part of a query is compared with: the rows of which tables, through which map."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.base import Matrix
from mmsearch.encoders.recorded import Meeting, recorded_encoder
from mmsearch.errors import InputError, UsageError, did_you_mean
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import Fuser, Side
from mmsearch.fusion.blocks import Reweighed
from mmsearch.fusion.calibration import Calibration, pattern
from mmsearch.fusion.contents import contents_by_product
from mmsearch.fusion.direct import calibration, direct_meetings
from mmsearch.fusion.profile import Profile
from mmsearch.fusion.stand_ins import stand_ins
from mmsearch.fusion.words import KIND as ON_PHOTOS
from mmsearch.fusion.words import reads_photos
from mmsearch.lexical.fields import TABLE
from mmsearch.search import lexical
from mmsearch.search.query import Part, Query, nothing_to_compare
from mmsearch.search.rows import Places
from mmsearch.search.weights import LEXICAL, WORDS, check_there, counted, weight_of
from mmsearch.search.words import LABEL
from mmsearch.store import Store
from mmsearch.store.vectors import read_vectors

Scores = NDArray[np.float64]


class Met(Protocol):
    """A query part that meets products without vectors: by words. Scores are NaN where a product has none."""

    @property
    def best(self) -> float | None:
        """The score of the product that matches best, where words are what products are found by; None for words beside photos."""

    def anything(self) -> bool:
        """Whether any product matches."""

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know."""

    def everything(self) -> Scores:
        """Of all products (n,)."""

    def among(self, candidates: Places) -> tuple[Scores, Scores]:
        """Of some products, by their places, in their order, and of products that stand for the store."""

    def elsewhere(self, candidates: Places | None = None) -> NDArray[np.bool_] | None:
        """Those of some products (None: of all, (n,)) that say nothing in the script of the query; None where that does not matter."""

    def near(self, depth: int) -> Places:
        """The places of the best products."""

    def terms(self, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """id → the words that make up the scores of some products, and what each adds; {} where they cannot be told apart."""


@dataclass(frozen=True)
class Target:
    """One comparison: a query part's vector with the rows of one table, or its words with those of products."""

    part: int
    kind: str  # 'text>image'
    label: str  # as `explain` prints it
    table: str
    vector: Matrix  # (d,)
    fused: bool = False  # rows of a fused table: calibrated by what each is made of
    compares: tuple[str, ...] = ()  # the cross-modal kinds of the profile of a fused table
    met: Met | None = None  # words, which have no table
    weight: float = 1.0  # how much it counts beside the others of its part; 0 is left out
    reweighed: Reweighed | None = None  # how the rows of a fused table are to be weighed, where its vectors keep the modalities apart

    def made_of(self, patterns: NDArray[np.str_]) -> NDArray[np.str_]:
        """Patterns of fused vectors (n,), as far as they count."""
        return patterns if self.reweighed is None else self.reweighed.counting(patterns)


@dataclass(frozen=True)
class Chosen:
    """The comparisons of a query, how their similarities compare, and how much of a part's evidence is to count (1 if not named)."""

    targets: list[Target]
    calibration: Calibration
    asked: dict[int, float]


def views_of(name: str) -> str:
    """Under which name the further views of a query stand beside its vector."""
    return f"{name}+views"


class Targets:
    """Chooses the comparisons of queries with one store. A fitted fusion method is loaded when a query first needs it, and kept.

    `default` is the profile that queries are mapped by; None takes the store's.
    """

    def __init__(self, store: Store, default: str | None = None):
        self._store, self._default = store, default
        self._fusers: dict[str, tuple[int, Fuser]] = {}

    def choose(self, query: Query, vectors: Mapping[Part, dict[str, Matrix]], words: Mapping[int, Met]) -> Chosen:
        """The comparisons of a query.

        Parameters
        ----------
        vectors : part → modality (or kind) → vector, as `Engine` encodes them.
        words : number of a part → its words, or those on its photo, where they match any product.

        Raises
        ------
        InputError : the store has no vectors, or none that a part can be compared with. UsageError : `within` is neither a modality nor
            a profile, or weights of what is not there, or that leave nothing. StoreError : the profile's encoder was replaced since.
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
        weights = dict(query.weights)
        fused = within is not None and within not in settings.MODALITIES
        reweighed = self._reweighed(profile, weights) if fused and profile is not None else None
        if not fused:
            self._check_weights(weights, within, tables)
        targets, asked = [], {}
        measured = calibration(self._store, profile)
        for number, part in enumerate(query.parts):
            if part.weight == 0:
                continue
            if profile is not None and fused:
                found = self._fused_target(number, part, vectors[part], profile, reweighed)
            else:
                found = self._targets_of(number, part, vectors[part], tables, profile, across, within)
            if not found:
                has = [m for m in settings.MODALITIES if any(name == m or name.startswith(f"{m}>") for name in vectors[part])]
                raise nothing_to_compare(part, has, within, tables, profile)
            if number in words:
                kind, label = (ON_PHOTOS, LABEL) if part.kind == "image" else (LEXICAL, lexical.LABEL)
                found.append(Target(number, kind, label, "", np.empty(0, np.float32), met=words[number]))
            if fused:
                asked[number] = found[0].weight
            else:
                kept = profile.weights if within is None and profile is not None else {}
                found = [dataclasses.replace(t, weight=weight_of(t.kind, weights, kept)) for t in found]
                asked[number] = counted([t.weight for t in found], [measured.pair(t.kind).reliability for t in found])
            counting = _counting(part, found)
            # Words that no product has say nothing, unless nothing else was to be asked.
            targets += [t for t in counting if t.met is None or t.met.anything()] or counting
        if reweighed is not None:
            measured = _reweighed_calibration(measured, reweighed)
        return Chosen(targets, measured, asked)

    def _check_weights(self, weights: Mapping[str, float], within: str | None, tables: Mapping[str, str]) -> None:
        """Raise UsageError for weights that can weigh nothing."""
        if weights and within is not None:
            raise UsageError(f"weights: --in {within} compares {within} alone, so that there is nothing to weigh", hint="leave --in out")
        words = self._store.has(TABLE) or reads_photos(self._store) is not None
        check_there(weights, [*tables, *([WORDS] if words else [])])

    def _reweighed(self, profile: Profile, weights: Mapping[str, float]) -> Reweighed | None:
        """The fused vectors of a profile as a query weighs them; as they lie there where it does not.

        Raises UsageError where the vectors mix the modalities, or have none of that name.
        """
        blocks = self._fuser(profile).blocks()
        if not weights:
            return blocks.reweighed({}) if blocks is not None else None
        if blocks is None:
            raise UsageError(
                f"weights: the vectors of the profile {profile.name} mix the modalities, so that a query cannot weigh them apart",
                hint=f"leave --in {profile.name} out: the default search weighs every kind of evidence apart; or fit it with other weights",
            )
        return blocks.reweighed(weights)

    def _profile(self, within: str | None) -> Profile | None:
        """The profile that queries are mapped by: the one that is named, else the default."""
        if within is None or within in settings.MODALITIES:
            name = self._default or profiles.default_name(self._store)
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
            elif kind in across and (across[kind].own or kind in vectors):  # of a product only the text is asked through a tower
                targets.append(Target(number, kind, f"{product} through {across[kind].name}", table, vector))
            elif modality in vectors and profile is not None and kind in profile.compares:
                stands_for = stand_ins(self._store, profile.modalities, profile.by_contents).get(modality, modality)
                mapped = self._mapped(profile, stands_for, modality, vectors, part)
                targets.append(Target(number, kind, f"{product} through {profile.name}", profile.projected_table(product), mapped))
        return targets

    def _mapped(self, profile: Profile, by: str, modality: str, vectors: Mapping[str, Matrix], part: Part) -> Matrix:
        """A query vector in the space of a profile, by its map for the modality `by`."""
        fuser = self._fuser(profile)
        contents: list[object] | None = None
        if by == modality and by in fuser.reads:
            if part.kind == "like":
                contents = list(contents_by_product(self._store, modality, [part.content]))
            else:
                contents = [part.content if modality == "text" else Path(part.content)]
        views = vectors.get(views_of(modality)) if fuser.sees_views else None
        mapped: Matrix = fuser.query(by, Side(vectors[modality][None, :], contents, None if views is None else views[None, :]))[0]
        return mapped

    def _fused_target(
        self, number: int, part: Part, vectors: Mapping[str, Matrix], profile: Profile, reweighed: Reweighed | None
    ) -> list[Target]:
        """The comparison with a profile's fused vectors: one a part, for the modalities of a product that is to be liked meet there."""
        maps = dict(zip(profile.modalities, profile.modalities, strict=True)) | stand_ins(
            self._store, profile.modalities, profile.by_contents
        )
        known = [m for m in vectors if m in maps]
        if not known:
            return []
        stored = self._stored(profile, part)
        made_of = stored[0] if stored is not None else sorted({maps[m] for m in known})
        counting = [m for m in made_of if reweighed is None or reweighed.weights[m] > 0]
        weight = 1.0 if reweighed is None else float(np.mean([reweighed.weights[m] for m in counting] or [0.0]))
        total = np.zeros(profile.dim, np.float32)
        if stored is not None:
            total = stored[1] if reweighed is None else reweighed.query(stored[1])
        elif counting:
            total = np.sum([self._mapped(profile, maps[m], m, vectors, part) for m in known if maps[m] in counting], axis=0)
        mapped = (total / max(float(np.linalg.norm(total)), 1e-6)).astype(np.float32)
        if reweighed is not None:
            mapped = reweighed.query(mapped)
        kind = f"{pattern(counting or made_of)}>fused"
        compares = tuple(profile.compares)
        target = Target(number, kind, profile.name, profile.fused_table, mapped, fused=True, compares=compares)
        return [dataclasses.replace(target, weight=weight, reweighed=reweighed)]

    def _stored(self, profile: Profile, part: Part) -> tuple[list[str], Matrix] | None:
        """What the fused vector of a product that is to be liked is made of, and the vector; None where it has none."""
        if part.kind != "like" or not self._store.has(profile.fused_table):
            return None
        rows = read_vectors(self._store, profile.fused_table, [part.content])
        return (rows.parts[0].as_py().split("+"), rows.vectors[0]) if len(rows) else None

    def _fuser(self, profile: Profile) -> Fuser:
        cached = self._fusers.get(profile.name)
        if cached is None or cached[0] != profile.version:
            cached = profile.version, profiles.load_fuser(self._store, profile)
            self._fusers[profile.name] = cached
        return cached[1]


def _reweighed_calibration(measured: Calibration, reweighed: Reweighed) -> Calibration:
    """What was measured of a profile's fused vectors, for other weights: all similarities of a kind with a pattern grow by one factor."""
    pairs = {}
    for kind, pair in measured.pairs.items():
        query, _, product = kind.partition(">fused:")
        if query in reweighed.weights and reweighed.weights[query] > 0 and query in product.split("+"):
            by = reweighed.by(query, product)
            pairs[kind] = dataclasses.replace(pair, mean=pair.mean * by, std=pair.std * by)
    return measured.merged(Calibration(pairs))


def _counting(part: Part, found: list[Target]) -> list[Target]:
    """The comparisons of a part that are to count. Raises UsageError where the weights leave none."""
    counting = [t for t in found if t.weight > 0]
    if not counting:
        kinds = ", ".join(t.kind for t in found)
        raise UsageError(
            f"weights: they leave nothing to compare the part '{part}' with",
            hint=f"it can be compared by {kinds}: give one a weight above 0, or leave the part out",
        )
    return counting
