"""Lamps; `lit` lamps glow."""

from __future__ import annotations

from sample_shop.canvas import Canvas, box, ellipse, pattern, shape, stroke, tint
from sample_shop.drawings.look import Look
from sample_shop.drawings.prints import put_print


def desk_lamp(c: Canvas, look: Look) -> None:
    """A reading lamp: foot, two arms and a cone (`build` "cone"), a flat bar ("bar") or a bent neck with a round head ("neck")."""
    metal = look.accent if look.second != "white" else (188, 192, 198)
    c.paint(ellipse(62, 89, 20, 5), tint(look.main, -0.25), bulge=5)
    c.paint(ellipse(62, 87, 20, 5), look.main, bulge=6, gloss=0.4)
    bend = c.vary(-3, 3)
    if look.build == "bar":
        c.paint(box(60.5, 26, 63.5, 86, 1), metal, form="cylinder", gloss=0.5)
        c.paint(shape("M 12 24 L 66 19 L 67 25 L 13 31 Z"), look.main, bulge=5, gloss=0.4)
        c.paint(shape("M 15 30.6 L 58 26.4 L 58 28 L 15 32.4 Z"), (255, 246, 200), form="flat")
        c.shade(shape("M 15 32 L 58 27 L 60 62 L 2 62 Z"), 0.22, 14)
        c.paint(ellipse(62, 82, 2), (230, 230, 226), form="sphere")
        return
    if look.build == "neck":
        c.paint(stroke(f"M 64 86 C 78 {60 + bend} 76 22 56 20 C 46 19 40 24 37 32", 2.8), metal, bulge=3, gloss=0.4)
        c.paint(shape("M 25 52 C 23 36 30 28 38 28 C 48 29 53 38 50 54 Z"), look.main, bulge=11, depth=1.3, gloss=0.6)
        c.paint(ellipse(37.5, 53, 12.6, 3.2), (255, 244, 196), form="flat")
        c.shade(shape("M 25 53 L 50 53 L 58 84 L 14 84 Z"), 0.2, 14)
        return
    c.paint(stroke([(62, 86), (74 + bend, 54)], 2.6), metal, bulge=3, gloss=0.5)
    c.paint(stroke([(74 + bend, 54), (44, 24)], 2.6), metal, bulge=3, gloss=0.5)
    for x, y in ((74 + bend, 54), (62, 85), (44, 25)):
        c.paint(ellipse(x, y, 3.2), tint(look.main, -0.3), form="sphere", gloss=0.5)
    c.paint(stroke([(67, 76), (78 + bend, 58)], 0.9), (120, 124, 130), bulge=1)
    head = shape("M 46 18 L 36 15 C 33 18 31 21 31 24 L 12 38 C 12 50 24 60 38 58 L 46 32 C 48 28 49 22 46 18 Z")
    c.paint(head, look.main, bulge=13, depth=1.3, gloss=0.6)
    c.paint(ellipse(25, 48, 16, 6.5, 38), tint(look.main, -0.35), form="flat")
    c.paint(ellipse(25, 48.5, 14, 5, 38), (255, 246, 204), form="flat")
    c.paint(ellipse(24, 51, 5, 4.5), (255, 253, 238), form="sphere", depth=0.3)
    c.shade(shape("M 14 40 L 37 58 L 30 90 L 0 90 Z"), 0.2, 16)


