"""Where a drawn thing is photographed: camera angle, background, shadow, and the file that comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from sample_shop.canvas import RGB, WORK, Array, Canvas, soften

SIDE = 224  # side of a finished photo

Stance = Literal["floor", "flat", "wall"]  # standing on something, lying on something and seen from above, hanging

#: Backdrops of a shop's own photos: (wall or surface, floor).
STUDIO: dict[str, tuple[RGB, RGB]] = {
    "white": ((250, 250, 249), (236, 236, 235)),
    "grey": ((222, 224, 227), (201, 203, 207)),
    "warm": ((244, 237, 226), (226, 214, 197)),
    "cool": ((224, 233, 240), (200, 212, 222)),
    "blush": ((245, 229, 226), (228, 206, 201)),
    "mint": ((226, 240, 232), (203, 222, 211)),
}
#: Backdrops of photos that people take at home, used by the query photos.
HOME: dict[str, tuple[RGB, RGB]] = {
    "planks": ((196, 160, 118), (168, 128, 86)),
    "lawn": ((116, 150, 84), (92, 128, 62)),
    "tiles": ((206, 210, 208), (170, 178, 178)),
    "sofa": ((150, 142, 150), (118, 108, 118)),
}


@dataclass(frozen=True)
class Shot:
    """How a photo is taken: backdrop name, turn in degrees, size (1 fills the drawing's own frame), offset in percent, mirrored or not."""

    backdrop: str = "white"
    turn: float = 0
    zoom: float = 0.92
    dx: float = 0
    dy: float = 0
    mirrored: bool = False
    squeeze: float = 1.0  # < 1: seen a little from the side
    warmth: float = 0.0  # > 0: indoor light
    dim: float = 1.0


def photograph(canvas: Canvas, stance: Stance, shot: Shot) -> Image.Image:
    """The finished 224 × 224 photo of what is on the canvas."""
    colour, cover = _aim(canvas, shot)
    scene = _shadow(_backdrop(canvas, shot.backdrop, stance), cover, stance)
    scene += (colour - scene) * cover[..., None]
    scene += soften(canvas.noise.standard_normal((SIDE, SIDE)).astype(np.float32), 1)[..., None] * 5
    scene *= np.float32(shot.dim)
    scene *= np.asarray([1 + 0.10 * shot.warmth, 1, 1 - 0.16 * shot.warmth], np.float32)
    return _image(scene)


def cut_out(canvas: Canvas, shot: Shot) -> Image.Image:
    """The thing alone, transparent around it, as many shops keep their product pictures."""
    colour, cover = _aim(canvas, shot)
    picture = _image(np.where(cover[..., None] > 0, colour, 255))  # white where nothing is, for readers that drop transparency
    picture.putalpha(Image.fromarray(np.rint(cover * 255).astype(np.uint8)))
    return picture


def _image(field: Array) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(field), 0, 255).astype(np.uint8))


def _aim(canvas: Canvas, shot: Shot) -> tuple[Array, Array]:
    """Turn, scale, shift and reduce the drawing: colour (224, 224, 3) in 0…255 and coverage (224, 224) in 0…1."""
    straight = canvas.rgb / np.maximum(canvas.alpha, np.float32(1e-6))[..., None]
    layers = np.dstack([straight, canvas.alpha * 255])
    turn = math.radians(shot.turn)
    cos, sin = math.cos(turn), math.sin(turn)
    sx = shot.zoom * shot.squeeze * (-1 if shot.mirrored else 1)
    sy = shot.zoom
    centre = WORK / 2
    # Image.transform maps from the finished picture back to the drawing.
    tx, ty = centre + shot.dx * WORK / 100, centre + shot.dy * WORK / 100
    matrix = (cos / sx, sin / sx, centre - (cos * tx + sin * ty) / sx, -sin / sy, cos / sy, centre - (-sin * tx + cos * ty) / sy)
    aimed = _image(layers).transform((WORK, WORK), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    field = np.asarray(aimed.reduce(WORK // SIDE), np.float32)
    return field[..., :3], field[..., 3] / np.float32(255)


def _backdrop(canvas: Canvas, name: str, stance: Stance) -> Array:
    wall, floor = ({**STUDIO, **HOME})[name]
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / np.float32(SIDE)
    if stance == "floor":
        horizon = canvas.vary(0.60, 0.70)
        share = np.clip((y - horizon) / 0.05 + 0.5, 0, 1)
    else:
        share = np.clip(0.15 + 0.5 * (x + y) / 2, 0, 1)
    a, b = np.asarray(wall, np.float32), np.asarray(floor, np.float32)
    scene = a + (b - a) * share[..., None]
    lamp_x, lamp_y = canvas.vary(0.2, 0.6), canvas.vary(0.1, 0.4)
    scene = scene * (1.03 - 0.16 * ((x - lamp_x) ** 2 + (y - lamp_y) ** 2))[..., None]
    if name == "planks":
        row = np.floor(y * 6)
        seam = (np.abs(y * 6 - row) < 0.04).astype(np.float32)
        scene = scene * (canvas.grain("wood").T[::2, ::2] * (1 + 0.06 * np.sin(row * 2.4)) - 0.35 * seam)[..., None]
    elif name == "lawn":
        blades = canvas.noise.standard_normal((SIDE, SIDE)).astype(np.float32)
        scene = scene * (1 + 0.3 * soften(blades, 1) + 0.5 * soften(blades, 4))[..., None]
    elif name == "tiles":
        grout = ((x * 4 % 1 < 0.03) | (y * 4 % 1 < 0.03)).astype(np.float32)
        scene = scene * (1 - 0.2 * grout)[..., None]
    elif name == "sofa":
        scene = scene * canvas.grain("knit")[::2, ::2, None]
    return np.asarray(scene, np.float32)


def _shadow(scene: Array, cover: Array, stance: Stance) -> Array:
    """Darken the scene where the thing keeps the light off."""
    if stance == "floor":
        rows = np.flatnonzero(cover.max(1) > 0.3)
        foot = rows[-1] if len(rows) else SIDE - 1
        # The silhouette, pressed down to a seventh of its height and laid behind the thing, to the right.
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        up = (foot + 1 - y) * 7
        shadow = cover[np.clip(foot - up, 0, SIDE - 1), np.clip(x - up // 6, 0, SIDE - 1)] * (up >= 0)
        touch = cover * (y > foot - 7)
        dark = 0.34 * soften(shadow.astype(np.float32), 4) + 0.4 * soften(touch.astype(np.float32), 2)
    else:
        step = 4 if stance == "flat" else 7
        moved = np.roll(cover, (step, step // 2), (0, 1))
        dark = 0.40 * soften(moved, 3 if stance == "flat" else 5)
    return np.asarray(scene * (1 - np.clip(dark, 0, 0.75))[..., None], np.float32)
