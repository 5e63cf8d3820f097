"""The knowledge graph of a catalogue: which values and concepts a product has, and which products it goes with.

Types of edges: `brand`, `category` (every level of the path), `attributes` (those with few different values), `bought` (together), `given`
(triples: concepts in the title and what they lead to, and products that a triple joins). Nodes are named by one string, such as
`category␟Shoes > Boots`, which is what a profile keeps of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.catalog.categories import SEPARATOR
from mmsearch.catalog.making import LANGUAGE
from mmsearch.fusion.concepts import Concepts, read_triples
from mmsearch.fusion.sparse import Sparse, csr
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, Attributes, load_attributes
from mmsearch.store.where import id_list

VALUES = ("brand", "category", "attributes", "given")  # types whose edges lead to values
BETWEEN = ("bought", "given")  # types whose edges lead to products
TYPES = ("brand", "category", "attributes", "bought", "given")

_UNIT = "\x1f"
_PER_VALUE = 5  # products that share a value, on average, where an attribute says what kind of thing it is
_FEW = 20  # different values that an attribute may have in any case
_LONGEST = 60  # characters of a value that is still a name
_NAMED = 5_000  # products that a filter names one by one
_TELLING = 3  # labels that a report names


@dataclass(frozen=True)
class Known:
    """What a store knows, read once: which attributes make edges, and what the triples say."""

    attributes: tuple[str, ...] = ()
    concepts: Concepts = field(default_factory=lambda: Concepts(()))
    joined: tuple[tuple[str, str], ...] = ()  # pairs of products that a triple joins
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # product → words that triples say of it


def read_knowledge(store: Store, attributes: Sequence[str] | None = None) -> Known:
    """The triples of a store, and its attributes with few values (or those given)."""
    triples = read_triples(store)
    said: dict[str, tuple[str, ...]] = {}
    for id, word in triples.about:
        said[id] = (*said.get(id, ()), word)
    pairs = tuple((one, other) for one, other in triples.products if one != other)
    names = few_valued(store) if attributes is None else tuple(attributes)
    return Known(names, Concepts(triples.words, (word for _, word in triples.about)), pairs, said)


def few_valued(store: Store) -> tuple[str, ...]:
    """The names of the attributes with columns that have few different values: texts, truth values and lists, but no numbers.

    Few: 20, or a fifth as many as products that have it. None longer than 60 characters: those are sentences.
    """
    attributes = load_attributes(store)
    found = []
    for name in sorted(attributes.columns):
        if name in CORE or name == LANGUAGE:  # the language of a title says nothing of the product
            continue
        counts = Counter(value for values in _values(store, attributes, [name])[name].values() for value in values)
        few = max(_FEW, sum(counts.values()) / _PER_VALUE)
        if counts and len(counts) <= few and max(map(len, counts)) <= _LONGEST and max(counts.values()) > 1:
            found.append(name)
    return tuple(found)


def belongs(store: Store, ids: Sequence[str], knowledge: Known, types: Iterable[str]) -> dict[str, list[dict[str, float]]]:
    """Type → for each product (n,) its nodes and how much it has to do with each (1, or less for what a concept leads to)."""
    types = list(types)
    names = {type: knowledge.attributes if type == "attributes" else ("title",) if type == "given" else (type,) for type in types}
    have = _values(store, load_attributes(store), [name for some in names.values() for name in some], ids)
    found: dict[str, list[dict[str, float]]] = {}
    for type in types:
        if type == "given":
            if len(knowledge.concepts):
                texts = ("\n".join((*have["title"].get(id, ()), *knowledge.said.get(id, ()))) for id in ids)
                found[type] = [concepts_of(text, knowledge.concepts) for text in texts]
            continue
        rows: list[dict[str, float]] = [{} for _ in ids]
        for name in names[type]:
            for row, id in zip(rows, ids, strict=True):
                for value in have[name].get(id, ()):
                    row |= dict.fromkeys(nodes_of(type, name, value), 1.0)
        found[type] = rows
    return found


def nodes_of(type: str, name: str, value: str) -> list[str]:
    """The nodes that a value of an attribute stands for: a category path is every level of it."""
    if type == "category":
        levels = value.split(SEPARATOR)
        return [_UNIT.join((type, SEPARATOR.join(levels[: k + 1]).casefold())) for k in range(len(levels))]
    return [_UNIT.join((type, name, value.casefold()) if type == "attributes" else (type, value.casefold()))]


def concepts_of(text: str, concepts: Concepts) -> dict[str, float]:
    """The nodes of the concepts in a text, and of those that they lead to, by the strength of the path."""
    found: dict[str, float] = {}
    for spotted in concepts.spot(text):
        strengths = {spotted.concept: 1.0} | {reached.concept: reached.strength for reached in concepts.reach(spotted.concept)}
        for concept, strength in strengths.items():
            node = _UNIT.join(("given", concepts.labels[concept].casefold()))
            found[node] = max(strength, found.get(node, 0.0))
    return found


def matrix(rows: Sequence[Mapping[str, float]], nodes: Mapping[str, int]) -> Sparse:
    """(n, v): products' nodes as rows of a sparse matrix; nodes that are not among those given are left out."""
    entries = [(i, nodes[node], weight) for i, row in enumerate(rows) for node, weight in row.items() if node in nodes]
    at, to, weights = zip(*entries, strict=True) if entries else ((), (), ())
    return csr(weights, at, to, (len(rows), len(nodes)))


