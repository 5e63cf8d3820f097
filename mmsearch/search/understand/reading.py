"""Texts of queries read for what the catalogue can answer: brands, categories, colours, materials, sizes, codes, pieces and prices.

Only what products of the store really have is understood: a colour that no product is marked with is a word like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.features.entity_words import COLOURS, MATERIALS
from mmsearch.lexical.fields import NAMES
from mmsearch.lexical.spelling import typed
from mmsearch.search.lexical import Lexical
from mmsearch.search.query import Part, Query, shares
from mmsearch.search.understand.prices import PriceRange, price_range, without
from mmsearch.search.understand.synonyms import Synonyms
from mmsearch.search.understand.values import CatalogueValues, Column, Mask, first_known
from mmsearch.store import Store

#: Standard deviations of score that a product gets for having what a query names. Chosen on validation queries
#: (`python -m bench.understanding --choose`, docs/decisions/0031-query-understanding.md); a kind with 0 is not read.
STRENGTH: dict[str, float] = {
    "brand": 0.25,
    "category": 0.25,
    "colour": 0.5,
    "material": 0.25,
    "size": 0.25,
    "model code": 0.0,
    "quantity": 0.25,
    "price": 1.0,
}
#: Of the titles that say a name, the share of products that have it as their brand or category from which on it is one: 'integral' is not.
TRUSTED = 0.5

_LONGEST = 1_000  # characters of a text that are read
_MOST = 400  # runs of words that are looked up
_TOKEN = re.compile(r"[㐀-䶿一-鿿々]|[^\W_㐀-䶿一-鿿々]+")
_HAN = re.compile("[㐀-䶿一-鿿々]")
_WORDS, _CHARACTERS = 4, 8  # of a name
#: Behind these a brand is what something is for, and a colour or a material what it is to be without.
_FOR = re.compile(r"(?:\b(?:for|fits?|compatible\s+with|like)|适用于?|兼容)\s*$", re.IGNORECASE)
_NOT = re.compile(r"(?:\b(?:no|not|non|without|except)|不要|不含|不是|无|非)[\s-]*$", re.IGNORECASE)
_PATTERNED = re.compile(
    r"\d|(?<![^\W_])(?:[2-6]?X{0,3}[SML])(?![^\W_])|码|one size|free size|plus size|[两一二三四五六七八九十]", re.IGNORECASE
)


class Span(NamedTuple):
    """What `text[start:end]` is read as: what stands there, typing errors corrected."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Understood:
    """One thing that a query names: its kind, the value as the catalogue or the query has it, the words of the query, and how much a
    product gets for it, in standard deviations of score."""

    kind: str
    value: str
    text: str
    strength: float

    def __str__(self) -> str:
        return f"{self.value} (price, boost)" if self.kind == "price" else f"{self.kind} {self.value} (boost)"

    def to_json(self) -> dict[str, str]:
        """As hits carry it."""
        return {"kind": self.kind, "value": self.value, "text": self.text}


@dataclass(frozen=True)
class Soft:
    """What was understood. `masks` gives the products (n,) that have it and those of which it is known, when a query comes to them: in a
    batch over a large store all together would not fit in memory."""

    understood: Understood
    masks: Callable[[], tuple[Mask, Mask]]


def told_of(query: Query, softly: Sequence[Soft]) -> list[str]:
    """What a person should know of what was understood; nothing where nothing was."""
    also: dict[str, list[str]] = {}
    for part in query.parts:
        for one in part.synonyms:
            also.setdefault(part.quoted(one.start, one.end), []).append(one.label)
    told = [*map(str, (one.understood for one in softly)), *(f"{typed} is also {', '.join(labels)}" for typed, labels in also.items())]
    return [f"understood: {'; '.join(told)}"] if told else []


def language_of(query: Query) -> list[str]:
    """The language of the texts that a query looks for, as a note; nothing where that is not sure ("stylus")."""
    from mmsearch.catalog.language import detect

    text = " ".join(part.content for part in query.parts if part.kind == "text" and not part.negative and not part.path)
    return [f"language of the query: {language}"] if (language := detect(text)) else []


def as_json(query: Query, softly: Sequence[Soft]) -> list[dict[str, str]]:
    """What was understood, as hits carry it."""
    also = [
        {"kind": "synonym", "value": one.label, "text": part.quoted(one.start, one.end)} for part in query.parts for one in part.synonyms
    ]
    return [*(one.understood.to_json() for one in softly), *also]


