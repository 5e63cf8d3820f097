"""Small pictures and words that are printed on shirts, mugs and bags."""

from __future__ import annotations

import math

from sample_shop.canvas import RGB, Canvas, Point, ellipse, letters, path, shape, stroke

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

    def at(outline: str) -> list[Point]:
        """An outline that is drawn around (0, 0), one unit up and down, in its place."""
        return [(cx + x * size / 2, cy + y * size / 2) for x, y in path(outline)]

    def dot(x: float, y: float, radius: float, fill: RGB) -> None:
        c.paint(ellipse(cx + x * size / 2, cy + y * size / 2, radius * size / 2), fill, form="flat")

    def fill(outline: str, opacity: float = 1.0) -> None:
        c.paint(shape(at(outline)), colour, form="flat", opacity=opacity)

    if motif in _STROKES:
        for pen in _STROKES[motif]:
            c.paint(stroke([(cx + (x - 50) * size / 100, cy + (y - 50) * size / 100) for x, y in pen], size * 0.09), colour, form="flat")
    elif motif == "mountain":
        dot(0.45, -0.45, 0.32, (236, 176, 60))
        fill("M -1.2 0.7 L -0.35 -0.6 L 0.5 0.7 Z")
        fill("M -0.1 0.7 L 0.55 -0.15 L 1.2 0.7 Z", opacity=0.7)
    elif motif == "star":
        turns = [(1.0 if i % 2 == 0 else 0.42, i * math.pi / 5) for i in range(10)]
        fill("M " + " L ".join(f"{r * math.sin(a):.4f} {-r * math.cos(a):.4f}" for r, a in turns) + " Z")
    elif motif == "heart":
        fill("M 0 1 C -1.7 -0.1 -0.8 -1.3 0 -0.4 C 0.8 -1.3 1.7 -0.1 0 1 Z")
    elif motif == "leaf":
        fill("M -1 1 C -1 -0.6 0 -1 1 -1 C 1 0 0.5 1 -1 1 Z")
        c.shade(stroke(at("M -1 1 L 0.5 -0.5"), size * 0.06), 0.5)
    elif motif == "cat":
        fill("M -0.95 0.1 C -0.95 -0.95 0.95 -0.95 0.95 0.1 C 0.95 1.15 -0.95 1.15 -0.95 0.1 Z")
        for side in (-1, 1):
            fill(f"M {side * 0.9} -1 L {side * 0.2} -0.55 L {side * 0.92} 0 Z")
            dot(side * 0.38, 0, 0.13, (250, 250, 250))
        dot(0, 0.32, 0.1, (240, 150, 160))
    elif motif == "bird":
        fill("M -1.1 0.5 C -0.7 0.1 -0.5 -0.2 -0.1 -0.5 C 0.1 -0.9 0.8 -0.9 0.85 -0.4 C 0.9 0.5 0.1 0.9 -0.5 0.7 Z")
        fill("M 0.8 -0.55 L 1.25 -0.4 L 0.8 -0.25 Z", opacity=0.6)
        c.shade(shape(at("M -0.5 0.3 C -0.1 -0.2 0.4 -0.1 0.4 0.1 C 0.3 0.5 -0.2 0.5 -0.5 0.3 Z")), 0.35)
        dot(0.5, -0.48, 0.1, (250, 250, 250))
    elif motif == "bands":
        for y in (-0.6, 0, 0.6):
            c.paint(stroke(at(f"M -1.1 {y} L 1.1 {y}"), size * 0.14), colour, form="flat")
    else:
        c.paint(letters(motif, cx, cy, size * 0.62), colour, form="flat")
