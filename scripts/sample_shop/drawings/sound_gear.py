"""Headphones, speakers and radios."""

from __future__ import annotations

from sample_shop.canvas import Canvas, box, ellipse, shape, stroke, tint
from sample_shop.drawings.look import Look


def headphones(c: Canvas, look: Look) -> None:
    """Over the ears; `build` "studio" has a cable, "kids" ears on top, "gaming" a microphone."""
    arch = c.vary(8, 12)
    if look.build == "kids":
        for side in (-1, 1):
            c.paint(shape([(50 + side * 27, 36), (50 + side * 27, 8), (50 + side * 9, 23)]), look.main, bulge=5)
            c.paint(shape([(50 + side * 25, 28), (50 + side * 25, 14), (50 + side * 15, 22)]), look.accent, bulge=3)
    band = f"M 20 58 C 16 {arch} 84 {arch} 80 58"
    c.paint(stroke(band, 7), look.main, bulge=8, depth=1.2, gloss=0.4)
    c.paint(stroke(f"M 26 44 C 28 {arch + 9} 72 {arch + 9} 74 44", 4), tint(look.main, -0.45), bulge=5, grain=c.grain("leather"))
    for side in (-1, 1):
        x = 50 + side * 30
        c.paint(box(x - 1.6, 42, x + 1.6, 60), (186, 190, 196), form="cylinder", gloss=0.5)
        c.paint(ellipse(x - side * 6, 68, 8, 18), (46, 44, 46), bulge=9, depth=1.2, grain=c.grain("leather"))
        c.paint(ellipse(x + side * 2, 68, 9.5, 19), look.main, bulge=12, depth=1.4, gloss=0.5)
        c.paint(ellipse(x + side * 4, 68, 5.5, 12), look.accent, bulge=7, gloss=0.5)
    if look.build == "studio":
        c.paint(stroke("M 22 86 C 22 98 40 92 50 95 C 62 98 70 92 78 97", 1.5), (52, 52, 56), bulge=2)
    elif look.build == "gaming":
        c.paint(stroke("M 20 80 C 24 94 36 95 46 92", 2), (52, 52, 56), bulge=2)
        c.paint(ellipse(48, 91.5, 4, 2.8, -12), (40, 40, 42), bulge=3)
        for x in (84, 16):
            c.paint(ellipse(x, 68, 2.2, 6), (90, 240, 200), form="flat")


def speaker(c: Canvas, look: Look) -> None:
    """`build` "shelf" is a wooden box with two cones, "can" a cylinder wrapped in mesh, "brick" a wide portable one."""
    if look.build == "can":
        c.paint(box(29, 18, 71, 90, 8), look.main, form="cylinder", depth=0.9, grain=c.grain("mesh"))
        c.paint(ellipse(50, 19, 21, 6), tint(look.main, -0.5), bulge=4)
        c.paint(ellipse(50, 18.4, 12, 3), (90, 200, 240), form="flat")
        c.paint(box(29, 82, 71, 90, 4), tint(look.main, -0.5), form="cylinder", depth=0.9)
        c.paint(stroke("M 70 28 C 82 30 82 44 70 46", 2.2), look.accent, bulge=3)
        for line in ([(46, 46), (54, 46)], [(50, 42), (50, 50)], [(46, 64), (54, 64)]):
            c.paint(stroke(line, 1.6), (240, 240, 240), form="flat")
        return
    if look.build == "brick":
        c.paint(stroke("M 22 34 C 26 16 74 16 78 34", 4), tint(look.main, -0.3), bulge=4)
        c.paint(box(8, 32, 92, 82, 12), look.main, bulge=16, depth=1.2, gloss=0.2)
        grille = box(13, 37, 87, 77, 9)
        c.paint(grille, tint(look.main, -0.45), form="flat", grain=c.grain("mesh"))
        for x in (31, 69):
            _cone(c, x, 57, 15)
        c.paint(box(45, 34, 55, 36.4, 1), look.accent, form="flat")
        return
    c.paint(box(26, 8, 74, 92, 3), look.main, bulge=9, grain=c.grain("wood").T)
    c.paint(box(29, 11, 71, 89, 2), tint(look.accent, -0.1) if look.second != "white" else (58, 58, 62), bulge=4)
    _cone(c, 50, 29, 10)
    _cone(c, 50, 62, 19)
    c.paint(ellipse(50, 85, 1.4), (90, 220, 120), form="flat")


def _cone(c: Canvas, x: float, y: float, r: float) -> None:
    c.paint(ellipse(x, y, r), (170, 174, 180), bulge=4, gloss=0.5)
    c.paint(ellipse(x, y, r * 0.9), (34, 34, 38), bulge=6)
    c.paint(ellipse(x, y, r * 0.72), (66, 66, 72), form="sphere", depth=-0.6)
    c.paint(ellipse(x, y, r * 0.3), (92, 92, 100), form="sphere", gloss=0.6)


def radio(c: Canvas, look: Look) -> None:
    """A retro table radio: grille on the left, dial on the right, aerial; `build` "clock" shows digits."""
    c.paint(stroke([(78, 32), (92, 5)], 1.2), (180, 184, 190), bulge=2, gloss=0.5)
    c.paint(stroke("M 30 34 C 32 18 68 18 70 34", 3.4), (150, 104, 60), bulge=4)
    c.paint(box(8, 32, 92, 86, c.vary(6, 10)), look.main, bulge=14, depth=1.2, gloss=0.4)
    c.paint(box(13, 38, 56, 80, 5), tint(look.accent, -0.08), bulge=4)
    for i in range(9):
        c.shade(box(16, 42 + i * 4, 53, 43.6 + i * 4, 0.8), -0.4)
    c.paint(ellipse(74, 53, 13), (244, 238, 220), bulge=4)
    for i in range(9):
        c.shade(stroke([(64 + i * 2.5, 47), (64 + i * 2.5, 49 + (i % 2) * 2)], 0.5), -0.6)
    c.paint(stroke([(74, 60), (70 + c.vary(0, 9), 45)], 1), (206, 40, 40), form="flat")
    for x in (66, 82):
        c.paint(ellipse(x, 75, 4.4), (206, 178, 110), form="sphere", gloss=0.6)
    for x in (20, 80):
        c.paint(box(x - 4, 85, x + 4, 89, 1), (50, 44, 40), form="flat")