def shared(rows: Sequence[Mapping[str, float]], there: NDArray[np.bool_], most: int) -> list[str]:
    """The nodes that at least two products with a vector have (a value that one has tells it nothing), the `most` frequent, sorted."""
    counts = Counter(node for row, here in zip(rows, there.tolist(), strict=True) if here for node in row)
    frequent = sorted((node for node, count in counts.items() if count > 1), key=lambda node: (-counts[node], node))
    return sorted(frequent[:most])


def joined(knowledge: Known, rows: Sequence[str], columns: Sequence[str]) -> Sparse:
    """Which of some products (rows) triples join with which of some products (columns), either way."""
    at, to = ({id: i for i, id in enumerate(ids)} for ids in (rows, columns))
    pairs = {pair for one, other in knowledge.joined for pair in ((one, other), (other, one))}
    entries = sorted((at[a], to[b]) for a, b in pairs if a in at and b in to)
    r, c = zip(*entries, strict=True) if entries else ((), ())
    return csr(np.ones(len(entries)), r, c, (len(rows), len(columns)))


def astray(store: Store, knowledge: Known) -> list[str]:
    """Labels of triples that have nothing to do with any product: ids that are not there, misspelt words, words of another trade.

    A label has to do with products when it is in a title or a value, when triples say it of two of them, or when such a one leads to it.
    """
    concepts, attributes = knowledge.concepts, load_attributes(store)
    known = _values(store, attributes, ["title", "brand", "category", *knowledge.attributes])
    texts = {value for of_product in known.values() for values in of_product.values() for value in values}
    met = {spotted.concept for text in texts for spotted in concepts.spot(text)}
    said = Counter(concepts.find(word) for words in knowledge.said.values() for word in set(words))
    met |= {concept for concept, count in said.items() if concept is not None and count > 1}
    met |= {reached.concept for concept in tuple(met) for reached in concepts.reach(concept)}
    return [label for concept, label in enumerate(concepts.labels) if concept not in met]


def _values(
    store: Store, attributes: Attributes, names: Sequence[str], ids: Sequence[str] | None = None
) -> dict[str, dict[str, list[str]]]:
    """Name → id → the values of an attribute with columns, as texts; numbers and times are left out. One read, of some products or all."""
    dataset = store.dataset(PRODUCTS)
    there = set(dataset.schema.names) if dataset is not None else set()
    columns = {
        (name, kind): column
        for name in dict.fromkeys(names)
        for kind, column in attributes.columns.get(name, {}).items()
        if kind in ("text", "bool", "list") and column in there
    }
    found: dict[str, dict[str, list[str]]] = {name: {} for name in names}
    if not columns:
        return found
    wanted = ["id", *columns.values()]
    if ids is None:
        rows = store.read(PRODUCTS, wanted)
    elif len(ids) <= _NAMED:
        rows = store.read(PRODUCTS, wanted, where=id_list("id", list(ids)))
    else:
        rows = store.rows_of(PRODUCTS, "id", pa.array(ids, pa.string()), wanted)
    keys = rows.column("id").to_pylist()
    for (name, kind), column in columns.items():
        for id, value in zip(keys, rows.column(column).to_pylist(), strict=True):
            if value is not None:
                items = value if kind == "list" else [str(value)]
                found[name].setdefault(id, []).extend(item for item in items if item)
    return found
