"""A small drawing kit on Pillow and numpy: shapes as masks, painted with light, so that flat outlines look like things.

Shapes are given in percent of the picture: (0, 0) is the upper left corner, (100, 100) the lower right one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[np.float32]
RGB = tuple[int, int, int]
Point = tuple[float, float]
Form = Literal["flat", "soft", "cylinder", "sphere"]

WORK = 448  # side of the picture while it is being made; photos are reduced from it
_FINE = 2 * WORK  # masks are drawn at this side and reduced, which smooths their edges
_LIGHT = (-0.46, -0.62, 0.636)  # from the upper left, towards the viewer; length 1

_COMMAND = re.compile(r"([MLCQZ])([^MLCQZ]*)")


def path(text: str) -> list[Point]:
    """The outline that an SVG path describes (M, L, C, Q and Z with absolute coordinates), as a polygon."""
    points: list[Point] = []
    for command, rest in _COMMAND.findall(text):
        values = [float(v) for v in rest.replace(",", " ").split()]
        if command in "ML":
            points += list(zip(values[0::2], values[1::2], strict=True))
        elif command == "C":
            for i in range(0, len(values), 6):
                near, far, end = _pairs(values[i : i + 6])
                points += _cubic(points[-1], near, far, end)
        elif command == "Q":
            for i in range(0, len(values), 4):
                (cx, cy), end = _pairs(values[i : i + 4])
                x, y = points[-1]
                near = (x + 2 / 3 * (cx - x), y + 2 / 3 * (cy - y))
                far = (end[0] + 2 / 3 * (cx - end[0]), end[1] + 2 / 3 * (cy - end[1]))
                points += _cubic(points[-1], near, far, end)
    return points


def _pairs(values: Sequence[float]) -> list[Point]:
    return list(zip(values[0::2], values[1::2], strict=True))


def _cubic(a: Point, b: Point, c: Point, d: Point, steps: int = 20) -> list[Point]:
    out = []
    for i in range(1, steps + 1):
        t = i / steps
        w = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        out.append(
            (sum(k * p[0] for k, p in zip(w, (a, b, c, d), strict=True)), sum(k * p[1] for k, p in zip(w, (a, b, c, d), strict=True)))
        )
    return out


def _blank() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (_FINE, _FINE), 0)
    return image, ImageDraw.Draw(image)


def _mask(image: Image.Image) -> Array:
    return np.asarray(image.reduce(2), np.float32) / np.float32(255)


def _scale(points: Sequence[Point]) -> list[Point]:
    return [(x * _FINE / 100, y * _FINE / 100) for x, y in points]


def shape(outline: str | Sequence[Point]) -> Array:
    """A filled outline, (448, 448) in 0…1."""
    image, draw = _blank()
    draw.polygon(_scale(path(outline) if isinstance(outline, str) else outline), fill=255)
    return _mask(image)


def ellipse(cx: float, cy: float, rx: float, ry: float | None = None, angle: float = 0) -> Array:
    """A filled ellipse (a circle without `ry`), turned by `angle` degrees."""
    ry = rx if ry is None else ry
    turn = math.radians(angle)
    corners = []
    for i in range(72):
        x, y = rx * math.cos(i * math.tau / 72), ry * math.sin(i * math.tau / 72)
        corners.append((cx + x * math.cos(turn) - y * math.sin(turn), cy + x * math.sin(turn) + y * math.cos(turn)))
    return shape(corners)


def box(left: float, top: float, right: float, bottom: float, round_: float = 0) -> Array:
    """A rectangle with rounded corners."""
    image, draw = _blank()
    draw.rounded_rectangle(_scale([(left, top), (right, bottom)]), radius=round_ * _FINE / 100, fill=255)
    return _mask(image)


def stroke(line: str | Sequence[Point], width: float) -> Array:
    """A line with round ends and joints, `width` percent thick."""
    points = _scale(path(line) if isinstance(line, str) else line)
    radius = width * _FINE / 200
    image, draw = _blank()
    draw.line(points, fill=255, width=max(1, round(2 * radius)), joint="curve")
    for x, y in (points[0], points[-1]):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return _mask(image)


def letters(text: str, cx: float, cy: float, size: float) -> Array:
    """Text centred on a point in Pillow's own built-in font (Latin only, so that no system font is needed)."""
    image, draw = _blank()
    font = ImageFont.load_default(size * _FINE / 100)
    draw.text((cx * _FINE / 100, cy * _FINE / 100), text, fill=255, font=font, anchor="mm", stroke_width=max(1, round(size * 0.25)))
    return _mask(image)


