"""TREC files: qrels (which products are relevant to a query) and runs (which products a method gave, with scores).

    qrels   query  iteration  product  relevance              or   query  product  relevance
    run     query  Q0  product  rank  score  tag

Fields are split on TAB where a line has one (ids may then hold spaces), else on white space. In memory, qrels are
query → product → relevance, and a run is query → product → score; the rank column of a run is not read, as in trec_eval.
"""

from __future__ import annotations

import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mmsearch.catalog.readers import standard_input
from mmsearch.errors import InputError

Qrels = Mapping[str, Mapping[str, int]]
Run = Mapping[str, Mapping[str, float]]

# ASCII white space, as in C's isspace: an id may hold U+3000 or a no-break space.
_SPACE = " \t\r\n\v\f"
_SPACES = re.compile(f"[{_SPACE}]+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")  # as many digits as fit every reader's integers
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BEIR_HEADER = ["query-id", "corpus-id", "score"]
_SPACES_HINT = "ids with spaces need a TAB between the fields"


def read_qrels(path: str | Path) -> dict[str, dict[str, int]]:
    """Read judgments; `-` is standard input.

    Lines have 4 fields as in TREC, or 3 without the iteration column (BEIR's header line is skipped), the same
    number on every line: otherwise a field that was forgotten would shift the others unnoticed.
    A line that repeats another is harmless.

    Raises
    ------
    InputError : missing, empty or not UTF-8; a line with another number of fields, an empty id, a relevance that is not a
        whole number, or that contradicts an earlier line. Names file and line.
    """
    qrels: dict[str, dict[str, int]] = {}
    width = 0
    for where, fields in _lines(path):
        if not width and fields == _BEIR_HEADER:
            width = 3
            continue
        if len(fields) not in ({width} if width else {3, 4}):
            wanted = f"{width}, as on the lines before" if width else "query, iteration, product, relevance (or without the iteration)"
            raise InputError(f"{where}: {len(fields)} fields, expected {wanted}", hint=_SPACES_HINT)
        width = len(fields)
        query, product = _ids(where, fields[0], fields[-2])
        if not _WHOLE.fullmatch(fields[-1]):
            raise InputError(f"{where}: the relevance must be a whole number, not {fields[-1]!r}")
        relevance = int(fields[-1])
        earlier = qrels.setdefault(query, {}).setdefault(product, relevance)
        if earlier != relevance:
            raise InputError(
                f"{where}: query {query!r} judges product {product!r} {relevance}, an earlier line {earlier}", hint="keep one of the two"
            )
    if not qrels:
        raise InputError(f"{_name(path)} holds no judgments")
    return qrels


def read_run(path: str | Path) -> dict[str, dict[str, float]]:
    """Read a run; `-` is standard input.

    Raises
    ------
    InputError : missing, empty or not UTF-8; a line without 6 fields, an empty id, a score that is not a finite number, or a
        product that its query has twice. Names file and line.
    """
    run: dict[str, dict[str, float]] = {}
    for where, fields in _lines(path):
        if len(fields) != 6:
            raise InputError(f"{where}: {len(fields)} fields, expected query, Q0, product, rank, score, tag", hint=_SPACES_HINT)
        query, product = _ids(where, fields[0], fields[2])
        score = float(fields[4]) if _DECIMAL.fullmatch(fields[4]) else math.nan
        if not math.isfinite(score):
            raise InputError(f"{where}: the score must be a finite number, not {fields[4]!r}")
        scores = run.setdefault(query, {})
        if product in scores:
            raise InputError(f"{where}: query {query!r} has product {product!r} twice", hint="keep the line with the better score")
        scores[product] = score
    if not run:
        raise InputError(f"{_name(path)} holds no results")
    return run


def rank(scores: Mapping[str, float]) -> list[str]:
    """The products of one query, best first: score descending, ties by id descending, as trec_eval orders them.

    Scores are compared in single precision: trec_eval up to 9.0.8, and pytrec_eval and ir_measures with it, hold them as
    C floats, so that two scores which differ from the eighth digit on are tied. (trec_eval 10.0 holds doubles. A file
    that `write_run` made has the same order in all of them.)

    Raises
    ------
    InputError : a score is not a finite number.
    """
    return [product for _, product in sorted(zip(_single(scores).tolist(), scores, strict=True), reverse=True)]


