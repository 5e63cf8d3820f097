"""`mmsearch ingest`: a file of products or interactions → the store, upserted by id; bad rows never cost the others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mmsearch.catalog.columns import KINDS, detect_kind, map_columns
from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.readers import Row, Source, read_rows
from mmsearch.catalog.records import MEDIA_FIELDS, Interaction, Product, to_interaction, to_product
from mmsearch.catalog.report import IngestReport, Rejects, reject_folder, reject_path
from mmsearch.errors import InputError, UsageError
from mmsearch.store import INTERACTIONS, PRODUCTS, Store
from mmsearch.store.attributes import CORE, HIDDEN, TYPES, Attributes
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
    reject_file = reject_path(store.path, path, rejects)
    if path != "-" and reject_file.resolve() == Path(path).resolve():
        raise UsageError(f"{path} cannot be read and take the rejected rows at once", hint="choose another file with --rejects")
    source = read_rows(path)
    peeked, columns = _peek(source)
    kind = kind or detect_kind(columns, source.name, mapping or ())
    report = IngestReport(source=source.name, kind=kind, mapping=map_columns(kind, columns, mapping or {}, source.name))
    store.create()
    folder = Path.cwd() if path == "-" else Path(path).resolve().parent
    feed = _Feed(
        source,
        itertools.chain(peeked, source.rows),
        dict.fromkeys(columns),
        folder,
        allow_outside,
        folder == reject_folder(store.path).resolve(),
    )
    with store.writing("ingest"), Rejects(reject_file) as refused:
        (_products if kind == "products" else _interactions)(store, feed, report, refused)
        report.reject_file = refused.close()
    return report


def attributes(store: Store) -> Attributes:
    """The attributes that the store's products have."""
    known = store.record.get(_RECORD)
    return Attributes({name: dict(kinds) for name, kinds in known.items()}) if known else Attributes()


@dataclass
class _Feed:
    """The rows of a file and what is needed to read them."""

    source: Source
    rows: Iterator[Row]
    columns: dict[str, None]  # in order; JSON rows may add to them
    folder: Path
    allow_outside: bool
    ours: bool  # a reject file in the store: its rows tell where their media lie

    def chunks(self) -> Iterator[list[Row]]:
        while chunk := list(itertools.islice(self.rows, _CHUNK)):
            yield chunk

    def product(self, row: Row, report: IngestReport) -> Product:
        """Raises BadRow."""
        self._learn(row, report)
        typed = self.source.typed and row.values.get("_typed") is not False
        given = row.values.get("_folder")
        folder = Path(given) if isinstance(given, str) and (self.ours or self.allow_outside) else self.folder
        return to_product(row.values, report.mapping, typed=typed, folder=folder, allow_outside=self.allow_outside)

    def interaction(self, row: Row, report: IngestReport) -> Interaction:
        """Raises BadRow."""
        self._learn(row, report)
        order = row.values.get("_line")
        return to_interaction(row.values, report.mapping, order=order if isinstance(order, int) else row.line)

    def rejected(self, row: Row) -> dict[str, Any]:
        """A row as the reject file keeps it: with what reading it again needs."""
        own = {name: value for name, value in row.values.items() if not name.startswith("_") or name in ("_text", "_cells")}
        extra = {"_folder": row.values.get("_folder", str(self.folder)), "_typed": row.values.get("_typed", self.source.typed)}
        return {**own, **extra} if row.problem is None else own

    def _learn(self, row: Row, report: IngestReport) -> None:
        """Raise BadRow for a row that could not be read, and take in the columns that a JSON row is the first to have."""
        if row.problem is not None:
            raise BadRow(*row.problem)
        if self.source.typed and (new := [name for name in row.values if name not in self.columns]):
            self.columns |= dict.fromkeys(new)
            report.mapping = map_columns(report.kind, self.columns, report.mapping, self.source.name)


def _peek(source: Source) -> tuple[list[Row], list[str]]:
    """The first rows and the columns; JSON rows name their own, so those of the first thousand rows are taken together.

    Raises InputError where there is no row at all.
    """
    peeked = list(itertools.islice(source.rows, 1 if source.columns is not None else 1000))
    if not peeked:
        raise InputError(f"{source.name} has a header but no rows")
    if source.columns is not None:
        return peeked, [c for c in source.columns if c]
    names = list(dict.fromkeys(name for row in peeked if row.problem is None for name in row.values))
    if not names:
        raise InputError(f"{source.name}: no line is a JSON object", hint=f"line {peeked[0].line}: {peeked[0].problem}")
    return peeked, names


