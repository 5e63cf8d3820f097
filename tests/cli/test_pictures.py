"""Pictures in a terminal's table: which kind, and that every protocol carries the photo."""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import small_shop
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmsearch.cli.pictures import Picture, chosen, detected, iterm, kitty, pictures, sixel
from mmsearch.errors import EXIT_DONE, EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]

fcntl = pytest.importorskip("fcntl", reason="pseudo-terminals are of Unix")
termios = pytest.importorskip("termios")

PROGRAM = Path(__file__).parents[1] / "fake_mmsearch.py"
RED = small_shop.COLOURS["red"]

TERMINALS = [
    ({"TERM": "xterm-kitty", "COLORTERM": "truecolor"}, "kitty"),
    ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
    ({"TERM": "xterm-ghostty"}, "kitty"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app", "COLORTERM": "truecolor"}, "iterm"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
    ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
    ({"TERM": "foot", "COLORTERM": "truecolor"}, "sixel"),
    ({"TERM": "mlterm"}, "sixel"),
    ({"TERM": "xterm-sixel"}, "sixel"),
    ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "blocks"),
    ({"TERM": "alacritty", "COLORTERM": "24bit", "KITTY_WINDOW_ID": "1"}, "blocks"),
    ({"TERM": "tmux-256color", "COLORTERM": "truecolor", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x"}, "blocks"),
    ({"TERM": "screen", "LC_TERMINAL": "iTerm2", "STY": "1"}, "none"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode", "KITTY_WINDOW_ID": "1"}, "none"),
    ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "none"),
    ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
    ({"TERM": "xterm"}, "none"),
    ({}, "none"),
]


@pytest.mark.parametrize(("environ", "kind"), TERMINALS)
def test_what_a_terminal_can_show(environ: dict[str, str], kind: str) -> None:
    assert detected(environ) == kind
    assert chosen("auto", environ, terminal=True, columns=100) == kind
    assert chosen("auto", environ, terminal=True, columns=50) == "none", "no room"
    assert chosen("sixel", environ, terminal=True, columns=50) == "sixel", "named is named"
    for asked in ("auto", "kitty", "none"):
        assert chosen(asked, environ, terminal=False, columns=100) == "none"


def test_an_unknown_kind() -> None:
    with pytest.raises(UsageError, match="unknown thumbnails 'kity'; did you mean kitty"):
        chosen("kity", {}, terminal=False, columns=100)


def from_kitty(codes: str) -> Image.Image:
    """The picture that a terminal would put together."""
    found = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", codes)
    assert "".join(f"\x1b_G{head};{data}\x1b\\" for head, data in found) == codes, "nothing else is among them"
    assert all(len(data) <= 4096 and len(data) % 4 == 0 for _, data in found)
    assert [head[-3:] for head, _ in found] == ["m=1"] * (len(found) - 1) + ["m=0"] or len(found) == 1
    assert [head for head, _ in found[1:-1]] == ["m=1"] * len(found[1:-1])
    return Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in found))))


def from_sixel(codes: str) -> np.ndarray:
    """The picture (height, width, 3) that a terminal would draw; what no sixel draws is -1."""
    size, body = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+;\d+)(.*)\x1b\\', codes, re.DOTALL).groups()  # type: ignore[union-attr]
    width, height = map(int, size.split(";"))
    drawn = np.full((height + 6, width, 3), -1)
    palette: dict[str, list[int]] = {}
    colour, x, top = "", 0, 0
    for name, rgb, run, sign in re.findall(r"#(\d+)(?:;2;(\d+;\d+;\d+))?|(?:!(\d+))?([?-~$-])", body):
        if rgb:
            palette[name] = [round(int(v) * 2.55) for v in rgb.split(";")]
        elif name:
            colour = name
        elif sign == "$":
            x = 0
        elif sign == "-":
            x, top = 0, top + 6
        else:
            for _ in range(int(run or 1)):
                for bit in range(6):
                    if (ord(sign) - 63) >> bit & 1:
                        drawn[top + bit, x] = palette[colour]
                x += 1
            assert x <= width
    assert (drawn[height:] == -1).all()
    return drawn[:height]


