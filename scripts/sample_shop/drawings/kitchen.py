"""Mugs, teapots and kettles."""

from __future__ import annotations

from sample_shop.canvas import Canvas, box, ellipse, pattern, shape, stroke, tint
from sample_shop.drawings.look import Look
from sample_shop.drawings.prints import put_print


def mug(c: Canvas, look: Look) -> None:
    """`build` "enamel" is low with a dark rim, "travel" a tall tumbler with a lid, "latte" flares out; else a straight mug."""
    if look.build == "travel":
        _tumbler(c, look)
        return
    top, foot = (34, 82) if look.build == "enamel" else (c.vary(22, 26), 84)
    narrow = 7 if look.build == "latte" else 1.5
    skin = pattern(look.pattern, look.main, look.accent, 9 if look.pattern != "halves" else 56) if look.pattern else look.main
    handle = stroke(f"M 68 {top + 11} C 88 {top + 6} 92 {foot - 22} 67 {foot - 15}", 6.5)
    c.paint(handle, look.accent if look.motif == "handle" else look.main, bulge=6, depth=1.3, gloss=0.5)
    body = shape(
        f"M 20 {top} L 72 {top} L {72 - narrow} {foot - 3} C {70 - narrow} {foot + 4} {22 + narrow} {foot + 4} {20 + narrow} {foot - 3} Z"
    )
    c.paint(body, skin, form="cylinder", depth=0.75, gloss=0.55, grain=c.grain("paper") if look.build == "stone" else None)
    rim = (50, 54, 70) if look.build == "enamel" else tint(look.main, 0.35)
    c.paint(ellipse(46, top, 26, 6), rim, bulge=3, gloss=0.4)
    c.paint(ellipse(46, top + 0.6, 23.8, 4.8), tint(look.main, -0.45) if look.motif != "coffee" else (74, 46, 30), form="flat")
    c.shade(shape(f"M 24 {top} C 30 {top + 5} 62 {top + 5} 68 {top} C 62 {top - 5} 30 {top - 5} 24 {top} Z"), -0.25, 5)
    if look.build == "stone":
        c.paint(body * box(0, foot - 12, 100, 100), (196, 170, 134), form="cylinder", depth=0.75, grain=c.grain("paper"))
    if look.motif and look.motif not in ("handle", "coffee"):
        put_print(c, look.motif, 44, (top + foot) / 2 + 2, 25, look.accent)


def _tumbler(c: Canvas, look: Look) -> None:
    body = shape("M 30 26 L 70 26 L 65 90 C 62 94 38 94 35 90 Z")
    c.paint(body, look.main, form="cylinder", depth=0.8, gloss=0.6, grain=c.grain("metal"))
    c.paint(shape("M 32.5 48 L 67.5 48 L 66 66 L 34 66 Z"), look.accent, form="cylinder", depth=0.8, grain=c.grain("leather"))
    c.paint(box(28, 17, 72, 27, 3), (52, 52, 56), form="cylinder", depth=0.8, gloss=0.3)
    c.paint(box(40, 11, 60, 18, 2.5), (40, 40, 44), form="cylinder", depth=0.8)
    c.shade(box(35.5, 88, 64.5, 90), -0.3, 1)


