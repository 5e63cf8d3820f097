"""`mmsearch embed`: vectors for what is new or changed, one table a modality and encoder."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping

from mmsearch import settings
from mmsearch.encoders.gone import remove_gone
from mmsearch.encoders.known import Known
from mmsearch.encoders.recorded import Choice, begin, choose, switch
from mmsearch.encoders.report import EmbedReport, Interrupted, ModalityReport, Progress
from mmsearch.encoders.sources import count_items, items
from mmsearch.encoders.stages import Stages
from mmsearch.encoders.stopping import stoppable
from mmsearch.errors import InputError, UsageError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.lock import EMBED

NOTHING_TO_REFIT = "nothing to refit: none of the store's encoders learns from its items"

Told = Callable[[Progress], None]
Failed = Callable[[str, str, str, str], None]  # modality, id, part, reason


def embed(
    store: Store,
    chosen: Mapping[str, str] | None = None,
    *,
    progress: Told | None = None,
    failed: Failed | None = None,
    wait: bool = False,
    refit: bool = False,
    learning: Callable[[str, str], None] | None = None,
) -> EmbedReport:
    """Embed what is new or changed and remove the vectors of what is gone.

    It holds the store's embed lock, and the write lock only around each write: others may ingest and search meanwhile. What
    an ingest brings meanwhile is for the next embed.

    Parameters
    ----------
    chosen : modality → encoder spec; others keep what an earlier embed began, else what the store records, else the bundled one.
    progress : called a few times a second.
    failed : called with (modality, id, part, reason) for each item that has no vector, as it happens, from another thread.
    wait : wait for another embed instead of raising.
    refit : let the encoders that learn from the store's items learn anew, which makes all their vectors anew.
    learning : called with (modality, spec) before an encoder learns.

    Raises
    ------
    InputError : nothing to embed, or nothing that an encoder can learn from. UsageError : an encoder of another modality than the one
        it is chosen for, or of one that cannot be embedded. StoreError : the encoder that the store records cannot be used any more,
        another embed is running, or a write failed. Interrupted : Ctrl-C or SIGTERM; what was finished is written.
    """
    chosen = chosen or {}
    if unknown := [modality for modality in chosen if modality not in settings.DEFAULT_ENCODERS]:
        raise UsageError(f"cannot embed {', '.join(unknown)}", hint="modalities: " + ", ".join(settings.DEFAULT_ENCODERS))
    if store.count(PRODUCTS) == 0:
        raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
    with store.writing("embed", lock=EMBED, patience=math.inf if wait else 0.0):
        # Before anything is embedded: a mistyped encoder must not cost an hour first.
        choices = choose(store, chosen, refit=refit, learning=learning)
        report = EmbedReport(notes=[choice.note for choice in choices if choice.note])
        if refit and not any(choice.encoder.learns for choice in choices):
            report.notes.append(NOTHING_TO_REFIT)
        before = store.version(PRODUCTS)
        stop = threading.Event()
        with stoppable(stop):
            for choice in choices:
                _embed_modality(store, choice, report, progress, failed, stop)
        if store.version(PRODUCTS) != before:
            report.notes.append("the catalogue was changed meanwhile; mmsearch embed takes in what is new")
    return report


def _embed_modality(
    store: Store, choice: Choice, whole: EmbedReport, progress: Told | None, failed: Failed | None, stop: threading.Event
) -> None:
    modality = choice.modality
    report = ModalityReport(modality, choice.spec)
    whole.modalities.append(report)
    begin(store, choice)
    known = Known(store, choice.table, pieces=choice.encoder.pieces)
    total = count_items(store, modality, tracks=True)

    def tell(id: str, part: str, reason: str) -> None:
        if failed:
            failed(modality, id, part, reason)

    stages = Stages(store, choice.table, choice.encoder, known, report, failed=tell, stop=stop)
    stages.run(items(store, modality, tracks=True), total, progress)
    if stop.is_set():
        done = f"{report.new + report.unchanged:,} of {max(total, report.items):,} {modality} vectors are written"
        raise Interrupted(f"interrupted; {done}", hint="go on with: mmsearch embed")
    report.removed += len(remove_gone(store, choice.table, known, f"{modality} files", "vectors", whole.notes))
    if store.has(choice.table) or report.items == 0:  # never switch to nothing because every medium failed
        switch(store, choice)
