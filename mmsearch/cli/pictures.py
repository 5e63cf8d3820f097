"""Small pictures in a terminal, beside the rows of a table: by the protocols of kitty and iTerm2, as sixels, or of coloured half blocks.

No terminal is asked what it can do: an answer that never comes would hold up the program, and one that comes late would stand in the
user's next command. The environment says what most terminals are; others can be named.
"""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsearch.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from PIL import Image

#: kind → (columns, rows) of a picture. Two pixels of a block stand one above the other, so blocks get more room.
SIZES = {"kitty": (8, 4), "iterm": (8, 4), "sixel": (8, 4), "blocks": (12, 6)}
KINDS = ("auto", "none", *SIZES)

_PIXELS = 128  # of the long side where the terminal scales: sharp on screens of double density
_CHUNK = 4_096  # characters that kitty takes at a time
_CELL = (8, 16)  # pixels of a character where the terminal does not say: few, so that no picture covers a text
_NARROW = 60  # columns below which a picture would leave the title no room
_SIXEL_COLOURS = 64
_SIXEL_TERMINALS = ("foot", "mlterm", "yaft", "contour")


def chosen(given: str, environ: Mapping[str, str], *, terminal: bool, columns: int) -> str:
    """The kind of pictures to draw: that which is given, or for 'auto' what the terminal can show.

    Parameters
    ----------
    terminal : standard output is one; nothing else gets pictures. columns : its width.

    Raises UsageError for an unknown kind.
    """
    if given not in KINDS:
        raise UsageError(f"unknown thumbnails '{given}'{did_you_mean(given, KINDS)}", hint=f"thumbnails: {', '.join(KINDS)}")
    if not terminal:
        return "none"
    return given if given != "auto" else detected(environ) if columns >= _NARROW else "none"


def detected(environ: Mapping[str, str]) -> str:
    """What a terminal can show, by its environment."""
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if environ.get("NO_COLOR") or term in ("", "dumb"):
        return "none"
    # tmux and screen keep the variables of the terminal that they run in, but let no picture through.
    if not ("TMUX" in environ or "STY" in environ or term.startswith(("screen", "tmux"))):
        plain = term == "xterm-256color" and not program  # what many set in kitty, for the sake of other machines
        if term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty" or ("KITTY_WINDOW_ID" in environ and plain):
            return "kitty"
        if program in ("iTerm.app", "WezTerm", "mintty") or environ.get("LC_TERMINAL") == "iTerm2":
            return "iterm"
        if term.startswith(_SIXEL_TERMINALS) or "sixel" in term:
            return "sixel"
    return "blocks" if environ.get("COLORTERM") in ("truecolor", "24bit") else "none"


@dataclass(frozen=True)
class Picture:
    """A picture as a cell of a table of rich; without an image, an empty cell of the same size."""

    image: Image.Image | None
    kind: str

    def __rich_measure__(self, console: Any, options: Any) -> Any:
        from rich.measure import Measurement

        columns, _ = SIZES[self.kind]
        return Measurement(columns, columns)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.segment import ControlType, Segment

        columns, rows = SIZES[self.kind]
        if self.image is None:
            return
        if self.kind == "blocks":
            yield from _blocks(self.image, columns, rows)
            return
        yield from [Segment(" " * columns), Segment.line()] * rows
        # From the line below: by then all lines are on the screen, and drawing scrolls nothing.
        drawn = f"\x1b7\x1b[{rows}A{_DRAWN[self.kind](self.image, columns, rows)}\x1b8"
        yield Segment(drawn, None, [(ControlType.CURSOR_FORWARD, 0)])  # marked as a control, which has no width
        yield Segment(" " * columns)


def pictures(paths: Sequence[tuple[Path | None, bool]], kind: str) -> list[Picture]:
    """Pictures of photos and clips, each a path (None: there is none) and whether it is a clip. What cannot be opened is left empty."""
    from mmsearch.media import MediaError
    from mmsearch.web.thumbnails import shrunk

    found = []
    for path, clip in paths:
        try:
            image = None if path is None else shrunk(path, _PIXELS, clip=clip)
        except MediaError:  # a search has nothing to do with it, and a damaged photo is reported by `embed`
            image = None
        found.append(Picture(image, kind))
    return found


