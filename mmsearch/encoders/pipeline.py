"""`mmsearch embed`: vectors for what is new or changed, one table a modality and encoder."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.sources import Item, items
from mmsearch.errors import EXIT_DONE, EXIT_REJECTED, InputError, StoreError, UsageError
from mmsearch.media import MediaError
from mmsearch.spec import parse
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.vectors import key_of, source_hashes, write_vectors
from mmsearch.store.where import id_list

_BATCH = 64  # items an encoder call: the bundled models gain nothing beyond
_WRITE = 2_048  # vectors a write: what a kill can cost
_AHEAD = 4 * _BATCH  # decoded items that may wait for the encoder: bounds memory

Progress = Callable[[str, int, int], None]  # modality, done, total


@dataclass
class ModalityReport:
    """What one modality's embedding did."""

    modality: str
    encoder: str
    total: int = 0
    new: int = 0
    unchanged: int = 0
    removed: int = 0
    failures: list[tuple[str, str, str]] = field(default_factory=list)  # (id, part, reason)


@dataclass
class EmbedReport:
    """What an embed did, a modality each."""

    modalities: list[ModalityReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reject_file: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_REJECTED if any(m.failures for m in self.modalities) else EXIT_DONE

    def to_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {"modalities": [m.__dict__ for m in self.modalities], "notes": self.notes, "reject_file": self.reject_file}


def recorded_encoder(store: Store, modality: str) -> dict[str, Any] | None:
    """The record of the encoder that made a modality's vectors: spec, fingerprint, dim, space, table."""
    return store.record.get(f"encoder/{modality}")


def load_encoder(store: Store, modality: str) -> Encoder:
    """The encoder that made the store's vectors of a modality, for encoding a query.

    Raises
    ------
    InputError : the store has no vectors of that modality (says which command makes them).
    StoreError : the encoder is not installed any more, or its weights are others than those that made the vectors.
    """
    known = recorded_encoder(store, modality)
    if known is None:
        raise InputError(f"the store has no {modality} vectors", hint="make them: mmsearch embed")
    encoder = _create_recorded(known, modality)
    if encoder.fingerprint() != known["fingerprint"]:
        message = f"the store's {modality} vectors were made by other weights of the encoder {known['spec']} than those installed"
        raise StoreError(message, hint=f"install the version that made them, or embed anew: mmsearch embed --{modality} '{known['spec']}'")
    return encoder


def _create_recorded(known: Mapping[str, Any], modality: str) -> Encoder:
    try:
        encoder: Encoder = ENCODERS.create(known["spec"])
    except UsageError as error:
        message = f"the store's {modality} vectors were made by the encoder {known['spec']}, which cannot be used here: {error.message}"
        raise StoreError(message, hint=f"install it, or embed anew: mmsearch embed --{modality} ENCODER") from error
    return encoder


def embed(store: Store, chosen: Mapping[str, str] | None = None, progress: Progress | None = None) -> EmbedReport:
    """Embed what is new or changed and remove the vectors of what is gone.

    Parameters
    ----------
    chosen : modality → encoder spec; others keep the encoder that the store records, else the bundled one.

    Raises
    ------
    InputError : nothing to embed. UsageError : an encoder of another modality than the one it is chosen for, or of one that
        cannot be embedded. StoreError : the encoder that the store records cannot be used any more.
    """
    chosen = chosen or {}
    if unknown := [modality for modality in chosen if modality not in settings.DEFAULT_ENCODERS]:
        raise UsageError(f"cannot embed {', '.join(unknown)}", hint="modalities: " + ", ".join(settings.DEFAULT_ENCODERS))
    if store.count(PRODUCTS) == 0:
        raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
    with store.writing("embed"):
        plan = _plan(store, chosen)  # before anything is embedded: a mistyped encoder must not cost an hour first
        return EmbedReport([_embed_modality(store, modality, spec, encoder, progress) for modality, spec, encoder in plan])


def _plan(store: Store, chosen: Mapping[str, str]) -> list[tuple[str, str, Encoder]]:
    """(modality, spec, encoder) of what there is to embed."""
    plan = []
    for modality, default in settings.DEFAULT_ENCODERS.items():
        known = recorded_encoder(store, modality)
        encoder: Encoder
        if known is not None and modality not in chosen:
            spec, encoder = known["spec"], _create_recorded(known, modality)
        # Texts are queries too: a catalogue of photos alone still records who reads them.
        elif modality == "text" or modality in chosen or next(items(store, modality), None) is not None:
            spec = str(parse(chosen.get(modality, default), what="encoder"))  # the canonical form is what is recorded
            encoder = ENCODERS.create(spec)
        else:
            continue
        if encoder.modality != modality:
            raise UsageError(f"the encoder {spec} encodes {encoder.modality}, not {modality}", hint=f"choose it with --{encoder.modality}")
        plan.append((modality, spec, encoder))
    return plan


def _embed_modality(store: Store, modality: str, spec: str, encoder: Encoder, progress: Progress | None) -> ModalityReport:
    fingerprint = encoder.fingerprint()
    table = f"vectors_{modality}_{fingerprint[:12]}"
    report = ModalityReport(modality, spec)
    present = source_hashes(store, table)
    seen: set[str] = set()
    todo: list[tuple[Item, str]] = []
    for item in items(store, modality):
        key = key_of(item.id, item.part)
        if key in seen:
            continue
        seen.add(key)
        report.total += 1
        try:
            digest = item.source_hash()
        except MediaError as error:
            report.failures.append((item.id, item.part, error.message))
            continue
        if present.get(key) == digest:
            report.unchanged += 1
        else:
            todo.append((item, digest))
    _encode_all(store, table, encoder, todo, report, progress)
    # Of a photo that cannot be read any more, too: the vector of what it once was would answer for it.
    failed = {key_of(id, part) for id, part, _ in report.failures}
    if gone := [key for key in present if key not in seen or key in failed]:
        for start in range(0, len(gone), 1000):
            store.delete(table, id_list("key", gone[start : start + 1000]))
        report.removed = len(gone)
    if store.has(table) or report.total == 0:  # never switch to nothing because every medium failed
        _switch(store, modality, spec, encoder, fingerprint, table)
    return report


def _switch(store: Store, modality: str, spec: str, encoder: Encoder, fingerprint: str, table: str) -> None:
    """Make the new table the one that is searched; only now, when it is complete, do the vectors of a former encoder go."""
    known = recorded_encoder(store, modality)
    entry = {"spec": spec, "fingerprint": fingerprint, "dim": encoder.dim, "space": encoder.space, "table": table}
    if known != entry:
        store.record.put(f"encoder/{modality}", entry)
        if known is not None and known["table"] != table:
            store.drop(known["table"])


def _encode_all(
    store: Store,
    table: str,
    encoder: Encoder,
    todo: Sequence[tuple[Item, str]],
    report: ModalityReport,
    progress: Progress | None,
) -> None:
    """Decode in threads, encode in batches, write as it goes: a failed item is named and never shifts another's vector."""
    pending: list[tuple[Item, str, Any]] = []
    done = 0
    for batch in _batched(_prepared(encoder, todo), _BATCH):
        good = [(item, digest, value) for item, digest, value, problem in batch if problem is None]
        report.failures.extend((item.id, item.part, problem) for item, _, _, problem in batch if problem is not None)
        encoded = encoder.finish([value for _, _, value in good], list(range(len(good))), [])
        report.failures.extend((good[i][0].id, good[i][0].part, reason) for i, reason in encoded.failures)
        pending += [(good[i][0], good[i][1], encoded.vectors[row]) for row, i in enumerate(encoded.kept)]
        done += len(batch)
        if progress:
            progress(report.modality, done, len(todo))
        if len(pending) >= _WRITE:
            report.new += _write(store, table, pending)
            pending = []
    report.new += _write(store, table, pending)


def _write(store: Store, table: str, pending: Sequence[tuple[Item, str, Any]]) -> int:
    if pending:
        import numpy as np

        items_, hashes, vectors = zip(*pending, strict=True)
        write_vectors(store, table, [i.id for i in items_], [i.part for i in items_], hashes, np.stack(vectors))
    return len(pending)


def _prepared(encoder: Encoder, todo: Sequence[tuple[Item, str]]) -> Iterator[tuple[Item, str, Any, str | None]]:
    """Items in order with what `prepare` made of them or why it failed; a bounded number is decoded ahead."""

    def prepare(item: Item) -> Any:
        return encoder.prepare(item.content)

    with ThreadPoolExecutor(settings.threads()) as pool:
        waiting: deque[tuple[Item, str, Future[Any]]] = deque()
        for item, digest in todo:
            waiting.append((item, digest, pool.submit(prepare, item)))
            if len(waiting) >= _AHEAD:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())


def _outcome(item: Item, digest: str, future: Future[Any]) -> tuple[Item, str, Any, str | None]:
    try:
        return item, digest, future.result(), None
    except MediaError as error:
        return item, digest, None, error.message


def _batched(rows: Iterator[Any], size: int) -> Iterator[tuple[Any, ...]]:
    while batch := tuple(itertools.islice(rows, size)):
        yield batch
