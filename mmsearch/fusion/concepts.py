"""What the given triples know: concepts by their words, in English and Chinese, and how one is reached from another.

A concept is the word or phrase at either end of a triple. It is found in a text by its longest label, whatever the case and the English
plural; Chinese is not split into words, so that 跑步鞋 is found inside 红色跑步鞋男款.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.store import PRODUCTS, TRIPLES, Store

_TOKEN = re.compile(r"[㐀-䶿一-鿿々]|[^\W_㐀-䶿一-鿿々]+")
_MAX_STEPS = 2
_LEAST = 0.15  # what is reached more weakly than this is left alone


class Relation(NamedTuple):
    """How a relation is called when it is followed from the head and from the tail, and how much is left of a weight each way."""

    forth: str
    back: str
    strength: float
    back_strength: float


#: A triple `sneaker, broader, shoe` reads: the broader word of sneaker is shoe. Chosen on the sample shop (`python -m bench.knowledge`).
RELATIONS: Mapping[str, Relation] = {
    "synonym": Relation("synonym", "synonym", 0.8, 0.8),
    "means": Relation("means", "meant by", 0.8, 0.0),
    "broader": Relation("broader", "narrower", 0.3, 0.5),
    "narrower": Relation("narrower", "broader", 0.5, 0.3),
    "part-of": Relation("part of", "has part", 0.4, 0.15),
    "has-part": Relation("has part", "part of", 0.15, 0.4),
}
_OTHER = 0.15  # any other relation, both ways
_NAMES = {
    "synonym": "synonym same-as same alias equivalent also-known-as aka 同义 同义词 等同 别名",
    "means": "means stands-for rewrite 指 意为",
    "broader": "broader is-a isa kind-of type-of subclass-of hypernym parent 上位词 上位 属于 是一种",
    "narrower": "narrower hyponym child has-kind superclass-of 下位词 下位 包括",
    "part-of": "part-of partof component-of belongs-to 部分 部件 组成部分",
    "has-part": "has-part haspart contains consists-of 包含 含有",
}
_KNOWN = {name: relation for relation, names in _NAMES.items() for name in names.split()}


class Step(NamedTuple):
    """One step of a path: over which relation, to which label, and the factor of it."""

    relation: str
    label: str
    strength: float

    def __str__(self) -> str:
        return f"{self.relation}: {self.label} (×{self.strength:g})"


@dataclass(frozen=True)
class Reached:
    """A concept that another one leads to: its label, the product of the steps' factors, and the steps."""

    concept: int
    label: str
    strength: float
    path: tuple[Step, ...]


class Spotted(NamedTuple):
    """A concept in a text: `text[start:end]`."""

    start: int
    end: int
    concept: int


