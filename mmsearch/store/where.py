"""`--where`: the filter language, parsed once into a tree.

    or < and < not;  = != < <= > >=, in (…), between … and …, like, has (lists), is [not] null

Text stands in single quotes (`''` is a quote inside), attribute names as they are or in `backticks`. A missing value
matches no comparison, even under `not`. `mmsearch.store.sql` compiles the tree; no string of the user's is ever pasted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmsearch.errors import ParseError

Literal = str | float | bool


@dataclass(frozen=True)
class Name:
    """An attribute, and where in the text it stands (for errors)."""

    name: str
    position: int


@dataclass(frozen=True)
class Compare:
    """`name op value`, op one of = != < <= > >= like has."""

    name: Name
    op: str
    value: Literal


@dataclass(frozen=True)
class In:
    """`name in (…)`."""

    name: Name
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Between:
    """`name between low and high`, both ends included."""

    name: Name
    low: Literal
    high: Literal


@dataclass(frozen=True)
class IsNull:
    """`name is null`."""

    name: Name


@dataclass(frozen=True)
class Not:
    """`not …`."""

    part: Node


@dataclass(frozen=True)
class And:
    """`… and …`."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """`… or …`."""

    parts: tuple[Node, ...]


Node = Compare | In | Between | IsNull | Not | And | Or

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<text>'(?:[^']|'')*+')
    | (?P<quoted>`(?:[^`]|``)++`)
    | (?P<word>[^\W\d]\w*)
    | (?P<op><=|>=|!=|=|<|>)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "not", "in", "between", "like", "has", "is", "null", "true", "false"}
_HINTS = {
    '"': "text stands in single quotes: 'like this'",
    "'": "the text has no closing quote",
    "`": "the name has no closing backtick",
    "&": "write 'and'",
    "|": "write 'or'",
}
_SURROGATE = re.compile("[\ud800-\udfff]")  # how Python holds bytes of the command line that are not UTF-8
# DataFusion fails on nested expressions, slowly or by a stack overflow: here from 20 brackets and about 50,000 comparisons on.
_MAX_DEPTH = 15
_MAX_COMPARISONS = 1000


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_where(text: str) -> Node:
    """Parse a filter. Raises ParseError, pointing at the place."""
    return _Parser(text).whole()


def text_literal(value: str) -> str:
    """A text as an SQL literal: the one place where a string becomes part of an engine's filter."""
    return "'" + value.replace("'", "''") + "'"


def written(name: str) -> str:
    """An attribute name as this language takes it: in backticks where it must."""
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name.lower() not in _KEYWORDS
    return name if plain else "`" + name.replace("`", "``") + "`"


def id_list(column: str, ids: list[str]) -> str:
    """`column in (…)` for ids; `column` is a name of ours."""
    return f"{column} in ({', '.join(map(text_literal, ids))})" if ids else "false"


def row_list(row_ids: list[int]) -> str:
    """`_rowid in (…)` for row ids, which LanceDB looks up without reading the table."""
    return f"_rowid in ({', '.join(map(str, row_ids))})" if row_ids else "false"


