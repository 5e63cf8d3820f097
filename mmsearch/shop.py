"""`Shop`: a store opened; one method a command. What the command line can do, Python does in as many lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsearch.catalog.ingest import Options, ingest, unfinished
from mmsearch.catalog.report import IngestReport
from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.search.hits import Result
from mmsearch.search.query import NEGATIVE_WEIGHT, Query, make_query, split_weight
from mmsearch.store import FACTS, INTERACTIONS, PRODUCTS, REVIEWS, SEARCHES, TRIPLES, USERS, Store

if TYPE_CHECKING:  # imported where they are used: opening a shop costs nothing
    from mmsearch.encoders.pipeline import Told
    from mmsearch.encoders.report import EmbedReport
    from mmsearch.evaluation.evaluate import Evaluation
    from mmsearch.fusion.profile import Profile
    from mmsearch.recommend.serve import Recommendations
    from mmsearch.search.engine import Engine
    from mmsearch.store.maintain import Optimized

Texts = str | Sequence[str] | None


class Shop:
    """A product catalogue with its vectors, fusion profiles and shoppers' behaviour.

    Parameters
    ----------
    store : folder or URI; default `MMSEARCH_STORE`, else `./mmsearch.lancedb`. Made by the first `ingest`.
    """

    def __init__(self, store: str | Path | None = None):
        self.store = Store(store)
        self._engine: Engine | None = None

    def ingest(self, path: str | Path, **options: Any) -> IngestReport:
        """Bring products, or what shoppers did and said, from a file; `options` are those of `mmsearch.catalog.ingest.Options`."""
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
        """Make vectors and facts for what is new or changed; see `mmsearch.encoders.pipeline.embed`. Profiles take the new vectors in.

        `features` are specs of features to turn on beside those that are on or run by themselves, `no_features` names of features to turn
        off ('all': every one); see `mmsearch.features.chosen`.

        `models` names a set of encoders (`mmsearch.settings.MODEL_SETS`); `text`, `image`, `audio` and `video` come before it. `show_crops`
        is a folder for the photos with the regions that are encoded; see `mmsearch.encoders.crops`.

        Raises what that raises; media that cannot be used are listed in the reject file as they are found.
        """
        from mmsearch.catalog.report import Rejects, reject_folder
        from mmsearch.encoders.crops import check_crops, draw_crops
        from mmsearch.encoders.listing import model_set
        from mmsearch.encoders.pipeline import NOTHING_TO_REFIT, embed
        from mmsearch.encoders.recorded import create_encoder
        from mmsearch.encoders.report import Interrupted
        from mmsearch.features.chosen import choose, turn_off
        from mmsearch.features.pipeline import extract
        from mmsearch.fusion import profile
        from mmsearch.store.lock import EMBED

        self.store.check()
        chosen = model_set(self.store, models) if models else {}
        given = {"text": text, "image": image, "audio": audio, "video": video}
        chosen |= {modality: spec for modality, spec in given.items() if spec}
        if show_crops is not None:
            check_crops(self.store, chosen.get("image"), show_crops)
        # The lock first: an embed that is running has the same reject file.
        with self.store.writing("embed", lock=EMBED, patience=math.inf if wait else 0.0):
            file = Path(rejects) if rejects else reject_folder(self.store.path) / "embed.jsonl"
            with Rejects(file, named=bool(rejects)) as refused:
                told: set[int] = set()  # hashes: where a disk is missing these are all media of a catalogue

                def failed(modality: str, id: str, part: str, reason: str) -> None:
                    # A clip is looked at for its picture and for its sound, a photo by several features: what all say of it is one reject.
                    # Of "not a video: it starts like text" and "not a sound: it starts like text" the second half is the reason.
                    rejected = hash((id, part, reason.partition(": ")[2] or reason))
                    if rejected not in told:
                        told.add(rejected)
                        refused.add(0, reason, {"id": id, "modality": modality, "part": part}, kept=True)

                # What is found first of all are texts, which are embedded, too; before that, a mistyped encoder must not cost an hour.
                for modality, spec in chosen.items():
                    create_encoder(spec, modality)
                on = choose(self.store, _many(features), _many(no_features), refit=refit, learning=learning)
                removed = turn_off(self.store, _many(no_features), on)
                found, notes = extract(self.store, [one for one in on if one.feature.searchable], progress=progress, failed=failed)
                report = embed(self.store, chosen, progress=progress, failed=failed, refit=refit, learning=learning)
                others, more = extract(self.store, [one for one in on if not one.feature.searchable], progress=progress, failed=failed)
                report.features = [*found, *others]
                if any(one.feature.learns for one in on):
                    report.notes = [line for line in report.notes if line != NOTHING_TO_REFIT]
                report.notes += [*removed, *notes, *more]
                report.reject_file = refused.close()
            try:
                report.notes += profile.refresh(self.store)
            except KeyboardInterrupt as error:
                message = "interrupted; all vectors are written, but the fusion profiles do not have them yet"
                raise Interrupted(message, "go on with: mmsearch embed") from error
        if show_crops is not None:
            report.notes.append(f"{draw_crops(self.store, show_crops):,} photos with their regions are in {show_crops}")
        return report

    def models(self) -> dict[str, Any]:
        """The encoders and features there are, and those that the store uses;

        See `mmsearch.encoders.listing`, `mmsearch.features.listing`.
        """
        from mmsearch.encoders.listing import models
        from mmsearch.features.listing import features

        return models(self.store) | {"features": features(self.store)}

    def fuse(self, method: str | None = None, *, name: str | None = None, seed: int = 0, default: bool = True) -> Profile:
        """Fit a fusion profile; see `mmsearch.fusion.profile.fuse`."""
        from mmsearch.fusion import profile

        self.store.check()
        return profile.fuse(self.store, name, method, seed=seed, default=default)

    def optimize(self, keep: timedelta | None = None) -> list[Optimized]:
        """Merge small files and remove old versions and what killed runs left; see `mmsearch.store.maintain.optimize`."""
        from mmsearch.store.maintain import KEEP, optimize

        return optimize(self.store, KEEP if keep is None else keep)

    def search(
        self,
        text: Texts = None,
        *,
        image: Texts = None,
        audio: Texts = None,
        speech: Texts = None,
        video: Texts = None,
        like: Texts = None,
        not_text: Texts = None,
        not_image: Texts = None,
        not_video: Texts = None,
        unlike: Texts = None,
        where: str | None = None,
        within: str | None = None,
        k: int = 10,
        combine: str = "calibrated",
    ) -> Result:
        """Search by any weighted mix (`"in blue^0.5"`); `within` is the command line's `--in`; what was understood
        of `speech` is among the result's notes. See `mmsearch.search.engine`."""
        query = make_query(
            _many(text),
            image=_many(image),
            audio=_many(audio),
            speech=_many(speech),
            video=_many(video),
            like=_many(like),
            not_text=_many(not_text),
            not_image=_many(not_image),
            not_video=_many(not_video),
            unlike=_many(unlike),
            where=where,
            within=within,
        )
        return self.search_many({"": query}, k=k, combine=combine)[""]

    def search_many(self, queries: Mapping[str, Query], *, k: int = 10, combine: str = "calibrated") -> dict[str, Result]:
        """Many queries in one go: id → result, in the order given. `mmsearch.search.queries.read_queries` reads them from a file."""
        self.store.check()
        if self._engine is None:
            from mmsearch.search.engine import Engine

            self._engine = Engine(self.store)
        while True:  # as long as an embed switches to another encoder between our look at the record and at its vectors
            encoders = self._encoders()
            try:
                answers = self._engine.search(queries, k, combine=combine)
            except StoreError:  # the old vectors may just have gone
                if self._encoders() == encoders:
                    raise
            else:
                if self._encoders() == encoders:
                    return answers

    def _encoders(self) -> dict[str, Any]:
        return {key: self.store.record.get(key) for key in self.store.record.keys("encoder/")}

    def recommend(
        self,
        user: str | None = None,
        *,
        like: Texts = None,
        unlike: Texts = None,
        method: str | None = None,
        k: int = 10,
        where: str | None = None,
    ) -> Recommendations:
        """Recommend for a user, or from liked and disliked products (`"P1^2"`); see `mmsearch.recommend.serve.recommend`."""
        from mmsearch.recommend.serve import recommend

        self.store.check()
        liked = [split_weight(id) for id in _many(like)]
        disliked = [split_weight(id, NEGATIVE_WEIGHT) for id in _many(unlike)]
        return recommend(self.store, user=user, like=liked, unlike=disliked, method=method, k=k, where=where)

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

    def evaluate_recommend(self, methods: Sequence[str], measures: Sequence[str], *, split: str = "leave-last-out") -> list[dict[str, Any]]:
        """Compare recommenders on held-out events; see `mmsearch.evaluation.compare_recommenders`."""
        from mmsearch.evaluation.compare_recommenders import compare_recommenders

        self.store.check()
        return compare_recommenders(self.store, methods, measures, split)

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

        `features` is name → spec, and the products that have each of its `facts`. `attributes` is name → `filled` (products that have
        it), `share` of the products, `types`, and whether it is `sparse`
        (kept in a table of its own); the most filled first.
        """
        from mmsearch.features.chosen import recorded_features
        from mmsearch.fusion import profile
        from mmsearch.store.facts import fact_names
        from mmsearch.store.layout import survey
        from mmsearch.store.sparse import count_names

        self.store.check()
        record = self.store.record
        encoders = {}
        for key in record.keys("encoder/"):
            known = record.get(key) or {}
            encoders[key.removeprefix("encoder/")] = {
                "encoder": known["spec"],
                "dim": known["dim"],
                "vectors": self.store.count(known["table"]),
            }
        counts = count_names(self.store, FACTS)
        facts = fact_names(self.store)
        features = {
            name: {"spec": known["spec"], "facts": {fact: counts[fact] for fact, (owner, _) in sorted(facts.items()) if owner == name}}
            for name, known in recorded_features(self.store).items()
        }
        default = profile.default_name(self.store)
        profiles = {n: record.get(f"profile/{n}") or {} for n in profile.names(self.store)}
        return {
            "store": self.store.path,
            "products": self.store.count(PRODUCTS),
            **{kind: self.store.count(kind) for kind in (INTERACTIONS, REVIEWS, SEARCHES, USERS, TRIPLES)},
            "unfinished": unfinished(self.store),
            "attributes": survey(self.store),
            "encoders": encoders,
            "features": features,
            "profiles": {
                n: {"method": p["spec"], "version": p["version"], "default": n == default, "summary": p["summary"]}
                for n, p in profiles.items()
            },
        }


def _many(value: Texts) -> list[str]:
    if value is None:
        return []
    values = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(v, str) for v in values):
        raise UsageError("query parts are texts; a photo is given by its path")
    return values
