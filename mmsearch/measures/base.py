"""The contract of a measure, and the text that names one: `nDCG@10`, `P(rel=2)@5`, `MAP`."""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mmsearch.errors import ParseError, UsageError, did_you_mean
from mmsearch.measures.lists import LIST_ALIASES, LIST_MEASURES, ListMeasure
from mmsearch.spec import Registry, Spec, parse

MEASURES = Registry("measure", "mmsearch.measures")

#: Other names that the field uses, and the names that the measures are registered under.
ALIASES = {"map": "ap", "mrr": "rr", "hr": "hit", "success": "hit", "recall": "r", "precision": "p"}

_WHAT = "bad measure"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_CUTOFF = re.compile(r"@([^@()\"]*)$")
_WHOLE = re.compile(r"0*[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Measure(ABC):
    """The quality of one query's ranking. Parameters are fields of the dataclass; measures with equal fields are equal.

    `str(measure)` is the text that it was parsed from, as typed (`MAP@10` stays `MAP@10`), or else the usual form
    (`AP@10`). Either parses back to an equal measure.

    Parameters
    ----------
    k : only the first k products of the ranking count; None for all of them.

    Raises
    ------
    ValueError : k is below 1, or missing where `needs_cutoff`.
    """

    name: ClassVar[str]
    #: Whether the measure means nothing without a `k`.
    needs_cutoff: ClassVar[bool] = False

    k: int | None = None
    text: str = field(default="", compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.k is None and self.needs_cutoff:
            raise ValueError(f"it needs a cut-off, as in '{self.name}@10'")
        if self.k is not None and self.k < 1:
            raise ValueError(f"the cut-off must be at least 1, not {self.k}")
        if not self.text:
            object.__setattr__(self, "text", self._canonical())

    @abstractmethod
    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        """The value for one query, in 0..1, higher is better; 0 for an empty ranking and for judgments without a relevant product.

        Parameters
        ----------
        ranking : product ids, best first, none twice.
        judgments : product id → relevance; above 0 is relevant, a product that is not in it is unjudged.
        """

    def __str__(self) -> str:
        return self.text

    def _canonical(self) -> str:
        own = [f for f in dataclasses.fields(self) if f.name not in ("k", "text")]
        params = tuple((f.name, getattr(self, f.name)) for f in own if getattr(self, f.name) != f.default)
        return str(Spec(self.name, (), params)) + ("" if self.k is None else f"@{self.k}")


@dataclass(frozen=True)
class BinaryMeasure(Measure):
    """A measure that asks only whether a product is relevant: judged `rel` or higher (trec_eval's `-l`)."""

    rel: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rel < 1:
            raise ValueError(f"rel, the lowest relevance that counts as relevant, must be at least 1, not {self.rel}")

    def found(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> list[bool]:
        """For each of the first k products, whether it is relevant."""
        return [judgments.get(product, 0) >= self.rel for product in ranking[: self.k]]

    def relevant(self, judgments: Mapping[str, int]) -> int:
        """How many products are relevant, found or not."""
        return sum(relevance >= self.rel for relevance in judgments.values())


def parse_measure(text: str) -> Measure:
    """The measure that a text names: `name`, `name@k`, `name(param=value)@k`; names in any case.

    Raises
    ------
    UsageError : malformed, an unknown measure, unknown or bad parameters, or no cut-off where one is needed; points at the
        place and says what there is.
    MissingPackage : another package's measure needs one that is not installed.
    """
    measure: Measure = _parsed(text, (MEASURES, ALIASES))
    return measure


def parse_any_measure(text: str) -> Measure | ListMeasure:
    """As `parse_measure`, of rankings and of lists (`coverage@20`)."""
    measure: Measure | ListMeasure = _parsed(text, (MEASURES, ALIASES), (LIST_MEASURES, LIST_ALIASES))
    return measure


def _parsed(text: str, *kinds: tuple[Registry, Mapping[str, str]]) -> Any:
    text = text.strip()
    head, k = text, None
    if cut := _CUTOFF.search(text):
        if not _WHOLE.fullmatch(cut[1]):
            reason = "the cut-off behind '@' must be a whole number from 1 to 999999999"
            raise ParseError(_WHAT, text, cut.start(1), reason, hint="as in 'nDCG@10'")
        head, k = text[: cut.start()], int(cut[1])
    typed = _NAME.match(head)
    if typed is None:
        raise ParseError(_WHAT, text, 0, "expected a measure's name", hint=_available(kinds))
    try:
        spec = parse(head, what="measure", name=_NAME)
    except ParseError as error:  # its text ends before the '@': show all that was typed
        raise ParseError(_WHAT, text, error.position, error.reason, hint="a measure is name, name@k or name(param=value)@k") from error
    lowered = spec.name.lower()
    for registry, aliases in kinds:
        key = aliases.get(lowered, lowered)
        try:
            factory = registry.factory(key)
            break
        except UsageError as error:
            unknown = error
    else:
        close = did_you_mean(lowered, [name for registry, aliases in kinds for name in (*registry.names(), *aliases)])
        raise ParseError(_WHAT, text, 0, f"there is no measure '{spec.name}'{close}", hint=_available(kinds)) from unknown
    if k is None and getattr(factory, "needs_cutoff", False):
        raise ParseError(_WHAT, text, len(text), f"{spec.name} needs a cut-off", hint=f"as in '{text}@10'")
    try:
        return registry.create(Spec(key, spec.args, spec.params), k=k, text=text)
    except UsageError as error:
        raise ParseError(_WHAT, text, typed.end(), error.message, hint=error.hint) from error


def _available(kinds: Iterable[tuple[Registry, Mapping[str, str]]]) -> str:
    told = []
    for registry, aliases in kinds:
        for name in registry.names():
            also = [alias for alias, target in aliases.items() if target == name]
            told.append(f"{name} (or {', '.join(also)})" if also else name)
    return "available: " + ", ".join(told)
