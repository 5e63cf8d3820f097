"""Tops, laid flat and seen from above."""

from __future__ import annotations

from sample_shop.canvas import Array, Canvas, box, ellipse, pattern, shape, stroke, tint
from sample_shop.drawings.look import Look
from sample_shop.drawings.prints import put_print


def _folds(c: Canvas, body: Array) -> None:
    for _ in range(5):
        x = c.vary(30, 70)
        line = f"M {x} {c.vary(40, 60)} C {x + c.vary(-6, 6)} 66 {x + c.vary(-8, 8)} 76 {x + c.vary(-7, 7)} 90"
        c.shade(stroke(line, c.vary(1.5, 3)) * body, -c.vary(0.08, 0.16), 4)
        c.shade(stroke(line.replace(f"M {x}", f"M {x + 3}"), 1.5) * body, c.vary(0.03, 0.08), 4)


def t_shirt(c: Canvas, look: Look) -> None:
    """Short sleeves; `build` "v" has a V-neck, "polo" a collar with buttons, "long" long sleeves."""
    hem, waist = c.vary(87, 91), c.vary(23, 26)
    skin = pattern(look.pattern, look.main, look.accent, 10) if look.pattern else look.main
    neck = "50 33" if look.build == "v" else None
    dip = f"L {neck} L" if neck else "C 43 25 57 25"
    c.paint(shape("M 36 17 C 44 13 56 13 64 17 L 58 24 L 42 24 Z"), tint(look.main, -0.5), form="flat")
    cloth = c.grain("cloth")
    if look.build == "long":
        left = shape("M 23 23 C 14 30 9 60 7 86 L 17 88 C 20 72 24 56 27 44 Z")
        right = shape("M 77 23 C 86 30 91 60 93 86 L 83 88 C 80 72 76 56 73 44 Z")
        c.paint(left, skin, bulge=11, grain=cloth)
        c.paint(right, skin, bulge=11, grain=cloth)
        c.paint(shape("M 7 83 L 17 85 L 16.6 89 L 6.6 87 Z"), tint(look.main, -0.2), bulge=3)
        c.paint(shape("M 93 83 L 83 85 L 83.4 89 L 93.4 87 Z"), tint(look.main, -0.2), bulge=3)
    else:
        left = shape("M 24 22 L 5 41 C 7 46 12 50 18 53 L 29 44 Z")
        right = shape("M 76 22 L 95 41 C 93 46 88 50 82 53 L 71 44 Z")
        sleeve = look.accent if look.motif == "raglan" else skin
        c.paint(left, sleeve, bulge=11, grain=cloth)
        c.paint(right, sleeve, bulge=11, grain=cloth)
    body = shape(
        f"M 36 17 {dip} 64 17 L 78 23 C 76 34 75 42 75 50 C 75 64 {100 - waist} 76 {100 - waist} {hem} C 60 "
        f"{hem + 2} 40 {hem + 2} {waist} {hem} C {waist} 76 25 64 25 50 C 25 42 24 34 22 23 Z"
    )
    c.paint(body, skin, bulge=14, depth=1.1, grain=cloth)
    _folds(c, body)
    for line in ("M 23 24 C 25 32 26 40 26 47", "M 77 24 C 75 32 74 40 74 47"):
        c.shade(stroke(line, 0.9), -0.28)
    c.shade(stroke([(waist + 1, hem - 3), (100 - waist - 1, hem - 3)], 0.6) * body, -0.2)
    if look.build == "polo":
        c.paint(shape("M 36 16 L 50 25 L 43 32 L 33 20 Z"), tint(look.main, -0.12), bulge=5, grain=cloth)
        c.paint(shape("M 64 16 L 50 25 L 57 32 L 67 20 Z"), tint(look.main, -0.12), bulge=5, grain=cloth)
        c.shade(box(47, 26, 53, 44), -0.12)
        for y in (31, 37, 42):
            c.paint(ellipse(50, y, 1.1), (240, 240, 236), form="sphere")
    else:
        c.paint(stroke(f"M 36 17 {dip} 64 17", 2.6), tint(look.accent if look.build == "ringer" else look.main, -0.12), bulge=3)
    if look.motif and look.motif != "raglan":
        put_print(c, look.motif, 50, 50, 22, look.accent)


def hoodie(c: Canvas, look: Look) -> None:
    """Hood, long sleeves, front pocket; `build` "zip" opens in front."""
    hem = c.vary(88, 91)
    knit = c.grain("knit")
    dark = tint(look.main, -0.22)
    for side in (0, 1):
        outline = [(24, 32), (14, 40), (9, 62), (6, 84), (17, 87), (21, 70), (28, 54)]
        sleeve = shape([(100 - x, y) if side else (x, y) for x, y in outline])
        c.paint(sleeve, look.accent if look.motif == "sleeves" else look.main, bulge=12, depth=1.2, grain=knit)
        cuff = [(6.2, 82), (17.6, 85), (16.8, 92), (5.6, 89)]
        c.paint(shape([(100 - x, y) if side else (x, y) for x, y in cuff]), dark, bulge=4, grain=knit)
    body = shape(
        f"M 34 26 L 66 26 L 78 33 C 76 44 75 54 75 64 L 76 {hem} C 60 {hem + 2} 40 {hem + 2} 24 {hem} L 25 64 C 25 54 24 44 22 33 Z"
    )
    c.paint(body, look.main, bulge=15, depth=1.2, grain=knit)
    _folds(c, body)
    c.paint(shape(f"M 24 {hem - 4} L 76 {hem - 4} L 76 {hem + 2} C 60 {hem + 4} 40 {hem + 4} 24 {hem + 2} Z"), dark, bulge=4, grain=knit)
    pocket = shape("M 36 62 L 64 62 L 72 78 L 72 84 L 28 84 L 28 78 Z")
    c.shade(pocket, -0.22, 4)
    c.paint(pocket, look.main, bulge=8, grain=knit)
    hood = shape("M 30 30 C 27 10 40 4 50 4 C 60 4 73 10 70 30 C 64 38 56 42 50 42 C 44 42 36 38 30 30 Z")
    c.shade(hood, -0.3, 5)
    c.paint(hood, look.main, bulge=14, depth=1.3, grain=knit)
    c.paint(
        shape("M 37 26 C 36 14 43 10 50 10 C 57 10 64 14 63 26 C 60 33 55 37 50 37 C 45 37 40 33 37 26 Z"), tint(look.main, -0.5), bulge=6
    )
    if look.build == "zip":
        c.paint(stroke([(50, 38), (50, hem + 1)], 1.6), tint(look.main, -0.5), bulge=2)
        c.paint(stroke([(50, 40), (50, 46)], 2.2), (200, 200, 204), bulge=2, gloss=0.5)
    for x in (45, 55):
        c.paint(stroke([(x, 37), (x - (50 - x) * 0.2, 54)], 1.3), look.accent, bulge=2)
    if look.motif and look.motif != "sleeves":
        put_print(c, look.motif, 50, 52, 13, look.accent)
