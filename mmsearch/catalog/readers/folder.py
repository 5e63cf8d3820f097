"""A folder of photos → one product a photo: its path is the id, the words of its name the title, its folders the category.

Files that differ only by a number or letter at the end (`shoe_1.jpg`, `shoe_2.jpg`) are products of their own: whether they show one
thing or two cannot be told from names. A table with an `images` column says it.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmsearch.catalog.problems import Problem
from mmsearch.catalog.readers.row import Row, Source, Told, readable
from mmsearch.errors import InputError

_PHOTOS = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"))
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".gz")
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\x00", b"MM\x00*")
_SYSTEM = frozenset(("thumbs.db", "desktop.ini", "@eadir", "__macosx", "$recycle.bin", "system volume information", "lost+found"))
_NAMED = 5  # files named in a note
# Possessive throughout: a long name of digits and signs must not be tried in every division.
_CAMERA = re.compile(
    r"(?i)(?:img|dsc[nf]?|pict?|image|photo|pxl|mvimg|gopr|sam|cimg|wp|vid|scan|screenshot|untitled|whatsapp image|p(?=\d{7}$)|"
    r"微信图片|图片|照片|截图)?+[\d\s_.:,()-]*+(?:(?:at|am|pm|wa|copy|edited|副本)[\d\s_.:,()-]*+)*+"
)
_CATALOGUE = re.compile(r"(?i)product|catalog|goods|items|商品")
_CODE = re.compile(r"(?i)(?=[0-9a-f-]*\d)[0-9a-f-]{16,}")  # a hash or a UUID
_SEPARATORS = re.compile(r"[\s_+,]+|(?<!\d)[.-]+|[.-]+(?!\d)")
_COUNTER = re.compile(r"(?i)(?:\s?\(\d{1,4}\)|[\s_.-]0\d{1,4}|[\s_-]copy|\s-\s副本)$")
_LEADING = re.compile(r"^0\d*[_.-]+\s?")
_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|(?<=[a-z]{3})(?=\d)")


def open_folder(folder: Path) -> Source:
    """The photos below a folder, each folder's own before those of its folders, by name; `line` counts them.

    Raises InputError: it cannot be read, or there are none.
    """
    told = Told()
    rows = _rows(str(folder), told)
    first = next(rows, None)
    if first is None:
        raise InputError(f"{folder} holds no photos", hint="; ".join(told.notes) or None)
    return Source(
        str(folder), ["id", "title", "category", "image"], True, itertools.chain([first], rows), folder.resolve(), "folder", told=told
    )


def title_of(stem: str) -> str:
    """The words of a file's name; '' where it has none (a camera's number, a hash).

    >>> title_of("001_red-running_shoe_02"), title_of("RedRunningShoe (2)"), title_of("IMG_1234"), title_of("iPhone_15")
    ('red running shoe', 'Red Running Shoe', '', 'iPhone 15')
    """
    if (_CAMERA.fullmatch(stem) and any(c.isdigit() for c in stem)) or _CODE.fullmatch(stem):
        return ""
    name = stem
    while (shorter := _COUNTER.sub("", name)) != name:
        name = shorter
    name = _LEADING.sub("", name)
    words = " ".join(_SEPARATORS.sub(" ", name).split())
    return words if " " in words else _CAMEL.sub(" ", words)


def _rows(root: str, told: Told) -> Iterator[Row]:
    others: list[str] = []
    other = links = line = 0
    seen: set[tuple[int, int]] = set()
    waiting = [""]  # folders still to be read, the next one last
    while waiting:
        inside = waiting.pop()
        try:
            here = os.stat(os.path.join(root, inside))  # noqa: PTH116, PTH118 - strings: a million paths
            if (here.st_dev, here.st_ino) in seen:
                continue
            seen.add((here.st_dev, here.st_ino))
            names, folders, linked = _listed(root, inside)
        except OSError as error:
            if not inside:
                raise InputError(f"cannot read {root}: {error.strerror}") from error
            line += 1
            told.incomplete = f"the folder {readable(inside) or root} cannot be read: {error.strerror}"
            yield Row(line, {"_text": readable(inside)}, Problem("the folder cannot be read", str(error.strerror)))
            continue
        waiting.extend(reversed(folders))
        for path in linked:
            if _leads_inside(root, path):
                links += 1
                continue
            line += 1
            yield Row(line, {"_text": readable(path)}, Problem("a link to a folder outside is not followed", readable(path)))
        for path in names:
            if not _is_photo(root, path):
                other += 1
                # Tables first: a folder with photos often has the one that describes them.
                if len(others) < _NAMED:
                    others.append(path)
                elif path.lower().endswith(_TABLES) and not others[-1].lower().endswith(_TABLES):
                    others[-1] = path
                continue
            line += 1
            yield _row(line, path)
    if other:
        told.notes.append(
            f"{other} files that are no photos were left out: {', '.join(map(readable, others))}{', …' * (other > len(others))}"
        )
    if tables := [path for path in others if path.lower().endswith(_TABLES)]:
        best = os.path.join(root, min(tables, key=lambda path: not _CATALOGUE.search(path)))  # noqa: PTH118
        told.notes.append(f"a table may describe these photos better than their names: mmsearch ingest {readable(best)}")
    if links:
        told.notes.append(f"{links} links to folders inside were not followed: their photos come once, where they lie")


def _listed(root: str, inside: str) -> tuple[list[str], list[str], list[str]]:
    """The files, folders and links to folders in a folder, as paths from the root, in order. Raises OSError."""
    names, folders, linked = [], [], []
    with os.scandir(os.path.join(root, inside)) as entries:  # noqa: PTH118
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:  # hidden; resource forks are named ._*
                continue
            path = f"{inside}/{entry.name}" if inside else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_symlink() and _is_dir(entry):
                linked.append(path)
            else:
                names.append(path)
    return sorted(names), sorted(folders), sorted(linked)


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself: what opens it says so
        return False


def _leads_inside(root: str, path: str) -> bool:
    return Path(root, path).resolve().is_relative_to(Path(root).resolve())


def _is_photo(root: str, path: str) -> bool:
    if os.path.splitext(path)[1].lower() in _PHOTOS:  # noqa: PTH122
        return True
    where = Path(root, path)
    try:
        if not where.is_file() or where.suffix.lower() in _TABLES:
            return False
        with where.open("rb") as file:
            start = file.read(16)
    except OSError:
        return False
    return start.startswith(_BEGINNINGS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def _row(line: int, path: str) -> Row:
    if readable(path) != path:
        return Row(line, {"_text": readable(path)}, Problem("not UTF-8", "the name of the file"))
    parts = os.path.splitext(path)[0].split("/")  # noqa: PTH122
    values: dict[str, Any] = {"id": "/".join(parts)}
    if title := title_of(parts[-1]):
        values["title"] = title
    if len(parts) > 1:
        values["category"] = " > ".join(title_of(part) or part for part in parts[:-1])
    values["image"] = [path]
    return Row(line, values)
