"""A decoded frame of a video, and small pictures of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmsearch.media import MediaError

if TYPE_CHECKING:
    from PIL.Image import Image


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

        self._reformatter = VideoReformatter()

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
        pixels = self._converted(native, size, "rgba" if clear else "rgb24")
        if clear:
            flat = Image.new("RGBA", size, "white")
            flat.alpha_composite(Image.fromarray(pixels, "RGBA"))
            image = flat.convert("RGB")
        else:
            image = Image.fromarray(pixels)
        turns = round(native.rotation / 90) % 4  # counter-clockwise, by which the picture is to be turned
        return (
            image.transpose((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)[turns - 1])
            if turns
            else image
        )

    def thumbnail(self, frame: Frame, width: int, height: int) -> Any:
        """A frame as (height, width, 3) bytes RGB, neither upright nor in its proportions: for comparing frames of one video."""
        return self._converted(frame.native, (width, height), "rgb24")

    def _converted(self, native: Any, size: tuple[int, int], format: str) -> Any:
        import av

        try:
            # In one thread: by default each of these small jobs is divided among all cores, which takes more of them than it saves.
            small = self._reformatter.reformat(native, width=size[0], height=size[1], format=format, interpolation="AREA", threads=1)
            return small.to_ndarray()
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"damaged: a frame cannot be converted ({getattr(error, 'strerror', None) or error})") from error


def _shown_size(frame: Frame) -> tuple[int, int]:
    """Width and height with square pixels, before it is turned upright."""
    stretch = frame.pixel_ratio if 0.1 <= frame.pixel_ratio <= 10 else 1.0
    return max(1, round(frame.native.width * stretch)), int(frame.native.height)