@given(st.integers(1, 140), st.integers(1, 140), st.integers(0, 2**32 - 1))
def test_every_protocol_carries_the_picture(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image = Image.fromarray(pixels)
    canvas = np.asarray(from_kitty(kitty(image, 8, 4)))
    assert (canvas[:height, :width, :3] == pixels).all()
    assert (canvas[..., 3] > 0).sum() == width * height, "the rest is clear"
    assert canvas.shape[0] == canvas.shape[1] == max(width, height), "8 × 4 cells are a square, which kitty does not distort"
    head, data = re.fullmatch(r"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07", iterm(image, 8, 4)).groups()  # type: ignore[union-attr]
    assert head == "inline=1;width=8;height=4;preserveAspectRatio=1"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == image.size
    drawn = from_sixel(sixel(image, 8, 4))
    assert drawn.shape[0] <= 64 and drawn.shape[1] <= 64, "it stays in its room"
    assert (drawn >= 0).all(), "every pixel is drawn"


def test_colours_of_sixels(tmp_path: Path) -> None:
    small_shop.paint(tmp_path / "a.png", "red", "cup")
    image = Image.open(tmp_path / "a.png")
    drawn = from_sixel(sixel(image, 8, 4))
    assert np.abs(drawn - np.asarray(image).astype(int)).max() <= 3, "few colours stay as they are, in steps of a hundredth"


def test_what_has_no_picture_is_left_empty(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    assert [p.image for p in pictures([(None, False), (tmp_path / "gone.png", False), (tmp_path / "broken.jpg", False)], "kitty")] == [
        None
    ] * 3


def rendered(picture: Picture) -> str:
    from rich.console import Console
    from rich.table import Table

    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=60)
    table = Table(box=None)
    table.add_column("")
    table.add_column("title")
    table.add_row(picture, "one")
    table.add_row(Picture(None, picture.kind), "two")
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["kitty", "iterm", "sixel"])
def test_a_picture_takes_its_room_and_moves_nothing(kind: str) -> None:
    out = rendered(Picture(Image.new("RGB", (30, 20), "red"), kind))
    drawn = re.findall(r"\x1b7\x1b\[4A.*?\x1b8", out, re.DOTALL)
    assert len(drawn) == 1, "saved, up, drawn, restored"
    lines = re.sub(r"\x1b7.*?\x1b8", "", out, flags=re.DOTALL).splitlines()
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert [line.strip() for line in plain] == ["title", "one", "", "", "", "", "two"]
    assert out.splitlines()[5].strip().startswith("\x1b7"), "on the fifth line, four below the first"


def test_blocks() -> None:
    out = rendered(Picture(Image.new("RGB", (40, 20), "red"), "blocks"))
    lines = out.splitlines()
    assert out.count("▀") == 36, "12 columns and 6 pixels: three rows"
    assert lines[1].count("38;2;255;0;0") >= 1 and "48;2;255;0;0" in lines[1]
    assert "\x1b7" not in out


def on_a_terminal(store: str, *args: str, columns: int = 100, **environ: str) -> str:
    """What the program writes to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "MMSEARCH_HOME", "MMSEARCH_FEATURES") if name in os.environ}
    paths = f"{PROGRAM.parent}:{PROGRAM.parents[1]}"
    environment = kept | {"PYTHONPATH": paths, "MMSEARCH_STORE": store, "LANG": "C.UTF-8"} | environ
    ran = subprocess.Popen([sys.executable, str(PROGRAM), *args], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # how Linux says that the other side has closed
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    assert ran.wait(timeout=60) == EXIT_DONE
    return b"".join(parts).decode("utf-8")


def test_a_terminal_gets_pictures_and_a_pipe_none(store: str) -> None:
    out = on_a_terminal(store, "search", "red shoe", "-k", "3", TERM="xterm-kitty")
    assert "red-shoe" in out
    shown = [from_kitty(codes) for codes in re.findall(r"\x1b7\x1b\[4A(.*?)\x1b8", out, re.DOTALL)]
    assert len(shown) == 3
    assert shown[0].convert("RGB").getpixel((30, 30)) == RED
    out = on_a_terminal(store, "search", "red shoe", "-k", "3", TERM="xterm-256color", COLORTERM="truecolor")
    assert f"38;2;{RED[0]};{RED[1]};{RED[2]}" in out and "▀" in out
    out = on_a_terminal(store, "search", "red shoe", "-k", "3", TERM="xterm-kitty", NO_COLOR="1")
    assert "red-shoe" in out and not has_pictures(out)


def has_pictures(out: str) -> bool:
    return any(code in out for code in ("\x1b_G", "\x1b]1337", "\x1bP", "▀"))


def test_named_kinds(store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    ran = mm("search", "red shoe", "--format", "table", "--no-understand")
    assert "\x1b" not in ran.out and ran.err == "", "piped"
    ran = mm("search", "red shoe", "--format", "table", "--thumbnails", "kitty", "--no-understand")
    assert "\x1b" not in ran.out and ran.err == "no thumbnails: only a table on a terminal has them\n"
    ran = mm("search", "red shoe", "--thumbnails", "kity")
    assert ran.code == EXIT_USAGE and "did you mean kitty" in ran.err
    queries = tmp_path / "queries.tsv"
    queries.write_text("q1\tred shoe\nq2\tblue hat\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    assert has_pictures(mm("search", "red shoe", "-k", 2).out)
    for args in (["--quiet"], ["--thumbnails", "none"], ["--format", "jsonl"]):
        ran = mm("search", "red shoe", "-k", 2, *args)
        assert "red-shoe" in ran.out and not has_pictures(ran.out)
    assert not has_pictures(mm("search", "--queries", queries, "-k", 2).out), "a batch has none of itself"
    assert mm("search", "--queries", queries, "-k", 2, "--thumbnails", "kitty").out.count("\x1b7") == 4
    monkeypatch.setattr("mmsearch.cli.hit_pictures._MOST", 2)
    ran = mm("search", "red shoe", "-k", 5, "--thumbnails", "iterm", "--no-understand")
    assert ran.out.count("\x1b]1337") == 2 and ran.err == "the first 2 have a thumbnail\n"