def kitty(image: Image.Image, columns: int, rows: int) -> str:
    """The escape codes of kitty's graphics protocol: a PNG over so many cells, the cursor left where it is, no answer.

    kitty stretches it over the cells, and older ones do not work out a side that is left open: it is made as wide and as high as they are.
    """
    from PIL import Image

    width, height = _cell()
    ratio = columns * width / (rows * height)
    canvas = Image.new("RGBA", (max(image.width, round(image.height * ratio)), max(image.height, round(image.width / ratio))))
    canvas.paste(image)
    data = _encoded(canvas, "PNG")
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    heads = [f"a=T,f=100,c={columns},r={rows},C=1,q=2,", *[""] * (len(chunks) - 1)]
    last = len(chunks) - 1
    return "".join(f"\x1b_G{head}m={int(n < last)};{chunk}\x1b\\" for n, (head, chunk) in enumerate(zip(heads, chunks, strict=True)))


def iterm(image: Image.Image, columns: int, rows: int) -> str:
    """The escape code of iTerm2's inline images."""
    return f"\x1b]1337;File=inline=1;width={columns};height={rows};preserveAspectRatio=1:{_encoded(image, 'JPEG')}\x07"


def sixel(image: Image.Image, columns: int, rows: int) -> str:
    """The picture as sixels: bands of six rows of pixels, in each the columns of one colour after the other."""
    import numpy as np

    width, height = _cell()
    small = image.copy()
    small.thumbnail((columns * width, rows * height))
    reduced = small.quantize(_SIXEL_COLOURS)
    pixels, palette = np.asarray(reduced), reduced.getpalette() or []
    parts = [f'\x1bP0;1;0q"1;1;{reduced.width};{reduced.height}']
    for colour in np.unique(pixels).tolist():
        red, green, blue = (round(100 * value / 255) for value in palette[3 * colour : 3 * colour + 3])
        parts.append(f"#{colour};2;{red};{green};{blue}")
    for top in range(0, reduced.height, 6):
        band = pixels[top : top + 6]
        bits = 1 << np.arange(len(band))[:, None]
        for colour in np.unique(band).tolist():
            signs = [chr(63 + value) for value in ((band == colour) * bits).sum(axis=0).tolist()]
            parts.append(f"#{colour}{''.join(_run(sign, len(list(same))) for sign, same in itertools.groupby(signs))}$")
        parts.append("-")
    return "".join([*parts, "\x1b\\"])


_DRAWN: dict[str, Callable[[Any, int, int], str]] = {"kitty": kitty, "iterm": iterm, "sixel": sixel}


def _run(sign: str, length: int) -> str:
    return f"!{length}{sign}" if length > 3 else sign * length


def _blocks(image: Image.Image, columns: int, rows: int) -> Iterator[Any]:
    """Half blocks: the ink is the upper pixel, the ground the lower one. What the photo does not fill stays empty."""
    from rich.color import Color
    from rich.segment import Segment
    from rich.style import Style

    small = image.copy()
    scale = min(columns / image.width, 2 * rows / image.height)
    small = small.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))))
    for top in range(0, 2 * rows, 2):
        for x in range(columns):
            upper, lower = (
                Color.from_rgb(*small.getpixel((x, y))) if x < small.width and y < small.height else None  # type: ignore[misc]
                for y in (top, top + 1)
            )
            yield Segment(" ") if upper is None else Segment("▀", Style(color=upper, bgcolor=lower))
        yield Segment.line()
    yield Segment(" " * columns)  # between this picture and the next


def _encoded(image: Image.Image, format: str) -> str:
    file = io.BytesIO()
    image.save(file, format)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _cell() -> tuple[int, int]:
    """(width, height) of a character in pixels."""
    try:
        import array
        import fcntl
        import sys
        import termios

        size = array.array("H", [0, 0, 0, 0])
        fcntl.ioctl(sys.stdout, termios.TIOCGWINSZ, size)
    except (ImportError, OSError, ValueError):  # Windows, or no terminal
        return _CELL
    rows, columns, width, height = size
    return (width // columns, height // rows) if rows and columns and width >= columns and height >= rows else _CELL
