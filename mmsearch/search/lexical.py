"""Texts of queries met word by word: BM25 over the words of products, with codes, Chinese characters and typing errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.errors import InputError
from mmsearch.lexical.fields import FIELDS, PIECES, RECORD, SCRIPTS, TABLE, WORDS
from mmsearch.lexical.spelling import characters, codes, folded, script_of
from mmsearch.lexical.vocabulary import VOCABULARY, WORD, Vocabulary
from mmsearch.search.postings import Postings
from mmsearch.search.required import Required
from mmsearch.search.rows import Places, Rows, rows_of
from mmsearch.search.understand.synonyms import Synonym
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.fulltext import Clause, find_ids, find_rows, row_ids_of
from mmsearch.store.where import id_list, row_list

Scores = NDArray[np.float64]
LABEL = "words"

_SAMPLE = 1_000  # products that stand for a store too large to score whole
_LONGEST = 1_000  # characters of a query that are looked for word by word
#: What a synonym of a word counts beside it, times how sure it is (docs/decisions/0031-query-understanding.md).
SYNONYM = 0.5
_MISSPELT = 0.5  # what a word counts that stands for one which no product has
_KEPT = 10_000  # words of queries of which it is kept what they may be typing errors of
_DEPTH = 200  # matches among which the best is looked for, where not all products are scored


class Lexical:
    """Word by word search of one store. What it keeps is read again when the store changed."""

    def __init__(self, store: Store):
        self._store = store
        self._places: tuple[tuple[int, int], _Located] | None = None
        self._words: tuple[int, Vocabulary] | None = None
        self._near: tuple[tuple[int, int, int], dict[str, list[str]]] | None = None

    def there(self) -> bool:
        """Whether the store has words to look in."""
        return self._store.has(TABLE)

    def never_made(self) -> bool:
        """Whether no embed has looked for words yet, as none of an older mmsearch did."""
        return not self.there() and self._store.record.get(RECORD) is None

    def scores_all(self) -> bool:
        """Whether the store is small enough to score every product."""
        return self._store.count(TABLE) <= settings.exact_limit()

    def look_for(self, text: str, products: pa.Array, synonyms: Sequence[Synonym] = ()) -> Matches | None:
        """A text to be met with products (n,), the store's, and `synonyms` of its words; None where the store has no words, or the text."""
        plain = folded(text[:_LONGEST]).strip()
        if not plain or not self.there():
            return None
        clauses = [Clause(plain, WORDS)]
        if pieces := dict.fromkeys([*codes(plain, alone=True), *characters(plain)]):
            clauses.append(Clause(" ".join(pieces), PIECES))
        beside: dict[str, list[Clause]] = {}
        for one in synonyms:
            said, sure = (one.meant, _MISSPELT) if one.meant else (folded(text[one.start : one.end]), 1.0)
            beside.setdefault(said, []).append(Clause(folded(one.label), WORDS, SYNONYM * sure * one.strength, how="phrase"))
        instead = self.instead(text, synonyms, products)
        clauses += [Clause(near, WORDS, _MISSPELT) for near in instead.values()]
        asked = Asked(tuple(clauses), tuple((Clause(typed, WORDS), tuple(others)) for typed, others in beside.items()))
        return Matches(self, asked, products, instead, script_of(plain))

    def unasked(self, met: Iterable[object], products: pa.Array) -> list[Callable[[], object]]:
        """What texts that were met with products (n,) have to know of words that nobody asked for yet: to be called, in any order, by
        several threads. What is not called is found out when a score needs it.
        """
        asked = [clause for one in met if isinstance(one, Matches) for clause in one.asked.every()]
        if not asked:
            return []
        postings = self._located(products).postings
        return [partial(postings.learn, *word) for word in postings.unknown(asked)]

    def having(self, wanted: Required, products: pa.Array) -> NDArray[np.bool_]:
        """Which products (n,) have what a query requires. Raises InputError where the store has no words."""
        if not self.there():
            raise InputError(f"the store has no words to look for {wanted} in", hint="make them: mmsearch embed")
        rows = self._located(products).rows
        mask = np.zeros(len(products), dtype=bool)
        for name in (wanted.field,) if wanted.field else FIELDS:
            clause = Clause(folded(wanted.text), name, how="phrase" if wanted.phrase else "all")
            at = rows.found(find_rows(self._store, TABLE, clause, max(1, len(rows.ids)))[0])
            mask[at[at >= 0]] = True
        return mask

    def everything(self, asked: Asked, products: pa.Array) -> Scores:
        """BM25 of every product (n,): 0 where nothing matches, NaN where it has no words."""
        located = self._located(products)

        def score(clause: Clause) -> Scores:
            if (kept := located.postings.scores(clause)) is not None:
                return kept
            alone = np.zeros(len(products))  # more products than MMSEARCH_EXACT_LIMIT has by default
            found, bm25 = find_rows(self._store, TABLE, clause, max(1, len(located.rows.ids)))
            at = located.rows.found(found)
            alone[at[at >= 0]] = bm25[at >= 0]
            return alone

        scores = asked.total(score)
        if located.without is not None:
            scores[located.without] = np.nan
        return scores

    def anything(self, asked: Asked, products: pa.Array) -> bool:
        """Whether a product has a word of a text, in a store that is scored whole."""
        return any(map(self._located(products).postings.any, asked.every()))

    def some(self, asked: Asked, products: pa.Array, candidates: Places, beside: Places) -> tuple[Scores, Scores, float]:
        """BM25 of some products, by their places (n,), as `everything` has it; of products that are the same ones every time and stand for
        the store (s,); and the best of these candidates and of those `beside` them.

        LanceDB lists all that say a word in a tenth of the time in which it scores a thousand rows that it is given by their ids.
        """
        located = self._located(products)
        rows = located.rows
        (mine, which), (others, _) = rows.of(candidates), rows.of(beside)
        wanted = np.concatenate([mine, others, located.sample])

        def score(clause: Clause) -> Scores:
            if (everywhere := located.postings.scores(clause)) is not None:
                return everywhere[rows.places[wanted]]  # type: ignore[no-any-return]
            row_ids = np.unique(rows.ids[wanted])
            alone = np.zeros(len(row_ids))
            found, bm25 = find_rows(self._store, TABLE, clause, len(row_ids), row_list(row_ids.tolist()))
            alone[np.searchsorted(row_ids, found)] = bm25
            return alone[np.searchsorted(row_ids, rows.ids[wanted])]  # type: ignore[no-any-return]

        own, near, sample = np.split(asked.total(score), np.cumsum([len(mine), len(others)]))
        scores = np.full(len(candidates), np.nan)
        scores[which] = own
        return scores, sample, max(_highest(scores), _highest(near))

    def elsewhere(self, script: str, products: pa.Array, candidates: Places | None) -> NDArray[np.bool_] | None:
        """Which products (n,), or candidates, by their places (m,), have words, but none in a script; None: no product of the store."""
        located = self._located(products)
        if script not in located.elsewhere:
            there, other = located.rows.places >= 0, np.zeros(len(products), dtype=bool)
            says = pc.match_substring(located.scripts, script).to_numpy(zero_copy_only=False)
            other[located.rows.places[there]] = ~says[there]
            located.elsewhere[script] = other if other.any() else None
        mask = located.elsewhere[script]
        return mask if candidates is None or mask is None else mask[candidates]

    def near(self, asked: Asked, products: pa.Array, depth: int) -> tuple[Places, float]:
        """The places of the products that match a clause best, of each clause, and the best score of any."""
        rows, best = self._located(products).rows, 0.0
        places = [np.empty(0, np.int64)]
        for clause in asked.every():
            found, bm25 = find_rows(self._store, TABLE, clause, depth)
            places.append(rows.found(found))
            best = max(best, float(bm25.max(initial=0.0)))
        return np.concatenate(places), best

    def terms(self, asked: Asked, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """Of some products, what their BM25 is made of: id → (a word and the field that it stands in, its score), which add up to it.

        Words count for themselves in BM25; over the fields a word's score is divided as its scores in each alone stand, times their boosts.
        """
        found: dict[str, list[tuple[str, float]]] = {id: [] for id in ids}
        among = id_list("id", list(ids))

        def scores(clause: Clause) -> dict[str, float]:
            return dict(zip(*find_ids(self._store, TABLE, clause, len(ids), among), strict=True))

        def tell(clause: Clause, whole: Mapping[str, float], name: str) -> None:
            fields = FIELDS if clause.column == WORDS else {clause.column: 1}
            alone = {clause.column: whole}
            if whole and len(fields) > 1:
                alone = {f: scores(Clause(clause.text, f, times, clause.how)) for f, times in fields.items()}
            for id, score in whole.items():
                total = sum(by.get(id, 0.0) for by in alone.values())
                found[id] += [(f"{name} ({f})", score * by[id] / total) for f, by in alone.items() if id in by]

        for clause in asked.clauses:
            for word in dict.fromkeys(clause.text.split()):
                one = replace(clause, text=word)
                tell(one, scores(one), word)
        for typed, others in asked.beside:
            own, of = scores(typed), {clause: scores(clause) for clause in others}
            for clause, mine in of.items():
                best = {
                    id: score - own.get(id, 0.0)
                    for id, score in mine.items()
                    if score > own.get(id, 0.0) and clause == max(others, key=lambda other, id=id: of[other].get(id, 0.0))  # type: ignore[misc]
                }
                tell(clause, best, f"{clause.text} for {typed.text}")
        return found

    def instead(self, text: str, synonyms: Sequence[Synonym], products: pa.Array) -> dict[str, str]:
        """The words of a text that no product (n,) of the store has → the word of the catalogue that each is likeliest to be a typing error
        of. A word that is known to stand for others is none.
        """
        if not self.there():
            return {}
        known = " ".join(folded(text[one.start : one.end]) for one in synonyms if not one.meant).casefold()
        words = [word for word in dict.fromkeys(WORD.findall(folded(text[:_LONGEST]))) if word.casefold() not in known]
        return {word: near[0] for word in words if (near := self._likely(word, products))}

    def _likely(self, word: str, products: pa.Array) -> list[str]:
        """What a word may be a typing error of, the likeliest first; [] where it is a word of the store. A query asks twice."""
        versions = self._store.version(TABLE), self._store.version(PRODUCTS), self._store.version(VOCABULARY)
        kept = self._near
        if kept is None or kept[0] != versions or len(kept[1]) >= _KEPT:
            kept = self._near = versions, {}
        if word not in kept[1]:
            kept[1][word] = [] if self._known(word, products) else self._vocabulary().near(word)
        return kept[1][word]

    def _known(self, word: str, products: pa.Array) -> bool:
        if self._vocabulary().has(word):
            return True
        asked = Clause(word, WORDS), Clause(word.casefold(), PIECES)
        if self.scores_all():  # its scores are needed next
            return any(map(self._located(products).postings.any, asked))
        return any(len(find_rows(self._store, TABLE, one, 1)[0]) for one in asked)

    def _vocabulary(self) -> Vocabulary:
        version = self._store.version(VOCABULARY)
        kept = self._words
        if kept is None or kept[0] != version:
            self._words = kept = version, Vocabulary.read(self._store)
        return kept[1]

    def _located(self, products: pa.Array) -> _Located:
        """The rows of the table among all products (n,)."""
        versions = self._store.version(TABLE), self._store.version(PRODUCTS)
        kept = self._places  # once: another thread may read newer tables meanwhile
        if kept is None or kept[0] != versions:
            ids, scripts, row_ids = row_ids_of(self._store, TABLE, SCRIPTS)
            rows, without = rows_of(row_ids, ids, products), np.ones(len(products), dtype=bool)
            without[rows.places[rows.places >= 0]] = False
            postings = Postings(self._store, TABLE, rows, len(products))
            scripts = scripts.take(pa.array(rows.numbers))
            sample = np.flatnonzero(rows.places >= 0)
            sample = sample[np.sort(np.random.default_rng(0).permutation(len(sample))[:_SAMPLE])]
            kept = versions, _Located(rows, scripts, postings, np.flatnonzero(without) if without.any() else None, sample)
            self._places = kept
        return kept[1]


@dataclass(frozen=True)
class _Located:
    rows: Rows  # (m,)
    scripts: pa.Array  # (m,) of the rows
    postings: Postings
    without: Places | None  # products that have no words, if there are any
    sample: Places  # (s,) rows of products that stand for the store
    elsewhere: dict[str, NDArray[np.bool_] | None] = field(default_factory=dict)  # script → the products (n,) that say nothing in it


class Asked(NamedTuple):
    """What is looked for: clauses, whose scores add up, and words (a clause) with those that may stand `beside` them instead."""

    clauses: tuple[Clause, ...]
    beside: tuple[tuple[Clause, tuple[Clause, ...]], ...] = ()

    def total(self, score: Callable[[Clause], Scores]) -> Scores:
        """The scores of products (n,), from those that each clause gives them, in arrays of their own.

        Of a word and its synonyms the best one counts: who says both is no better for it.
        """
        total = score(self.clauses[0])
        for clause in self.clauses[1:]:
            total += score(clause)
        for typed, others in self.beside:
            total += np.maximum(np.max([score(clause) for clause in others], axis=0) - score(typed), 0.0)
        return total

    def every(self) -> list[Clause]:
        """All clauses."""
        return [*self.clauses, *(clause for typed, others in self.beside for clause in (typed, *others))]


def _highest(scores: Scores) -> float:
    """The highest of scores (n,), NaN left out; 0 where there is none."""
    highest = float(scores.max(initial=0.0))
    return float(np.nan_to_num(scores).max(initial=0.0)) if np.isnan(highest) else highest


class Matches:
    """A text on its way to the products: a `mmsearch.search.targets.Met`."""

    def __init__(self, lexical: Lexical, asked: Asked, products: pa.Array, instead: Mapping[str, str], script: str):
        self._lexical, self.asked, self._products, self._script = lexical, asked, products, script
        self._best: float | None = None
        self._near: dict[int, tuple[Places, float]] = {}
        #: What a person should know: words that are looked for in place of others.
        self.notes = [f"no product says '{word}': looking for '{near}' instead" for word, near in instead.items()]

    def anything(self) -> bool:
        """Whether a product matches."""
        if self._lexical.scores_all():
            return self._lexical.anything(self.asked, self._products)
        return self._nearest(_DEPTH)[1] > 0

    @property
    def best(self) -> float:
        """The score of the product that matches best, 0 where none does."""
        if self._best is None:  # known as soon as any product was scored
            if self._lexical.scores_all():
                self.everything()
            else:
                self.among(np.empty(0, np.int64))
        return self._best or 0.0

    def everything(self) -> Scores:
        """Of all products, (n,). Not kept: many queries wait for their turn."""
        scores = self._lexical.everything(self.asked, self._products)
        self._best = _highest(scores)
        return scores

    def among(self, candidates: Places) -> tuple[Scores, Scores]:
        """Of some products, by their places, in their order, and of products that stand for the store."""
        near, best = self._nearest(_DEPTH)
        several = len(self.asked.every()) > 1  # what matches several clauses has the sum
        scores, sample, highest = self._lexical.some(self.asked, self._products, candidates, near[near >= 0] if several else near[:0])
        self._best = highest if several else best
        return scores, sample

    def elsewhere(self, candidates: Places | None = None) -> NDArray[np.bool_] | None:
        """Of all products (n,) or of some, those that say nothing in the script of the text; None: no product of the store, or any may."""
        if not self._script:
            return None
        return self._lexical.elsewhere(self._script, self._products, candidates)

    def near(self, depth: int) -> Places:
        """The places of the best."""
        return self._nearest(depth)[0]

    def _nearest(self, depth: int) -> tuple[Places, float]:
        if depth not in self._near:
            self._near[depth] = self._lexical.near(self.asked, self._products, depth)
        return self._near[depth]

    def terms(self, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """What the scores of some products are made of; see `Lexical.terms`."""
        return self._lexical.terms(self.asked, ids)