class Reader:
    """Reads queries to one store. What it keeps of the catalogue is read again when the store changed."""

    def __init__(self, store: Store, lexical: Lexical):
        self._store, self._lexical = store, lexical
        self._values = CatalogueValues(store)
        self._synonyms = Synonyms(store)
        self._names: tuple[int, dict[str, _Names]] | None = None

    def read_all(self, queries: Mapping[str, Query], products: pa.Array, version: int) -> tuple[dict[str, Query], dict[str, list[Soft]]]:
        """`read` of each query."""
        read = {id: self.read(query, products, version) for id, query in queries.items()}
        return {id: query for id, (query, _) in read.items()}, {id: softly for id, (_, softly) in read.items()}

    def read(self, query: Query, products: pa.Array, version: int) -> tuple[Query, list[Soft]]:
        """A query without what its texts say of prices, and what was understood of it, over products (n,), all of the store.

        Where the query says which evidence counts (`Query.within`, `Query.weights`), nothing else is added; its words have their synonyms.
        """
        if query.within not in (None, "text") or not query.parts:
            return query, []
        softly = query.within is None and all(weight == 1 for _, weight in query.weights)  # weights of one are none
        parts, found = [], dict[tuple[str, str], Soft]()
        for part, share in zip(query.parts, shares(query.parts), strict=True):
            mine = list[Soft]()
            if part.kind == "text" and share > 0 and not part.path:
                catalogue = _Catalogue(self._values, products, version)
                if softly:
                    part, mine = _without_price(part, catalogue)
                # What a query is widened by (`Query.expand`) is a part of its own, and would be looked for twice.
                synonyms = () if query.expand else self._synonyms.of(part.content)
                instead = self._lexical.instead(part.content, synonyms, products)
                if softly:
                    mine += self._read_words(part, instead, catalogue)
                if instead and not query.expand:
                    synonyms = self._synonyms.of(part.content, instead)
                part = replace(part, synonyms=synonyms)
            parts.append(part)
            for one in mine:
                key = one.understood.kind, one.understood.value
                strength = max(share * one.understood.strength, found[key].understood.strength if key in found else 0.0)
                found[key] = replace(one, understood=replace(one.understood, strength=strength))
        return replace(query, parts=tuple(parts)), list(found.values())

    def _read_words(self, part: Part, instead: Mapping[str, str], catalogue: _Catalogue) -> list[Soft]:
        """What a text names but for its price; words that no product has are read as those that are looked for `instead`."""
        found = list[Soft]()
        plain = part.content[:_LONGEST]
        spans = list(_spans(plain, instead))
        taken = np.zeros(len(plain), dtype=bool)

        def understand(kind: str, span: Span, value: str, keys: Collection[str]) -> None:
            if taken[span.start : span.end].any() or not (columns := catalogue.columns(kind)):
                return
            if any(key in column.by_key for column in columns for key in keys):
                taken[span.start : span.end] = True
                quoted = part.quoted(span.start, span.end)
                found.append(Soft(Understood(kind, value, quoted, STRENGTH[kind]), partial(first_known, columns, keys)))

        for kind, span, key, value in self._named(plain, spans):
            understand(kind, span, value, {key})
        for kind, span, name in _worded(plain, spans):
            table = COLOURS if kind == "colour" else MATERIALS
            if not taken[span.start : span.end].any():
                understand(kind, span, name, _best_keys(catalogue.columns(kind), span.text, name, table))
        for kind, span, value in _patterned(plain):
            understand(kind, span, value, {typed(value)})
        return found

    def _named(self, text: str, spans: Sequence[Span]) -> Iterator[tuple[str, Span, str, str]]:
        """Brands and categories, the longest first: (kind, where, as it is typed, as the catalogue writes it)."""
        names = self._read_names()
        if not names or not spans:
            return
        typed_as = [typed(span.text) for span in spans]
        for kind, mine in names.items():
            if not STRENGTH[kind]:
                continue
            for span, key in zip(spans, typed_as, strict=True):
                for form in _forms(key) if kind == "category" else (key,):
                    if (written := mine.of(form)) is not None and not (kind == "brand" and _FOR.search(text[: span.start])):
                        yield kind, span, form, written
                        break

    def _read_names(self) -> dict[str, _Names]:
        if not self._store.has(NAMES):
            return {}
        version = self._store.version(NAMES)
        if self._names is None or self._names[0] != version:
            rows = self._store.read(NAMES, ["key", "text", "kind", "products", "titles"])
            trusted = pc.greater_equal(rows.column("products"), pc.multiply(rows.column("titles"), TRUSTED))
            rows = rows.filter(trusted)
            kinds = {kind: rows.filter(pc.equal(rows.column("kind"), kind)) for kind in ("brand", "category")}
            self._names = (
                version,
                {
                    kind: _Names(dict(zip(mine.column("key").to_pylist(), mine.column("text").to_pylist(), strict=True)))
                    for kind, mine in kinds.items()
                    if mine.num_rows
                },
            )
        return self._names[1]


class _Names(NamedTuple):
    """As typed → as the catalogue writes it."""

    written: Mapping[str, str]

    def of(self, key: str) -> str | None:
        return self.written.get(key)


