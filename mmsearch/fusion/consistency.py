"""`mmsearch check consistency`: products whose photo and text disagree, products that are there twice, products with nothing to fuse."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmsearch.encoders.recorded import meetings, recorded_encoder
from mmsearch.errors import InputError, StoreError, UsageError, did_you_mean
from mmsearch.fusion import lacking
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.direct import direct_meetings
from mmsearch.fusion.disagreement import best_text, compare_pairs
from mmsearch.fusion.pairings import Pairing, Rows, Space
from mmsearch.fusion.repeated import Group, near_duplicates
from mmsearch.fusion.unfused import Unfused, reasons, without_vectors
from mmsearch.settings import MODALITIES
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.filter import passing
from mmsearch.store.where import id_list

#: What can be looked for.
DISAGREEMENTS, DUPLICATES, UNFUSED = "disagreements", "duplicates", "nothing"
KINDS = (DISAGREEMENTS, DUPLICATES, UNFUSED)

_KIND = "text>image"

# Chosen on planted swaps of one half of the fashion products (`bench/consistency.py`): of these a text fits its photo worse than 5 % of the
# other texts for .98, worse than 20 % for .87, worse than 30 % for .70; of all other products .074, .013 and .009.
LISTED = 0.05  # share of other texts that fit a photo better than its own does, below which there is no disagreement to list
COUNTED = 0.2  # from which it counts as one
TRUSTED = 0.9  # share of comparisons that a photo's own text should win, else a note warns: a convention; it is .98 on fashion


@dataclass(frozen=True)
class Disagreement:
    """A product one of whose photos does not go with its text."""

    id: str
    photo: str  # which: its path or address as the catalogue gives it
    gap: float  # how much nearer the best other texts and photos are; the larger, the less the two belong together
    better: float  # share of the other texts that fit the photo better
    suits: str | None  # id of the product whose text fits the photo best
    photos: int  # how many of its photos were compared


@dataclass
class Consistency:
    """What was found, the worst first. Lists are cut to `k`; counts are of everything."""

    space: str | None  # what texts and photos were compared by; None: nothing compares them
    compared: int = 0  # products with a text and a photo
    told_apart: float | None = None  # share of comparisons in which a photo's own text fits it better than another product's, of all pairs
    disagreements: list[Disagreement] = field(default_factory=list)
    disagreeing: int = 0  # products of which at least `COUNTED` of the other texts fit a photo better
    groups: list[Group] = field(default_factory=list)
    repeated: int = 0  # groups in all
    repeats: int = 0  # products that another one of their group makes superfluous
    unfused: list[Unfused] = field(default_factory=list)
    bare: int = 0  # products with nothing to fuse in all
    lacking: dict[str, int] = field(default_factory=dict)  # modality → products without a vector of it
    titles: dict[str, str | None] = field(default_factory=dict)  # id → title, of every product that is named
    notes: list[str] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """Products that disagree, repeat others or have nothing to fuse."""
        return self.disagreeing + self.repeats + self.bare

    def rows(self) -> list[dict[str, Any]]:
        """What was found as one row a product, for machines."""
        found: list[dict[str, Any]] = []
        for one in self.disagreements:
            suits = {"suits": one.suits, "suits_title": self.titles.get(one.suits)} if one.suits else {}
            found.append({"check": DISAGREEMENTS, "id": one.id, "title": self.titles.get(one.id), "photo": one.photo})
            found[-1] |= {"gap": one.gap, "better": one.better, "counts": one.better >= COUNTED} | suits
        for number, group in enumerate(self.groups, start=1):
            for member in group.members:
                likeness = {"photo_similarity": member.image, "text_similarity": member.text, "same_words": member.words}
                row = {"check": DUPLICATES, "id": member.id, "title": self.titles.get(member.id), "photo": member.photo or None}
                found.append(row | {"group": number, "size": group.size} | ({} if member is group.members[0] else likeness))
        bare = [{"check": UNFUSED, "id": one.id, "title": self.titles.get(one.id), "missing": one.missing} for one in self.unfused]
        return found + bare


def check_consistency(
    store: Store, *, k: int = 20, where: Sequence[str] = (), profile: str | None = None, find: Collection[str] = KINDS
) -> Consistency:
    """Look for products that disagree with themselves, repeat others or have nothing to fuse.

    Parameters
    ----------
    k : findings of each kind that are listed.
    where : filters; products that do not pass are not listed, but they are among those that others are compared with.
    profile : whose space texts and photos are compared in; None takes the default profile, or the space that the encoders share.
    find : some of `KINDS`.

    Raises
    ------
    UsageError : a bad filter, k, kind or profile name. InputError : no vectors; or disagreements alone are asked for and nothing compares
    texts with photos. StoreError : the profile named was made with an encoder that was replaced since.
    """
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    for kind in find:
        if kind not in KINDS:
            raise UsageError(f"there is nothing called '{kind}' to look for{did_you_mean(kind, KINDS)}", hint=f"kinds: {', '.join(KINDS)}")
    tables = {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store, m)) and store.count(known["table"])}
    if not tables:
        raise InputError("the store has no vectors to check", hint="make them: mmsearch embed")
    found = Consistency(None)
    products = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    mask = np.ones(len(products), bool)
    for one in where:
        mask &= passing(store, one, products)
    passes = {id for id, ok in zip(products.to_pylist(), mask.tolist(), strict=True) if ok}
    if DISAGREEMENTS in find:
        space = _space(store, profile, found.notes, needed=set(find) == {DISAGREEMENTS} or profile is not None)
        if space is not None:
            found.space = space.name
            _disagreements(store, space, passes, k, found)
    if DUPLICATES in find:
        groups, notes = near_duplicates(store, passes)
        found.groups, found.repeated, found.repeats = groups[:k], len(groups), sum(g.size - 1 for g in groups)
        found.notes += notes
    if UNFUSED in find:
        bare, found.lacking = without_vectors(store, tables, passes)
        found.unfused, found.bare = reasons(store, bare[:k], list(tables)), len(bare)
    found.titles = _titles(store, found)
    return found


def _space(store: Store, name: str | None, notes: list[str], *, needed: bool) -> Space | None:
    """What compares texts with photos; None, and a note, where nothing does. Raises InputError instead where it is needed."""
    default = name or profiles.default_name(store)
    profile = None
    problem = "nothing compares texts with photos, so that disagreements are not looked for"
    hint = "make a profile that does: mmsearch fuse --method aligned"
    if default is not None:
        try:
            profile = profiles.load(store, default)
        except StoreError as error:
            if needed:
                raise
            problem, hint = f"disagreements are not looked for: {error.message}", error.hint or hint
    for modality in lacking.NAMES:
        if not lacking.brings(store, modality):
            problem = f"no product of the catalogue has a {lacking.NAMES[modality][0]}, so that there are no disagreements to look for"
            if needed:
                raise InputError(problem)
            notes.append(problem)
            return None
    met = meetings(store).get(_KIND) if profile is None else direct_meetings(store, profile).get(_KIND)
    if profile is not None and _KIND in profile.compares and (name is not None or met is None):
        spec = "" if profile.spec == profile.name else f" ({profile.spec})"
        return Space(f"the profile {profile.name}{spec}", profile, None)
    if met is not None and name is None:
        return Space(f"the space of {met.spec}", None, met)
    if profile is not None:
        problem = f"the fusion profile {profile.name} ({profile.spec}) does not compare texts with photos"
        problem += "" if needed else ", so that disagreements are not looked for"
    if needed:
        raise InputError(problem.removesuffix(", so that disagreements are not looked for"), hint=hint)
    notes.append(f"{problem} ({hint})")
    return None


def _disagreements(store: Store, space: Space, passes: Collection[str], k: int, found: Consistency) -> None:
    """Fill in what disagrees: the worst photo of each product, the worst products first."""
    better: list[float] = []
    worst: list[tuple[float, str, int, int]] = []  # a heap of k: gap, id, which pairing, which photo of it
    kept: dict[int, Pairing] = {}
    scores: dict[int, tuple[Any, Counter[int]]] = {}
    for number, pairing in enumerate(space.pairings(store, found.notes)):
        if len(pairing.ids) < 2:
            continue
        compared = compare_pairs(pairing.texts, pairing.photos, pairing.own)
        better.append(float(compared.better.mean()))
        mine = [id in passes for id in pairing.ids]
        found.compared += sum(mine)
        first = _first_of_each(pairing.own, compared.gap)
        counted = compared.better >= COUNTED
        found.disagreeing += len({int(owner) for owner in pairing.own[counted] if mine[owner]})
        for photo in first:
            id = pairing.ids[pairing.own[photo]]
            if id in passes and compared.better[photo] >= LISTED:
                heapq.heappush(worst, (float(compared.gap[photo]), id, number, int(photo)))
                if len(worst) > k:
                    heapq.heappop(worst)
        kept[number], scores[number] = pairing, (compared, Counter(pairing.own.tolist()))
        kept = {n: p for n, p in kept.items() if any(entry[2] == n for entry in worst)}
    if better:
        found.told_apart = 1 - float(np.mean(better))
        if found.told_apart < TRUSTED:
            share = f"a photo's own text fits it better than another product's in {found.told_apart:.0%} of comparisons only"
            found.notes.append(f"{share}: what is listed may be in order; with more pairs of text and photo the list gets better")
    for number, pairing in kept.items():
        photos = [photo for _, _, n, photo in worst if n == number]
        suits = best_text(pairing.others(), pairing.photos[photos], [pairing.ids[row] for row in pairing.own[photos].tolist()])
        compared, photos_of = scores[number]
        for photo, other in zip(photos, suits, strict=True):
            owner = int(pairing.own[photo])
            values = float(compared.gap[photo]), float(compared.better[photo])
            found.disagreements.append(Disagreement(pairing.ids[owner], pairing.parts[photo], *values, other, photos_of[owner]))
    found.disagreements.sort(key=lambda one: (-one.gap, one.id))


def _first_of_each(own: Rows, gap: Any) -> list[int]:
    """Of each product the photo with the largest gap."""
    order = np.lexsort((-gap, own))
    return [int(row) for row in order[np.flatnonzero(np.diff(own[order], prepend=-1))]]


def _titles(store: Store, found: Consistency) -> dict[str, str | None]:
    ids = {one.id for one in found.disagreements} | {one.suits for one in found.disagreements if one.suits}
    ids |= {member.id for group in found.groups for member in group.members} | {one.id for one in found.unfused}
    if not ids:
        return {}
    rows = store.read(PRODUCTS, ["id", "title"], where=id_list("id", sorted(ids)))
    return dict(zip(rows.column("id").to_pylist(), rows.column("title").to_pylist(), strict=True))
