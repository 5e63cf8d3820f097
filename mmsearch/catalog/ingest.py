"""`mmsearch ingest`: a file of products or interactions → the store, upserted by id; bad rows never cost the others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from mmsearch.catalog.columns import KINDS, detect_kind, map_columns
from mmsearch.catalog.readers import Row, Source, read_rows
from mmsearch.catalog.records import BadRow, Interaction, Product, to_interaction, to_product
from mmsearch.catalog.report import IngestReport, Rejects, reject_path
from mmsearch.errors import InputError, UsageError
from mmsearch.store import INTERACTIONS, PRODUCTS, Store
from mmsearch.store.attributes import CORE, TYPES, Attributes
from mmsearch.store.where import id_list

_CHUNK = 20_000  # rows held in memory at a time
_RECORD = "attributes"

_INTERACTIONS_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("user", pa.string()),
        pa.field("product", pa.string()),
        pa.field("event", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("time", pa.float64()),
    ]
)


def ingest(
    store: Store,
    path: str,
    *,
    kind: str | None = None,
    mapping: Mapping[str, str] | None = None,
    rejects: str | None = None,
    allow_outside: bool = False,
) -> IngestReport:
    """Read a file into the store, which is created if there is none.

    Parameters
    ----------
    path : CSV, TSV or JSON Lines; '-' reads standard input.
    kind : 'products' or 'interactions'; detected by the columns if None.
    mapping : field → column, before the aliases are tried.
    rejects : where rejected rows go (default inside the store).
    allow_outside : accept media outside the folder of the file.

    Raises
    ------
    InputError : the file as a whole cannot be used. UsageError : bad `kind` or `mapping`. StoreError : see `Store.create`.
    """
    if kind is not None and kind not in KINDS:
        raise UsageError(f"cannot ingest '{kind}'", hint="kinds: " + ", ".join(KINDS))
    source = read_rows(path)
    peeked, columns = _peek(source)
    kind = kind or detect_kind(columns, source.name)
    report = IngestReport(source=source.name, kind=kind, mapping=map_columns(kind, columns, mapping or {}, source.name))
    store.create()
    folder = (Path.cwd() if path == "-" else Path(path).resolve().parent).resolve()
    with store.writing("ingest"):
        refused = Rejects(reject_path(store.path, path, rejects))
        rows = itertools.chain(peeked, source.rows)
        if kind == "products":
            _products(store, rows, source, report, refused, folder, allow_outside)
        else:
            _interactions(store, rows, report, refused)
        report.reject_file = refused.close()
    if report.rows == 0:
        raise InputError(f"{source.name} has a header but no rows")
    return report


def attributes(store: Store) -> Attributes:
    """The attributes that the store's products have."""
    known = store.record.get(_RECORD)
    return Attributes(known) if known else Attributes()


def _peek(source: Source) -> tuple[list[Row], list[str]]:
    """The first rows and the columns; JSON rows name their own, so those of the first thousand rows are taken together."""
    if source.columns is not None:
        return [], [c for c in source.columns if c]
    peeked = list(itertools.islice(source.rows, 1000))
    names = list(dict.fromkeys(name for row in peeked for name in row.values))
    if not names:
        raise InputError(f"{source.name}: no line is a JSON object", hint=f"line {peeked[0].line}: {peeked[0].problem}" if peeked else None)
    return peeked, names


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(itertools.islice(rows, _CHUNK)):
        yield chunk


def _refuse(report: IngestReport, rejects: Rejects, row: Row, reason: str, *, kept: bool = False) -> None:
    if kept:
        report.problems += 1
    else:
        report.rejected += 1
    # Reasons are counted by what they say of the kind of problem, not of the value ("images: x.jpg: missing" → "images: missing").
    first, *rest = reason.split(": ")
    report.reasons[f"{first}: {rest[-1]}" if rest else first] += 1
    rejects.add(row.line, reason, row.values, kept=kept)


