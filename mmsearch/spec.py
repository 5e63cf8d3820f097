"""One grammar and one registry for everything pluggable.

A spec is `name` or `name(param=value, …)`. Values are numbers, true/false, bare words, "quoted text", [lists], ranges
`a..b` (for tuning only) or further specs; ` | ` chains specs. The string that a user types, the one the store records
and the one a report prints are the same: `str(parse(text))` is canonical and parses back to an equal value.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from mmsearch.errors import MissingPackage, MMSearchError, ParseError, UsageError, did_you_mean

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_WORD = re.compile(r"[^\s(),=\[\]|\"]+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_RANGE = re.compile(r"([+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)\.\.([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)")
_MAX_DIGITS = 300  # Python refuses whole numbers of over 4,300 digits with an error of its own
_MAX_DEPTH = 20  # specs nest a few levels; a limit turns a hostile "((((…" into an error instead of a stack overflow


@dataclass(frozen=True)
class Range:
    """`low..high`, both ends included: a parameter that tuning may choose."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{_print_number(self.low)}..{_print_number(self.high)}"


@dataclass(frozen=True)
class Spec:
    """A parsed spec: its name, positional and named values (a key may be a spec, as in `boost(recency(half_life=30d)=.1)`)."""

    name: str
    args: tuple[Value, ...] = ()
    params: tuple[tuple[str | Spec, Value], ...] = ()

    def __str__(self) -> str:
        parts = [_print_value(v) for v in self.args] + [f"{_print_value(k)}={_print_value(v)}" for k, v in self.params]
        return f"{self.name}({', '.join(parts)})" if parts else self.name

    def ranges(self) -> Iterator[Range]:
        """Every range inside, in the order of the text."""
        yield from _ranges((*self.args, *(part for pair in self.params for part in pair)))


Value = bool | int | float | str | Range | Spec | tuple["Value", ...]


def parse(text: str, *, what: str = "spec", allow_ranges: bool = False, name: re.Pattern[str] = _NAME) -> Spec:
    """Parse one spec.

    Parameters
    ----------
    text : what the user typed.
    what : names the text in an error ("encoder", "fusion method", …).
    allow_ranges : whether `a..b` values are allowed (tuning only).
    name : the pattern of names; measures are case-insensitive and pass their own.

    Raises
    ------
    ParseError : malformed; points at the place.
    """
    return _Parser(text, what, allow_ranges, name).whole()


def parse_chain(text: str, *, what: str = "spec", allow_ranges: bool = False) -> list[Spec]:
    """Parse `a(…) | b(…)`: specs that are applied one after the other. Raises ParseError."""
    return _Parser(text, what, allow_ranges, _NAME).chain()