def untied(scores: Iterable[float]) -> list[float]:
    """Scores (n,) of a list in its order → scores by which every reader of a run gets that order.

    A score that is not below the one before it in single precision (see `rank`) becomes the next number of single precision below that;
    all others stay as they are. Otherwise ties of the list, which has them by id, would be measured in another order than they were shown.
    """
    found: list[float] = []
    for score in scores:
        if found and np.float32(score) >= (before := np.float32(found[-1])):
            score = float(np.nextafter(before, np.float32(-np.inf)))
        found.append(score)
    return found


def write_qrels(file: TextIO, qrels: Qrels) -> None:
    """Write judgments, in the order given. Raises InputError for an id that a TREC file cannot hold."""
    for query, judgments in qrels.items():
        for product, relevance in judgments.items():
            file.write(_line(query, "0", product, str(relevance)))


def write_run(file: TextIO, run: Run, tag: str) -> None:
    """Write a run, each query's products best first; ranks start at 1. A query without products leaves no line.

    Scores are written in the single precision in which `rank` compares them: whoever reads the file, in single or in
    double precision, gets the same order.

    Raises
    ------
    InputError : an id or a tag that a TREC file cannot hold, or a score that is not finite in single precision.
    """
    for query, scores in run.items():
        single = dict(zip(scores, _single(scores), strict=True))
        for place, product in enumerate(rank(scores), 1):
            if not np.isfinite(single[product]):
                raise InputError(f"query {query!r}: the score {scores[product]} of product {product!r} does not fit single precision")
            file.write(_line(query, "Q0", product, str(place), str(single[product]), tag))


def _single(scores: Mapping[str, float]) -> NDArray[np.float32]:
    """Scores (n,) in single precision; those beyond its range become infinite, as in C."""
    double = np.fromiter(scores.values(), np.float64, len(scores))
    if not np.isfinite(double).all():
        product = next(p for p, score in scores.items() if not math.isfinite(score))
        raise InputError(f"the score of product {product!r} is {scores[product]}, not a finite number")
    with np.errstate(over="ignore"):
        return double.astype(np.float32)


def _lines(path: str | Path) -> Iterator[tuple[str, list[str]]]:
    """(`file:line`, fields) of every line that is not blank."""
    name = _name(path)
    try:
        with nullcontext(standard_input()) if str(path) == "-" else Path(path).open("rb") as file:
            for number, raw in enumerate(file, 1):
                where = f"{name}:{number}"
                try:
                    line = (raw.removeprefix(BOM_UTF8) if number == 1 else raw).decode().strip("\r\n")
                except UnicodeDecodeError as error:
                    raise InputError(f"{where}: not UTF-8 text ({error.reason})") from error
                if "\t" in line and line.strip(_SPACE):
                    yield where, [field.strip(_SPACE) for field in line.split("\t")]
                elif line := line.strip(_SPACE):
                    yield where, _SPACES.split(line)
    except FileNotFoundError:
        raise InputError(f"there is no file {name}") from None
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error


def _name(path: str | Path) -> str:
    return "standard input" if str(path) == "-" else str(path)


def _ids(where: str, query: str, product: str) -> tuple[str, str]:
    if not query or not product:
        raise InputError(f"{where}: the {'product' if query else 'query'} id is empty")
    return query, product


def _line(*fields: str) -> str:
    for text in fields:
        # White space around an id, or a byte order mark that may come first in the file, would be lost in reading.
        if not text or text != text.strip(_SPACE + "\ufeff") or any(c in text for c in "\t\r\n"):
            raise InputError(f"a TREC file cannot hold {text!r}: empty, with a TAB or a line break, or with white space around it")
    return ("\t" if any(map(_SPACES.search, fields)) else " ").join(fields) + "\n"
