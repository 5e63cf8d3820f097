"""Query parts meet product evidence; a combiner makes one ranking of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.base import Matrix
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import InputError, UsageError
from mmsearch.fusion.calibration import Calibration
from mmsearch.fusion.words import reads_photos
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Combined, Combiner, Evidence, Joint
from mmsearch.search.answers import Compared, Scored, answer, compared, own_products, words_found
from mmsearch.search.background import Scores, spread, spread_by_pattern
from mmsearch.search.batches import BLOCK, ahead, each, looked_up, similarities
from mmsearch.search.doubts import doubts
from mmsearch.search.expand import Expander
from mmsearch.search.hits import Result
from mmsearch.search.index import Index, Placed, widening
from mmsearch.search.kept import Kept, shortened
from mmsearch.search.lexical import Lexical
from mmsearch.search.listing import Listing, wanted
from mmsearch.search.query import Part, Query, in_one_spelling, shares
from mmsearch.search.query_vectors import QueryVectors
from mmsearch.search.relax import relaxed_query, steps
from mmsearch.search.rerank.chain import Ranking, chain_for, chain_of, unit_of
from mmsearch.search.rerank.chain import rerank as reranked
from mmsearch.search.rerank.known import Known, Some
from mmsearch.search.rows import Places
from mmsearch.search.speech import Listener
from mmsearch.search.targets import Chosen, Met, Target, Targets
from mmsearch.search.understand.reading import Reader, language_of, told_of
from mmsearch.search.understand.soft import Lifting, SoftFilters, over
from mmsearch.search.weights import LEXICAL, WORDS, weight_of
from mmsearch.search.why_not import with_reason
from mmsearch.search.words import Words
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.filter import passing

_T = TypeVar("_T")

_NAMED = 10_000  # products that a filter leaves, up to which all are compared in a large store: reading a vector takes 0.01 ms
_MANY = 32  # queries from which on it pays to read all titles at once
_ENOUGH = 100  # candidates that the search in a large store goes on for, however few hits are wanted


class Engine:
    """Search over one store. Models are loaded when a query first needs them and kept.

    `profile` maps queries where none is named; None takes the store's default.
    """

    def __init__(self, store: Store, profile: str | None = None):
        self.store = store
        self.index = Index(store)
        self._known = Known(self.index)
        self._vectors = QueryVectors(self.index)
        self._targets = Targets(store, profile)
        self._words = Words(store)
        self._lexical = Lexical(store)
        self._listener = Listener(store)
        self._expander = Expander(store)
        self._reader = Reader(store, self._lexical)

    def search(
        self,
        queries: Mapping[str, Query],
        k: int,
        *,
        combine: str = "calibrated",
        page: int | None = None,
        sort: Sequence[str] = (),
        facets: Sequence[str] = (),
        explain: bool = False,
        relax: str = "no",
        rerank: str | None = None,
        understand: bool = True,
        why_not: str | None = None,
    ) -> dict[str, Result]:
        """Answer queries (in one go: texts are encoded in batches).

        Parameters
        ----------
        k : hits a query. combine : spec of the combiner. page : which k hits, from 1.
        sort : attributes ('price desc') that order the hits; see `mmsearch.search.sorting`. facets : attributes ('brand', 'price(5)') whose
            values are counted; see `mmsearch.search.facets`. explain : words are told one by one.
        relax : what may be relaxed where nothing has all that a query asks for: 'no', 'words' or 'all'; see `mmsearch.search.relax`.
        rerank : specs of rerankers ('mmr | collapse(by=brand)'), one after the other; see `mmsearch.search.rerank.chain`.
        understand : what texts name lifts the products that have it; see `mmsearch.search.understand`.
        why_not : the id of a product of which each result says why it is not in the list; see `mmsearch.search.why_not`.

        Raises
        ------
        UsageError : a malformed filter, an unknown attribute, profile or product, evidence that cannot be compared.
        InputError : a query photo, sound or clip that cannot be read, or speech that is not understood.
        """
        named = chain_of(rerank)
        chained = any(chain_for(query.shopper, named) for query in queries.values())
        show = wanted(k, page, sort, facets, explain=explain, reranked=chained)
        combiner: Combiner = COMBINERS.create(combine)
        with self.store.steady():
            self._look()
            products, version = self.index.products(), self.index.version(PRODUCTS)
            listing = Listing(self.store, products, version, show, many=len(queries) >= _MANY)

            def answered(query: Query, scored: Scored, notes: list[str]) -> Result:
                notes += language_of(query) if explain and understand else []
                total = scored.combined.total
                candidates = Some(self._known, scored.candidates, unit_of(combiner, total), query)
                softly = [SoftFilters(scored.softly, candidates)] if scored.softly else []
                chain = [*softly, *chain_for(query.shopper, named)]
                ranking = reranked(chain, total, candidates) if chain else Ranking(total)
                found = answer(self.store, query, scored, ranking, listing, notes)
                return found if why_not is None else with_reason(self.store, why_not, query, scored, ranking, show, products, found)

            plain = not (explain or chained or why_not)
            return self._each(queries, show.depth, combiner, answered, steps(relax), understand=understand, plain=plain)

    def keep(self, queries: Mapping[str, Query], k: int, most: int, *, understand: bool = True) -> dict[str, Kept]:
        """The evidence of queries with every weight at 1, whatever the profile has, and what their texts name, for ranking them under
        other weights.

        Parameters
        ----------
        k : hits a query that are wanted. most : candidates kept a kind of evidence; beyond them a product is out of the ranking.

        Raises as `search` does.
        """
        with self.store.steady():
            self._look()
            there = {m: known["table"] for m in settings.MODALITIES if (known := recorded_encoder(self.store, m))}
            everything = {m: 1.0 for m, table in there.items() if self.store.count(table)}
            if self._lexical.there() or reads_photos(self.store) is not None:
                everything[WORDS] = 1.0
            even = {id: dataclasses.replace(query, weights=tuple(everything.items())) for id, query in queries.items()}

            def kept(query: Query, scored: Scored, _: list[str]) -> tuple[list[str], list[Evidence], Joint, list[Lifting]]:
                ids, evidence, rows = shortened(scored.candidates.to_pylist(), scored.evidence, most)
                softly = over(scored.softly, Some(self._known, scored.candidates, 1.0, query)) if scored.softly else []
                return ids, evidence, scored.joint, [one.take(rows) for one in softly]

            found = self._each(even, k, COMBINERS.create("calibrated"), kept, understand=understand, plain=True)
        return {id: Kept(queries[id], *one) for id, one in found.items()}

    def compared(self, queries: Mapping[str, Query], k: int, then: Callable[[Query, Scored, list[str]], _T]) -> dict[str, _T]:
        """Of each query, what `then` makes of it (see `_each`), compared and understood as in a search: for measuring many chains at once.

        Raises as `search` does.
        """
        with self.store.steady():
            self._look()
            return self._each(queries, k, COMBINERS.create("calibrated"), then, understand=True)

    def _look(self) -> None:
        """Look for new versions of the tables. Raises InputError for a store without products."""
        if not self.store.has(PRODUCTS):
            raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
        self.index.look()
        self._known.look()

    def _each(
        self,
        queries: Mapping[str, Query],
        k: int,
        combiner: Combiner,
        then: Callable[[Query, Scored, list[str]], _T],
        last: int = 0,
        *,
        understand: bool = False,
        plain: bool = False,
    ) -> dict[str, _T]:
        """Of each query, what `then` makes of it: the query in words, its candidates with their scores, what a person should know.

        `last` is the last step in which queries may be relaxed. `plain`: `then` asks the store for nothing. Where scores are numpy alone,
        two threads would wait for each other at every step of it (docs/decisions/0044-words-first.md).
        """
        products, version = self.index.products(), self.index.version(PRODUCTS)
        filters = {w: passing(self.store, w, products, version) for w in dict.fromkeys(w for q in queries.values() for w in q.where)}
        queries, understood = self._listener.in_words(queries)
        queries, widened = self._expander.widened({id: in_one_spelling(query) for id, query in queries.items()})
        if understand:
            queries, softly = self._reader.read_all(queries, products, version)
        vectors = self._vectors.encode(queries)
        read, notes = self._words.read([p for q in queries.values() if q.within is None for p in q.parts if p.weight > 0])

        def chosen(one: tuple[str, Mapping[int, Met]]) -> Chosen | None:
            query = queries[one[0]]
            return self._targets.choose(query, vectors, one[1]) if query.parts else None

        def done(one: tuple[str, Chosen | None, Sequence[Matrix | None]]) -> _T:
            (id, of, similar), query = one, queries[one[0]]
            musts = {str(one): self._lexical.having(one, products) for part in query.parts for one in part.required}
            masks = [*(filters[w] for w in query.where), *musts.values()]
            allowed = np.logical_and.reduce(masks) if masks else None
            less, told, helps = None, list[str](), ""
            if last and allowed is not None and not allowed.any():
                less, helps = relaxed_query(
                    query, last, lambda text: passing(self.store, text, products), lambda one: self._lexical.having(one, products)
                )
            if less is not None:
                allowed, told = less.mask, [f"nothing matches all that is asked for; relaxed: {', '.join(less.told)}"]
            scored = dataclasses.replace(
                self._score(query, of, similar, allowed, k, combiner),
                allowed=allowed,
                required=musts,
                relaxed=less.texts if less is not None else (),
                helps=helps,
                softly=softly[id] if understand else (),
            )
            named = told_of(query, scored.softly) if scored.passable() else []
            doubted = doubts(query, words=not self._lexical.never_made())
            return then(query, scored, [*understood[id], *widened[id], *told, *notes, *named, *doubted])

        def chosen_of(ids: Sequence[str]) -> list[Chosen | None]:
            met = list(each(lambda id: self._met(queries[id], read, products), ids))
            if len(ids) > 1:
                said = [mine for id, mine in zip(ids, met, strict=True) if weight_of(LEXICAL, dict(queries[id].weights), {})]
                looked_up(self._lexical.unasked((one for mine in said for one in mine.values()), products))
            return list(each(chosen, list(zip(ids, met, strict=True))))

        found: dict[str, _T] = {}
        blocks = [list(queries)[start : start + BLOCK] for start in range(0, len(queries), BLOCK)]
        with contextlib.closing(ahead(chosen_of, blocks)) as coming:
            for ids, of in zip(blocks, coming, strict=True):
                exact = [one.targets if one and self._largest(one.targets) <= settings.exact_limit() else [] for one in of]
                asked = list(zip(ids, of, similarities(self.index, exact), strict=True))
                found |= zip(ids, map(done, asked) if plain and all(exact) else each(done, asked), strict=True)
        return found

    def _score(
        self,
        query: Query,
        chosen: Chosen | None,
        similar: Sequence[Matrix | None],
        allowed: NDArray[np.bool_] | None,
        k: int,
        combiner: Combiner,
    ) -> Scored:
        products = self.index.products()
        if chosen is None:
            if query.within or query.weights or query.expand:
                raise UsageError("without a query nothing is compared: --in, --weights and --expand do not apply", hint="leave them out")
            total = np.zeros(len(products)) if allowed is None else np.where(allowed, 0.0, np.nan)
            return Scored(products, [], [], [], Combined(total, np.empty((0, len(products)))), Joint())
        targets, calibration = chosen.targets, chosen.calibration
        part_shares = shares(query.parts, chosen.asked)
        own = own_products(query)
        limit = settings.exact_limit()
        placed: list[Placed | Compared]
        if self._largest(targets) <= limit:
            placed = [self.index.everything(t.table) if t.met is None else compared(t.met) for t in targets]
            keep = np.ones(len(products), dtype=bool) if allowed is None else allowed.copy()
            if len(own):
                keep &= ~pc.is_in(products, value_set=own).to_numpy(zero_copy_only=False)
            return self._combine(products, targets, placed, part_shares, calibration, combiner, keep, similar)
        keep = np.ones(len(products), dtype=bool) if allowed is None else allowed
        if allowed is not None and np.count_nonzero(allowed) <= min(limit, _NAMED):
            places = np.flatnonzero(allowed)
        else:
            places = self._nearest(targets, part_shares, keep, k)
        if len(own):
            places = places[~pc.is_in(products.take(pa.array(places)), value_set=own).to_numpy(zero_copy_only=False)]
        placed = [self.index.some(t.table, places) if t.met is None else compared(t.met, places) for t in targets]
        everyone = np.ones(len(places), dtype=bool)
        found = self._combine(products.take(pa.array(places)), targets, placed, part_shares, calibration, combiner, everyone)
        return dataclasses.replace(found, places=places)

    def _met(self, query: Query, read: Mapping[Part, str], products: pa.Array) -> dict[int, Met]:
        """Number of a part → its words, or those on its photo, where they match any product."""
        found: dict[int, Met | None] = {}
        for number, part in enumerate(query.parts):
            if part.weight == 0:
                continue
            if query.within is None and part in read:
                found[number] = self._words.compare(read[part], products)
            elif query.within in (None, "text") and part.kind == "text":
                found[number] = self._lexical.look_for(part.content, products, part.synonyms)
        return {number: met for number, met in found.items() if met is not None}

    def _nearest(self, targets: Sequence[Target], part_shares: Sequence[float], keep: NDArray[np.bool_], k: int) -> Places:
        """Places of the candidates of a large store, among the products to `keep` (n,): the nearest of every part; their missing scores are
        completed by comparing them all."""
        k = min(k, len(keep))
        found, enough, left = np.empty(0, np.int64), max(2 * k, _ENOUGH), int(keep.sum())
        for depth in widening(max(10 * k, enough * len(keep) // max(1, left)), self._largest(targets)):
            found = np.unique(np.concatenate([self._near(t, depth) for t in targets if part_shares[t.part] > 0]))
            found = found[found >= 0]
            found = found[keep[found]]
            if len(found) >= enough:
                break
        return found

    def _largest(self, targets: Sequence[Target]) -> int:
        tables = {t.table for t in targets if t.met is None} or {PRODUCTS}
        return max(self.store.count(table) for table in tables)

    def _near(self, target: Target, depth: int) -> Places:
        if target.met is not None:
            return target.met.near(depth)
        return self.index.near(target.table, target.vector, depth)

    def _combine(
        self,
        candidates: pa.Array,
        targets: list[Target],
        placed: list[Placed | Compared],
        part_shares: Sequence[float],
        calibration: Calibration,
        combiner: Combiner,
        keep: NDArray[np.bool_],
        similar: Sequence[Matrix | None] | None = None,
    ) -> Scored:
        """Evidence of all candidates, combined. Only those in `keep` can be hits.

        `similar`: that of each target's rows (m,), where the candidates are the whole store; it is compared already.
        """
        evidence, complete = [], similar is not None
        for target, rows, known in zip(targets, placed, similar or [None] * len(targets), strict=True):
            share, pair = part_shares[target.part], calibration.pair(target.kind)
            usable, elsewhere = keep, None
            mean: float | Scores
            std: float | Scores
            reliability: float | Scores
            if isinstance(rows, Compared):
                similarity, background, elsewhere = rows
                if elsewhere is not None:  # what says nothing in the query's script can share no word with it, and is not without one
                    similarity = np.where(elsewhere & (similarity == 0), np.nan, similarity)
                    background = similarity if complete else background
                (mean, std), reliability = spread(background, pair), pair.reliability
            else:
                similarity = self._similarity(target, rows, known)
                store = rows if complete else self.index.sample(target.table)
                background = similarity if complete else self._similarity(target, store)
                if target.fused:
                    made_of = target.made_of(rows.parts())
                    of_store = made_of if complete else target.made_of(store.parts())
                    mean, std, reliability = spread_by_pattern(background, of_store, made_of, target.kind, calibration, target.compares)
                    usable, reliability = keep & ~np.isnan(reliability), np.nan_to_num(reliability)
                else:
                    (mean, std), reliability = spread(background, pair), pair.reliability
            similarity = similarity if usable.all() else np.where(usable, similarity, np.nan)
            best = None if target.met is None else target.met.best
            evidence.append(Evidence(target.part, share, target.kind, similarity, mean, std, reliability, target.weight, best, elsewhere))
        evidence = [words_found(e, evidence) for e in evidence]
        joint = Joint(calibration.correlations, calibration.tails)
        return Scored(candidates, targets, evidence, placed, combiner.combine(evidence, joint), joint)

    def _similarity(self, target: Target, placed: Placed, known: Matrix | None = None) -> Scores:
        """Of a query vector with each candidate, (n,): the best of its rows, NaN where it has none; `known` are those of the rows (m,)."""
        scores = known if known is not None else self.index.similarity.scores(target.vector, placed.rows.vectors)
        if target.reweighed is not None:
            scores = scores * target.reweighed.factors(placed.rows.parts).astype(np.float32)
        return placed.best(scores)
