"""Shoes, seen from the side, toe to the left."""

from __future__ import annotations

from sample_shop.canvas import RGB, Canvas, ellipse, pattern, shape, stroke, tint
from sample_shop.drawings.look import Look


def running_shoe(c: Canvas, look: Look) -> None:
    """Mesh upper, thick foam midsole, laces; `build` "trail" has lugs, "road" a smooth sole; `pattern` draws the side."""
    heel = c.vary(60, 63)
    c.paint(shape("M 52 36 C 56 27 62 26 66 30 C 72 34 80 32 87 30 L 88 42 L 60 48 Z"), tint(look.main, -0.55))
    upper = shape(
        f"M 6 69 C 5 60 11 54 22 51 C 33 48 41 41 48 33 C 51 29 55 28 57 32 C 62 42 74 "
        f"44 83 33 C 86 29 91 30 92 35 C 94 45 95 55 95 {heel + 6} Z"
    )
    c.paint(upper, look.main, bulge=16, depth=1.2, grain=c.grain("mesh"))
    toe = shape("M 6 69 C 5 60 11 54 22 51 C 26 56 28 62 28 70 Z") * upper
    c.paint(toe, tint(look.main, -0.18), bulge=8, opacity=0.8)
    counter = shape("M 95 66 C 95 55 94 45 92 35 C 88 40 84 48 80 52 C 78 57 78 62 79 68 Z") * upper
    c.paint(counter, look.accent, bulge=7, grain=c.grain("mesh"))
    if look.pattern == "stripes":
        for i in range(2):
            x = 50 + i * 12
            c.paint(stroke([(x - 4, 64), (x + 5, 45 + i)], 5.0) * upper, look.accent, bulge=3)
    elif look.pattern == "wave":
        for y in (54, 60):
            c.paint(
                stroke(f"M 34 {y} C 42 {y - 7} 50 {y + 7} 58 {y} C 64 {y - 6} 70 {y + 5} 78 {y - 3}", 2.4) * upper, look.accent, bulge=3
            )
    elif look.pattern == "zigzag":
        c.paint(stroke([(36, 62), (44, 52), (51, 63), (58, 51), (65, 63), (72, 51)], 2.6) * upper, look.accent, bulge=3)
    elif look.pattern == "panel":
        c.paint(shape("M 40 66 L 50 46 L 68 48 L 72 66 Z") * upper, look.accent, bulge=6)
    throat = stroke("M 27 51 C 36 48 44 42 53 33", 5.5) * upper
    c.paint(throat, tint(look.main, -0.35), bulge=4)
    for i in range(5):
        across, up = 31 + i * 4.6, 48.6 - i * 3.6
        c.paint(stroke([(across - 2.6, up - 2), (across + 3.4, up + 4.2)], 1.7), (246, 246, 244), bulge=2)
    foam = shape("M 4 67 C 16 71 34 67 50 66 C 68 65 82 61 96 61 C 99 65 99 72 96 77 C 70 80 30 80 14 79 C 6 78 3 73 4 67 Z")
    c.paint(foam, (244, 243, 239) if look.colour != "white" else (214, 216, 218), bulge=8)
    c.paint(stroke("M 8 73 C 30 75 60 73 95 69", 1.1), look.accent if look.second != "white" else look.main, bulge=1)
    rubber: RGB = (52, 52, 54) if look.build != "gum" else (176, 122, 70)
    c.paint(shape("M 8 77 C 30 80 70 80 96 75 C 96 79 94 81 90 82 L 22 82 C 14 82 9 80 8 77 Z"), rubber, bulge=3)
    if look.build == "trail":
        for i in range(11):
            c.paint(shape([(18 + i * 7, 81), (22.5 + i * 7, 81), (21.5 + i * 7, 85), (18.5 + i * 7, 85)]), rubber, bulge=2)
    c.shade(stroke("M 57 33 C 62 43 74 45 83 34", 1.0), -0.35)


