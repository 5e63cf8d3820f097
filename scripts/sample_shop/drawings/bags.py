"""Bags, seen from the front."""

from __future__ import annotations

from sample_shop.canvas import Array, Canvas, box, ellipse, pattern, shape, stroke, tint
from sample_shop.drawings.look import Look
from sample_shop.drawings.prints import put_print


def backpack(c: Canvas, look: Look) -> None:
    """Rounded body, front pocket and side pockets; `build` "school" has a second pocket, "roll" a rolled top, "urban" straight edges."""
    wide = c.vary(0, 2.5)
    strap = tint(look.main, -0.4)
    for line in (f"M 34 34 C {22 - wide} 44 {18 - wide} 66 24 84", f"M 66 34 C {78 + wide} 44 {82 + wide} 66 76 84"):
        c.paint(stroke(line, 5), strap, bulge=4)
    c.paint(stroke("M 42 17 C 42 6 58 6 58 17", 3), strap, bulge=3)
    for x in (21 - wide, 72 + wide):
        c.paint(box(x, 58, x + 7, 86, 3), tint(look.main, -0.25), bulge=6, grain=c.grain("cloth"))
    left, right = 26 - wide, 74 + wide
    body = shape(_body(left, right, look.build))
    skin = pattern(look.pattern, look.main, look.accent, 8) if look.pattern else look.main
    c.paint(body, skin, bulge=20, depth=1.2, grain=c.grain("cloth"))
    if look.build == "roll":
        c.paint(box(left - 1, 13, right + 1, 25, 4), tint(look.main, -0.15), bulge=8, grain=c.grain("cloth"))
        c.paint(box(47, 12, 53, 40, 1), look.accent, bulge=3)
        c.paint(box(45.5, 34, 54.5, 39, 1.5), (60, 60, 64), bulge=3, gloss=0.4)
    else:
        c.paint(
            stroke(f"M {left + 4} 46 C {left + 4} 24 36 18 50 18 C 64 18 {right - 4} 24 {right - 4} 46", 1.4),
            tint(look.main, -0.55),
            bulge=2,
        )
        c.paint(stroke([(66, 23), (69, 29)], 1.8), look.accent, bulge=2)
    pocket = box(left + 6, 58, right - 6, 86, 6)
    c.shade(pocket, -0.28, 6)
    c.paint(pocket, look.accent if look.motif == "pocket" else tint(look.main, -0.08), bulge=11, grain=c.grain("cloth"))
    c.paint(stroke([(left + 10, 64), (right - 10, 64)], 1.4), tint(look.main, -0.55), bulge=2)
    c.paint(stroke([(60, 64.5), (60, 70)], 1.8), look.accent if look.motif != "pocket" else tint(look.accent, -0.5), bulge=2)
    if look.build == "school":
        c.paint(box(left + 9, 38, right - 9, 52, 4), tint(look.main, -0.05), bulge=8, grain=c.grain("cloth"))
        c.paint(stroke([(left + 12, 42), (right - 12, 42)], 1.2), tint(look.main, -0.55), bulge=2)
    if look.motif and look.motif != "pocket":
        put_print(c, look.motif, 50, 75, 15, look.accent)
    elif look.build != "school" and look.build != "roll":
        c.paint(box(45, 44, 55, 49, 1), look.accent, bulge=3)


def _body(left: float, right: float, build: str) -> str:
    shoulder, top = (24, 12) if build == "urban" else (32, 11)
    return (
        f"M {left} {shoulder + 14} C {left} {shoulder - 6} {left + 8} {top} {left + 18} {top} "
        f"L {right - 18} {top} C {right - 8} {top} {right} {shoulder - 6} "
        f"{right} {shoulder + 14} L {right} 84 C {right} 90 {right - 4} 92 "
        f"{right - 8} 92 L {left + 8} 92 C {left + 4} 92 {left} 90 {left} 84 Z"
    )


def tote(c: Canvas, look: Look) -> None:
    """An open bag with two long handles; `motif` is printed on it, `build` "leather" shines."""
    top, flare = c.vary(38, 41), c.vary(0, 3)
    back: Array = stroke(f"M 37 {top + 2} C 37 6 63 6 63 {top + 2}", 3.2)
    c.paint(back, tint(look.main, -0.4), bulge=3)
    c.paint(shape(f"M {19 - flare} {top + 1} L {81 + flare} {top + 1} L 80 {top + 5} L 20 {top + 5} Z"), tint(look.main, -0.6), form="flat")
    skin = pattern(look.pattern, look.main, look.accent, 9) if look.pattern else look.main
    leather = look.build == "leather"
    body = shape(
        f"M {18 - flare} {top} C 35 {top + 3} 65 {top + 3} {82 + flare} {top} L 78 91 C 78 93 76 94 74 94 L 26 94 C 24 94 22 93 22 91 Z"
    )
    c.paint(body, skin, bulge=14, depth=1.1, gloss=0.35 if leather else 0, grain=c.grain("leather" if leather else "cloth"))
    for line, dark in ((f"M 30 {top + 14} C 34 60 30 76 33 92", -0.12), (f"M 68 {top + 8} C 64 64 70 74 66 92", -0.14)):
        c.shade(stroke(line, 2) * body, dark, 4)
    front = stroke(f"M 35 {top + 13} L 34 {top} C 34 {c.vary(6, 10)} 66 8 66 {top} L 65 {top + 13}", 3.4)
    c.shade(front * body, -0.3, 3)
    c.paint(front, look.accent if leather else tint(look.main, -0.15), bulge=3)
    if leather:
        c.paint(box(44, top + 2, 56, top + 14, 2), look.accent, bulge=4)
        c.paint(ellipse(50, top + 11, 2), (212, 180, 90), form="sphere", gloss=0.7)
    elif look.motif:
        put_print(c, look.motif, 50, top + 33, 24, look.accent)


def suitcase(c: Canvas, look: Look) -> None:
    """A hard-shell trolley: ribs (`build` "ribs") or a plain shell with corner guards, handle and wheels."""
    tall = c.vary(22, 26)
    for x in (40, 60):
        c.paint(box(x - 1.2, 6, x + 1.2, tall + 4), (176, 180, 186), form="cylinder", gloss=0.4)
    c.paint(box(37, 4, 63, 8.5, 2), (54, 54, 58), bulge=3)
    for x in (30, 66):
        c.paint(ellipse(x + 2, 93, 4, 4), (44, 44, 48), form="sphere", gloss=0.3)
    body = box(24, tall, 76, 91, 7)
    c.paint(body, look.main, bulge=16, depth=1.4, gloss=0.5)
    if look.build == "ribs":
        for i in range(6):
            rib = 31 + i * 7.6
            c.shade(box(rib, tall + 4, rib + 1.6, 87, 0.8), -0.28, 1)
            c.shade(box(rib + 1.6, tall + 4, rib + 2.8, 87, 0.6), 0.25, 1)
    else:
        for y in (44, 66):
            c.shade(box(24, y, 76, y + 1.4), -0.35, 1)
        for x in (24, 66):
            for corner in (tall, 81):
                c.paint(box(x, corner, x + 10, corner + 10, 5) * body, look.accent, bulge=6, gloss=0.3)
    c.paint(box(42, tall - 1.5, 58, tall + 2.5, 2), (54, 54, 58), bulge=3)
    c.paint(box(72, 50, 77.5, 62, 2), (60, 60, 64), bulge=3, gloss=0.3)
    c.paint(box(45, tall + 8, 55, tall + 12, 1), (206, 208, 212), bulge=2, gloss=0.4)
