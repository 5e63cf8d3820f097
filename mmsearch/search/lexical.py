"""Texts of queries met word by word: BM25 over the words of products, with codes, Chinese characters and typing errors."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
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
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.fulltext import Clause, find_ids, find_rows, row_ids
from mmsearch.store.where import id_list

Scores = NDArray[np.float64]
LABEL = "words"

_SAMPLE = 1_000  # products that stand for a store too large to score whole
_LONGEST = 1_000  # characters of a query that are looked for word by word
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

    def look_for(self, text: str, products: pa.Array) -> Matches | None:
        """A text to be met with products (n,), the store's; None where the store has no words, or the text."""
        plain = folded(text[:_LONGEST]).strip()
        if not plain or not self.there():
            return None
        clauses = [Clause(plain, WORDS)]
        if pieces := dict.fromkeys([*codes(plain, alone=True), *characters(plain)]):
            clauses.append(Clause(" ".join(pieces), PIECES))
        instead = self._instead(plain)
        clauses += [Clause(near[0], WORDS, _MISSPELT) for near in instead.values()]
        return Matches(self, clauses, products, instead, script_of(plain))

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

    def everything(self, clauses: Sequence[Clause], products: pa.Array) -> Scores:
        """BM25 of every product (n,): 0 where nothing matches, NaN where it has no words."""
        rows, places, _ = self._placed(products)
        total = np.zeros(len(rows))
        for clause in clauses:
            found, bm25 = find_rows(self._store, TABLE, clause, max(1, len(rows)))
            total[np.searchsorted(rows, found)] += bm25
        scores = np.full(len(products), np.nan)
        scores[places[places >= 0]] = total[places >= 0]
        return scores

    def some(self, clauses: Sequence[Clause], candidates: pa.Array) -> Scores:
        """BM25 of some products (n,), as `everything` has it."""
        scores = np.full(len(candidates), np.nan)
        if len(candidates):
            among = id_list("id", candidates.to_pylist())
            have = self._store.read(TABLE, ["id"], where=among).column("id")
            scores[pc.is_in(candidates, value_set=have.combine_chunks()).to_numpy(zero_copy_only=False)] = 0.0
            for clause in clauses:
                ids, bm25 = find_ids(self._store, TABLE, clause, len(candidates), among)
                scores[pc.index_in(pa.array(ids, pa.string()), value_set=candidates).to_numpy(zero_copy_only=False)] += bm25
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

    def near(self, clauses: Sequence[Clause], depth: int) -> list[str]:
        """The ids of the products that match a clause best, of each clause."""
        return [id for clause in clauses for id in find_ids(self._store, TABLE, clause, depth)[0]]

    def sample(self, clauses: Sequence[Clause]) -> Scores:
        """BM25 of some products, the same ones every time: they stand for the store."""
        version = self._store.version(TABLE)
        if self._sample is None or self._sample[0] != version:
            ids = self._store.read(TABLE, ["id"]).column("id")
            rows = np.sort(np.random.default_rng(0).permutation(len(ids))[:_SAMPLE])
            chosen = ids.take(pa.array(rows)).to_pylist()
            self._sample = version, id_list("id", chosen), len(chosen)
        _, where, size = self._sample
        total: dict[int, float] = {}
        for clause in clauses:
            for row, bm25 in zip(*(one.tolist() for one in find_rows(self._store, TABLE, clause, size, where)), strict=True):
                total[row] = total.get(row, 0.0) + bm25
        return np.concatenate([list(total.values()), np.zeros(size - len(total))])

    def terms(self, clauses: Sequence[Clause], ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """Of some products, what their BM25 is made of: id → (a word and the field that it stands in, its score), which add up to it.

        Words count for themselves in BM25; over the fields a word's score is divided as its scores in each alone stand, times their boosts.
        """
        found: dict[str, list[tuple[str, float]]] = {id: [] for id in ids}
        among = id_list("id", list(ids))

        def scores(clause: Clause) -> dict[str, float]:
            return dict(zip(*find_ids(self._store, TABLE, clause, len(ids), among), strict=True))

        for clause in clauses:
            for word in dict.fromkeys(clause.text.split()):
                whole = scores(replace(clause, text=word))
                fields = FIELDS if clause.column == WORDS else {clause.column: 1}
                alone = {f: scores(Clause(word, f, times)) for f, times in fields.items()} if whole and len(fields) > 1 else {PIECES: whole}
                for id, score in whole.items():
                    total = sum(by.get(id, 0.0) for by in alone.values())
                    found[id] += [(f"{word} ({f})", score * by[id] / total) for f, by in alone.items() if id in by]
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


class _Places(NamedTuple):
    rows: NDArray[np.uint64]  # (m,) row ids, ascending
    places: NDArray[np.int64]  # (m,) of their products; −1: not a product any more
    scripts: pa.Array  # (m,)


class Matches:
    """A text on its way to the products: a `mmsearch.search.targets.Met`."""

    def __init__(self, lexical: Lexical, clauses: Sequence[Clause], products: pa.Array, instead: Mapping[str, Sequence[str]], script: str):
        self._lexical, self._clauses, self._products, self._script = lexical, clauses, products, script
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
            self._everything = self._lexical.everything(self._clauses, self._products)
        return self._everything

    def some(self, candidates: pa.Array) -> Scores:
        """Of some products, in their order."""
        return self._lexical.some(self._clauses, candidates)

    def elsewhere(self, candidates: pa.Array | None = None) -> NDArray[np.bool_]:
        """Of all products (n,) or of some, those that say nothing in the script of the text."""
        return self._lexical.elsewhere(self._script, self._products, candidates)

    def near(self, depth: int) -> list[str]:
        """The ids of the best."""
        return self._lexical.near(self._clauses, depth)

    def sample(self) -> Scores:
        """Of products that stand for the store."""
        return self._lexical.sample(self._clauses)

    def terms(self, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """What the scores of some products are made of; see `Lexical.terms`."""
        return self._lexical.terms(self._clauses, ids)