def teapot(c: Canvas, look: Look) -> None:
    """A round pot with spout, handle and lid.

    `build` "glass" is see-through with tea inside, "iron" has a hoop over the top, "clay" is unglazed.
    """
    glass = look.build == "glass"
    clay = c.grain("paper") if look.build == "clay" else None
    if look.build == "iron":
        c.paint(stroke("M 26 44 C 22 8 74 8 70 44", 3), tint(look.main, -0.2), bulge=4, gloss=0.4)
    else:
        c.paint(stroke("M 72 46 C 96 36 98 72 71 72", 5.5), look.main, bulge=5, gloss=0.5)
    spout = shape("M 30 58 C 20 54 16 46 12 36 L 5 35 C 6 52 14 70 32 76 Z")
    c.paint(spout, look.main, bulge=9, gloss=0.4, grain=clay)
    flat = c.vary(25, 28)
    body = ellipse(50, 62, 29, flat)
    c.paint(ellipse(50, 62 + flat - 2, 15, 4), tint(look.main, -0.3), form="cylinder")
    if glass:
        c.paint(body, (226, 236, 236), form="sphere", depth=0.5, gloss=0.9)
        c.paint(body * box(0, 58, 100, 100), (196, 120, 44), form="sphere", depth=0.4, gloss=0.5, opacity=0.85)
        c.paint(ellipse(50, 58, 28, 4), (224, 156, 80), form="flat", opacity=0.8)
    else:
        c.paint(body, look.main, form="sphere", depth=0.75, gloss=0.6, grain=clay)
        if look.build == "iron":
            for i in range(9):
                for j in range(3):
                    c.paint(ellipse(30 + i * 5 + j % 2 * 2.5, 58 + j * 6, 1.3), look.main, form="sphere", gloss=0.5)
        elif look.motif:
            put_print(c, look.motif, 50, 63, 20, look.accent)
        else:
            c.paint(box(20, 60, 80, 64) * body, look.accent, form="cylinder", depth=0.8)
    lid = shape("M 34 41 C 36 32 64 32 66 41 C 60 44 40 44 34 41 Z")
    c.paint(lid, tint(look.main, 0.05), bulge=7, gloss=0.6, grain=clay)
    c.paint(ellipse(50, 31, 4), look.accent if look.second != "white" else look.main, form="sphere", gloss=0.7)


def kettle(c: Canvas, look: Look) -> None:
    """`build` "whistle" stands on a hob with a hoop handle; "electric" stands on a base with a side handle."""
    if look.build == "electric":
        c.paint(box(22, 86, 70, 92, 3), (44, 44, 48), form="cylinder", depth=0.8)
        c.paint(stroke("M 62 26 L 82 26 C 86 27 86 32 85 40 L 80 76", 6), (44, 44, 48), bulge=6, gloss=0.3)
        c.paint(shape("M 34 26 L 18 28 C 19 34 24 38 32 42 Z"), look.main, bulge=6, gloss=0.5)
        body = shape("M 32 22 L 62 22 C 66 40 70 62 71 86 L 21 86 C 22 62 27 40 32 22 Z")
        c.paint(body, look.main, form="cylinder", depth=0.85, gloss=0.7, grain=c.grain("metal"))
        c.paint(shape("M 31 22 C 34 15 60 15 63 22 Z"), (52, 52, 56), bulge=5, gloss=0.3)
        c.paint(box(26.5, 58, 29.5, 82, 1), (150, 190, 210), form="flat")
        c.paint(box(20.5, 82, 71.5, 86, 1), look.accent, form="cylinder", depth=0.8)
        return
    c.paint(stroke("M 24 52 C 20 6 80 6 76 52", 4), look.accent, bulge=5, gloss=0.4)
    c.paint(shape("M 70 52 C 80 50 84 42 88 36 L 95 40 C 92 52 86 64 76 70 Z"), look.main, bulge=7, gloss=0.5)
    c.paint(ellipse(91.5, 37.5, 4.6, 3), (50, 50, 54), bulge=3)
    body = shape("M 50 42 C 68 42 80 56 84 80 C 84 88 80 90 76 90 L 24 90 C 20 90 16 88 16 80 C 20 56 32 42 50 42 Z")
    c.paint(body, look.main, bulge=24, depth=1.5, gloss=0.8, grain=c.grain("metal"))
    c.shade(box(17, 83, 83, 84), -0.3, 1)
    c.paint(shape("M 36 46 C 38 38 62 38 64 46 C 58 48 42 48 36 46 Z"), tint(look.main, -0.08), bulge=5, gloss=0.6)
    c.paint(ellipse(50, 36, 3.6), look.accent, form="sphere", gloss=0.6)
