"""Toys."""

from __future__ import annotations

from sample_shop.canvas import RGB, Canvas, box, ellipse, shape, stroke, tint
from sample_shop.drawings.look import COLOURS, Look
from sample_shop.drawings.prints import put_print


def teddy_bear(c: Canvas, look: Look) -> None:
    """A sitting bear; `build` "bow" wears a ribbon, "panda" has dark limbs and eyes, "rabbit" long ears."""
    fur = c.grain("fur")
    limb = COLOURS["black"] if look.build == "panda" else look.main
    patch = tint(look.main, 0.45)
    ears = c.vary(-1, 1)
    head = 38 if look.build == "rabbit" else 30  # long ears need the room above
    for side in (-1, 1):
        if look.build == "rabbit":
            c.paint(ellipse(50 + side * 10, 17, 6, 15, side * 8), limb, bulge=9, grain=fur)
            c.paint(ellipse(50 + side * 10, 16, 2.8, 11, side * 8), tint(COLOURS["pink"], 0.3), bulge=4)
        else:
            c.paint(ellipse(50 + side * 18, 15 + ears, 8), limb, form="sphere", depth=0.8, grain=fur)
            c.paint(ellipse(50 + side * 18, 16 + ears, 4.5), tint(limb, 0.4), form="sphere", depth=0.6)
        c.paint(ellipse(50 + side * 25, 58, 8, 16, side * -26), limb, bulge=13, depth=1.2, grain=fur)
    c.paint(ellipse(50, 64, 24, 26), look.main, form="sphere", depth=0.8, grain=fur)
    c.paint(ellipse(50, 66, 14, 16), patch, form="sphere", depth=0.5, grain=fur)
    for side in (-1, 1):
        c.paint(ellipse(50 + side * 23, 85, 13, 10, side * 12), limb, form="sphere", depth=0.8, grain=fur)
        c.paint(ellipse(50 + side * 25, 86, 6.5, 6), tint(limb, 0.4), form="sphere", depth=0.5)
    c.paint(ellipse(50, head, 22, 19), look.main, form="sphere", depth=0.8, grain=fur)
    c.paint(ellipse(50, head + 7, 10, 7.5), patch, form="sphere", depth=0.6, grain=fur)
    for side in (-1, 1):
        if look.build == "panda":
            c.paint(ellipse(50 + side * 9, head - 2, 5, 6, side * 20), COLOURS["black"], bulge=5)
        c.paint(ellipse(50 + side * 9, head - 2, 2.3), (26, 22, 22), form="sphere", gloss=0.9)
        c.paint(ellipse(50 + side * 9 - 0.7, head - 2.8, 0.7), (255, 255, 255), form="flat")
    c.paint(ellipse(50, head + 4, 3.2, 2.2), (40, 30, 28), form="sphere", gloss=0.7)
    c.paint(stroke(f"M 50 {head + 6} L 50 {head + 9} C 48 {head + 12} 45 {head + 11} 44 {head + 9}", 0.9), (60, 44, 40), form="flat")
    c.paint(stroke(f"M 50 {head + 9} C 52 {head + 12} 55 {head + 11} 56 {head + 9}", 0.9), (60, 44, 40), form="flat")
    if look.build != "panda":
        for side in (-1, 1):
            c.paint(shape([(50, head + 19), (50 + side * 12, head + 13.5), (50 + side * 12, head + 24.5)]), look.accent, bulge=5, gloss=0.2)
        c.paint(ellipse(50, head + 19, 3), tint(look.accent, -0.2), form="sphere", gloss=0.3)


