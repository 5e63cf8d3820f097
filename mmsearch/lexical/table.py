"""The table of words: what of each product a search looks in word by word, field by field, brought up to date by every embed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from mmsearch.encoders.sources import other_titles, spoken
from mmsearch.lexical.fields import FIELDS, PIECES, RECORD, SCRIPTS, TABLE, WORDS
from mmsearch.lexical.spelling import characters, codes, folded, scripts
from mmsearch.lexical.vocabulary import write_vocabulary
from mmsearch.store import ATTRIBUTES, PRODUCTS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.facts import facts_table, read_rows
from mmsearch.store.fulltext import Cut, index_text
from mmsearch.store.where import id_list

_RECIPE = 2  # raised whenever the same product would get other words
_CHARACTERS = 10_000  # of a field that are looked in
_ROWS = 1_024  # products read at a time: descriptions may be long
_AT_ONCE = 10_000  # rows a write
_COLUMNS = ("id", *FIELDS, WORDS, PIECES, SCRIPTS, "digest")
_SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in _COLUMNS])


def refresh_words(store: Store) -> int:
    """Bring the table of words up to date with the products and with what features found. Returns how many products were written.

    Nothing is read of a store that did not change. For a caller that holds `Store.writing`. Raises StoreError.
    """
    made_of, before = _made_of(store), store.record.get(RECORD)
    if before == made_of and store.has(TABLE):
        return 0
    if before is not None and before["recipe"] != _RECIPE:  # perhaps with other fields
        store.drop(TABLE)
    known = dict(zip(*(c.to_pylist() for c in store.read(TABLE, ["id", "digest"]).columns), strict=True)) if store.has(TABLE) else {}
    written, there = 0, set()
    new: list[dict[str, str]] = []
    for row in _rows(store):
        there.add(row["id"])
        if known.get(row["id"]) != row["digest"]:
            new.append(row)
        if len(new) >= _AT_ONCE:
            written += _write(store, new, known)
            new = []
    written += _write(store, new, known)
    gone = sorted(set(known) - there)
    for start in range(0, len(gone), _AT_ONCE):
        store.delete(TABLE, id_list("id", gone[start : start + _AT_ONCE]))
    cuts: dict[str, Cut] = {**dict.fromkeys((*FIELDS, WORDS), "words"), PIECES: "pieces"}
    index_text(store, TABLE, cuts)
    write_vocabulary(store)
    store.record.put(RECORD, made_of)
    return written


def _made_of(store: Store) -> dict[str, Any]:
    """What the words were made of: the same as long as they would be."""
    tables = (PRODUCTS, ATTRIBUTES, *map(facts_table, sorted(spoken(store))))
    return {"recipe": _RECIPE, "tables": {table: store.identity(table) for table in tables}}


def _write(store: Store, rows: Sequence[Mapping[str, str]], known: Collection[str]) -> int:
    for new in (True, False):
        if mine := [row for row in rows if (row["id"] not in known) is new]:
            table = pa.Table.from_pylist(list(mine), schema=_SCHEMA)
            (store.append if new else store.upsert)(TABLE, table, "id")
    return len(rows)


def _rows(store: Store) -> Iterator[dict[str, str]]:
    """The rows of the table, of all products that say anything in words."""
    columns, sparse = other_titles(store)
    known = load_attributes(store).columns
    brand, category = (known.get(name, {}).get("text") for name in ("brand", "category"))
    named = [column for column in (brand, category) if column]
    found = _found(store)
    for batch in store.batches(PRODUCTS, ["id", "title", "description", *named, *columns], _ROWS):
        for row in batch.to_pylist():
            id = row["id"]
            titles = dict.fromkeys(text for text in (row["title"], *(row[c] for c in columns), *sparse.get(id, ())) if text)
            own = {"title": ". ".join(titles), "description": row["description"]}
            own |= {"brand": row[brand] if brand else None, "category": row[category] if category else None}
            fields = {name: folded((own.get(name) or found[name].get(id) or "")[:_CHARACTERS]) for name in FIELDS}
            if any(fields.values()):
                yield _row(id, fields)


def _row(id: str, fields: Mapping[str, str]) -> dict[str, str]:
    short = [fields[name] for name in ("title", "brand", "category")]
    # A code that is written without spaces may stand in the description, too.
    whole = [word for word in fields["description"].split() if any(map(str.isdigit, word))]
    pieces = [*codes(folded(id), alone=True)]
    for text in short:
        pieces += [*codes(text), *characters(text)]
    for word in whole:
        pieces += codes(word)
    words = [fields[name] for name, times in FIELDS.items() for _ in range(times) if fields[name]]
    row = {"id": id, **fields, WORDS: "\n".join(words), PIECES: " ".join(dict.fromkeys(pieces))}
    row[SCRIPTS] = scripts("\n".join(fields.values()))
    said = "\x1f".join(row.values())
    return {**row, "digest": hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()}


def _found(store: Store) -> dict[str, dict[str, str]]:
    """Field → id → what features found of a product, in words."""
    found: dict[str, dict[str, list[str]]] = {name: defaultdict(list) for name in FIELDS}
    for feature in spoken(store):
        for row in sorted(read_rows(store, feature), key=lambda one: (one.id, one.part)):
            for fact in row.facts:
                if isinstance(fact["value"], str):
                    found["said" if fact.get("second") is not None else "read"][row.id].append(fact["value"])
    return {field: {id: "\n".join(dict.fromkeys(lines)) for id, lines in by.items()} for field, by in found.items()}