class _Parser:
    def __init__(self, text: str, what: str, allow_ranges: bool, name: re.Pattern[str]):
        self.text, self.what, self.allow_ranges, self.name, self.at = text, what, allow_ranges, name, 0

    def whole(self) -> Spec:
        spec = self.spec(0)
        self.space()
        if self.at < len(self.text):
            raise self.error("unexpected text after the end")
        return spec

    def chain(self) -> list[Spec]:
        specs = [self.spec(0)]
        while self.take("|"):
            specs.append(self.spec(0))
        if self.at < len(self.text):
            raise self.error("expected ' | ' and another spec, or the end")
        return specs

    def spec(self, depth: int) -> Spec:
        self.space()
        match = self.name.match(self.text, self.at)
        if not match:
            raise self.error("expected a name (lower-case letters, digits, '_' and '-', a letter first)")
        self.at = match.end()
        return self.call(match.group(), depth)

    def call(self, name: str, depth: int) -> Spec:
        """The optional argument list behind a name."""
        if depth > _MAX_DEPTH:
            raise self.error("nested too deeply")
        args: list[Value] = []
        params: list[tuple[str | Spec, Value]] = []
        if not self.take("("):
            return Spec(name)
        opened = self.at - 1
        while not self.take(")"):
            if args or params:
                self.need(",", opened)
            self.space()
            start = self.at
            value = self.value(depth + 1)
            if not self.take("="):
                if params:
                    raise self.error("a positional value cannot follow a named one", start)
                args.append(value)
                continue
            if not isinstance(value, str | Spec):
                raise self.error("expected a parameter name before '='", start)
            if any(key == value for key, _ in params):
                raise self.error(f"parameter {value} is given twice", start)
            params.append((value, self.value(depth + 1)))
        return Spec(name, tuple(args), tuple(params))

    def value(self, depth: int) -> Value:
        self.space()
        start = self.at
        if depth > _MAX_DEPTH:
            raise self.error("nested too deeply")
        if self.take("["):
            items: list[Value] = []
            while not self.take("]"):
                if items:
                    self.need(",", start)
                items.append(self.value(depth + 1))
            return tuple(items)
        if self.text.startswith('"', self.at):
            return self.quoted()
        match = _WORD.match(self.text, self.at)
        if not match:
            raise self.error("expected a value" if self.at < len(self.text) else "unexpected end: expected a value")
        word = match.group()
        self.at = match.end()
        if self.text.startswith("(", self.at):
            if not _NAME.fullmatch(word):
                raise self.error(f"{word!r} is not a spec name", start)
            return self.call(word, depth + 1)
        if _NUMBER.fullmatch(word):
            return self.finite(word, start)
        if bounds := _RANGE.fullmatch(word):
            if not self.allow_ranges:
                raise self.error("a range a..b is for tuning only; give one number here", start)
            low, high = float(self.finite(bounds[1], start)), float(self.finite(bounds[2], start))
            if low > high:
                raise self.error("the range's low end is above its high end", start)
            return Range(low, high)
        return {"true": True, "false": False}.get(word, word)

    def finite(self, word: str, at: int) -> int | float:
        if len(word) > _MAX_DIGITS:
            raise self.error(f"a number of {len(word)} characters", at)
        number = int(word) if re.fullmatch(r"[+-]?\d+", word) else float(word)
        if math.isinf(number):
            raise self.error("the number is too large", at)
        return number

    def quoted(self) -> str:
        start, out = self.at, []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\" and self.at + 1 < len(self.text):
                out.append(self.text[self.at + 1])
                self.at += 2
            elif char == '"':
                self.at += 1
                return "".join(out)
            else:
                out.append(char)
                self.at += 1
        raise self.error('the quoted text has no closing "', start)

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, token: str) -> bool:
        self.space()
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def need(self, token: str, opened: int) -> None:
        if not self.take(token):
            if self.at >= len(self.text):
                raise self.error(f"'{self.text[opened]}' is never closed", opened)
            raise self.error(f"expected '{token}' or the closing bracket")

    def error(self, reason: str, at: int | None = None) -> ParseError:
        return ParseError(f"bad {self.what}", self.text, self.at if at is None else at, reason)


def _ranges(values: Iterable[Value]) -> Iterator[Range]:
    for value in values:
        if isinstance(value, Range):
            yield value
        elif isinstance(value, Spec):
            yield from value.ranges()
        elif isinstance(value, tuple):
            yield from _ranges(value)


