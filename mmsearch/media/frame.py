"""A decoded frame of a video, and small pictures of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsearch.media import MediaError

if TYPE_CHECKING:
    from PIL.Image import Image

#: A frame of so many times a thumbnail's size or more is looked at in points, `_POINTS` by `_POINTS` of them for each of its pixels:
#: every byte of 1080p is three megabytes from memory, five times a second.
_LARGE, _POINTS = 16, 4


@dataclass(frozen=True)
class Frame:
    """A decoded frame, its second from the beginning and the width of its pixels beside their height. `native` is PyAV's."""

    second: float
    native: Any
    pixel_ratio: float = 1.0


class Scaler:
    """Frames → small upright RGB pictures. Keeps what is the same from frame to frame."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        # One for each step: FFmpeg's tables are kept until another size is asked of the same one.
        self._points, self._thumbnail, self._smaller, self._colours = (VideoReformatter() for _ in range(4))

    def picture(self, frame: Frame, short_side: int) -> Image:
        """A frame as a photo is opened: upright, square pixels, transparency on white; its short side `short_side` at most.

        Raises MediaError for a pixel format that cannot be converted.
        """
        from PIL import Image

        native = frame.native
        width, height = _shown_size(frame)
        scale = min(1.0, short_side / min(width, height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        clear = native.format.has_palette or any(part.is_alpha for part in native.format.components)
        if scale < 1 and _has_planes(native):  # in its own format, as a smaller video would have it: RGB of many sizes takes twice as long
            native = _converted(self._smaller, native, size, native.format.name)
        pixels = _converted(self._colours, native, size, "rgba" if clear else "rgb24").to_ndarray()
        if clear:
            flat = Image.new("RGBA", size, "white")
            flat.alpha_composite(Image.fromarray(pixels, "RGBA"))
            image = flat.convert("RGB")
        else:
            image = Image.fromarray(pixels)
        turns = round(frame.native.rotation / 90) % 4  # counter-clockwise, by which the picture is to be turned
        return (
            image.transpose((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)[turns - 1])
            if turns
            else image
        )

    def thumbnail(self, frame: Frame, width: int, height: int) -> Any:
        """A frame as (height, width, 3) bytes RGB, neither upright nor in its proportions: for comparing frames of one video."""
        native = frame.native
        if native.width >= _LARGE * width and native.height >= _LARGE * height and _has_planes(native):
            native = _converted(self._points, native, (_POINTS * width, _POINTS * height), native.format.name, "POINT")
        return _converted(self._thumbnail, native, (width, height), "rgb24").to_ndarray()


def _has_planes(native: Any) -> bool:
    """Whether a frame is brightness and two colours, each in a plane of its own: what nearly every video is, and FFmpeg scales fast."""
    form = native.format
    return form.is_planar and not form.is_rgb and not form.has_palette and len(form.components) == 3


def _converted(reformatter: Any, native: Any, size: tuple[int, int], format: str, interpolation: str = "AREA") -> Any:
    import av

    try:
        # In one thread: by default each of these small jobs is divided among all cores, which takes more of them than it saves.
        return reformatter.reformat(native, width=size[0], height=size[1], format=format, interpolation=interpolation, threads=1)
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"damaged: a frame cannot be converted ({getattr(error, 'strerror', None) or error})") from error


def _shown_size(frame: Frame) -> tuple[int, int]:
    """Width and height with square pixels, before it is turned upright."""
    stretch = frame.pixel_ratio if 0.1 <= frame.pixel_ratio <= 10 else 1.0
    return max(1, round(frame.native.width * stretch)), int(frame.native.height)
