"""Query parts meet product evidence; a combiner makes one ranking of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.recorded import Meeting, load_encoder, load_tower, meetings, recorded_encoder
from mmsearch.errors import InputError, UsageError, did_you_mean
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import Fuser, Side
from mmsearch.fusion.batch import mean_by_product
from mmsearch.fusion.calibration import Calibration, pattern
from mmsearch.fusion.contents import contents_by_product
from mmsearch.fusion.direct import calibration, direct_meetings
from mmsearch.fusion.profile import Profile
from mmsearch.fusion.stand_ins import stand_ins
from mmsearch.fusion.words import KIND as WORDS
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Combined, Combiner, Evidence, Joint
from mmsearch.search.background import Scores, spread, spread_by_pattern
from mmsearch.search.hits import Contribution, Hit, Result
from mmsearch.search.index import Index, Placed, widening
from mmsearch.search.query import Part, Query, nothing_to_compare, shares
from mmsearch.search.speech import Listener
from mmsearch.search.words import LABEL, Met, Words, among, nearest
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.filter import passing
from mmsearch.store.vectors import read_vectors
from mmsearch.store.where import id_list

_NAMED = 5_000  # products that a filter names one by one: reading their vectors takes 0.03 ms each
_ENOUGH = 100  # candidates that the search in a large store goes on for, however few hits are wanted
_AT_ONCE = 64  # query photos, sounds or clips decoded at a time: a queries file may hold any number


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


@dataclass(frozen=True)
class Scored:
    """Candidates of a query with everything that an explanation needs."""

    candidates: pa.Array  # (n,) product ids
    targets: list[Target]
    evidence: list[Evidence]
    placed: list[Placed | Met]
    combined: Combined


class Engine:
    """Search over one store. Models are loaded when a query first needs them and kept."""

    def __init__(self, store: Store):
        self.store = store
        self.index = Index(store)
        self._encoders: dict[str, tuple[str, Encoder]] = {}
        self._fusers: dict[str, tuple[int, Fuser]] = {}
        self._words = Words(store)
        self._listener = Listener(store)

    def search(self, queries: Mapping[str, Query], k: int, *, combine: str = "calibrated") -> dict[str, Result]:
        """Answer queries (in one go: texts are encoded in batches).

        Parameters
        ----------
        k : hits a query. combine : spec of the combiner.

        Raises
        ------
        UsageError : a malformed filter, an unknown attribute, profile or product, evidence that cannot be compared.
        InputError : a query photo, sound or clip that cannot be read, or speech that is not understood.
        """
        if k < 1:
            raise UsageError(f"-k must be at least 1, not {k}")
        combiner: Combiner = COMBINERS.create(combine)
        if not self.store.has(PRODUCTS):
            raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
        self.index.look()
        filters = {w: passing(self.store, w, self.index.products()) for w in dict.fromkeys(w for q in queries.values() for w in q.where)}
        queries, understood = self._listener.in_words(queries)
        vectors = self._encode(queries.values())
        read, notes = self._words.read([p for q in queries.values() if q.within is None for p in q.parts if p.weight > 0])
        answers = {}
        for id, query in queries.items():
            allowed = np.logical_and.reduce([filters[w] for w in query.where]) if query.where else None
            scored = self._score(query, vectors, read, allowed, k, combiner)
            answers[id] = self._result(query, scored, k, understood[id])
            answers[id].notes.extend(notes)
        return answers

    # -- query side ------------------------------------------------------------------------------------------------

    def _encoder(self, modality: str) -> Encoder:
        known = recorded_encoder(self.store, modality)
        cached = self._encoders.get(modality)
        if cached is None or known is None or cached[0] != known["fingerprint"]:
            encoder = load_encoder(self.store, modality)
            cached = (known or {})["fingerprint"], encoder
            self._encoders[modality] = cached
        return cached[1]

    def _tower(self, meeting: Meeting) -> Encoder:
        fingerprint = (recorded_encoder(self.store, meeting.product) or {}).get("fingerprint", "")
        cached = self._encoders.get(meeting.kind)
        if cached is None or cached[0] != fingerprint:
            cached = fingerprint, load_tower(self.store, meeting)
            self._encoders[meeting.kind] = cached
        return cached[1]

    def _encode(self, queries: Collection[Query]) -> dict[Part, dict[str, Matrix]]:
        """Part → modality → vector. A `like` part has a vector for each modality that the product has.

        Under a kind ('text>image') stands the vector that meets another modality's vectors in their own space (see `Meeting`).
        """
        parts = list(dict.fromkeys(p for q in queries for p in q.parts))
        within = {q.within for q in queries}
        met = [m for m in meetings(self.store).values() if not m.own and within & {None, m.product}]
        vectors: dict[Part, dict[str, Matrix]] = {}
        for modality in settings.DEFAULT_ENCODERS:
            mine = [p for p in parts if p.kind == modality]
            if not mine:
                continue
            encoders = {m.kind: self._tower(m) for m in met if m.query == modality}
            if not encoders or recorded_encoder(self.store, modality):
                encoders[modality] = self._encoder(modality)
            contents = [p.content if modality == "text" else Path(p.content) for p in mine]
            for start in range(0, len(mine), _AT_ONCE):
                for name, encoder in encoders.items():
                    encoded = encoder.encode(contents[start : start + _AT_ONCE], query=True)
                    for index, reason in encoded.failures:
                        raise InputError(f"the query {modality} {mine[start + index].content} cannot be used: {reason}")
                    for i, vector in zip(encoded.kept, encoded.vectors, strict=True):
                        vectors.setdefault(mine[start + i], {})[name] = vector
        for part in parts:
            if part.kind == "like":
                vectors[part] = self._product_vectors(part.content)
        return vectors

    def _product_vectors(self, id: str) -> dict[str, Matrix]:
        found = {}
        for modality in settings.MODALITIES:
            known = recorded_encoder(self.store, modality)
            if known and self.store.has(known["table"]) and len(rows := read_vectors(self.store, known["table"], [id])):
                means, present = mean_by_product(rows, pa.array([id], pa.string()), rows.vectors.shape[1])
                if present[0]:
                    found[modality] = means[0]
        if not found:
            if not self.store.count(PRODUCTS, id_list("id", [id])):
                near = did_you_mean(id, self.index.products().to_pylist()[:100_000])
                raise UsageError(f"there is no product {id}{near}")
            raise InputError(f"the product {id} has no vectors", hint="make them: mmsearch embed")
        return found

    def _fuser(self, profile: Profile) -> Fuser:
        cached = self._fusers.get(profile.name)
        if cached is None or cached[0] != profile.version:
            cached = profile.version, profiles.load_fuser(self.store, profile)
            self._fusers[profile.name] = cached
        return cached[1]

    # -- product side ----------------------------------------------------------------------------------------------

    def _targets(
        self, query: Query, vectors: Mapping[Part, dict[str, Matrix]], read: Mapping[Part, str]
    ) -> tuple[list[Target], Calibration]:
        tables = {
            m: known["table"]
            for m in settings.MODALITIES
            if (known := recorded_encoder(self.store, m)) and self.store.count(known["table"])
        }
        if not tables:
            raise InputError("the store has no vectors", hint="make them: mmsearch embed")
        within = query.within
        if within is not None and within not in settings.MODALITIES:
            there = [*settings.MODALITIES, *profiles.names(self.store)]
            if within not in there:
                hint = f"there are: {', '.join(there)}"
                raise UsageError(f"--in {within}: neither a modality nor a fusion profile{did_you_mean(within, there)}", hint=hint)
            profile: Profile | None = profiles.load(self.store, within)
        else:
            name = profiles.default_name(self.store)
            profile = profiles.load(self.store, name) if name else None
        if within in settings.MODALITIES and within not in tables:
            raise InputError(f"the store has no {within} vectors", hint=f"it has: {', '.join(tables)}")
        across = direct_meetings(self.store, profile)
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
            if within is None and part in read and (words := self._words.compare(read[part], self.index.products())) is not None:
                targets.append(Target(number, WORDS, LABEL, "", np.empty(0, np.float32), words=words))
        return targets, calibration(self.store, profile)

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
                stands_for = stand_ins(self.store, profile.modalities, profile.by_contents).get(modality, modality)
                mapped = self._mapped(profile, stands_for, modality, vectors[modality], part)
                targets.append(Target(number, kind, f"{product} through {profile.name}", profile.projected_table(product), mapped))
        return targets

    def _mapped(self, profile: Profile, by: str, modality: str, vector: Matrix, part: Part) -> Matrix:
        """A query vector in the space of a profile, by its map for the modality `by`."""
        fuser = self._fuser(profile)
        contents: list[object] | None = None
        if by == modality and by in fuser.reads:
            if part.kind == "like":
                contents = list(contents_by_product(self.store, modality, [part.content]))
            else:
                contents = [part.content if modality == "text" else Path(part.content)]
        mapped: Matrix = fuser.query(by, Side(vector[None, :], contents))[0]
        return mapped

    def _fused_target(self, number: int, part: Part, vectors: Mapping[str, Matrix], profile: Profile | None) -> list[Target]:
        """The comparison with a profile's fused vectors: one a part, for the modalities of a product that is to be liked meet there."""
        if profile is None:
            return []
        maps = dict(zip(profile.modalities, profile.modalities, strict=True)) | stand_ins(
            self.store, profile.modalities, profile.by_contents
        )
        known = [m for m in vectors if m in maps]
        if not known:
            return []
        total = np.sum([self._mapped(profile, maps[m], m, vectors[m], part) for m in known], axis=0)
        mapped = (total / max(float(np.linalg.norm(total)), 1e-6)).astype(np.float32)
        kind = f"{pattern({maps[m] for m in known})}>fused"
        return [Target(number, kind, profile.name, profile.fused_table, mapped, fused=True, compares=tuple(profile.compares))]

    def _score(
        self,
        query: Query,
        vectors: Mapping[Part, dict[str, Matrix]],
        read: Mapping[Part, str],
        allowed: NDArray[np.bool_] | None,
        k: int,
        combiner: Combiner,
    ) -> Scored:
        targets, calibration = self._targets(query, vectors, read)
        part_shares = shares(query.parts)
        products = self.index.products()
        own = pa.array([p.content for p in query.parts if p.kind == "like" and not p.negative], pa.string())
        limit = settings.exact_limit()
        placed: list[Placed | Met]
        if self._largest(targets) <= limit:
            placed = [self.index.everything(t.table) if t.words is None else Met(t.words, t.words) for t in targets]
            keep = np.ones(len(products), dtype=bool) if allowed is None else allowed.copy()
            keep &= ~pc.is_in(products, value_set=own).to_numpy(zero_copy_only=False)
            return self._combine(products, targets, placed, part_shares, calibration, combiner, keep, complete=True)
        passing = None if allowed is None else products.filter(pa.array(allowed))
        if passing is not None and len(passing) <= min(limit, _NAMED):
            candidates = passing
        else:
            candidates = self._nearest(targets, part_shares, passing, k)
        candidates = candidates.filter(pc.invert(pc.is_in(candidates, value_set=own)))
        placed = [
            self.index.some(t.table, candidates) if t.words is None else Met(among(t.words, candidates, products), t.words) for t in targets
        ]
        everyone = np.ones(len(candidates), dtype=bool)
        return self._combine(candidates, targets, placed, part_shares, calibration, combiner, everyone, complete=False)

    def _nearest(self, targets: Sequence[Target], part_shares: Sequence[float], passing: pa.Array | None, k: int) -> pa.Array:
        """Candidates of a large store: the nearest of every part; their missing scores are completed by comparing them all."""
        found = pa.array([], pa.string())
        for depth in widening(k, self._largest(targets)):
            ids = [id for t in targets if part_shares[t.part] > 0 for id in self._near(t, depth)]
            found = pc.unique(pa.array(ids, pa.string()))
            if passing is not None:
                found = found.filter(pc.is_in(found, value_set=passing))
            if len(found) >= max(2 * k, _ENOUGH):
                break
        return found

    def _largest(self, targets: Sequence[Target]) -> int:
        return max(self.store.count(t.table) for t in targets if t.words is None)

    def _near(self, target: Target, depth: int) -> list[str]:
        if target.words is not None:
            return nearest(target.words, self.index.products(), depth)
        return self.index.near(target.table, target.vector, depth)

    def _combine(
        self,
        candidates: pa.Array,
        targets: list[Target],
        placed: list[Placed | Met],
        part_shares: Sequence[float],
        calibration: Calibration,
        combiner: Combiner,
        keep: NDArray[np.bool_],
        *,
        complete: bool,
    ) -> Scored:
        """Evidence of all candidates (`complete`: they are the whole store), combined. Only those in `keep` can be hits."""
        evidence = []
        for target, rows in zip(targets, placed, strict=True):
            share, pair = part_shares[target.part], calibration.pair(target.kind)
            usable = keep
            mean: float | Scores
            std: float | Scores
            reliability: float | Scores
            if isinstance(rows, Met):
                similarity, background = rows
                (mean, std), reliability = spread(background, pair), pair.reliability
            else:
                similarity = self._similarity(target, rows)
                store = rows if complete else self.index.sample(target.table)
                background = similarity if complete else self._similarity(target, store)
                if target.fused:
                    made_of = rows.parts()
                    of_store = made_of if complete else store.parts()
                    mean, std, reliability = spread_by_pattern(background, of_store, made_of, target.kind, calibration, target.compares)
                    usable, reliability = keep & ~np.isnan(reliability), np.nan_to_num(reliability)
                else:
                    (mean, std), reliability = spread(background, pair), pair.reliability
            similarity = np.where(usable, similarity, np.nan)
            evidence.append(Evidence(target.part, share, target.kind, similarity, mean, std, reliability))
        return Scored(candidates, targets, evidence, placed, combiner.combine(evidence, Joint(calibration.correlations, calibration.tails)))

    def _similarity(self, target: Target, placed: Placed) -> Scores:
        """Of a query vector with each candidate, (n,): the best of its rows, NaN where it has none."""
        return placed.best(self.index.similarity.scores(target.vector, placed.rows.vectors))

    # -- answers ---------------------------------------------------------------------------------------------------

    def _result(self, query: Query, scored: Scored, k: int, understood: list[str]) -> Result:
        total = scored.combined.total
        known = np.flatnonzero(~np.isnan(total))
        if len(known) > k:  # everything that ties with the last place is sorted too, so that ties always fall the same way
            worst = np.partition(total[known], len(known) - k)[len(known) - k]
            known = known[total[known] >= worst]
        ids = {int(i): scored.candidates[int(i)].as_py() for i in known}
        order = sorted(ids, key=lambda i: (-total[i], ids[i]))[:k]
        rows = self.store.read(PRODUCTS, ["id", "title"], where=id_list("id", [ids[i] for i in order])) if order else None
        titles = dict(zip(rows.column("id").to_pylist(), rows.column("title").to_pylist(), strict=True)) if rows is not None else {}
        hits = []
        for rank, i in enumerate(order, 1):
            explained, matched = _explain(query, scored, i)
            hits.append(Hit(rank, ids[i], float(total[i]), titles.get(ids[i]), matched, explained))
        notes = understood[:]
        if not hits:
            notes.append(
                f"no product matches {' and '.join(query.where)}" if query.where else "no product has the evidence that the query compares"
            )
        return Result(hits, int((~np.isnan(total)).sum()), notes)


def _explain(query: Query, scored: Scored, i: int) -> tuple[list[Contribution], dict[str, str]]:
    explained, matched = [], {}
    largest: dict[str, float] = {}
    for target, evidence, placed, added in zip(
        scored.targets, scored.evidence, scored.placed, scored.combined.contributions[:, i], strict=True
    ):
        similarity = float(evidence.similarity[i])
        if np.isnan(similarity):
            continue
        label = target.label
        if target.fused and isinstance(placed, Placed):
            label = f"{label} ({placed.rows.parts[int(placed.rows_of(i)[0])].as_py()})"
        elif isinstance(placed, Placed) and not query.parts[target.part].negative:
            mine = placed.rows_of(i)
            best = mine[np.argmax(placed.rows.vectors[mine] @ target.vector)]
            modality = target.kind.partition(">")[2]
            if (part := placed.rows.parts[int(best)].as_py()) and added > largest.get(modality, -np.inf):
                matched[modality], largest[modality] = part, float(added)
        reliability = float(np.broadcast_to(evidence.reliability, evidence.similarity.shape)[i])
        explained.append(Contribution(str(query.parts[target.part]), label, evidence.share, similarity, float(added), reliability))
    return explained, matched
