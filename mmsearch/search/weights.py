"""Weights of evidence, as a query gives them: 'text=1, image=.3', or of one kind alone: 'image>text=.2'."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from mmsearch.errors import ParseError, UsageError, did_you_mean
from mmsearch.settings import MODALITIES

#: What a product may be compared by: the modalities, and its words ('text>words'), those on its photos among them ('image>words':
#: `mmsearch.fusion.words.KIND`).
WORDS = "words"
#: The kinds of evidence by which texts meet texts: word by word, and by their vectors.
LEXICAL, TEXT = f"text>{WORDS}", "text>text"
EVIDENCE = (*MODALITIES, WORDS)
_EXAMPLE = "for example: text=1, image=.3   or for one kind of query alone: image>text=.2"


def parse_weights(given: str | Mapping[str, float] | None) -> dict[str, float]:
    """Weights as typed, or as a mapping → name → weight. A name is what products are compared by, or a kind ('image>text').

    >>> parse_weights("text=1, image=.3")
    {'text': 1.0, 'image': 0.3}

    Raises UsageError (ParseError for a malformed text): an unknown name, a weight below 0, or a name that is given twice.
    """
    if given is None:
        return {}
    pairs = list(given.items()) if isinstance(given, Mapping) else list(_read(given))
    found: dict[str, float] = {}
    for name, weight in pairs:
        query, across, product = name.partition(">")
        known = EVIDENCE if product == name or not across else MODALITIES
        for part, allowed in ((query, known), *([(product, EVIDENCE)] if across else [])):
            if part not in allowed:
                raise UsageError(
                    f"weights: '{part}' is nothing that products are compared by{did_you_mean(part, allowed)}",
                    hint=f"there are: {', '.join(allowed)}; {_EXAMPLE}",
                )
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not math.isfinite(weight) or weight < 0:
            raise UsageError(f"weights: the weight of {name} must be a number of 0 or more, not {weight}")
        if name in found:
            raise UsageError(f"weights: {name} is given twice")
        found[name] = float(weight)
    return found


def weight_of(kind: str, asked: Mapping[str, float], kept: Mapping[str, float]) -> float:
    """What a kind of comparison weighs: as the query says for the kind, else for what products are compared by, else as the profile keeps
    it for the kind, else 1. The words of texts weigh what the products' text does, unless they are named."""
    product = kind.partition(">")[2]
    if kind == LEXICAL and not {kind, product} & asked.keys():
        if TEXT in asked or "text" in asked:
            return weight_of(TEXT, asked, kept)
        return kept.get(kind, kept.get(TEXT, 1.0))
    return asked.get(kind, asked.get(product, kept.get(kind, 1.0)))


def counted(weights: Sequence[float], reliabilities: Sequence[float]) -> float:
    """How much of a part's evidence counts with these weights: 1 with weights of 1, and so much less in a mixed query.

    Evidence stands in it by the square of its reliability, as it does in a score (`mmsearch.ranking.calibrated`).
    """
    from mmsearch.ranking.calibrated import TRUST  # here: help loads no numpy

    trust = [float(r**TRUST) for r in reliabilities]
    return sum(w * t for w, t in zip(weights, trust, strict=True)) / sum(trust)


def check_there(asked: Iterable[str], there: Iterable[str]) -> None:
    """Raise UsageError for weights of what no product has."""
    have = list(there)
    for name in asked:
        product = name.rpartition(">")[2]
        if product not in have:
            what = "words that were read on photos" if product == WORDS else f"{product} vectors"
            raise UsageError(f"weights: {name} weighs nothing, for the products have no {what}", hint=f"they have: {', '.join(have)}")


def _read(text: str) -> Iterable[tuple[str, float]]:
    start = 0
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if not name.strip() or not equals:
            raise ParseError("bad weights", text, start, "expected NAME=NUMBER", hint=_EXAMPLE)
        try:
            weight = float(value)
        except ValueError:
            raise ParseError("bad weights", text, start + len(name) + 1, "expected a number", hint=_EXAMPLE) from None
        yield name.strip(), weight
        start += len(piece) + 1