def soften(field: Array, radius: float) -> Array:
    """Three box blurs of about `radius` pixels each, close to a Gaussian; in floats, so that slopes stay smooth."""
    r = max(1, round(radius))
    wide = 2 * r + 1
    for axis in (0, 1):
        turned = np.ascontiguousarray(field if axis == 1 else field.T)
        for _ in range(3):
            padded = np.pad(turned, ((0, 0), (r + 1, r)), mode="edge")
            total = np.cumsum(padded, axis=1, dtype=np.float64)
            turned = ((total[:, wide:] - total[:, :-wide]) / wide).astype(np.float32)
        field = turned if axis == 1 else turned.T
    return field


class Canvas:
    """What is being drawn, layer over layer.

    `alpha` is the coverage (448, 448), `rgb` the colour times the coverage (448, 448, 3), `noise` the picture's own random generator.
    """

    def __init__(self, seed: int):
        self.noise = np.random.RandomState(seed)  # the legacy generator: its stream never changes between numpy versions
        self.rgb = np.zeros((WORK, WORK, 3), np.float32)
        self.alpha = np.zeros((WORK, WORK), np.float32)

    def vary(self, low: float, high: float) -> float:
        """A number between two, for proportions that differ from product to product."""
        return float(low + (high - low) * self.noise.random_sample())

    def paint(
        self,
        mask: Array,
        colour: RGB | Array,
        *,
        form: Form = "soft",
        bulge: float = 9,
        depth: float = 1.0,
        gloss: float = 0.0,
        grain: Array | None = None,
        opacity: float = 1.0,
    ) -> None:
        """Paint a shape and light it from the upper left.

        Parameters
        ----------
        mask : (448, 448) coverage in 0…1.
        colour : one colour, or an array (448, 448, 3) in 0…255 (a pattern).
        form : how its surface curves: "soft" like a cushion (`bulge` pixels at the rim), "cylinder" (upright), "sphere" or "flat".
        depth : how strongly the curvature shades.
        gloss : strength of the highlight.
        grain : (448, 448) factors around 1 (see `grain`).
        """
        rows, columns = np.flatnonzero(mask.max(1) > 0), np.flatnonzero(mask.max(0) > 0)
        if not len(rows):
            return
        top, bottom = max(0, rows[0] - 2), min(WORK, rows[-1] + 3)
        left, right = max(0, columns[0] - 2), min(WORK, columns[-1] + 3)
        window = (slice(top, bottom), slice(left, right))
        part = mask[window]
        light, shine = _light(part, form, bulge, depth)
        base = colour[window] if isinstance(colour, np.ndarray) else np.asarray(colour, np.float32)
        lit = base * light[..., None]
        if grain is not None:
            lit = lit * grain[window][..., None]
        lit = lit + (255 - lit) * np.clip(gloss * shine, 0, 1)[..., None]
        cover = part * np.float32(opacity)
        self.rgb[window] += (np.clip(lit, 0, 255) - self.rgb[window]) * cover[..., None]
        self.alpha[window] += (1 - self.alpha[window]) * cover

    def shade(self, mask: Array, amount: float, blur: float = 0) -> None:
        """Darken (amount < 0) or brighten (> 0) what is drawn already, within a mask that may be blurred: folds, seams, contact shadows."""
        field = soften(mask, blur) if blur else mask
        target = np.float32(0 if amount < 0 else 255) * self.alpha[..., None]
        self.rgb += (target - self.rgb) * (np.float32(abs(amount)) * field)[..., None]

    def grain(self, kind: str) -> Array:
        """Factors around 1 that make a surface, (448, 448): mesh, cloth, knit, leather, fur, wood, metal, paper."""
        y, x = np.mgrid[0:WORK, 0:WORK].astype(np.float32)
        rough: Array = self.noise.standard_normal((WORK, WORK)).astype(np.float32)
        if kind == "mesh":
            field = 0.10 * np.sin(x * 0.9) * np.sin(y * 0.9) + 0.03 * rough
        elif kind == "cloth":
            field = 0.05 * np.sin(x * 1.6) + 0.05 * np.sin(y * 1.6) + 0.03 * rough
        elif kind == "knit":
            field = 0.09 * np.sin(x * 0.75 + np.abs(np.sin(y * 0.35)) * 2) + 0.03 * rough
        elif kind == "leather":
            field = 0.35 * soften(rough, 1) + 0.5 * soften(rough, 7)
        elif kind == "fur":
            field = 0.28 * soften(rough, 1) + 0.35 * soften(rough, 4)
        elif kind == "wood":
            lines = soften(np.repeat(rough[:1], WORK, 0), 1)
            field = 0.12 * lines + 0.05 * np.sin(x * 0.06 + 6 * soften(rough, 20) + y * 0.01)
        elif kind == "metal":
            field = 0.05 * np.repeat(soften(rough, 1)[:, :1], WORK, 1) + 0.015 * rough
        elif kind == "paper":
            field = 0.03 * rough + 0.3 * soften(rough, 3)
        else:
            raise ValueError(f"no surface is called {kind!r}")
        return np.asarray(1 + field, np.float32)