def _products(store: Store, feed: _Feed, report: IngestReport, rejects: Rejects) -> None:
    known: dict[str, str] = {}
    if store.has(PRODUCTS):
        old = store.read(PRODUCTS, ["id", "_hash"])
        known = dict(zip(old.column("id").to_pylist(), old.column("_hash").to_pylist(), strict=True))
    seen: dict[str, int] = {}
    for chunk in feed.chunks():
        products: list[tuple[Product, str]] = []
        for row in chunk:
            report.rows += 1
            try:
                product = feed.product(row, report)
                if product.id in seen:
                    raise BadRow("duplicate id", f"{product.id}, given on line {seen[product.id]} already")
            except BadRow as error:
                report.count([error.problem])
                rejects.add(row.line, str(error), feed.rejected(row))
                continue
            seen[product.id] = row.line
            if product.problems:
                report.count(product.problems, kept=True)
                rejects.add(row.line, "; ".join(map(str, product.problems)), feed.rejected(row), kept=True)
            digest = product.content_hash()
            if known.get(product.id) == digest:
                report.unchanged += 1
            else:
                report.changed += product.id in known
                report.new += product.id not in known
                products.append((product, digest))
        _write_products(store, products, [p.id for p, _ in products if p.id in known])


def _write_products(store: Store, products: Sequence[tuple[Product, str]], existing: list[str]) -> None:
    if not products:
        return
    names = attributes(store)
    for product, _ in products:
        for name, (kind, _value) in product.attributes.items():
            names.column(name, kind)
    rows = [_physical(product, digest, names) for product, digest in products]
    fields = [pa.field("id", pa.string(), nullable=False)]
    fields += [pa.field(name, TYPES[kind]) for name, kind in CORE.items() if name != "id"]
    own = [(c, kind) for name, kinds in names.columns.items() for kind, c in kinds.items() if c not in CORE]
    given = set().union(*rows)
    fields += [pa.field(c, TYPES[kind]) for c, kind in own if c in given]
    fields += [pa.field(name, pa.string()) for name in HIDDEN]
    schema = pa.schema(fields)
    store.open_table(PRODUCTS, schema, "id")  # columns first, then the record that names them, then the rows
    if names.columns != store.record.get(_RECORD):
        store.record.put(_RECORD, names.columns)
    old = _old_rows(store, existing, schema)
    whole = [_merged(old.get(row["id"], {}), row) for row in rows]
    columns = [pa.array([row.get(f.name) for row in whole], f.type) for f in schema]
    store.upsert(PRODUCTS, pa.Table.from_arrays(columns, schema=schema), "id")


def _physical(product: Product, digest: str, names: Attributes) -> dict[str, Any]:
    row: dict[str, Any] = {"id": product.id, **product.fields, "_hash": digest}
    if product.has_media:
        row["_folder"] = product.folder
    for name in product.cleared:
        row.update(dict.fromkeys(names.columns.get(name, {}).values()))
    for name, (kind, value) in product.attributes.items():
        kinds = names.columns[name]
        row.update(dict.fromkeys(kinds.values()))
        row[kinds[kind]] = value
    return row


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A row that does not mention a column keeps what the store has there (a feed with prices only), media with their own folder."""
    if old and new.get("_folder", old["_folder"]) != old["_folder"]:
        for name in MEDIA_FIELDS:
            if name not in new and old[name]:
                old[name] = [item if "://" in item else str(Path(old["_folder"]) / item) for item in old[name]]
    return old | new


def _old_rows(store: Store, ids: list[str], schema: pa.Schema) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), 1000):
        read = store.read(PRODUCTS, schema.names, where=id_list("id", ids[start : start + 1000]))
        rows.update((row["id"], row) for row in read.to_pylist())
    return rows


def _interactions(store: Store, feed: _Feed, report: IngestReport, rejects: Rejects) -> None:
    known: set[str] = set()
    if store.has(INTERACTIONS):
        known = set(store.read(INTERACTIONS, ["key"]).column("key").to_pylist())
    catalogue = set(store.read(PRODUCTS, ["id"]).column("id").to_pylist()) if store.has(PRODUCTS) else set()
    strangers = 0
    for chunk in feed.chunks():
        fresh: dict[str, Interaction] = {}
        for row in chunk:
            report.rows += 1
            try:
                event = feed.interaction(row, report)
            except BadRow as error:
                report.count([error.problem])
                rejects.add(row.line, str(error), feed.rejected(row))
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
