"""Cleaned products out of rows, many at a time: in this process, or in one beside it, so that one core reads while another cleans.

Python runs one thread at a time, and cleaning is three quarters of what an ingest costs: a million rows take half as long with a
process of its own for it (`python -m bench ingest`). The two talk over pipes that nobody else holds, in Python's `marshal`, which
carries plain values only; `multiprocessing` would import the program's own script a second time.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any, NamedTuple

from mmsearch import settings
from mmsearch.catalog.clean import Cleaner
from mmsearch.catalog.language import detect_many
from mmsearch.catalog.media_check import Fetch, MediaCheck
from mmsearch.catalog.problems import Problem
from mmsearch.catalog.product_rows import ProductRows
from mmsearch.catalog.records import Product
from mmsearch.errors import MMSearchError

LANGUAGE = "title_language"  # an attribute of its own: a column `language` of the shop's stays what it is

_MARSHAL = 2  # later versions look for every object whether it came before, which takes longer than writing it again

_SERVE = "import sys; sys.path[:] = {path!r}; from mmsearch.catalog.making import serve; serve()"


class Meaning(NamedTuple):
    """What the columns of a file mean, see `columns.map_columns` and `columns.language_columns`."""

    mapping: Mapping[str, tuple[str, ...]]
    languages: Mapping[str, tuple[str, str]]


Raw = tuple[str, Mapping[str, Any], bool, str]  # id, values, whether they have types, the folder of the media


class Made(NamedTuple):
    """Products in the order of their rows; how many cells each rule of cleaning changed, and media by outcome."""

    products: list[Product]
    cleaned: Counter[str]
    media: dict[str, Counter[str]]


class Maker:
    """Makes products in this process."""

    def __init__(self, meaning: Meaning, *, allow_outside: bool, fetch: Fetch | None = None):
        self._meaning, self._allow_outside, self._fetch = meaning, allow_outside, fetch
        self._cleaner, self._media = Cleaner(), MediaCheck(allow_outside, fetch)
        self._rows = ProductRows(*meaning, self._media, self._cleaner)

    def make(self, meaning: Meaning, rows: Sequence[Raw]) -> Made:
        """Clean rows. Problems of a row are noted in its product."""
        if meaning != self._meaning:
            self._meaning = meaning
            self._rows.remap(*meaning)
        products = [self._rows.product(id, values, typed=typed, folder=folder) for id, values, typed, folder in rows]
        _name_languages(products)
        made = Made(products, Counter(self._cleaner.counts), self._media.outcomes)
        self._cleaner.counts.clear()
        self._media.outcomes = {}
        return made


def _name_languages(products: Sequence[Product]) -> None:
    """Note the language of each title (or of the description, where there is none)."""
    titled = [(p, p.fields.get("title") or p.fields.get("description")) for p in products if "title" in p.fields]
    for (product, _), language in zip(titled, detect_many([text or "" for _, text in titled]), strict=True):
        if language is None:
            product.cleared.append(LANGUAGE)
        else:
            product.attributes[LANGUAGE] = ("text", language)


class MakerBeside:
    """Makes products in a process of its own: `send` rows, then `receive` what came of them, in the same order.

    `send` and `receive` may be called by two threads. The process ends with this one, however that ends.
    """

    def __init__(self, meaning: Meaning, *, allow_outside: bool):
        (
            settings.max_pixels(),
            settings.max_media_bytes(),
            settings.max_video_bytes(),
            settings.max_seconds(),
        )  # what is wrong with them is told here
        code = _SERVE.format(path=sys.path)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        # In a session of its own: Ctrl-C is for us to handle, and the end of its input ends it.
        self._process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes)  # type: ignore[call-overload]  # noqa: S603 - our own code
        self._tell((tuple(map(dict, meaning)), allow_outside))

    def send(self, meaning: Meaning, rows: Sequence[Raw]) -> None:
        """Hand rows over. Raises MMSearchError where the process has ended."""
        self._tell((tuple(map(dict, meaning)), rows))

    def receive(self) -> Made:
        """What came of the rows sent first. Raises MMSearchError where the process has ended."""
        answer = _read(self._process.stdout)
        if answer is None:
            raise self._gone()
        products, cleaned, media = answer
        return Made([_unpacked(p) for p in products], Counter(cleaned), {name: Counter(outcomes) for name, outcomes in media.items()})

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def _tell(self, message: Any) -> None:
        try:
            _write(self._process.stdin, message)
        except BrokenPipeError as error:
            raise self._gone() from error

    def _gone(self) -> MMSearchError:
        code = self._process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
        return MMSearchError(f"the process that cleans the rows {how}", hint="what was written before stays; run the same command again")


def serve() -> None:
    """What that process does: rows from standard input, products to standard output, until the input ends."""
    gc.disable()  # as in `ingest`
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get between
    first = _read(incoming)
    if first is None:
        return
    (meaning, allow_outside) = first
    maker = Maker(Meaning(*meaning), allow_outside=allow_outside)
    with contextlib.suppress(BrokenPipeError):
        while (message := _read(incoming)) is not None:
            meaning, rows = message
            made = maker.make(Meaning(*meaning), rows)
            media = {name: dict(outcomes) for name, outcomes in made.media.items()}
            _write(outgoing, ([_packed(p) for p in made.products], dict(made.cleaned), media))


def _packed(product: Product) -> tuple[Any, ...]:
    problems = [tuple(problem) for problem in product.problems]
    return product.id, product.folder, product.fields, product.attributes, product.cleared, product.whole, problems


def _unpacked(values: tuple[Any, ...]) -> Product:
    id, folder, fields, attributes, cleared, whole, problems = values
    return Product(id, folder, fields, attributes, cleared, whole, [Problem(*problem) for problem in problems])


def _write(pipe: IO[bytes], message: Any) -> None:
    data = marshal.dumps(message, _MARSHAL)
    pipe.write(len(data).to_bytes(8, "little"))
    pipe.write(data)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any | None:
    """The next message; None at the end."""
    length = pipe.read(8)
    data = pipe.read(int.from_bytes(length, "little"))
    return marshal.loads(data) if len(length) == 8 and len(data) == int.from_bytes(length, "little") else None  # noqa: S302 - from our own process, over a pipe of its own