def pattern(kind: str, first: RGB, second: RGB, size: float = 6) -> Array:
    """A two-colour pattern, (448, 448, 3): stripes (across), bars (upright), checks, dots or halves (lower half in the second colour)."""
    y, x = np.mgrid[0:WORK, 0:WORK].astype(np.float32) * np.float32(100 / WORK)
    if kind == "stripes":
        share = (y % size < size / 2).astype(np.float32)
    elif kind == "bars":
        share = (x % size < size / 2).astype(np.float32)
    elif kind == "checks":
        share = ((x % size < size / 2).astype(np.float32) + (y % size < size / 2).astype(np.float32)) / 2
    elif kind == "dots":
        shifted = x + (np.floor(y / size) % 2) * size / 2
        share = (((shifted % size - size / 2) ** 2 + (y % size - size / 2) ** 2) < (size * 0.26) ** 2).astype(np.float32)
    elif kind == "halves":
        share = (y > size).astype(np.float32)
    else:
        raise ValueError(f"no pattern is called {kind!r}")
    a, b = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return np.asarray(a + (b - a) * share[..., None], np.float32)


def tint(colour: RGB, amount: float) -> RGB:
    """A darker (amount < 0) or lighter (> 0) colour."""
    target = 0 if amount < 0 else 255
    return tuple(round(v + (target - v) * abs(amount)) for v in colour)  # type: ignore[return-value]


def _light(part: Array, form: Form, bulge: float, depth: float) -> tuple[Array, Array]:
    """Brightness (1 on a surface that faces the viewer) and highlight (0…1) of a shape, Lambert's law and a narrow reflection."""
    height, width = part.shape
    if form == "flat":
        return np.ones_like(part), np.zeros_like(part)
    if form == "soft":
        field = soften(np.pad(part, 2), bulge)[2:-2, 2:-2] * part * np.float32(bulge * 1.5 * depth)
        dy, dx = np.gradient(soften(field, 2))
        nx, ny = -dx, -dy
    else:
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        u = np.clip((x - (width - 1) / 2) / (width / 2), -0.98, 0.98)
        v = np.clip((y - (height - 1) / 2) / (height / 2), -0.98, 0.98) if form == "sphere" else np.zeros_like(u)
        z = np.sqrt(np.maximum(1 - u * u - v * v, 0.06))
        nx, ny = u / z * np.float32(depth), v / z * np.float32(depth)
    length = np.sqrt(nx * nx + ny * ny + 1)
    facing = np.clip((nx * _LIGHT[0] + ny * _LIGHT[1] + _LIGHT[2]) / length, 0, 1)
    # Half-way vector between the light and the viewer: where it meets the normal, the surface shines.
    half = np.asarray([_LIGHT[0], _LIGHT[1], _LIGHT[2] + 1])
    half = half / np.sqrt((half * half).sum())
    shine = np.clip((nx * half[0] + ny * half[1] + half[2]) / length, 0, 1)
    for _ in range(5):
        shine = shine * shine  # to the power of 32 by squaring: the same bits on every machine
    return (0.42 + 0.58 * facing / np.float32(_LIGHT[2])).astype(np.float32), shine.astype(np.float32)