def boot(c: Canvas, look: Look) -> None:
    """A boot; `build` "hiking" laces up, "chelsea" is smooth with an elastic side, "rain" is a tall rubber boot."""
    if look.build == "rain":
        _rain_boot(c, look)
        return
    top = c.vary(15, 21)
    gloss = 0.35 if look.build == "chelsea" else 0.1
    c.paint(ellipse(64, top + 2, 19, 4.5), tint(look.main, -0.6), form="flat")
    upper = shape(
        f"M 8 75 C 6 66 12 60 24 58 C 36 56 44 51 46 41 C 46 32 45 25 45 {top} C 54 "
        f"{top + 6} 74 {top + 6} 83 {top} C 83 34 85 46 89 56 C 92 63 92 70 91 76 Z"
    )
    c.paint(upper, look.main, bulge=18, depth=1.3, gloss=gloss, grain=c.grain("leather"))
    if look.build == "chelsea":
        side = shape(f"M 60 {top + 6} L 73 {top + 5} C 73 36 70 46 66 53 C 62 46 60 36 60 {top + 6} Z")
        c.paint(side, tint(look.main, -0.5), bulge=4, grain=c.grain("knit"))
        c.paint(stroke(f"M 82 {top} C 88 {top - 9} 90 {top - 2} 84 {top + 9}", 1.8), tint(look.main, -0.3), bulge=2)
    else:
        c.paint(shape("M 8 75 C 6 66 12 60 24 58 C 28 62 30 68 30 76 Z"), tint(look.main, -0.3), bulge=8)
        c.paint(shape("M 91 76 C 92 68 92 62 88 54 C 82 56 76 62 75 76 Z") * upper, tint(look.main, -0.3), bulge=7)
        c.paint(
            shape(f"M 50 {top + 3} C 60 {top + 7} 74 {top + 7} 83 {top} L 84 {top + 9} C 74 {top + 15} 58 {top + 15} 49 {top + 11} Z"),
            look.accent,
            bulge=6,
        )
        c.paint(stroke(f"M 32 57 C 42 54 48 46 48 {top + 6}", 6) * upper, tint(look.main, -0.45), bulge=4)
        for i in range(7):
            x, y = (37 + i * 3.4, 55 - i * 2.8) if i < 4 else (48.5, 47.5 - (i - 4) * 8)
            c.paint(stroke([(x - 2.5, y - 3), (x + 5, y + 2)], 1.6), look.accent, bulge=2)
            c.paint(ellipse(x + 5.4, y + 2.2, 1.1), (200, 180, 120), form="sphere", gloss=0.6)
    c.shade(stroke("M 46 44 C 56 52 74 54 86 50", 1.2), -0.3, 2)
    c.paint(shape("M 6 74 C 20 77 60 76 92 75 L 93 83 L 70 83 L 68 80 L 20 80 C 10 80 5 78 6 74 Z"), (48, 44, 42), bulge=4)
    c.paint(shape("M 7 78 L 92 78 L 92 84 L 70 84 L 68 82 L 18 82 C 12 82 8 80 7 78 Z"), (36, 34, 34), bulge=3)
    if look.build == "hiking":
        for i in range(7):
            c.paint(shape([(12 + i * 8, 80), (17.5 + i * 8, 80), (16.5 + i * 8, 85.5), (13 + i * 8, 85.5)]), (36, 34, 34), bulge=2)


def _rain_boot(c: Canvas, look: Look) -> None:
    c.paint(ellipse(63, 12, 17.5, 4), tint(look.main, -0.65), form="flat")
    skin = look.main if not look.pattern else pattern(look.pattern, look.main, look.accent, 9)
    body = "M 10 84 C 8 76 14 71 26 69 C 40 67 45 60 45.5 48 L 45.5 12 C 54 17 72 17 80.5 12 C 80 32 78 50 82 64 C 85 72 86 80 86 85 Z"
    c.paint(shape(body), skin, bulge=20, depth=1.5, gloss=0.75)
    c.paint(shape("M 45.5 12 C 54 17 72 17 80.5 12 L 80.4 18 C 72 23 54 23 45.5 18 Z"), tint(look.main, -0.25), bulge=3, gloss=0.3)
    c.paint(shape("M 8 81 C 24 84 60 83 87 82 L 88 89 L 66 89 L 64 87 L 20 87 C 11 87 7 85 8 81 Z"), tint(look.accent, -0.25), bulge=4)
    c.shade(stroke("M 46 50 C 56 58 68 60 78 58", 2), -0.22, 3)


def loafer(c: Canvas, look: Look) -> None:
    """A low leather shoe; `build` "penny" has a strap, "derby" laces."""
    c.paint(shape("M 50 45 C 60 38 78 36 90 40 L 90 52 L 56 56 Z"), tint(look.main, -0.6))
    upper = shape(
        "M 5 70 C 5 62 12 58 24 57 C 36 56 44 49 52 43 C 54 42 57 43 58 46 C 66 54 78 52 88 40 C 92 39 94 42 94 47 C 95 56 95 63 95 70 Z"
    )
    c.paint(upper, look.main, bulge=16, depth=1.3, gloss=0.6, grain=c.grain("leather"))
    c.shade(stroke("M 22 58 C 32 62 42 58 50 48", 1.0), -0.4)
    if look.build == "penny":
        c.paint(
            shape("M 36 56 C 42 52 48 47 51 45 L 62 55 C 60 62 58 66 56 69 L 40 69 C 42 64 40 60 36 56 Z") * upper,
            tint(look.main, -0.15),
            bulge=5,
            gloss=0.4,
        )
        c.paint(stroke([(44, 57), (51, 55)], 1.4), tint(look.main, -0.7), form="flat")
    else:
        for i in range(3):
            c.paint(stroke([(41 + i * 4, 52.5 - i * 3.2), (47 + i * 4, 57 - i * 3)], 1.5), tint(look.main, -0.55), bulge=2)
    c.paint(shape("M 4 69 C 20 72 60 71 96 69 L 96 73 C 70 75 20 76 8 74 C 5 73 4 71 4 69 Z"), tint(look.accent, -0.45), bulge=2)
    c.paint(shape("M 68 73 L 96 72 L 95 81 L 69 81 Z"), (40, 34, 30), bulge=3)
