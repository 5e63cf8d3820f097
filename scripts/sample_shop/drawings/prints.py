"""Small pictures and words that are printed on shirts, mugs and bags."""

from __future__ import annotations

import math

from sample_shop.canvas import RGB, Canvas, ellipse, letters, shape, stroke

#: Chinese characters as pen strokes in a 100 × 100 box, so that no font is needed.
_STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "茶": [
        [(8, 16), (92, 16)],
        [(33, 4), (33, 27)],
        [(67, 4), (67, 27)],
        [(50, 26), (28, 46), (5, 58)],
        [(50, 26), (72, 46), (95, 58)],
        [(24, 60), (76, 60)],
        [(50, 44), (50, 98)],
        [(40, 68), (28, 80), (14, 90)],
        [(60, 68), (72, 80), (86, 90)],
    ],
    "山": [[(50, 8), (50, 88)], [(14, 38), (14, 88), (86, 88)], [(86, 38), (86, 88)]],
    "大": [[(10, 38), (90, 38)], [(50, 6), (50, 38), (40, 66), (10, 94)], [(50, 38), (62, 68), (92, 94)]],
}


def put_print(c: Canvas, motif: str, cx: float, cy: float, size: float, colour: RGB) -> None:
    """Print a picture, or any other text as it is, centred on (cx, cy) and about `size` percent high."""
    r = size / 2
    if motif in _STROKES:
        for pen in _STROKES[motif]:
            c.paint(stroke([(cx + (x - 50) * size / 100, cy + (y - 50) * size / 100) for x, y in pen], size * 0.09), colour, form="flat")
    elif motif == "mountain":
        c.paint(ellipse(cx + r * 0.45, cy - r * 0.45, r * 0.32), (236, 176, 60), form="flat")
        c.paint(shape([(cx - r * 1.2, cy + r * 0.7), (cx - r * 0.35, cy - r * 0.6), (cx + r * 0.5, cy + r * 0.7)]), colour, form="flat")
        c.paint(shape([(cx - r * 0.1, cy + r * 0.7), (cx + r * 0.55, cy - r * 0.15), (cx + r * 1.2, cy + r * 0.7)]), colour, form="flat", opacity=0.7)
    elif motif == "star":
        tips = [(cx + (r if i % 2 == 0 else r * 0.42) * math.sin(i * math.pi / 5), cy - (r if i % 2 == 0 else r * 0.42) * math.cos(i * math.pi / 5)) for i in range(10)]
        c.paint(shape(tips), colour, form="flat")
    elif motif == "heart":
        outline = f"M {cx} {cy + r} C {cx - r * 1.7} {cy - r * 0.1} {cx - r * 0.8} {cy - r * 1.3} {cx} {cy - r * 0.4} "
        c.paint(shape(outline + f"C {cx + r * 0.8} {cy - r * 1.3} {cx + r * 1.7} {cy - r * 0.1} {cx} {cy + r} Z"), colour, form="flat")
    elif motif == "leaf":
        leaf = shape(f"M {cx - r} {cy + r} C {cx - r} {cy - r * 0.6} {cx} {cy - r} {cx + r} {cy - r} C {cx + r} {cy} {cx + r * 0.5} {cy + r} {cx - r} {cy + r} Z")
        c.paint(leaf, colour, form="flat")
        c.shade(stroke([(cx - r, cy + r), (cx + r * 0.5, cy - r * 0.5)], size * 0.06), 0.5)
    elif motif == "cat":
        c.paint(ellipse(cx, cy + r * 0.1, r * 0.95, r * 0.8), colour, form="flat")
        for side in (-1, 1):
            c.paint(shape([(cx + side * r * 0.9, cy - r), (cx + side * r * 0.2, cy - r * 0.55), (cx + side * r * 0.92, cy)]), colour, form="flat")
            c.paint(ellipse(cx + side * r * 0.38, cy, r * 0.13), (250, 250, 250), form="flat")
        c.paint(ellipse(cx, cy + r * 0.32, r * 0.1), (240, 150, 160), form="flat")
    elif motif == "bird":
        body = f"M {cx - r} {cy + r * 0.8} C {cx - r * 0.7} {cy - r * 0.3} {cx} {cy - r * 0.2} {cx + r * 0.2} {cy - r * 0.9} L {cx + r} {cy - r * 0.8} "
        c.paint(shape(body + f"L {cx + r} {cy - r * 0.4} L {cx + r * 0.55} {cy - r * 0.3} C {cx + r * 0.6} {cy + r * 0.2} {cx + r * 0.4} {cy + r * 0.5} {cx + r * 0.3} {cy + r} L {cx - r * 0.2} {cy + r} L {cx - r * 0.2} {cy + r * 0.6} Z"), colour, form="flat")
        c.paint(ellipse(cx + r * 0.5, cy - r * 0.68, r * 0.08), (250, 250, 250), form="flat")
    elif motif == "bands":
        for i in range(3):
            c.paint(stroke([(cx - r * 1.1, cy - r * 0.6 + i * r * 0.6), (cx + r * 1.1, cy - r * 0.6 + i * r * 0.6)], size * 0.14), colour, form="flat")
    else:
        c.paint(letters(motif, cx, cy, size * 0.62), colour, form="flat")