class _Catalogue(NamedTuple):
    """The values of the store beside its products (n,)."""

    values: CatalogueValues
    products: pa.Array
    version: int

    def columns(self, kind: str) -> list[Column]:
        return self.values.columns(kind, self.products, self.version)

    def priced(self, said: str, asked: PriceRange) -> Soft | None:
        """The products with such a price, `said` as it was typed; None where there is none. A price in another currency is not known."""
        columns = self.columns("price")
        if not columns:
            return None
        written = self.values.currencies(self.products, self.version) if asked.currencies else None

        def masks() -> tuple[Mask, Mask]:
            has, known = columns[0].between(asked.low, asked.high), columns[0].known
            if written is not None:
                known = known & (written.having([code.lower() for code in asked.currencies]) | ~written.known)
            return has & known, known

        said = said.strip()
        return Soft(Understood("price", said, said, STRENGTH["price"]), masks) if masks()[0].any() else None


def _without_price(part: Part, catalogue: _Catalogue) -> tuple[Part, list[Soft]]:
    """A text without the price that it asks for, and that price, where products have such prices."""
    asked = price_range(part.content) if STRENGTH["price"] else None
    if asked is None or (soft := catalogue.priced(part.quoted(asked.start, asked.end), asked)) is None:
        return part, []
    return replace(part, content=without(part.content, asked), typed=without(part.typed, asked) if part.typed else ""), [soft]


def _spans(text: str, instead: Mapping[str, str]) -> Iterator[Span]:
    """Runs of words, in Chinese of characters, the longest first, from left to right; typing errors are read as what they stand for."""
    tokens = [(at.start(), at.end(), _HAN.match(at.group()) is not None) for at in _TOKEN.finditer(text)]

    def read(start: int, end: int) -> str:
        return _TOKEN.sub(lambda at: instead.get(at.group(), at.group()), text[start:end]) if instead else text[start:end]

    found = []
    for length in range(_CHARACTERS, 0, -1):
        for first in range(len(tokens) - length + 1):
            run = tokens[first : first + length]
            han = sum(one[2] for one in run)
            if length <= _WORDS or han > _WORDS:
                found.append(Span(run[0][0], run[-1][1], read(run[0][0], run[-1][1])))
    yield from found[-_MOST:]  # of a long text the short ones


def _worded(text: str, spans: Sequence[Span]) -> Iterator[tuple[str, Span, str]]:
    """Colours and materials by the words for them in English and Chinese, the longest first: (kind, where, its name)."""
    for span in spans:
        word = " ".join(span.text.lower().split())
        for kind, table in (("colour", COLOURS), ("material", MATERIALS)):
            han = _HAN.search(word) is not None
            name = table["zh" if han else "en"].get(word)
            if name and STRENGTH[kind] and not (han and len(word) == 1) and not _NOT.search(text[: span.start]):
                yield kind, span, name


def _patterned(text: str) -> Iterator[tuple[str, Span, str]]:
    """Sizes, model codes and pieces of a pack by their pattern: (kind, where, value)."""
    if not _PATTERNED.search(text) or not (STRENGTH["size"] or STRENGTH["model code"] or STRENGTH["quantity"]):
        return
    from mmsearch.features import entity_patterns as patterns  # a dozen patterns to compile, which most queries do not need

    found = [("size", value) for value in patterns.sizes(text)] + [("model code", value) for value in patterns.model_codes(text)]
    for kind, value in found:
        at = text.lower().find(value.lower())
        if STRENGTH[kind] and at >= 0:
            yield kind, Span(at, at + len(value), text[at : at + len(value)]), value
    if STRENGTH["quantity"] and (pieces := patterns.pieces(text)):
        number = re.search(rf"(?<!\d){pieces}(?!\d)", text)
        span = Span(number.start(), number.end(), number.group()) if number else Span(0, 0, str(pieces))
        yield "quantity", span, str(pieces)


def _best_keys(columns: Sequence[Column], word: str, name: str, table: Mapping[str, Mapping[str, str]]) -> set[str]:
    """What products must be marked with: the word itself where any is, else its English name, else any word for the same."""
    for key in (typed(word), typed(name)):
        if any(key in column.by_key for column in columns):
            return {key}
    return {typed(entry) for words in table.values() for entry, meaning in words.items() if meaning == name}


def _forms(key: str) -> Sequence[str]:
    """A name in the singular and the plural.

    >>> _forms("shoe"), _forms("dresses")
    (('shoe', 'shoes', 'shoees'), ('dresses', 'dresse', 'dress'))
    """
    if not key.isascii():
        return (key,)
    return (key, key.removesuffix("s"), key.removesuffix("es")) if key.endswith("s") else (key, f"{key}s", f"{key}es")
