"""Comparisons that need no profile: like with like, and across modalities where one model encodes both into one space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.recorded import Meeting, load_tower, meetings, recorded_encoder
from mmsearch.encoders.sources import items
from mmsearch.fusion.base import Batch, Matrix
from mmsearch.fusion.batch import sample_batch
from mmsearch.fusion.calibration import SAMPLE, SHARED, Calibration, Compared, Pair, calibrate
from mmsearch.fusion.stand_ins import further_kinds, stand_ins, with_further
from mmsearch.fusion.words import FEATURE, KIND, product_words, reads_photos, reliability
from mmsearch.fusion.words import compared as compared_words
from mmsearch.store import Store
from mmsearch.store.facts import facts_table
from mmsearch.store.vectors import content_digest

if TYPE_CHECKING:
    from mmsearch.fusion.profile import Profile

_KEY = "calibration"


def calibration(store: Store, profile: Profile | None) -> Calibration:
    """How similarities compare: the direct kinds of the store, and the cross-modal ones that are compared through a profile."""
    found = Calibration.from_json(store.record.get(_KEY))
    across = direct_meetings(store, profile)
    if profile is not None:
        found = found.merged(Calibration.from_json(profile.calibration).without(across))
        further = further_kinds(profile.compares, stand_ins(store, profile.modalities, profile.by_contents))
        found = with_further(found, {kind: like for kind, like in further.items() if kind not in across})
    assumed = [*across, *([KIND] if reads_photos(store) is not None else [])]
    unmeasured = {kind: Pair(reliability=SHARED) for kind in assumed if kind not in found.pairs}
    return found.merged(Calibration(unmeasured))


def direct_meetings(store: Store, profile: Profile | None) -> dict[str, Meeting]:
    """kind → how, for the cross-modal kinds that are compared in a space that both sides share.

    Where a profile compares a kind, too, the answer is that of the two which was measured to be the more reliable on this store's products.
    """
    found = meetings(store)
    if found and profile is not None:
        direct, learned = Calibration.from_json(store.record.get(_KEY)), Calibration.from_json(profile.calibration)
        learned = with_further(learned, further_kinds(profile.compares, stand_ins(store, profile.modalities, profile.by_contents)))
        found = {k: m for k, m in found.items() if k not in profile.compares or _trust(direct, k) >= learned.pair(k).reliability}
    return found


def _trust(direct: Calibration, kind: str) -> float:
    return direct.pair(kind).reliability if kind in direct.pairs else SHARED


def calibrate_direct(store: Store, tables: Mapping[str, str]) -> None:
    """Measure the direct comparisons (modality → table of its vectors), and record it."""
    # A query's own products stand in for it: a clip that meets photos in a store without clips has nothing to be measured by.
    found = {kind: m for kind, m in meetings(store).items() if m.own or recorded_encoder(store, m.query)}
    # A tower has to be loaded and asked for each measurement: only where vectors changed since the last.
    seen = content_digest(store, tables) + _words_seen(store) if found else None
    known = store.record.get(_KEY)
    if seen is not None and known is not None and known.get("seen") == seen:
        return
    ids, sample, products = sample_batch(store, tables, SAMPLE)
    asking = {k: _asking(store, meeting, ids, sample) for k, meeting in found.items() if not meeting.own or meeting.query in sample.vectors}
    trust, compared = _words(store, ids)
    measured = calibrate(sample, None, trust, products=products, shared=asking, compared=compared).to_json()
    if seen is not None:
        measured["seen"] = seen
    if measured != known:
        store.record.put(_KEY, measured)


def _words(store: Store, ids: Sequence[str]) -> tuple[dict[str, float], Compared]:
    """The words on the products' photos, where the store reads them: how far they can be trusted, and how they are compared."""
    if reads_photos(store) is None:
        return {}, {}
    words = product_words(store, ids)
    trust = reliability(words, SAMPLE)
    return {KIND: SHARED if trust is None else trust}, {KIND: compared_words(words)}


def _words_seen(store: Store) -> str:
    return "" if reads_photos(store) is None else f" {store.identity(facts_table(FEATURE))}"


def _asking(store: Store, meeting: Meeting, ids: Sequence[str], batch: Batch) -> Callable[[NDArray[np.int64]], Matrix]:
    """The query vectors of products in the space of another modality's vectors; see `mmsearch.fusion.calibration.Shared`."""

    def asked(rows: NDArray[np.int64]) -> Matrix:
        if meeting.own:
            return batch.vectors[meeting.query][rows]
        wanted = {ids[row]: place for place, row in enumerate(rows)}
        mine = [item for item in items(store, meeting.query, tracks=True) if item.id in wanted]
        tower = load_tower(store, meeting)
        encoded = tower.encode([item.content for item in mine], query=True)
        out = np.zeros((len(rows), tower.dim), np.float32)
        for vector, index in zip(encoded.vectors, encoded.kept, strict=True):
            out[wanted[mine[index].id]] = vector
        return out

    return asked
