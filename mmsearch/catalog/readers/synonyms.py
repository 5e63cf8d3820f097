"""Synonyms files, as Solr and Elasticsearch have them, → rows of triples.

    # equivalent: each stands for the others
    sneaker, tennis shoe, 板鞋
    # directed: what is on the left stands for what is on the right, not the other way round
    i-pod, ipood => ipod

A comma or an arrow that is part of a word is written `\\,` or `\\=>`; a Chinese comma separates, too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.readers.json_values import DECODER
from mmsearch.catalog.readers.lines import Lines, Text
from mmsearch.catalog.readers.opened import Opened
from mmsearch.catalog.readers.row import Row, Source, readable
from mmsearch.errors import InputError

EQUIVALENT, DIRECTED = "synonym", "means"  # relations of `mmsearch.fusion.concepts`
#: The mark of a triple that came from a synonyms file; `--sync` leaves the others alone.
ORIGIN = {"from": "synonyms"}

_MOST = 100  # words of a line: each pair of equivalent ones is a triple
_LONGEST = 200  # characters of a word
_COMMA = re.compile(r"(?<!\\)[,，]")
_ARROW = re.compile(r"(?<!\\)=>")
_ESCAPED = re.compile(r"\\(,|，|=>|\\|#)")


def open_synonyms(path: str, *, encoding: str | None = None) -> Source:
    """Open a synonyms file ('-': standard input). A reject file of one is read, too: its lines stand in `_text`.

    Raises InputError: missing, empty, no text. UsageError: no such encoding.
    """
    opened = Opened(path)
    if opened.is_parquet:
        raise InputError(f"{opened.name} is Parquet, not a synonyms file")
    lines = Lines(Text(opened, encoding))
    folder = Path.cwd() if path == "-" else Path(path).resolve().parent
    return Source(lines.name, ["head", "relation", "tail"], False, _rows(lines), folder, "synonyms", opened.gzip, told=lines.text.told)


def _rows(lines: Lines) -> Iterator[Row]:
    while block := lines.next_block():
        if isinstance(block, Row):
            yield block
            continue
        for number, raw in enumerate(block.lines, block.first):
            line, at = _line(raw.strip(" \t\r\n\ufeff"), number)
            if not line or line.startswith("#"):
                continue
            if block.dirty and (bad := lines.text.bad_bytes(line)):
                yield Row(at, {"_text": readable(line)}, bad)
                continue
            try:
                triples = list(triples_of(line))
            except BadRow as error:
                yield Row(at, {"_text": line}, error.problem)
                continue
            yield from (Row(at, {"head": head, "relation": relation, "tail": tail, **ORIGIN}) for head, relation, tail in triples)


def _line(text: str, number: int) -> tuple[str, int]:
    """A line and its number, or those that a reject file keeps of it."""
    if text.startswith("{"):
        try:
            kept = DECODER.decode(text)
        except (ValueError, RecursionError):
            return text, number
        if isinstance(kept, dict) and isinstance(kept.get("_text"), str):
            line = kept.get("_line")
            return kept["_text"].strip(), line if isinstance(line, int) else number
    return text, number


def triples_of(line: str) -> Iterator[tuple[str, str, str]]:
    """The triples that a line means.

    >>> list(triples_of("sneaker, tennis shoe")), list(triples_of("ipood, i-pod => ipod"))
    ([('sneaker', 'synonym', 'tennis shoe')], [('ipood', 'means', 'ipod'), ('i-pod', 'means', 'ipod')])

    Raises BadRow.
    """
    sides = _ARROW.split(line)
    if len(sides) > 2:
        raise BadRow("bad synonyms", "more than one =>")
    words = [_words(side) for side in sides]
    if len(words) == 1:
        if len(words[0]) < 2:
            raise BadRow("bad synonyms", "one word alone has no synonym; separate them by commas, or write a => b")
        yield from ((one, EQUIVALENT, other) for one, other in itertools.combinations(words[0], 2))
        return
    left, right = words
    found = [(one, DIRECTED, other) for one in left for other in right if one.casefold() != other.casefold()]
    if not found:
        raise BadRow("bad synonyms", "both sides of => are the same")
    yield from found


def _words(side: str) -> list[str]:
    """The words of a line or of a side of it, each once whatever its case."""
    found: dict[str, str] = {}
    for part in _COMMA.split(side):
        word = _ESCAPED.sub(r"\1", " ".join(part.split()))
        if not re.search(r"\w", word):
            raise BadRow("bad synonyms", f"{word!r} is no word" if word else "an empty word")
        if len(word) > _LONGEST:
            raise BadRow("bad synonyms", f"a word of {len(word):,} characters, {_LONGEST} are read")
        found.setdefault(word.casefold(), word)
    if len(found) > _MOST:
        raise BadRow("bad synonyms", f"{len(found):,} words in a line, {_MOST} are read")
    return list(found.values())