def _print_number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _print_value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Range):
        return str(value)
    if isinstance(value, Spec):
        return str(value) if value.args or value.params else f"{value.name}()"  # a bare name inside a spec is a word
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_print_value, value))}]"
    plain = _WORD.fullmatch(value) and not _NUMBER.fullmatch(value) and not _RANGE.fullmatch(value) and value not in ("true", "false")
    if plain:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Registry:
    """The implementations of one pluggable kind, by name.

    Built-in ones are declared in mmsearch's own `pyproject.toml` under the same entry-point group that another
    package would use, and are imported only when they are asked for.
    """

    def __init__(self, kind: str, group: str):
        self.kind, self.group = kind, group
        self._local: dict[str, Callable[..., Any]] = {}

    def register(self, name: str, factory: Callable[..., Any]) -> None:
        """Add an implementation in this process (a plug-in in a script, a fake in a test). Raises UsageError for a bad name."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot name a {self.kind}: lower-case letters, digits, '_' and '-', a letter first")
        self._local[name] = factory

    def unregister(self, name: str) -> None:
        """Undo `register`."""
        self._local.pop(name, None)

    def names(self) -> list[str]:
        """Every name there is, sorted: mmsearch's own, other packages' and those registered in this process."""
        from importlib.metadata import entry_points

        return sorted({e.name for e in entry_points(group=self.group)} | set(self._local))

    def factory(self, name: str) -> Callable[..., Any]:
        """The class or function behind a name.

        Raises
        ------
        UsageError : no such name (lists those there are), or its package is broken.
        MissingPackage : the implementation needs a package that is not installed.
        """
        if name in self._local:
            return self._local[name]
        from importlib.metadata import PackageNotFoundError, distribution, entry_points

        try:  # our own distribution first: reading one entry_points.txt instead of every installed package's keeps start-up short
            own = [e for e in distribution("mmsearch").entry_points if e.group == self.group and e.name == name]
        except PackageNotFoundError:
            own = []
        for entry in own or entry_points(group=self.group, name=name):
            try:
                return entry.load()  # type: ignore[no-any-return]
            except ModuleNotFoundError as error:
                raise MissingPackage(f"{self.kind} {name}", error.name or str(error)) from error
            except (ImportError, AttributeError) as error:  # another package's mistake: its name is what helps
                raise UsageError(f"{self.kind} {name} ({entry.value}) cannot be loaded: {error}") from error
        available = self.names()
        raise UsageError(f"unknown {self.kind} '{name}'{did_you_mean(name, available)}", hint=f"available: {', '.join(available)}")

    def create(self, spec: str | Spec, **context: Any) -> Any:
        """Make the object that a spec names. `context` passes what is not the user's to say (the store, a seed).

        Raises
        ------
        UsageError : malformed spec, unknown name, unknown parameter or a value of the wrong type.
        MissingPackage : see `factory`.
        """
        parsed = parse(spec, what=self.kind) if isinstance(spec, str) else spec
        factory = self.factory(parsed.name)
        values = bind(factory, parsed, self.kind, reserved=frozenset(context))
        try:
            made = factory(**values, **context)
        except ModuleNotFoundError as error:
            raise MissingPackage(f"{self.kind} {parsed.name}", error.name or str(error)) from error
        except MMSearchError:
            raise
        except ValueError as error:  # an implementation's own range check ("k must be at least 1")
            raise UsageError(f"{self.kind} {parsed}: {error}") from error
        return made


def bind(factory: Callable[..., Any], spec: Spec, kind: str, reserved: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Match a spec's values to the parameters of a factory, checking names and types.

    Raises UsageError naming the parameter, what it takes and which parameters there are.
    """
    signature = inspect.signature(factory, eval_str=True)
    named = {n: p for n, p in signature.parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and n not in reserved}
    extra = next((p for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD), None)
    order = list(named)
    if len(spec.args) > len(order):
        takes = f"takes at most {len(order)}: {', '.join(order)}" if order else "takes none"
        raise UsageError(f"{kind} {spec.name}: too many values without a name; it {takes}")
    given: list[tuple[str | Spec, Value]] = [(order[i], value) for i, value in enumerate(spec.args)] + list(spec.params)
    bound: dict[str, Any] = {}
    for key, value in given:
        text = str(key)
        parameter = None if text in reserved else named.get(text, extra)
        if parameter is None:
            have = f"parameters: {', '.join(order)}" if order else "it has no parameters"
            raise UsageError(f"{kind} {spec.name} has no parameter '{text}'{did_you_mean(text, order)}", hint=have)
        if text in bound:
            raise UsageError(f"{kind} {spec.name}: parameter {text} is given twice")
        bound[text] = _convert(value, parameter.annotation, f"{kind} {spec.name}: {text}")
    missing = [n for n, p in named.items() if p.default is p.empty and n not in bound]
    if missing:
        raise UsageError(f"{kind} {spec.name} needs {', '.join(missing)}, as in '{spec.name}({missing[0]}=…)'")
    return bound


def _convert(value: Value, annotation: Any, where: str) -> Any:
    if annotation in (inspect.Parameter.empty, Any):
        return value
    wanted = []
    for option in get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,):
        base = get_origin(option) or option
        if base is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if base is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if base is str and isinstance(value, int | float) and not isinstance(value, bool):
            return _print_number(value)  # a bare word that happens to look like a number
        if base is str and isinstance(value, Spec):
            return str(value)  # parameters that hold another spec's text
        if base is Spec and isinstance(value, str) and _NAME.fullmatch(value):
            return Spec(value)
        if base in (bool, str, Spec, Range) and isinstance(value, base):
            return value
        if base in (list, tuple) and isinstance(value, tuple):
            inner = (*get_args(option), Any)[0]  # lists are of one type: list[float], tuple[str, ...]
            return base(_convert(item, inner, f"{where}, each of the list,") for item in value)
        if base is not types.NoneType:
            wanted.append(_TYPE_NAMES.get(base, str(base)))
    raise UsageError(f"{where} must be {' or '.join(wanted)}, not {_print_value(value)}")


_TYPE_NAMES = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a word or quoted text",
    list: "a [list]",
    tuple: "a [list]",
    Spec: "a spec",
    Range: "a range a..b",
}
