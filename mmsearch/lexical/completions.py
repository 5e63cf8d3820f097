"""The table of completions: what a shopper who has typed some letters may be about to type, brought up to date by every embed.

Beside it stands the table of names: every brand and category, with how many products have it and how many titles say it, for whoever must
know whether a word of a query is one (`mmsearch.search.understand`). A completion of the same spelling may be a past search.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from mmsearch.catalog.categories import SEPARATOR
from mmsearch.lexical.fields import APART, COMPLETIONS, NAMES, PIECES, TABLE, WORDS
from mmsearch.lexical.past_searches import past_searches
from mmsearch.lexical.phrases import Counted, phrases
from mmsearch.lexical.pinyin import sounds
from mmsearch.lexical.spelling import folded, typed
from mmsearch.store import SEARCHES, Store
from mmsearch.store.fulltext import Clause, find_rows

_RECIPE = 2  # raised whenever the same store would get other completions
_RECORD = "completions"
_MOST = 200_000  # completions
_MOST_NAMES = 50_000  # of these brands and categories, each
_SEARCHES = 5_000  # and past searches: of each is looked up how many products it finds
_LONGEST = 60  # characters of a completion
_RARE, _FEW = 2, 1_000  # products that a phrase must be of, in a catalogue of more: what one title says nobody else types
_AT_ONCE = 50_000  # rows a write
_HAN = re.compile("[\u3400-\u9fff]")
_NAMES_SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("id", "key", "text", "kind")]
    + [pa.field(name, pa.int64(), nullable=False) for name in ("products", "titles")]
)
_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("key", "text", "kind")),
        pa.field("sounds", pa.string()),  # of each character of the key; null without Chinese
        pa.field("initials", pa.string()),
        pa.field("products", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Completion:
    """What may be typed: as it is compared (`mmsearch.lexical.spelling.typed`), as it is shown, where it comes from ('search', 'brand',
    'category', 'title'), and how many products have it."""

    key: str
    text: str
    kind: str
    products: int


def refresh_completions(store: Store) -> None:
    """Bring the completions up to date with the words of products and with past searches; nothing is read where neither changed.

    For a caller that holds `Store.writing`. Raises StoreError.
    """
    made_of = {"recipe": _RECIPE, "tables": {table: store.identity(table) for table in (TABLE, SEARCHES)}}
    if store.record.get(_RECORD) == made_of and store.has(COMPLETIONS):
        return
    store.drop(NAMES)
    kept: dict[str, Completion] = {}
    for one in _all(store):
        if len(one.key) <= _LONGEST and len(kept) < _MOST:
            kept.setdefault(one.key, one)  # of two with one spelling the more useful one
    write_completions(store, list(kept.values()))
    store.record.put(_RECORD, made_of)


def write_completions(store: Store, rows: Sequence[Completion]) -> None:
    """Put completions, whose keys all differ, the most useful first, in the place of the former ones. Raises StoreError."""
    store.drop(COMPLETIONS)
    for start in range(0, len(rows), _AT_ONCE):
        store.append(COMPLETIONS, _table(rows[start : start + _AT_ONCE]), "key")


def _all(store: Store) -> Iterator[Completion]:
    """The most useful first."""
    if not store.has(TABLE):
        return
    for past in past_searches(store, _SEARCHES) if store.has(SEARCHES) else ():
        if products := _having(store, past.text):  # a search that finds nothing is no help
            yield Completion(past.key, past.text, "search", products)
    brands, levels, titles, rows = Names(), Names(), Counted(), 0
    for batch in store.batches(TABLE, ["title", "brand", "category"]):
        rows += batch.num_rows
        for title, brand, category in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            brands.add([brand])
            levels.add(category.split(SEPARATOR))
            titles.add(phrases(title).items())
    names = [
        (-count, kind, key, text) for kind, of in (("brand", brands), ("category", levels)) for key, text, count in of.most(_MOST_NAMES)
    ]
    if names:
        said = [(f"{kind}:{key}", key, text, kind, -count, titles.of(key)) for count, kind, key, text in names]
        store.append(NAMES, pa.table([list(column) for column in zip(*said, strict=True)], schema=_NAMES_SCHEMA), "id")
    yield from (Completion(key, text, kind, -count) for count, kind, key, text in sorted(names))
    for key, text, count in titles.most(1 if rows <= _FEW else _RARE, _MOST):
        yield Completion(key, text, "title", count)


def _having(store: Store, text: str) -> int:
    """How many products have all words of a search, or in Chinese all characters."""
    plain = folded(text)
    latin, han = _HAN.sub(" ", plain).strip(), _HAN.findall(plain)
    clauses = [Clause(latin, WORDS, how="all")] if latin else []
    clauses += [Clause(" ".join(dict.fromkeys(han)), PIECES, how="all")] if han else []
    found: set[int] | None = None
    for clause in clauses:
        rows = set(find_rows(store, TABLE, clause, max(1, store.count(TABLE)))[0].tolist())
        found = rows if found is None else found & rows
    return len(found or ())


class Names:
    """Names that products have, each in its most usual spelling, and how many have it."""

    def __init__(self) -> None:
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, names: Iterable[str]) -> None:
        """Those of one product."""
        for key, name in {typed(name): name.strip() for name in names}.items():
            if key:
                self._spellings[key][name] += 1

    def most(self, limit: int) -> list[tuple[str, str, int]]:
        """(as typed, as shown, products), the most frequent first."""
        found = []
        for key, spellings in self._spellings.items():
            shown = min(spellings, key=lambda name, n=spellings: (-n[name], name))  # type: ignore[misc]
            found.append((-spellings.total(), key, shown))
        return [(key, shown, -count) for count, key, shown in sorted(found)[:limit]]


def _table(rows: Iterable[Completion]) -> pa.Table:
    made = []
    for one in rows:
        spoken = sounds(one.key)
        said = {"sounds": spoken and APART.join(spoken), "initials": spoken and "".join(sound[0] for sound in spoken)}
        made.append({"key": one.key, "text": one.text, "kind": one.kind, "products": one.products} | said)
    return pa.Table.from_pylist(made, schema=_SCHEMA)
