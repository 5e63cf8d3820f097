"""What an MP4 file's header says of itself, read by hand: FFmpeg believes the pictures where the two differ, and we reject the file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_INSIDE = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_MOST = 10_000  # boxes that are looked at


@dataclass(frozen=True)
class Declared:
    """What the header claims: the longest duration (seconds, 0 for none) and the largest picture (width, height in pixels)."""

    seconds: float = 0.0
    size: tuple[int, int] = (0, 0)


def declared(file: BinaryIO) -> Declared:
    """Read durations (`mvhd`, `mdhd`) and sizes (`tkhd`, `stsd`) of an ISO base media file (ISO/IEC 14496-12).

    Of a file that is none, or is damaged, what was found before the damage. Leaves the file at its start.
    """
    seconds, sizes = 0.0, [(0, 0)]
    video = False
    length = file.seek(0, io.SEEK_END)
    for _, (name, start, end) in zip(range(_MOST), _boxes(file, 0, length), strict=False):
        file.seek(start)
        body = file.read(min(end - start, 128))
        if name in (b"mvhd", b"mdhd"):
            long = body[:1] == b"\1"
            at = 20 if long else 12
            scale, duration = _number(body[at : at + 4]), _number(body[at + 4 : at + (12 if long else 8)])
            if scale and duration < (1 << (64 if long else 32)) - 1:  # all ones: not known
                seconds = max(seconds, duration / scale)
        elif name == b"tkhd":
            at = 88 if body[:1] == b"\1" else 76
            sizes.append((_number(body[at : at + 2]), _number(body[at + 4 : at + 6])))  # 16.16 numbers: whole pixels
        elif name == b"hdlr":
            video = body[8:12] == b"vide"
        elif name == b"stsd" and video:
            sizes.append((_number(body[40:42]), _number(body[42:44])))
    file.seek(0, os.SEEK_SET)
    return Declared(seconds, max(sizes, key=lambda size: size[0] * size[1]))


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of the content of each box, those inside the ones that lead to a track after these."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        length, name, skip = _number(head[:4]), head[4:8], 8
        if length == 1:
            length, skip = _number(head[8:16]), 16
        elif length == 0:
            length = end - start
        if length < skip:
            return
        inner, following = start + skip, min(start + length, end)
        yield name, inner, following
        if name in _INSIDE:
            yield from _boxes(file, inner, following)
        start += length


def _number(field: bytes) -> int:
    return int.from_bytes(field, "big")
