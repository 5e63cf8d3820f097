"""`Shop`: a store opened; one method a command. What the command line can do, Python does in as many lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.ranking.shopper import NOBODY, Shopper
from mmsearch.recommending import Recommending
from mmsearch.search.given import Files, Texts, files, many
from mmsearch.search.hits import Result
from mmsearch.search.query import Query, make_query
from mmsearch.store import Store

if TYPE_CHECKING:  # imported where they are used: opening a shop costs nothing
    from mmsearch.catalog.report import IngestReport
    from mmsearch.encoders.pipeline import Told
    from mmsearch.encoders.report import EmbedReport
    from mmsearch.evaluation.evaluate import Evaluation
    from mmsearch.evaluation.tune_fusion import Tuned
    from mmsearch.fusion.consistency import Consistency
    from mmsearch.fusion.keeping import Dropped
    from mmsearch.fusion.profile import Profile
    from mmsearch.search.engine import Engine
    from mmsearch.search.relax import Relax
    from mmsearch.search.suggest import Suggester, Suggestions
    from mmsearch.store.maintain import Optimized


class Shop(Recommending):
    """A product catalogue with its vectors, fusion profiles and shoppers' behaviour.

    Parameters
    ----------
    store : folder or URI; default `MMSEARCH_STORE`, else `./mmsearch.lancedb`. Made by the first `ingest`.
    """

    def __init__(self, store: str | Path | None = None):
        super().__init__(Store(store))
        self._engine: Engine | None = None
        self._suggester: Suggester | None = None

    def ingest(self, path: str | Path, **options: Any) -> IngestReport:
        """Bring products, or what shoppers did and said, from a file; `options` are those of `mmsearch.catalog.ingest.Options`."""
        from mmsearch.catalog.ingest import Options, ingest

        try:
            chosen = Options(**options)
        except TypeError as error:
            raise UsageError(f"ingest: {str(error).replace('Options.__init__() ', '')}") from error
        return ingest(self.store, str(path), chosen)

    def embed(
        self,
        *,
        text: str | None = None,
        image: str | None = None,
        audio: str | None = None,
        video: str | None = None,
        models: str | None = None,
        rejects: str | None = None,
        progress: Told | None = None,
        wait: bool = False,
        refit: bool = False,
        learning: Callable[[str, str], None] | None = None,
        show_crops: str | Path | None = None,
        features: Texts = None,
        no_features: Texts = None,
    ) -> EmbedReport:
        """Make vectors and facts for what is new or changed, and take them into profiles and words; see `mmsearch.embedding.embed`.

        `text`, `image`, `audio` and `video` are encoders' specs; they come before the set that `models` names.
        """
        from mmsearch.embedding import embed

        chosen = {"text": text, "image": image, "audio": audio, "video": video}
        return embed(
            self.store,
            {modality: spec for modality, spec in chosen.items() if spec},
            models=models,
            rejects=rejects,
            progress=progress,
            wait=wait,
            refit=refit,
            learning=learning,
            show_crops=show_crops,
            features=many(features),
            no_features=many(no_features),
        )

    def models(self) -> dict[str, Any]:
        """The encoders and features there are, and those that the store uses; see the `listing` of both packages."""
        from mmsearch.encoders.listing import models
        from mmsearch.features.listing import features

        return models(self.store) | {"features": features(self.store)}

    def fuse(
        self,
        method: str | None = None,
        *,
        name: str | None = None,
        seed: int | None = None,
        default: bool = True,
        replace: bool = False,
        force: bool = False,
        told: Callable[[str], None] | None = None,
    ) -> Profile:
        """Fit a fusion profile, or one that there is anew where its inputs have changed; see `mmsearch.fusion.fitting.fuse`.

        `told` hears what has changed since the former fit.
        """
        from mmsearch.fusion.fitting import fuse

        self.store.check()
        fused = fuse(self.store, name, method, seed=seed, default=default, replace=replace, force=force)
        for line in fused.told():
            if told is not None:
                told(line)
        return fused.profile

    def refit(self, *, force: bool = False, told: Callable[[str], None] | None = None) -> list[Profile]:
        """Every profile whose inputs have changed is fitted anew (`force`: every profile)."""
        from mmsearch.fusion.profile import names

        self.store.check()
        return [self.fuse(name=name, force=force, told=told) for name in names(self.store)]

    def tune(
        self,
        queries: Mapping[str, Query],
        qrels: Mapping[str, Mapping[str, int]],
        *,
        name: str | None = None,
        held_out: Mapping[str, Mapping[str, int]] | None = None,
        measures: Sequence[str] = ("nDCG@10",),
        seed: int = 0,
        accept: bool = False,
    ) -> Tuned:
        """Learn how much each kind of evidence should count from judged queries, and keep it in a profile (None: the default one).

        The weights are kept if they are surely better on the queries that they were not chosen on, or if `accept`. See
        `mmsearch.evaluation.tune_profile`.
        """
        from mmsearch.evaluation.tune_profile import tune_profile

        self.store.check()
        return tune_profile(self.store, name, queries, qrels, held_out=held_out, measures=measures, seed=seed, accept=accept)

    def profiles(self) -> list[dict[str, Any]]:
        """The fusion profiles, and whether they are up to date; see `mmsearch.fusion.keeping.listed`."""
        from mmsearch.fusion.keeping import listed

        self.store.check()
        return listed(self.store)

    def profile(self, name: str) -> dict[str, Any]:
        """Everything that is known of a fusion profile; see `mmsearch.fusion.keeping.described`."""
        from mmsearch.fusion.keeping import described

        self.store.check()
        return described(self.store, name)

    def make_default(self, name: str) -> Profile:
        """Let queries be mapped by this fusion profile from now on; see `mmsearch.fusion.keeping.make_default`."""
        from mmsearch.fusion.keeping import make_default

        self.store.check()
        return make_default(self.store, name)

    def drop_profile(self, name: str) -> Dropped:
        """Remove a fusion profile; says which one is the default afterwards. See `mmsearch.fusion.keeping.drop`."""
        from mmsearch.fusion.keeping import drop

        self.store.check()
        return drop(self.store, name)

    def check_consistency(self, *, k: int = 20, where: Texts = None, profile: str | None = None, find: Texts = None) -> Consistency:
        """Products whose photo and text disagree, that repeat others, or with nothing to fuse; `find`: some of 'disagreements',
        'duplicates', 'nothing'. See `mmsearch.fusion.consistency.check_consistency`."""
        from mmsearch.fusion.consistency import KINDS, check_consistency

        self.store.check()
        return check_consistency(self.store, k=k, where=many(where), profile=profile, find=many(find) or KINDS)

    def optimize(self, keep: timedelta | None = None) -> list[Optimized]:
        """Merge small files and remove old versions and what killed runs left; see `mmsearch.store.maintain.optimize`."""
        from mmsearch.store.maintain import KEEP, optimize

        return optimize(self.store, KEEP if keep is None else keep)

    def search(
        self,
        text: Texts = None,
        *,
        image: Files = None,
        audio: Files = None,
        speech: Files = None,
        video: Files = None,
        like: Texts = None,
        not_text: Texts = None,
        not_image: Files = None,
        not_video: Files = None,
        unlike: Texts = None,
        where: str | None = None,
        within: str | None = None,
        weights: str | Mapping[str, float] | None = None,
        expand: bool = False,
        shopper: Shopper = NOBODY,
        k: int = 10,
        combine: str = "calibrated",
        page: int | None = None,
        sort: Texts = None,
        facets: Texts = None,
        explain: bool = False,
        relax: Relax = "no",
        rerank: str | None = None,
        understand: bool = True,
        why_not: str | None = None,
    ) -> Result:
        """Search by any weighted mix (`"in blue^0.5"`); `within` is the command line's `--in`; `expand` widens texts by the store's
        triples; what was understood of `speech`, and how a query was widened, is among the result's notes. Each part is one or several;
        media are given by their paths: a str may end in a weight (`"shoe.jpg^2"`), a `Path` is a file's name as it is. Without a query,
        `where`, `sort`, `facets` and `rerank` go over every product. `relax` is what may give way where nothing has all that is asked for:
        'words' (phrases and fields) or 'all' (filters, too); the result says what did. `understand`: brands, prices and the like that texts
        name lift the products that have them; `Result.understood` says which. `why_not`: a product that is not in the list;
        `Result.why_not` says why.

        See `mmsearch.search.engine`, of `weights` `mmsearch.search.weights`, of `rerank` `mmsearch.ranking.rerank`, of `shopper`
        `mmsearch.ranking.shopper`: `Shopper(user="u42", season="now")`.
        """
        query = make_query(
            many(text),
            image=files(image),
            audio=files(audio),
            speech=files(speech),
            video=files(video),
            like=many(like),
            not_text=many(not_text),
            not_image=files(not_image),
            not_video=files(not_video),
            unlike=many(unlike),
            where=where,
            within=within,
            weights=weights,
            expand=expand,
            shopper=shopper,
            browse=bool(where or sort or facets or rerank),
        )
        return self.search_many(
            {"": query},
            k=k,
            combine=combine,
            page=page,
            sort=sort,
            facets=facets,
            explain=explain,
            relax=relax,
            rerank=rerank,
            understand=understand,
            why_not=why_not,
        )[""]

    def search_many(
        self,
        queries: Mapping[str, Query],
        *,
        k: int = 10,
        combine: str = "calibrated",
        page: int | None = None,
        sort: Texts = None,
        facets: Texts = None,
        explain: bool = False,
        relax: Relax = "no",
        rerank: str | None = None,
        understand: bool = True,
        why_not: str | None = None,
    ) -> dict[str, Result]:
        """Many queries in one go: id → result, in the order given. `mmsearch.search.queries.read_queries` reads them from a file."""
        self.store.check()
        if self._engine is None:
            from mmsearch.search.engine import Engine

            self._engine = Engine(self.store)
        from mmsearch.search.asked import ready

        by, counted = many(sort), many(facets)
        queries, told = ready(self.store, queries)
        while True:  # as long as an embed or a fuse switches to other tables between our look at the record and at their vectors
            made_of = self._made_of()
            try:
                answers = self._engine.search(
                    queries,
                    k,
                    combine=combine,
                    page=page,
                    sort=by,
                    facets=counted,
                    explain=explain,
                    relax=relax,
                    rerank=rerank,
                    understand=understand,
                    why_not=why_not,
                )
            except StoreError:  # the old vectors may just have gone
                if self._made_of() == made_of:
                    raise
            else:
                if self._made_of() == made_of:
                    return {id: replace(one, notes=[told[id], *one.notes]) if id in told else one for id, one in answers.items()}

    def _made_of(self) -> dict[str, Any]:
        record = self.store.record
        versions = {key: (record.get(key) or {}).get("version") for key in record.keys("profile/")}
        return {key: record.get(key) for key in (*record.keys("encoder/"), "default_profile")} | versions

    def suggest(self, prefix: str, *, k: int = 10) -> Suggestions:
        """What a shopper who has typed `prefix` may be about to type; see `mmsearch.search.suggest.Suggester.suggest`."""
        from mmsearch.search.suggest import Suggester

        self.store.check()
        self._suggester = self._suggester or Suggester(self.store)
        return self._suggester.suggest(prefix, k)

    def evaluate_search(
        self,
        queries: Mapping[str, Query],
        qrels: Mapping[str, Mapping[str, int]],
        measures: Iterable[str],
        *,
        k: int | None = None,
        combine: str = "calibrated",
        drop_empty: bool = False,
    ) -> tuple[Evaluation, dict[str, dict[str, float]]]:
        """Answer judged queries and measure; see `mmsearch.evaluation.search.evaluate_search`. Gives the run, too."""
        from mmsearch.evaluation.search import evaluate_search

        return evaluate_search(self, queries, qrels, list(measures), k=k, combine=combine, drop_empty=drop_empty)

    def evaluate_recommend(
        self,
        methods: Sequence[str],
        measures: Sequence[str],
        *,
        split: str = "leave-last-out",
        told: Callable[[str], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Compare recommenders on held-out events; see `mmsearch.evaluation.compare_recommenders`."""
        from mmsearch.evaluation.compare_recommenders import compare_recommenders

        self.store.check()
        return compare_recommenders(self.store, methods, measures, split, told)

    def show(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """id → everything known of a product; ids that the store does not have are absent. See `mmsearch.search.product.describe`."""
        from mmsearch.search.product import describe

        self.store.check()
        return describe(self.store, [ids] if isinstance(ids, str) else ids)

    def unknown_product(self, ids: Sequence[str]) -> InputError:
        """The error for ids that the store does not have, with near misses."""
        from mmsearch.search.product import unknown_products

        return unknown_products(self.store, ids)

    def info(self) -> dict[str, Any]:
        """What the store holds: counts, attributes, encoders, profiles; and the ingest that was interrupted, if one was.

        See `mmsearch.search.inventory.inventory`.
        """
        from mmsearch.search.inventory import inventory

        self.store.check()
        return inventory(self.store)