def _products(
    store: Store, rows: Iterator[Row], source: Source, report: IngestReport, rejects: Rejects, folder: Path, allow_outside: bool
) -> None:
    known: dict[str, str] = {}
    if store.has(PRODUCTS):
        old = store.read(PRODUCTS, ["id", "_hash"])
        known = dict(zip(old.column("id").to_pylist(), old.column("_hash").to_pylist(), strict=True))
    seen: dict[str, int] = {}
    for chunk in _chunks(rows):
        products: list[tuple[Product, str]] = []
        for row in chunk:
            report.rows += 1
            if row.problem:
                _refuse(report, rejects, row, row.problem)
                continue
            try:
                product = to_product(row.values, report.mapping, typed=source.typed, folder=folder, allow_outside=allow_outside)
            except BadRow as error:
                _refuse(report, rejects, row, str(error))
                continue
            if product.id in seen:
                _refuse(report, rejects, row, f"duplicate id: {product.id}: given on line {seen[product.id]} already")
                continue
            seen[product.id] = row.line
            for problem in product.problems:
                _refuse(report, rejects, row, problem, kept=True)
            digest = product.content_hash(str(folder))
            if known.get(product.id) == digest:
                report.unchanged += 1
                continue
            report.changed, report.new = (report.changed + 1, report.new) if product.id in known else (report.changed, report.new + 1)
            products.append((product, digest))
        _write_products(store, products, [p.id for p, _ in products if p.id in known], str(folder))


def _write_products(store: Store, products: Sequence[tuple[Product, str]], existing: list[str], folder: str) -> None:
    if not products:
        return
    names = attributes(store)
    before = {name: dict(kinds) for name, kinds in names.columns.items()}
    for product, _ in products:
        for name, (kind, _value) in product.attributes.items():
            names.column(name, kind)
    rows = [_physical(product, digest, names, folder) for product, digest in products]
    fields = [pa.field("id", pa.string(), nullable=False)]
    fields += [pa.field(name, TYPES[kind]) for name, kind in CORE.items() if name != "id"]
    own = [(c, kind) for name, kinds in names.columns.items() if name not in CORE for kind, c in kinds.items()]
    given = set().union(*rows)
    fields += [pa.field(c, TYPES[kind]) for c, kind in own if c in given]
    fields += [pa.field("_folder", pa.string()), pa.field("_hash", pa.string())]
    schema = pa.schema(fields)
    store.open_table(PRODUCTS, schema, "id")  # columns first, then the record that names them, then the rows
    if names.columns != before or not store.record.get(_RECORD):
        store.record.put(_RECORD, names.columns)
    old = _old_rows(store, existing, schema)
    # A row that does not mention a column keeps what the store has there (a feed with prices only).
    whole = [old.get(row["id"], {}) | row for row in rows]
    columns = [pa.array([row.get(f.name) for row in whole], f.type) for f in schema]
    store.upsert(PRODUCTS, pa.Table.from_arrays(columns, schema=schema), "id")


def _physical(product: Product, digest: str, names: Attributes, folder: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": product.id, **product.fields, "_hash": digest}
    if any(name in product.fields for name in ("images", "audio", "video")):
        row["_folder"] = folder
    for name in product.cleared:
        row.update(dict.fromkeys(names.columns.get(name, {}).values()))
    for name, (kind, value) in product.attributes.items():
        kinds = names.columns[name]
        row.update(dict.fromkeys(kinds.values()))
        if kind in kinds:
            row[kinds[kind]] = value
    return row


def _old_rows(store: Store, ids: list[str], schema: pa.Schema) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), 1000):
        read = store.read(PRODUCTS, schema.names, where=id_list("id", ids[start : start + 1000]))
        rows.update((row["id"], row) for row in read.to_pylist())
    return rows


def _interactions(store: Store, rows: Iterator[Row], report: IngestReport, rejects: Rejects) -> None:
    known: set[str] = set()
    if store.has(INTERACTIONS):
        known = set(store.read(INTERACTIONS, ["key"]).column("key").to_pylist())
    catalogue = set(store.read(PRODUCTS, ["id"]).column("id").to_pylist()) if store.has(PRODUCTS) else set()
    strangers = 0
    for chunk in _chunks(rows):
        fresh: dict[str, Interaction] = {}
        for row in chunk:
            report.rows += 1
            try:
                if row.problem:
                    raise BadRow(row.problem)
                event = to_interaction(row.values, report.mapping, order=row.line)
            except BadRow as error:
                _refuse(report, rejects, row, str(error))
                continue
            key = event.key()
            if key in known:
                report.unchanged += 1
                continue
            known.add(key)
            fresh[key] = event
            strangers += event.product not in catalogue
        report.new += len(fresh)
        events = list(fresh.values())
        columns: list[list[Any]] = [list(fresh), *([getattr(e, name) for e in events] for name in _INTERACTIONS_SCHEMA.names[1:])]
        store.upsert(
            INTERACTIONS,
            pa.table([pa.array(c, f.type) for c, f in zip(columns, _INTERACTIONS_SCHEMA, strict=True)], schema=_INTERACTIONS_SCHEMA),
            "key",
        )
    if strangers:
        report.notes.append(
            f"{strangers} events are of products that are not in the catalogue; they are kept and count once the products are"
        )
