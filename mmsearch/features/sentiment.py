"""Whether reviews praise or blame: sentiment of English and Chinese reviews, and of a product by its reviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mmsearch.encoders.weights import fingerprint
from mmsearch.features import opinion
from mmsearch.features.base import Fact, Feature, Found

#: From here on a review counts as positive: VADER's own bound.
POSITIVE = 0.05

_RECIPE = "sentiment 1"


class Sentiment(Feature):
    """Reviews → how much each praises or blames (`mmsearch.features.opinion`), by its text alone: its stars are not looked at.

    A review in neither English nor Chinese has none. Of a product: the mean, the share of reviews that praise, and how many have one.
    """

    sources: ClassVar[tuple[str, ...]] = ("review",)
    names: ClassVar[Mapping[str, str]] = {"sentiment": "number", "sentiment_positive": "number", "sentiment_reviews": "number"}
    packages: ClassVar[tuple[str, ...]] = ("vaderSentiment", "snownlp")
    batch: ClassVar[int] = 256

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        return fingerprint("sentiment", {"recipe": _RECIPE, "opinion": opinion.fingerprint()}, {})

    def extract(self, prepared: Sequence[str]) -> list[list[Fact]]:
        """Reviews (n) → the sentiment of each, −1 to 1; [] for one in another language."""
        return [
            [Fact("sentiment", round(opinion.opinion(text, language), 4))] if language in opinion.LANGUAGES else []
            for text, language in zip(prepared, opinion.languages_of(prepared), strict=True)
        ]

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """See `Feature.roll_up`."""
        values = [float(fact.value) for one in found for fact in one.facts if fact.name == "sentiment"]
        if not values:
            return {}
        positive = sum(value >= POSITIVE for value in values)
        return {
            "sentiment": sum(values) / len(values),
            "sentiment_positive": positive / len(values),
            "sentiment_reviews": float(len(values)),
        }