def toy_car(c: Canvas, look: Look) -> None:
    """`build` "car", "truck" (a tipping bed in the second colour), "bus" or "train" (a locomotive)."""
    if look.build == "train":
        _train(c, look)
        return
    if look.build == "truck":
        c.paint(shape("M 36 34 L 96 30 L 92 62 L 40 62 Z"), look.accent, bulge=7, depth=1.3, gloss=0.5)
        for i in range(4):
            c.shade(stroke([(48 + i * 12, 35), (49 + i * 11, 60)], 1.6), -0.2, 1)
        c.paint(box(6, 62, 94, 70, 2), (60, 60, 66), bulge=4)
        c.paint(
            shape("M 6 66 L 6 50 C 6 46 12 44 14 36 C 15 31 18 30 22 30 L 34 30 L 34 68 L 6 68 Z"), look.main, bulge=9, depth=1.3, gloss=0.7
        )
        c.paint(shape("M 14 46 C 16 42 18 36 19 35 L 30 35 L 30 47 L 14 47 Z"), (176, 214, 232), bulge=3, gloss=0.8)
        wheels, r = [20, 60, 82], 9.5
    elif look.build == "bus":
        c.paint(box(6, 24, 94, 72, 9), look.main, bulge=10, depth=1.3, gloss=0.6)
        for i in range(5):
            c.paint(box(12 + i * 16.2, 31, 25 + i * 16.2, 46, 2), (176, 214, 232), bulge=3, gloss=0.8)
        c.paint(box(6, 51, 94, 56), look.accent, form="flat")
        wheels, r = [26, 74], 10.5
    else:
        lift = c.vary(24, 28)
        c.paint(
            shape(
                f"M 4 66 C 3 54 8 50 18 48 L 28 46 C 34 36 38 {lift} 50 {lift} L 62 {lift} C 72 {lift} 78 38 "
                f"84 46 C 94 48 97 54 96 66 C 96 70 94 71 92 71 L 8 71 C 5 71 4 70 4 66 Z"
            ),
            look.main,
            bulge=12,
            depth=1.4,
            gloss=0.8,
        )
        c.paint(shape(f"M 34 46 C 38 38 42 {lift + 5} 51 {lift + 5} L 55 {lift + 5} L 55 46 Z"), (176, 214, 232), bulge=4, gloss=0.8)
        c.paint(shape(f"M 58 46 L 58 {lift + 5} L 62 {lift + 5} C 69 {lift + 5} 73 40 76 46 Z"), (176, 214, 232), bulge=4, gloss=0.8)
        c.shade(stroke([(56.5, 47), (56.5, 69)], 0.7), -0.4)
        c.paint(box(47, 52, 54, 54, 1), (226, 228, 230), bulge=1)
        c.paint(ellipse(8, 56, 3, 3.6), (255, 240, 180), form="sphere", gloss=0.6)
        if look.motif:
            put_print(c, look.motif, 66, 57, 15, look.accent)
        wheels, r = [24, 76], 11.5
    for x in wheels:
        _wheel(c, x, 72, r, look.accent if look.build != "truck" else look.main)


def _wheel(c: Canvas, x: float, y: float, r: float, hub: RGB) -> None:
    c.paint(ellipse(x, y, r), (38, 38, 42), bulge=6, depth=1.2)
    c.paint(ellipse(x, y, r * 0.55), hub, form="sphere", depth=0.6, gloss=0.6)
    c.paint(ellipse(x, y, r * 0.16), (60, 60, 66), form="flat")


def _train(c: Canvas, look: Look) -> None:
    c.paint(box(10, 66, 94, 73, 2), (58, 58, 64), bulge=4)
    c.paint(shape("M 20 18 L 30 18 L 28 40 L 22 40 Z"), tint(look.main, -0.35), form="cylinder", depth=0.8, gloss=0.4)
    c.paint(ellipse(25, 17.5, 7, 2.6), tint(look.main, -0.5), bulge=3)
    c.paint(ellipse(45, 40, 5, 6), (212, 176, 84), form="sphere", gloss=0.8)
    c.paint(box(14, 40, 62, 68, 8), look.main, bulge=14, depth=1.4, gloss=0.6)
    for x in (32, 50):
        c.paint(box(x, 40, x + 2.2, 68), look.accent, bulge=2)
    c.paint(box(60, 24, 92, 68, 2), look.accent if look.second != "white" else tint(look.main, -0.25), bulge=7, gloss=0.4)
    c.paint(box(66, 32, 86, 47, 2), (196, 222, 234), bulge=3, gloss=0.7)
    c.paint(box(56, 18, 96, 25, 2.5), tint(look.main, -0.2), bulge=5, gloss=0.4)
    c.paint(shape("M 4 74 L 14 62 L 14 74 Z"), (150, 40, 40) if look.colour != "red" else (60, 60, 66), bulge=3)
    for x, r in ((24, 8), (43, 8), (76, 11)):
        _wheel(c, x, 88 - r, r, look.main)
    c.paint(stroke([(24, 81), (76, 79)], 2), (200, 202, 206), bulge=2, gloss=0.5)


def rubber_duck(c: Canvas, look: Look) -> None:
    """Body, wing, round head and beak."""
    body = (
        "M 20 60 C 26 54 34 56 42 57 C 54 60 62 58 74 58 C 84 60 90 52 95 46 C 98 64 94 90 62 91 C 36 93 18 86 17 72 C 17 67 18 63 20 60 Z"
    )
    c.paint(shape(body), look.main, bulge=24, depth=1.5, gloss=0.7)
    c.shade(ellipse(38, 60, 16, 5), -0.2, 6)
    c.paint(ellipse(36, 40, 22, c.vary(21, 22.5)), look.main, form="sphere", depth=0.75, gloss=0.7)
    c.paint(shape("M 16 42 C 8 40 2 44 3 48 C 4 51 10 52 18 51 C 20 48 19 45 16 42 Z"), COLOURS["orange"], bulge=6, gloss=0.5)
    c.shade(stroke("M 5 47.5 C 10 48 14 48 18 47", 0.8), -0.5)
    c.paint(ellipse(27, 35, 3.4, 4), (255, 255, 255), bulge=2)
    c.paint(ellipse(26.2, 35.4, 2.1, 2.6), (24, 24, 28), form="sphere", gloss=0.8)
    wing = shape("M 46 66 C 56 58 74 62 80 70 C 74 80 56 82 48 74 Z")
    c.shade(wing, -0.2, 4)
    c.paint(wing, tint(look.main, -0.05), bulge=8, gloss=0.5)