class Concepts:
    """Labels and relations of triples (head, relation, tail), and further labels that stand alone.

    `spelt` gives the spelling in which labels are found: that of the texts that they are looked for in.
    """

    def __init__(self, triples: Iterable[tuple[str, str, str]], further: Iterable[str] = (), spelt: Callable[[str], str] = str):
        self._spelt = spelt
        self.labels: list[str] = []
        self._index: dict[tuple[str, ...], int] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._steps: dict[int, dict[int, Step]] = defaultdict(dict)
        self._directed: set[tuple[int, int]] = set()
        self._reached: dict[tuple[int, int, float], list[Reached]] = {}
        for head, relation, tail in triples:
            self._add(head, relation, tail)
        for label in further:
            if _tokens(label):
                self._concept(label)
        by_first: dict[str, set[int]] = defaultdict(set)
        for words in self._index:
            by_first[words[0]].add(len(words))
        self._lengths = {first: tuple(sorted(lengths, reverse=True)) for first, lengths in by_first.items()}

    def __len__(self) -> int:
        return len(self.labels)

    def find(self, label: str) -> int | None:
        """The concept with just this label, None if there is none."""
        return self._index.get(tuple(token.word for token in _tokens(self._spelt(label))))

    def spot(self, text: str) -> list[Spotted]:
        """The concepts in a text, from left to right, the longest label first; none overlaps another.

        A label of one Chinese character is one only where it ends a run of them: 鞋 in 男鞋, not in 鞋柜: the head of a compound is last.
        """
        tokens = _tokens(text)
        found, at = [], 0
        while at < len(tokens):
            for length in self._lengths.get(tokens[at].word, ()):
                concept = self._index.get(tuple(token.word for token in tokens[at : at + length]))
                last = tokens[min(at + length, len(tokens)) - 1]
                if concept is not None and not (length == 1 and last.inside):
                    found.append(Spotted(tokens[at].start, last.end, concept))
                    at += length
                    break
            else:
                at += 1
        return found

    def reach(self, concept: int, steps: int = _MAX_STEPS, least: float = _LEAST) -> list[Reached]:
        """What a concept leads to in so many steps, the strongest first; each concept once, by its strongest path, so that loops end.

        The strength of a path is the product of its factors; below `least` it is not followed. What was found is kept: titles of a shop
        name the same concepts again and again.
        """
        known = self._reached.get((concept, steps, least))
        if known is None:
            known = self._reached[concept, steps, least] = self._search(concept, steps, least)
        return known

    def _search(self, concept: int, steps: int, least: float) -> list[Reached]:
        best: dict[int, Reached] = {}
        waiting: list[tuple[float, int, int, tuple[Step, ...]]] = [(-1.0, 0, concept, ())]
        while waiting:
            negative, taken, at, path = heapq.heappop(waiting)
            if at in best:
                continue
            best[at] = Reached(at, self.labels[at], -negative, path)
            if taken == steps:
                continue
            for other, step in self._steps[at].items() if at in self._steps else ():
                strength = -negative * step.strength
                if other not in best and strength >= least - 1e-9:
                    heapq.heappush(waiting, (-strength, taken + 1, other, (*path, step)))
        del best[concept]
        return sorted(best.values(), key=lambda reached: (-reached.strength, len(reached.path), reached.concept))

    def loops(self) -> list[list[str]]:
        """Labels that are broader than, or part of, themselves over a chain of triples: one list a loop."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        if not self._directed:
            return []
        pairs = np.array(sorted(self._directed))
        n = len(self.labels)
        _, of = connected_components(
            csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n)), directed=True, connection="strong"
        )
        members: dict[int, list[str]] = defaultdict(list)
        for concept, component in enumerate(of.tolist()):
            members[component].append(self.labels[concept])
        own = [[self.labels[head]] for head, tail in sorted(self._directed) if head == tail]
        return [*own, *(labels for labels in members.values() if len(labels) > 1)]

    def _add(self, head: str, relation: str, tail: str) -> None:
        if not _tokens(head) or not _tokens(tail):  # marks alone
            return
        one, other = self._concept(head), self._concept(tail)
        kind = canonical(relation)
        ways = RELATIONS.get(kind) or Relation(relation, relation, _OTHER, _OTHER)
        if kind in ("broader", "part-of"):
            self._directed.add((one, other))
        elif kind in ("narrower", "has-part"):
            self._directed.add((other, one))
        if one != other:
            self._step(one, other, Step(ways.forth, self.labels[other], ways.strength))
            self._step(other, one, Step(ways.back, self.labels[one], ways.back_strength))

    def _concept(self, label: str) -> int:
        words = tuple(token.word for token in _tokens(self._spelt(label)))
        if words not in self._index:
            self._index[words] = len(self.labels)
            self.labels.append(label)
        return self._index[words]

    def _step(self, one: int, other: int, step: Step) -> None:
        if not step.strength:
            return
        known = self._steps[one].get(other)
        if known is None or known.strength < step.strength:
            self._steps[one][other] = step


def canonical(relation: str) -> str:
    """The relation that a name means, or the name itself: `isA`, `is_a` and 属于 are `broader`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", relation.strip())
    name = re.sub(r"[\s_]+", "-", spaced).casefold()
    return _KNOWN.get(name, _KNOWN.get(name.replace("-", ""), name))


class Triples(NamedTuple):
    """The given triples of a store by what stands at their ends."""

    words: list[tuple[str, str, str]]  # two words: what `Concepts` are made of
    products: list[tuple[str, str]]  # two product ids that are joined
    about: list[tuple[str, str]]  # a product id and a word that is said of it


def read_triples(store: Store) -> Triples:
    """The given triples, in a fixed order. An id that no product has is a word like any other."""
    found = Triples([], [], [])
    if not store.has(TRIPLES):
        return found
    rows = store.read(TRIPLES, ["head", "relation", "tail"])
    ids = store.read(PRODUCTS, ["id"]).column("id") if store.has(PRODUCTS) else pa.chunked_array([], pa.string())
    heads, tails = (pc.is_in(rows[end], value_set=ids).to_pylist() for end in ("head", "tail"))
    columns = (rows[c].to_pylist() for c in ("head", "relation", "tail"))
    for head, relation, tail, one, other in sorted(zip(*columns, heads, tails, strict=True)):
        if one and other:
            found.products.append((head, tail))
        elif one or other:
            found.about.append((head, tail) if one else (tail, head))
        else:
            found.words.append((head, relation, tail))
    return found


class _Token(NamedTuple):
    word: str
    start: int
    end: int
    inside: bool  # a Chinese character that another one follows


def _tokens(text: str) -> list[_Token]:
    """Words in their plain form, each Chinese character one, with their places in the text."""
    found = list(_TOKEN.finditer(text))
    tokens = []
    for match, following in zip_longest(found, found[1:]):
        word = match.group()
        follows = following is not None and following.start() == match.end() and _is_han(following.group())
        tokens.append(_Token(plain_word(word), match.start(), match.end(), _is_han(word) and follows))
    return tokens


def _is_han(word: str) -> bool:
    return len(word) == 1 and ("㐀" <= word <= "鿿" or word == "々")


@lru_cache(maxsize=50_000)
def plain_word(word: str) -> str:
    """A word without case and width, and an English plural as its singular."""
    word = unicodedata.normalize("NFKC", word).casefold()
    if len(word) > 3 and word.isascii() and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        if word.endswith("ies") and len(word) > 4:
            return word[:-3] + "y"
        if word.endswith(("sses", "shes", "ches", "xes", "zes")):
            return word[:-2]
        return word[:-1]
    return word
