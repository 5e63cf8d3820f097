"""A query: a weighted set of parts, some of which lower a product."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mmsearch.errors import InputError, MMSearchError, ParseError, UsageError
from mmsearch.lexical.spelling import folded_in_place
from mmsearch.ranking.shopper import NOBODY, Shopper
from mmsearch.search.required import Required, required
from mmsearch.search.weights import parse_weights
from mmsearch.settings import MODALITIES

if TYPE_CHECKING:
    from mmsearch.fusion.profile import Profile
    from mmsearch.search.understand.synonyms import Synonym

NEGATIVE_WEIGHT = 0.5
_CARET = re.compile(r"(?<!\\)\^")
_NUMBER = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Part:
    """One part of a query: its kind (text, image, audio, speech, video, like), its content (the text, a file, a product id), its weight.

    `heard` is the file in which a text was heard: a spoken part becomes a text part before it is compared. `path` is how a part that the
    user did not type was reached over given triples (`mmsearch.search.expand`). `required` is what products must have
    (`mmsearch.search.required`), `synonyms` what is looked for word by word besides (`mmsearch.search.understand.synonyms`).
    `typed` is what was typed where the content is that in one spelling (`in_one_spelling`), character by character; '' elsewhere.
    """

    kind: str
    content: str
    weight: float = 1.0
    negative: bool = False
    heard: str = ""
    path: str = ""
    required: tuple[Required, ...] = ()
    synonyms: tuple[Synonym, ...] = ()
    typed: str = ""

    def __str__(self) -> str:
        sign = "not " if self.negative else ""
        if self.heard:
            return f'{sign}speech: {self.heard} "{self.quoted()}"'
        return f"{sign}{self.kind}: {self.quoted()}" + (f" [{self.path}]" if self.path else "")

    def quoted(self, start: int = 0, end: int | None = None) -> str:
        """`content[start:end]` as it was typed, for people to read."""
        return (self.typed or self.content)[start:end]


@dataclass(frozen=True)
class Query:
    """Parts, and what restricts the answer: filters that must all hold, and the evidence compared (a modality or a profile).

    Without parts it means every product that passes the filters, none before another.

    `weights` are those of the evidence of products, by name; see `mmsearch.search.weights`.
    `expand`: text parts are widened by what the given triples say (`mmsearch.search.expand`).
    `shopper`: who asks, for the order of the hits.
    `origin`: where it was read from, 'queries.jsonl:2: query lamp'; see `of_query`.
    """

    parts: tuple[Part, ...]
    where: tuple[str, ...] = ()
    within: str | None = None
    weights: tuple[tuple[str, float], ...] = ()
    expand: bool = False
    shopper: Shopper = NOBODY
    origin: str = field(default="", compare=False)


def split_weight(text: str, default: float = 1.0) -> tuple[str, float]:
    r"""A query part as typed → (content, weight): a final `^number` is the weight, `\^` a literal caret.

    >>> split_weight("shoe.jpg^0.7"), split_weight(r"x\^2")
    (('shoe.jpg', 0.7), ('x^2', 1.0))

    Raises ParseError when what follows the caret is not a number of 0 or more.
    """
    text = text.rstrip()
    carets = list(_CARET.finditer(text))
    content, weight = text, default
    if carets:
        at = carets[-1].start()
        if not _NUMBER.fullmatch(text, at + 1) or not math.isfinite(float(text[at + 1 :])):
            raise ParseError(
                "bad weight", text, at + 1, "after ^ stands a weight, a number of 0 or more", hint=r"a literal caret is written \^"
            )
        content, weight = text[:at], float(text[at + 1 :])
    return content.replace("\\^", "^").strip(), weight


def make_query(
    text: Sequence[str] = (),
    *,
    image: Sequence[str] = (),
    audio: Sequence[str] = (),
    speech: Sequence[str] = (),
    video: Sequence[str] = (),
    like: Sequence[str] = (),
    not_text: Sequence[str] = (),
    not_image: Sequence[str] = (),
    not_video: Sequence[str] = (),
    unlike: Sequence[str] = (),
    where: str | Sequence[str] | None = None,
    within: str | None = None,
    weights: str | Mapping[str, float] | None = None,
    expand: bool = False,
    browse: bool = False,
    shopper: Shopper = NOBODY,
) -> Query:
    """A query from its parts as typed, each with an optional `^weight`; `weights` are those of the evidence of products.

    `browse`: a query without parts is no mistake; it means every product that passes the filters.

    Raises
    ------
    UsageError : an empty part, no part that looks for anything (only negatives, or all weights 0), or a malformed weight.
    """
    parts = []
    given = (
        ("text", text, False),
        ("image", image, False),
        ("audio", audio, False),
        ("speech", speech, False),
        ("video", video, False),
        ("like", like, False),
    )
    lowering = (("text", not_text, True), ("image", not_image, True), ("video", not_video, True), ("like", unlike, True))
    for kind, values, negative in (*given, *lowering):
        for value in values:
            content, weight = split_weight(value, NEGATIVE_WEIGHT if negative else 1.0)
            if not content:
                raise UsageError(f"the query has an empty {kind} part")
            if len(content) > MAX_CHARACTERS:
                raise UsageError(f"a query part has {len(content):,} characters; {MAX_CHARACTERS:,} are allowed")
            content, musts = required(content) if kind == "text" and not negative else (content, ())
            parts.append(Part(kind, content, weight, negative, required=musts))
    if not any(not p.negative for p in parts):
        if parts:
            raise UsageError(
                "the query has only negative parts: they lower products, but nothing says what to look for",
                hint='add a part, for example: mmsearch search "shoes" --not leather',
            )
        if not browse and not shopper:
            hint = (
                'for example: mmsearch search "red running shoes"   or: mmsearch search --image shoe.jpg   or filter alone: --where FILTER'
            )
            raise UsageError("the query is empty", hint=hint)
    elif not any(p.weight > 0 for p in parts if not p.negative):
        raise UsageError("every part of the query has weight 0", hint="give at least one part a weight above 0")
    filters = (where,) if isinstance(where, str) else tuple(where or ())
    return Query(tuple(parts), filters, within, tuple(parse_weights(weights).items()), expand, shopper)


def in_one_spelling(query: Query) -> Query:
    """A query whose texts are looked for, compared and understood in one spelling: traditional Chinese and simplified are one, and so are
    full-width letters and others. What was typed stays for people to read (`Part.quoted`).
    """
    parts = []
    for part in query.parts:
        content = folded_in_place(part.content) if part.kind == "text" else part.content
        parts.append(part if content == part.content else replace(part, content=content, typed=part.content))
    return replace(query, parts=tuple(parts)) if any(part.typed for part in parts) else query


def shares(parts: Sequence[Part], asked: Mapping[int, float] | None = None) -> list[float]:
    """Share of each part: w / Σ positive w; negative for a part that lowers.

    `asked` (number of a part → at least 0) is how much of its evidence is to count, 1 for a part that is not named.
    """
    counts = asked or {}
    largest = max(p.weight for p in parts if not p.negative)  # taken out first: the sum of huge weights is not finite
    weights = [p.weight / largest * counts.get(n, 1.0) for n, p in enumerate(parts)]
    total = sum(weight for p, weight in zip(parts, weights, strict=True) if not p.negative)
    return [(-weight if p.negative else weight) / total for p, weight in zip(parts, weights, strict=True)]


def of_query(error: MMSearchError, id: str, query: Query) -> MMSearchError:
    """The error of a query as one of many has it: with the query's id ('' of a single one) and its line.

    A line of a file that cannot be used makes the file one that cannot be used (InputError): it is no wrong usage.
    """
    if query.origin:
        return InputError(f"{query.origin}: {error.message}", hint=error.hint)
    if not id:
        return error
    kind = UsageError if isinstance(error, UsageError) else InputError
    return kind(f"query {id}: {error.message}", hint=error.hint)


def nothing_to_compare(
    part: Part, has: list[str], within: str | None, tables: Mapping[str, str], profile: Profile | None
) -> UsageError | InputError:
    """The error of a part whose modalities (`has`) compare with no evidence of the products."""
    what = " and ".join(has)
    if within is not None and within not in MODALITIES:
        return UsageError(f"the profile {within} was not fitted on {what}, which the part '{part}' is")
    target = within or " and ".join(tables)
    apart = [m for m in has if m not in ("text", "image", "video")]  # only a profile whose method found that these go together maps them
    if apart == has:
        hint = (
            f"only the same modality compares: --in {has[0]}, or add a text part; mmsearch fuse --method aligned learns more, "
            "where enough products have both"
        )
    elif profile is None:
        hint = "make a fusion profile that maps one to the other: mmsearch fuse"
    else:
        hint = f"the default profile {profile.name} does not compare them; one that does: mmsearch fuse --method aligned"
    return InputError(
        f"the part '{part}' is {what}, and {what} cannot be compared with the products' {target} without a fusion profile", hint=hint
    )
