"""Three short clips of products, 160 × 120, H.264; the train's has a sound track."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sample_shop.canvas import WORK, Array, Canvas, shape, soften
from sample_shop.goods import PRODUCTS, Product
from sample_shop.photos import drawn, seed_of
from sample_shop.scene import SIDE, Shot, photograph
from sample_shop.sounds import RATE, Wave, samples, steam_chuffs, train_whistle

FRAMES_PER_SECOND = 12
SIZE = (160, 120)


def _product(clip: str) -> Product:
    return next(p for p in PRODUCTS if p.clip == clip)


def _thing(clip: str) -> Canvas:
    product = _product(clip)
    return drawn(product.kind, product.look, product.id)


def _still_air(canvas: Canvas, clip: str) -> None:
    """The same background in every frame."""
    canvas.noise = np.random.RandomState(seed_of(clip))


def shoe_turn() -> Iterator[Image.Image]:
    """The shoe makes one turn on a plate (a flat drawing, so it narrows and widens)."""
    canvas = _thing("shoe-turn")
    for i in range(30):
        turn = math.cos(math.tau * i / 30)
        _still_air(canvas, "shoe-turn")
        yield photograph(canvas, "floor", Shot("white", 0, 0.85, mirrored=turn < 0, squeeze=max(0.22, abs(turn))))


def lamp_on() -> Iterator[Image.Image]:
    """A dark room; the lamp is switched on after a second."""
    canvas = _thing("lamp-on")
    shot = Shot("warm", 0, 0.76)
    _still_air(canvas, "lamp-on")
    bright = np.asarray(photograph(canvas, "floor", shot), np.float32)
    night = bright * np.asarray([0.16, 0.18, 0.26], np.float32)
    beam: Array = soften(shape("M 24 44 L 39 55 L 46 82 L 10 82 Z"), 20)[:: WORK // SIDE, :: WORK // SIDE, None]
    glow = beam * np.asarray([120, 100, 50], np.float32)
    for i in range(30):
        level = 0.0 if i < 12 else (0.5 if i == 12 else 0.2 if i == 13 else 1.0)  # it flickers once
        frame = night + (bright * (0.55 + 0.45 * beam) + glow - night) * level
        yield Image.fromarray(np.clip(np.rint(frame), 0, 255).astype(np.uint8))


def train_run() -> Iterator[Image.Image]:
    """The engine drives through the picture from right to left."""
    canvas = _thing("train-run")
    for i in range(32):
        _still_air(canvas, "train-run")
        yield photograph(canvas, "floor", replace(Shot("cool", 0, 0.62), dx=66 - 4.2 * i, dy=4 + (i % 2) * 0.6, turn=0.8 * (i % 2)))


def train_sound() -> Wave:
    """Chuffing, and a whistle in the middle."""
    track = steam_chuffs(32 / FRAMES_PER_SECOND, 6)
    whistle = train_whistle()
    begin = round(0.8 * RATE)
    track[begin : begin + len(whistle)] += whistle * 0.3
    return track


CLIPS = {"shoe-turn": (shoe_turn, None), "lamp-on": (lamp_on, None), "train-run": (train_run, train_sound)}


def save_clip(name: str, out: Path) -> None:
    """Write clips/NAME.mp4 below `out`. The bytes depend on the version of the encoder inside PyAV; the frames that go in do not."""
    import av

    frames, sound = CLIPS[name]
    target = out / "clips" / f"{name}.mp4"
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        # Without "cpu-independent", x264's fast paths depend on where a frame happens to lie in memory, and two runs differ.
        video.options = {"crf": "26", "preset": "slow", "threads": "1", "x264-params": "cpu-independent=1"}
        audio = container.add_stream("aac", rate=RATE, layout="mono") if sound else None
        for picture in frames():
            wide = picture.crop((0, SIDE // 8, SIDE, SIDE - SIDE // 8)).resize(SIZE, Image.Resampling.LANCZOS)
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.asarray(wide), format="rgb24")))
        container.mux(video.encode())
        if audio is not None and sound is not None:
            heard = av.AudioFrame.from_ndarray(samples(sound())[None, :], format="s16", layout="mono")
            heard.sample_rate = RATE
            heard.time_base = Fraction(1, RATE)
            heard.pts = 0
            container.mux(audio.encode(heard))
            container.mux(audio.encode())
