"""Texts of queries met word by word: BM25 over the words of products, with codes, Chinese characters and typing errors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.errors import InputError
from mmsearch.lexical.fields import FIELDS, PIECES, SCRIPTS, TABLE, WORDS
from mmsearch.lexical.spelling import characters, codes, folded, script_of
from mmsearch.lexical.vocabulary import VOCABULARY, WORD, Vocabulary
from mmsearch.search.required import Required
from mmsearch.search.understand.synonyms import Synonym
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.fulltext import Clause, find_ids, find_rows, row_ids
from mmsearch.store.where import id_list

Scores = NDArray[np.float64]
LABEL = "words"

_SAMPLE = 1_000  # products that stand for a store too large to score whole
_LONGEST = 1_000  # characters of a query that are looked for word by word
#: What a synonym of a word counts beside it, times how sure it is (docs/decisions/0031-query-understanding.md).
SYNONYM = 0.5
_MISSPELT = 0.5  # what a word counts that stands for one which no product has
_DEPTH = 200  # matches among which the best is looked for, where not all products are scored


class Lexical:
    """Word by word search of one store. What it keeps is read again when the store changed."""

    def __init__(self, store: Store):
        self._store = store
        self._places: tuple[tuple[int, int], _Places] | None = None
        self._sample: tuple[int, str, int] | None = None
        self._words: tuple[int, Vocabulary] | None = None

    def there(self) -> bool:
        """Whether the store has words to look in."""
        return self._store.has(TABLE)

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
            beside.setdefault(folded(text[one.start : one.end]), []).append(
                Clause(folded(one.label), WORDS, SYNONYM * one.strength, how="phrase")
            )
        meant = " ".join(beside).casefold()  # a word that is known to stand for others is no typing error
        instead = {word: near for word, near in self._instead(plain).items() if word.casefold() not in meant}
        clauses += [Clause(near[0], WORDS, _MISSPELT) for near in instead.values()]
        asked = Asked(tuple(clauses), tuple((Clause(typed, WORDS), tuple(others)) for typed, others in beside.items()))
        return Matches(self, asked, products, instead, script_of(plain))

    def having(self, wanted: Required, products: pa.Array) -> NDArray[np.bool_]:
        """Which products (n,) have what a query requires. Raises InputError where the store has no words."""
        if not self.there():
            raise InputError(f"the store has no words to look for {wanted} in", hint="make them: mmsearch embed")
        rows, places, _ = self._placed(products)
        mask = np.zeros(len(products), dtype=bool)
        for field in (wanted.field,) if wanted.field else FIELDS:
            clause = Clause(folded(wanted.text), field, how="phrase" if wanted.phrase else "all")
            found, _ = find_rows(self._store, TABLE, clause, max(1, len(rows)))
            at = places[np.searchsorted(rows, found)]
            mask[at[at >= 0]] = True
        return mask

    def everything(self, asked: Asked, products: pa.Array) -> Scores:
        """BM25 of every product (n,): 0 where nothing matches, NaN where it has no words."""
        rows, places, _ = self._placed(products)

        def score(clause: Clause) -> Scores:
            alone = np.zeros(len(rows))
            found, bm25 = find_rows(self._store, TABLE, clause, max(1, len(rows)))
            alone[np.searchsorted(rows, found)] = bm25
            return alone

        total = asked.total(score)
        scores = np.full(len(products), np.nan)
        scores[places[places >= 0]] = total[places >= 0]
        return scores

    def some(self, asked: Asked, candidates: pa.Array) -> Scores:
        """BM25 of some products (n,), as `everything` has it."""
        scores = np.full(len(candidates), np.nan)
        if len(candidates):
            among = id_list("id", candidates.to_pylist())
            have = self._store.read(TABLE, ["id"], where=among).column("id")

            def score(clause: Clause) -> Scores:
                alone = np.zeros(len(candidates))
                ids, bm25 = find_ids(self._store, TABLE, clause, len(candidates), among)
                alone[pc.index_in(pa.array(ids, pa.string()), value_set=candidates).to_numpy(zero_copy_only=False)] = bm25
                return alone

            there = pc.is_in(candidates, value_set=have.combine_chunks()).to_numpy(zero_copy_only=False)
            scores[there] = asked.total(score)[there]
        return scores

    def elsewhere(self, script: str, products: pa.Array, candidates: pa.Array | None) -> NDArray[np.bool_]:
        """Which products (n,), or candidates (m,), have words, but none in a script."""
        if candidates is None:
            _, places, scripts = self._placed(products)
            there = places >= 0
            mask = np.zeros(len(products), dtype=bool)
            mask[places[there]] = ~pc.match_substring(scripts, script).to_numpy(zero_copy_only=False)[there]
            return mask
        rows = self._store.read(TABLE, ["id", SCRIPTS], where=id_list("id", candidates.to_pylist())) if len(candidates) else None
        if rows is None:
            return np.zeros(0, dtype=bool)
        others = rows.column("id").filter(pc.invert(pc.match_substring(rows.column(SCRIPTS), script)))
        return pc.is_in(candidates, value_set=others.combine_chunks()).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]

    def near(self, asked: Asked, depth: int) -> list[str]:
        """The ids of the products that match a clause best, of each clause."""
        return [id for clause in asked.every() for id in find_ids(self._store, TABLE, clause, depth)[0]]

    def sample(self, asked: Asked) -> Scores:
        """BM25 of some products, the same ones every time: they stand for the store."""
        version = self._store.version(TABLE)
        if self._sample is None or self._sample[0] != version:
            ids = self._store.read(TABLE, ["id"]).column("id")
            rows = np.sort(np.random.default_rng(0).permutation(len(ids))[:_SAMPLE])
            chosen = ids.take(pa.array(rows)).to_pylist()
            self._sample = version, id_list("id", chosen), len(chosen)
        _, where, size = self._sample
        found = {clause: find_rows(self._store, TABLE, clause, size, where) for clause in asked.every()}
        rows = np.unique(np.concatenate([mine for mine, _ in found.values()]))

        def score(clause: Clause) -> Scores:
            alone = np.zeros(size)  # whoever is not among the rows has nothing of it
            mine, bm25 = found[clause]
            alone[np.searchsorted(rows, mine)] = bm25
            return alone

        return asked.total(score)

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

    def _instead(self, plain: str) -> dict[str, list[str]]:
        """The words of a folded text that no product has → those of the catalogue that may be meant, the likeliest first."""
        unknown = [word for word in dict.fromkeys(WORD.findall(plain)) if not self._known(word)]
        return {word: near for word in unknown if (near := self._vocabulary().near(word))}

    def _known(self, word: str) -> bool:
        return any(
            len(find_rows(self._store, TABLE, Clause(text, column), 1)[0]) for text, column in ((word, WORDS), (word.casefold(), PIECES))
        )

    def _vocabulary(self) -> Vocabulary:
        version = self._store.version(VOCABULARY)
        if self._words is None or self._words[0] != version:
            self._words = version, Vocabulary.read(self._store)
        return self._words[1]

    def _placed(self, products: pa.Array) -> _Places:
        """The rows of the table by their row ids."""
        versions = self._store.version(TABLE), self._store.version(PRODUCTS)
        if self._places is None or self._places[0] != versions:
            ids, scripts, rows = row_ids(self._store, TABLE, SCRIPTS)
            places = pc.index_in(ids, value_set=products).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
            order = np.argsort(rows)
            self._places = versions, _Places(rows[order], places[order], scripts.take(pa.array(order)))
        return self._places[1]


class Asked(NamedTuple):
    """What is looked for: clauses, whose scores add up, and words (a clause) with those that may stand `beside` them instead."""

    clauses: tuple[Clause, ...]
    beside: tuple[tuple[Clause, tuple[Clause, ...]], ...] = ()

    def total(self, score: Callable[[Clause], Scores]) -> Scores:
        """The scores of products (n,), from those that each clause gives them.

        Of a word and its synonyms the best one counts: who says both is no better for it.
        """
        total: Scores = np.sum([score(clause) for clause in self.clauses], axis=0)
        for typed, others in self.beside:
            total += np.maximum(np.max([score(clause) for clause in others], axis=0) - score(typed), 0.0)
        return total

    def every(self) -> list[Clause]:
        """All clauses."""
        return [*self.clauses, *(clause for typed, others in self.beside for clause in (typed, *others))]


class _Places(NamedTuple):
    rows: NDArray[np.uint64]  # (m,) row ids, ascending
    places: NDArray[np.int64]  # (m,) of their products; −1: not a product any more
    scripts: pa.Array  # (m,)


class Matches:
    """A text on its way to the products: a `mmsearch.search.targets.Met`."""

    def __init__(self, lexical: Lexical, asked: Asked, products: pa.Array, instead: Mapping[str, Sequence[str]], script: str):
        self._lexical, self._asked, self._products, self._script = lexical, asked, products, script
        self._everything: Scores | None = None
        #: What a person should know: words that are looked for in place of others.
        self.notes = [f"no product says '{word}': looking for '{near[0]}' instead" for word, near in instead.items()]

    @functools.cached_property
    def best(self) -> float:
        """The score of the product that matches best, 0 where none does."""
        if self._lexical.scores_all():
            return float(np.nan_to_num(self.everything()).max(initial=0.0))
        return float(self.some(pa.array(dict.fromkeys(self.near(_DEPTH)), pa.string())).max(initial=0.0))

    def everything(self) -> Scores:
        """Of all products, (n,)."""
        if self._everything is None:
            self._everything = self._lexical.everything(self._asked, self._products)
        return self._everything

    def some(self, candidates: pa.Array) -> Scores:
        """Of some products, in their order."""
        return self._lexical.some(self._asked, candidates)

    def elsewhere(self, candidates: pa.Array | None = None) -> NDArray[np.bool_]:
        """Of all products (n,) or of some, those that say nothing in the script of the text."""
        return self._lexical.elsewhere(self._script, self._products, candidates)

    def near(self, depth: int) -> list[str]:
        """The ids of the best."""
        return self._lexical.near(self._asked, depth)

    def sample(self) -> Scores:
        """Of products that stand for the store."""
        return self._lexical.sample(self._asked)

    def terms(self, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """What the scores of some products are made of; see `Lexical.terms`."""
        return self._lexical.terms(self._asked, ids)
