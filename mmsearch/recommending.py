"""What a `Shop` does about recommendations: one method a kind of answer, and those that keep models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsearch.errors import UsageError
from mmsearch.ranking.shopper import Shopper
from mmsearch.search.given import Texts, many
from mmsearch.search.query import NEGATIVE_WEIGHT, split_weight
from mmsearch.store import Store

if TYPE_CHECKING:  # imported where they are used: opening a shop costs nothing
    from mmsearch.recommend.candidates import Policy
    from mmsearch.recommend.everyone import Everyone
    from mmsearch.recommend.serve import Recommendations
    from mmsearch.recommend.trained import Model, Retrained


class Recommending:
    """The part of a shop that recommends."""

    def __init__(self, store: Store):
        self.store = store

    def recommend(
        self,
        user: str | None = None,
        *,
        like: Texts = None,
        unlike: Texts = None,
        basket: Texts = None,
        method: str | None = None,
        model: str | None = None,
        k: int = 10,
        rerank: str | None = None,
        mood: str | None = None,
        **policy: Any,
    ) -> Recommendations:
        """Recommend for a user, or from liked and disliked products (`"P1^2"`), or for a cart; `policy` as in
        `mmsearch.recommend.candidates.Policy`. See `mmsearch.recommend.serve.recommend`, of `rerank` `mmsearch.ranking.rerank`, of `mood`
        `mmsearch.search.rerank.mood`."""
        from mmsearch.recommend.serve import Asked, recommend
        from mmsearch.search.rerank.recommended import reorder_by

        self.store.check()
        liked = [split_weight(id) for id in many(like)]
        disliked = [split_weight(id, NEGATIVE_WEIGHT) for id in many(unlike)]
        asked = Asked(user, liked, disliked, many(basket), method, model)
        shopper = Shopper(user, (*(id for id, _ in liked), *asked.basket), mood=mood)
        return recommend(self.store, asked, _policy(policy), k=k, reorder=reorder_by(self.store, rerank, shopper))

    def similar(self, id: str, *, method: str | None = None, model: str | None = None, k: int = 10, **policy: Any) -> Recommendations:
        """Products that are like one; see `mmsearch.recommend.related.similar`."""
        from mmsearch.recommend.related import similar

        self.store.check()
        return similar(self.store, id, _policy(policy), method=method, model=model, k=k)

    def goes_with(self, id: str, *, method: str | None = None, model: str | None = None, k: int = 10, **policy: Any) -> Recommendations:
        """Products that are taken after one; see `mmsearch.recommend.related.goes_with`."""
        from mmsearch.recommend.related import goes_with

        self.store.check()
        return goes_with(self.store, id, _policy(policy), method=method, model=model, k=k)

    def recommend_everyone(
        self,
        out: str | Path,
        *,
        method: str | None = None,
        model: str | None = None,
        k: int = 10,
        told: Callable[[int, int], None] | None = None,
        **policy: Any,
    ) -> Everyone:
        """Recommendations for every user into a file; see `mmsearch.recommend.everyone.recommend_everyone`."""
        from mmsearch.recommend.everyone import recommend_everyone

        self.store.check()
        return recommend_everyone(self.store, out, _policy(policy), method=method, model=model, k=k, told=told)

    def train(self, method: str, *, name: str | None = None, default: bool = True, replace: bool = False) -> tuple[Model, list[str]]:
        """Fit a recommender and keep it in the store; see `mmsearch.recommend.trained.train`."""
        from mmsearch.recommend.trained import train

        self.store.check()
        return train(self.store, method, name=name, default=default, replace=replace)

    def trained(self) -> list[dict[str, Any]]:
        """The models there are, and whether they are up to date; see `mmsearch.recommend.trained.listed`."""
        from mmsearch.recommend.trained import listed

        self.store.check()
        return listed(self.store)

    def retrain(self, *, force: bool = False, told: Callable[[str], None] | None = None) -> Retrained:
        """Every model whose inputs have changed is fitted anew; see `mmsearch.recommend.trained.retrain`."""
        from mmsearch.recommend.trained import retrain

        self.store.check()
        return retrain(self.store, force=force, told=told)

    def make_default_model(self, name: str) -> None:
        """Let a model answer when none is asked for."""
        from mmsearch.recommend.trained import make_default

        self.store.check()
        make_default(self.store, name)

    def drop_model(self, name: str) -> str | None:
        """Remove a model; the name of the one that answers afterwards."""
        from mmsearch.recommend.trained import drop

        self.store.check()
        return drop(self.store, name)


def _policy(options: Mapping[str, Any]) -> Policy:
    from mmsearch.recommend.candidates import Policy

    try:
        return Policy(**options)
    except TypeError as error:
        raise UsageError(f"recommend: {str(error).replace('Policy.__init__() ', '')}") from error