def table_lamp(c: Canvas, look: Look) -> None:
    """A shade on a foot; `build` "ceramic" has a vase, "wood" a turned column, "mushroom" a dome."""
    if look.build == "mushroom":
        c.paint(
            shape("M 42 44 L 58 44 C 60 66 64 78 70 90 L 30 90 C 36 78 40 66 42 44 Z"), look.accent, form="cylinder", depth=0.8, gloss=0.5
        )
        c.paint(shape("M 16 50 C 16 20 34 12 50 12 C 66 12 84 20 84 50 C 66 56 34 56 16 50 Z"), look.main, bulge=22, depth=1.3, gloss=0.7)
        c.shade(ellipse(50, 44, 26, 8), 0.35, 14)
        return
    c.paint(box(48.6, 48, 51.4, 64), (176, 150, 96), form="cylinder", gloss=0.5)
    if look.build == "wood":
        c.paint(box(45, 56, 55, 88, 3), (164, 116, 70), form="cylinder", depth=0.9, grain=c.grain("wood").T)
        c.paint(ellipse(50, 89, 19, 4), (140, 96, 56), bulge=4)
    else:
        vase = shape("M 46 56 C 46 60 30 66 30 78 C 30 86 40 90 42 92 L 58 92 C 60 90 70 86 70 78 C 70 66 54 60 54 56 Z")
        c.paint(vase, look.accent, bulge=14, depth=1.4, gloss=0.7)
    top = c.vary(26, 30)
    skin = pattern(look.pattern, look.main, tint(look.main, -0.3), 7) if look.pattern else look.main
    shade = shape(f"M {top + 4} 12 L {96 - top} 12 L {110 - top} 52 C 70 56 30 56 {top - 10} 52 Z")
    c.paint(shade, skin, form="cylinder", depth=0.55, grain=c.grain("cloth"))
    c.shade(ellipse(50, 36, 20, 16) * shade, 0.42, 16)
    c.paint(stroke(f"M {top - 10} 52 C 30 56 70 56 {110 - top} 52", 1.4), tint(look.main, -0.25), bulge=1)
    c.paint(stroke([(top + 4, 12), (96 - top, 12)], 1.2), tint(look.main, -0.25), bulge=1)
    c.paint(stroke([(58, 54), (58, 68)], 0.6), (120, 110, 90), form="flat")
    c.paint(ellipse(58, 69, 1.2), (200, 170, 90), form="sphere")


def lantern(c: Canvas, look: Look) -> None:
    """`build` "paper" hangs with a tassel, "camping" stands with a hoop and a glass."""
    if look.build == "paper":
        c.paint(stroke([(50, 2), (50, 14)], 1), (90, 70, 40), form="flat")
        tall = c.vary(27, 31)
        c.paint(ellipse(50, 46, 38, tall), look.main, form="sphere", depth=0.6, gloss=0.15)
        for k in (1, 2, 3):
            c.shade(ellipse(50, 46, 38 - k * 9.5 + 0.5, tall) - ellipse(50, 46, 38 - k * 9.5 - 0.6, tall), -0.22)
        c.shade(ellipse(50, 48, 18, 16), 0.4, 18)
        for y in (46 - tall - 2, 46 + tall - 2):
            c.paint(box(38, y, 62, y + 5, 1), look.accent, form="cylinder", depth=0.8, gloss=0.5)
        c.paint(stroke([(50, 49 + tall), (50, 54 + tall)], 1.2), look.accent, form="flat")
        for i in range(9):
            c.paint(
                stroke([(50 + (i - 4) * 0.9, 54 + tall), (50 + (i - 4) * 1.5, 68 + tall)], 0.9),
                look.accent if i % 2 else look.main,
                form="flat",
            )
        if look.motif:
            put_print(c, look.motif, 50, 46, 30, look.accent)
        return
    c.paint(stroke("M 30 30 C 28 2 72 2 70 30", 1.8), (120, 124, 130), bulge=2, gloss=0.4)
    c.paint(shape("M 38 20 L 62 20 L 72 32 L 28 32 Z"), look.main, form="cylinder", depth=0.8, gloss=0.4)
    c.paint(box(44, 13, 56, 21, 2), tint(look.main, -0.2), form="cylinder", depth=0.8)
    c.paint(box(31, 32, 69, 74, 3), (206, 216, 214), form="cylinder", depth=0.4, gloss=0.8)
    c.paint(box(32, 33, 68, 73, 2), (255, 222, 130), form="flat", opacity=0.75)
    c.shade(ellipse(50, 54, 10, 14), 0.9, 12)
    for x in (32, 49, 66):
        c.paint(box(x, 32, x + 2, 74), tint(look.main, -0.3), bulge=2, opacity=0.9)
    c.paint(shape("M 29 74 L 71 74 L 75 92 L 25 92 Z"), look.main, form="cylinder", depth=0.8, gloss=0.4)
    c.paint(ellipse(50, 83, 4), look.accent, form="sphere", gloss=0.4)
