"""Clocks. The hands show a different time on each."""

from __future__ import annotations

import math

from sample_shop.canvas import RGB, Canvas, box, ellipse, shape, stroke, tint
from sample_shop.drawings.look import Look

#: Which of the seven segments (top, upper left, upper right, middle, lower left, lower right, bottom) a digit lights.
_SEGMENTS = ("1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011")


def _around(cx: float, cy: float, radius: float, turn: float) -> tuple[float, float]:
    """The point at `turn` (0…1, clockwise from 12 o'clock)."""
    return cx + radius * math.sin(turn * math.tau), cy - radius * math.cos(turn * math.tau)


def _face(c: Canvas, cx: float, cy: float, r: float, paper: RGB, ink: RGB, second: RGB) -> None:
    c.paint(ellipse(cx, cy, r), paper, bulge=5)
    for i in range(12):
        main = i % 3 == 0
        c.paint(
            stroke([_around(cx, cy, r * 0.9, i / 12), _around(cx, cy, r * (0.72 if main else 0.8), i / 12)], 2 if main else 1),
            ink,
            form="flat",
        )
    hour, minute = c.vary(0, 1), c.vary(0, 1)
    c.paint(stroke([(cx, cy), _around(cx, cy, r * 0.48, hour)], 2.6), ink, form="flat")
    c.paint(stroke([(cx, cy), _around(cx, cy, r * 0.72, minute)], 1.8), ink, form="flat")
    c.paint(stroke([_around(cx, cy, -r * 0.15, minute + 0.3), _around(cx, cy, r * 0.76, minute + 0.3)], 0.8), second, form="flat")
    c.paint(ellipse(cx, cy, 2), second, form="sphere", gloss=0.4)


def alarm_clock(c: Canvas, look: Look) -> None:
    """Two bells on top and a hammer between them; `build` "round" has a handle, "ears" small animal ears instead of bells."""
    r = c.vary(29, 31)
    for side in (-1, 1):
        c.paint(stroke([(50 + side * 17, 78), (50 + side * 25, 91)], 4.5), tint(look.main, -0.2), bulge=4, gloss=0.4)
    if look.build == "ears":
        for side in (-1, 1):
            c.paint(ellipse(50 + side * 23, 28, 12), look.main, form="sphere", depth=0.7, gloss=0.4)
            c.paint(ellipse(50 + side * 23, 29, 7), look.accent, form="sphere", depth=0.5)
    else:
        metal = (206, 176, 96) if look.second == "gold" else (196, 200, 206)
        c.paint(stroke([(50, 16), (50, 28)], 2), (120, 120, 124), bulge=2)
        c.paint(ellipse(50, 15, 4, 3), (110, 110, 116), form="sphere", gloss=0.5)
        for side in (-1, 1):
            c.paint(stroke([(50 + side * 21, 26), (50 + side * 16, 36)], 2.4), (120, 120, 124), bulge=2)
            dome = shape([_tilt(50 + side * 23, 22, x, y, side * 32) for x, y in _dome()])
            c.paint(dome, metal, bulge=10, depth=1.4, gloss=0.9)
        if look.build == "round":
            c.paint(stroke("M 36 14 C 40 2 60 2 64 14", 1.8), (150, 152, 158), bulge=2, gloss=0.5)
    c.paint(ellipse(50, 57, r + 5), look.main, bulge=9, depth=1.4, gloss=0.5)
    _face(c, 50, 57, r - 1, (250, 248, 240), (40, 40, 44), (206, 44, 40))


def _dome() -> list[tuple[float, float]]:
    return [(12.5 * math.cos(math.pi * i / 20), -11 * math.sin(math.pi * i / 20)) for i in range(21)] + [(-12.5, 3), (12.5, 3)]


def _tilt(cx: float, cy: float, x: float, y: float, degrees: float) -> tuple[float, float]:
    turn = math.radians(degrees)
    return cx + x * math.cos(turn) - y * math.sin(turn), cy + x * math.sin(turn) + y * math.cos(turn)


def wall_clock(c: Canvas, look: Look) -> None:
    """`build` "round", "square", "sun" (rays around) or "pendulum" (a case with a swinging disc)."""
    paper: RGB = (250, 249, 244) if look.second == "white" else look.accent
    ink: RGB = (40, 40, 44) if sum(paper) > 380 else (240, 238, 230)
    hand: RGB = (206, 44, 40) if look.colour != "red" else (50, 50, 54)
    if look.build == "sun":
        for i in range(24):
            length = 47 if i % 2 else 41
            c.paint(stroke([_around(50, 50, 27, i / 24), _around(50, 50, length, i / 24)], 2.2), look.main, bulge=3, gloss=0.5)
        c.paint(ellipse(50, 50, 29), look.main, bulge=7, gloss=0.6)
        _face(c, 50, 50, 25, paper, ink, hand)
    elif look.build == "square":
        c.paint(box(12, 12, 88, 88, 9), look.main, bulge=9, depth=1.3, gloss=0.3)
        _face(c, 50, 50, 33, paper, ink, hand)
    elif look.build == "pendulum":
        c.paint(shape("M 26 18 L 50 5 L 74 18 L 74 94 L 26 94 Z"), look.main, bulge=7, grain=c.grain("wood").T)
        c.paint(box(34, 58, 66, 90, 2), tint(look.main, -0.5), form="flat")
        swing = c.vary(-6, 6)
        c.paint(stroke([(50, 58), (50 + swing, 78)], 1.2), (210, 176, 90), bulge=1)
        c.paint(ellipse(50 + swing, 79, 6), (214, 178, 88), form="sphere", gloss=0.9)
        _face(c, 50, 38, 19, paper, ink, hand)
    else:
        c.paint(ellipse(50, 50, 42), look.main, bulge=9, depth=1.4, gloss=0.5, grain=c.grain("wood") if look.motif == "wood" else None)
        _face(c, 50, 50, 35, paper, ink, hand)


def digital_clock(c: Canvas, look: Look) -> None:
    """A low box with glowing digits; the second colour is the glow."""
    c.paint(box(8, 28, 92, 76, 8), look.main, bulge=10, depth=1.2, gloss=0.3, grain=c.grain("wood") if look.motif == "wood" else None)
    c.paint(box(14, 34, 86, 70, 4), (24, 26, 30), bulge=3)
    glow = tint(look.accent, 0.15)
    hour, minute = int(c.vary(6, 12)), int(c.vary(0, 60))
    for x, digit in zip((19, 33.5, 54.5, 69), (hour // 10, hour % 10, minute // 10, minute % 10), strict=True):
        bars = (
            [(2, 0), (10, 0)],
            [(1, 1), (1, 11)],
            [(11, 1), (11, 11)],
            [(2, 12), (10, 12)],
            [(1, 13), (1, 23)],
            [(11, 13), (11, 23)],
            [(2, 24), (10, 24)],
        )
        for bar, on in zip(bars, _SEGMENTS[digit], strict=True):
            line = stroke([(x + a, 40 + b) for a, b in bar], 2.4)
            c.paint(line, glow if on == "1" else (40, 42, 46), form="flat")
    for y in (47, 57):
        c.paint(ellipse(50.2, y, 1.5), glow, form="flat")
    c.paint(box(40, 25, 60, 29, 1.5), tint(look.main, -0.3), bulge=3)
    for x in (20, 80):
        c.paint(box(x - 5, 75, x + 5, 79, 1), (40, 40, 42), form="flat")