class _Parser:
    def __init__(self, text: str):
        self.text = text
        self.tokens = self.scan()
        self.index = 0
        self.comparisons = 0

    def scan(self) -> list[_Token]:
        if bad := _SURROGATE.search(self.text):
            raise ParseError("bad filter", self.text, bad.start(), "not UTF-8 text")
        tokens, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if not match or match.end() == at:
                start = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                char = self.text[start]
                number = re.match(r"[+-]?[\d.]+\w*", self.text[start:])
                reason = f"{number.group()!r} is neither a number nor a name" if number else f"unexpected {char!r}"
                raise ParseError("bad filter", self.text, start, reason, hint=_HINTS.get(char))
            kind = str(match.lastgroup)
            tokens.append(_Token(kind, match.group(kind), match.start(kind)))
            at = match.end()
        return tokens

    def whole(self) -> Node:
        if not self.tokens:
            raise ParseError("bad filter", self.text, 0, "it is empty", hint="for example: --where \"price < 80 and colour = 'red'\"")
        node = self.disjunction(0)
        if self.index < len(self.tokens):
            raise self.error("expected 'and', 'or' or the end")
        return node

    def disjunction(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise self.error("nested too deeply")
        parts = [self.conjunction(depth)]
        while self.keyword("or"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, depth: int) -> Node:
        parts = [self.negation(depth)]
        while self.keyword("and"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Node:
        if self.keyword("not"):
            if depth > _MAX_DEPTH:
                raise self.error("nested too deeply")
            return Not(self.negation(depth + 1))
        if self.mark("("):
            node = self.disjunction(depth + 1)
            if not self.mark(")"):
                raise self.error("expected ')'")
            return node
        return self.comparison()

    def comparison(self) -> Node:
        self.comparisons += 1
        if self.comparisons > _MAX_COMPARISONS:
            raise self.error(f"more than {_MAX_COMPARISONS:,} comparisons", hint="for many values of one attribute: name in ('a', 'b', …)")
        name = self.attribute()
        if self.keyword("is"):
            negated = self.keyword("not")
            if not self.keyword("null"):
                raise self.error("expected 'null' after 'is'" + (" not" if negated else ""))
            return Not(IsNull(name)) if negated else IsNull(name)
        negated = self.keyword("not")
        node: Node
        if self.keyword("in"):
            node = In(name, self.values())
        elif self.keyword("between"):
            low = self.literal()
            if not self.keyword("and"):
                raise self.error("expected 'and' and the upper end of 'between'")
            high_at = self.index
            node = Between(name, low, self.literal())
            if type(node.high) is not type(low) or isinstance(low, bool):
                self.index = high_at
                raise self.error("both ends of 'between' must be numbers, or both texts")
        elif (op := self.operator(("like", "has") if negated else ("like", "has", "=", "!=", "<", "<=", ">", ">="))) is not None:
            value_at = self.index
            value = self.literal()
            if (op == "like" and not isinstance(value, str)) or (isinstance(value, bool) and op not in ("=", "!=", "has")):
                self.index = value_at
                raise self.error("'like' takes text in single quotes" if op == "like" else "true and false compare with = and != only")
            node = Compare(name, op, value)
        else:
            raise self.error("expected a comparison (= != < <= > >= in between like has is)")
        return Not(node) if negated else node

    def attribute(self) -> Name:
        token = self.peek()
        if token is not None and token.kind == "quoted":
            self.index += 1
            return Name(token.text[1:-1].replace("``", "`"), token.at)
        if token is not None and token.kind == "word" and token.text.lower() not in _KEYWORDS:
            self.index += 1
            return Name(token.text, token.at)
        raise self.error("expected an attribute name")

    def operator(self, allowed: tuple[str, ...]) -> str | None:
        token = self.peek()
        if token is not None and token.text.lower() in allowed and token.kind in ("op", "word"):
            self.index += 1
            following = self.peek()
            if token.kind == "op" and following is not None and following.kind == "op":
                raise self.error(f"unexpected {following.text!r} after {token.text!r}", hint="equal is =, unequal is !=")
            return token.text.lower()
        return None

    def values(self) -> tuple[Literal, ...]:
        if not self.mark("("):
            raise self.error("expected '(' and a list of values after 'in'")
        values = [self.literal()]
        while self.mark(","):
            values.append(self.literal())
        if not self.mark(")"):
            raise self.error("expected ',' or ')'")
        return tuple(values)

    def literal(self) -> Literal:
        token = self.peek()
        if token is not None:
            self.index += 1
            if token.kind == "text":
                return token.text[1:-1].replace("''", "'")
            if token.kind == "number":
                value = float(token.text)
                if abs(value) != float("inf"):
                    return value
            if token.kind == "word" and token.text.lower() in ("true", "false"):
                return token.text.lower() == "true"
            self.index -= 1
        hint = f"text stands in single quotes: '{token.text}'" if token is not None and token.kind in ("word", "quoted") else None
        raise self.error("expected a number, a 'text', true or false", hint=hint)

    def peek(self) -> _Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def keyword(self, word: str) -> bool:
        token = self.peek()
        if token is not None and token.kind == "word" and token.text.lower() == word:
            self.index += 1
            return True
        return False

    def mark(self, mark: str) -> bool:
        token = self.peek()
        if token is not None and token.kind == "mark" and token.text == mark:
            self.index += 1
            return True
        return False

    def error(self, reason: str, *, hint: str | None = None) -> ParseError:
        token = self.peek()
        at = token.at if token is not None else len(self.text)
        return ParseError("bad filter", self.text, at, reason + ("" if token is not None else ", but the filter ends here"), hint=hint)