def robot(c: Canvas, look: Look) -> None:
    """A tin robot: square head, dials on the chest."""
    metal = c.grain("metal")
    for side in (-1, 1):
        c.paint(box(50 + side * 27 - 5, 44, 50 + side * 27 + 5, 70, 4), look.accent, form="cylinder", depth=0.8, gloss=0.5)
        c.paint(ellipse(50 + side * 27, 72, 6), (70, 72, 78), form="sphere", gloss=0.4)
        c.paint(box(50 + side * 12 - 7, 76, 50 + side * 12 + 7, 90, 2), look.accent, form="cylinder", depth=0.8, gloss=0.5)
        c.paint(box(50 + side * 12 - 10, 88, 50 + side * 12 + 10, 94, 3), tint(look.main, -0.3), bulge=4)
        c.paint(ellipse(50 + side * 22, 24, 3, 5), look.accent, form="sphere", gloss=0.5)
    c.paint(stroke([(50, 12), (50, 4)], 1.4), (150, 152, 158), bulge=2)
    c.paint(ellipse(50, 4, 2.6), (220, 50, 46), form="sphere", gloss=0.8)
    c.paint(box(45, 36, 55, 44), (120, 122, 128), form="cylinder")
    c.paint(box(30, 11, 70, 38, c.vary(3, 7)), look.main, bulge=8, depth=1.3, gloss=0.6, grain=metal)
    for x in (41, 59):
        c.paint(ellipse(x, 22, 5.2), (246, 240, 200), bulge=3, gloss=0.8)
        c.paint(ellipse(x, 22, 2.2), (30, 30, 34), form="sphere", gloss=0.8)
    c.paint(box(40, 30.5, 60, 34.5, 1), (48, 48, 54), form="flat")
    for i in range(4):
        c.paint(box(42 + i * 4.4, 31, 44 + i * 4.4, 34), (220, 222, 226), form="flat")
    c.paint(box(28, 42, 72, 78, 4), look.main, bulge=9, depth=1.3, gloss=0.5, grain=metal)
    c.paint(box(35, 48, 65, 64, 2), (232, 226, 206), bulge=3)
    c.paint(ellipse(43, 56, 5.4), (250, 250, 246), bulge=2)
    c.paint(stroke([(43, 57), (46, 53)], 0.9), (206, 44, 40), form="flat")
    for i, dot in enumerate(((220, 60, 50), (240, 190, 50), (70, 170, 90))):
        c.paint(ellipse(53.5 + i * 4.6, 56, 1.8), dot, form="sphere", gloss=0.6)
    for i in range(4):
        c.shade(box(38, 68 + i * 2.2, 62, 69 + i * 2.2), -0.3)


def xylophone(c: Canvas, look: Look) -> None:
    """Eight coloured bars on a wooden frame and two mallets."""
    wood = c.grain("wood")
    c.paint(shape("M 6 30 L 94 40 L 94 46 L 6 36 Z"), look.main, bulge=4, grain=wood)
    c.paint(shape("M 6 72 L 94 62 L 94 68 L 6 78 Z"), look.main, bulge=4, grain=wood)
    bars = [(216, 48, 44), (238, 128, 40), (246, 204, 54), (88, 176, 80), (50, 156, 190), (44, 92, 190), (120, 72, 164), (230, 110, 160)]
    for i, colour in enumerate(bars):
        x, top = 9 + i * 10.6, 22 + i * 1.9
        c.paint(box(x, top, x + 8.4, 107 - top, 2), colour, bulge=5, depth=1.2, gloss=0.5)
        for y in (32 + i * 1.2, 75 - i * 1.2):
            c.paint(ellipse(x + 4.2, y + 1, 1.1), (230, 230, 232), form="sphere", gloss=0.6)
    for line, ball in (([(30, 96), (70, 52)], (71, 51)), ([(56, 97), (88, 60)], (89, 59))):
        c.shade(stroke([(x + 1.5, y + 2) for x, y in line], 2), -0.3, 3)
        c.paint(stroke(line, 2), (214, 176, 120), bulge=2)
        c.paint(ellipse(*ball, 4.4), look.accent if look.second != "white" else (206, 44, 40), form="sphere", gloss=0.6)
