"""Which frames of a video stand for it: one of every scene at least, more where a long scene changes, so many a minute at most."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmsearch.media.frame import Frame, Scaler
from mmsearch.media.video import Source, open_video

if TYPE_CHECKING:
    from PIL.Image import Image

Thumbnail = NDArray[np.uint8]

#: PySceneDetect's content value (mean difference of hue, saturation and value, 0 to 255) at which it says that a scene begins.
CUT = 27.0
#: As its adaptive detector has it, a smaller difference is a cut, too, if it is so much and so many times the mean of those before it;
#: and a great one is none, amid others that are nearly as great: frames 0.2 seconds apart differ where things move fast.
#: Of 36 scenes of real clips in a row, 36 then had a frame, of 52 in all; by `CUT` alone 32, for motion used up the frames of the minute.
_LEAST_CUT, _TIMES = 15.0, 3.0
_BEFORE = 5  # differences that the adaptive rule compares with
_FAR = 0.6  # seconds between frames that are looked at, when only keyframes are
_SETTLED = 0.4  # seconds after a cut at which its frame is taken: the first ones are often blurred or half of a transition
_BLANK = 4.0  # standard deviation of its colours at which a frame shows nothing: black before a film, white of a fade
_CHANGED = 6.0  # content value from the last frame that was taken, at which a long scene is worth another
_WIDTH, _HEIGHT = 64, 36


@dataclass(frozen=True)
class Picture:
    """A frame that stands for a video from its second on, upright and RGB."""

    second: float
    image: Image


def sampled(
    source: Source, *, per_minute: float = 60.0, short_side: int = 512, go_on: Callable[[], None] = lambda: None
) -> Iterator[Picture]:
    """The frames that stand for a video, in order.

    A scene begins where the content value of PySceneDetect (Castellano, "PySceneDetect", scenedetect.com, its ContentDetector and
    AdaptiveDetector) is high, computed on thumbnails of frames 0.2 seconds apart, or of keyframes (`mmsearch.media.video`). Every scene
    has a frame; a longer one has another whenever its content moved and 120 / `per_minute` seconds passed. In no minute are there more
    than `per_minute` of them: where scenes are shorter than that allows, some have none. Frames that show nothing are passed over.

    At any length one decoded frame and one picture are held besides what the decoder needs.

    Parameters
    ----------
    per_minute : frames a minute at most, above 0.
    short_side : pixels of a picture's short side at most.
    go_on : called for each frame that is looked at; what it raises ends the sampling.

    Raises
    ------
    MediaError : see `mmsearch.media.video`.
    """
    with open_video(source) as video:
        scaler, choice = Scaler(), _Choice(per_minute)
        for frame in video.frames():
            go_on()
            for chosen in choice.see(_seen(scaler, frame)):
                yield Picture(chosen.frame.second, scaler.picture(chosen.frame, short_side))
        for chosen in choice.end():
            yield Picture(chosen.frame.second, scaler.picture(chosen.frame, short_side))


@dataclass(frozen=True)
class _Look:
    second: float
    thumbnail: Thumbnail  # (3, 36, 64) hue, saturation, value
    blank: bool  # there is nothing to be seen


@dataclass(frozen=True)
class _Seen(_Look):
    frame: (
        Frame  # held no longer than it may be taken: the decoder writes into the memory of frames that were let go, which is in the cache
    )


class _Choice:
    """Frames one after the other → those that are taken."""

    def __init__(self, per_minute: float):
        # A bucket of tokens: full at first, a quarter of a minute's for scenes that come in quick succession.
        self._most = max(1.0, per_minute / 4)
        self._a_second = max(per_minute - self._most, per_minute / 2) / 60 if per_minute > 1 else per_minute / 60
        self._every = 120.0 / per_minute
        self._tokens, self._filled = self._most, 0.0
        self._first: _Seen | None = None
        self._last: _Look | None = None
        self._taken: _Look | None = None
        self._waiting: _Seen | None = None  # of a scene that has no frame yet
        self._began = 0.0
        self._differences: deque[float] = deque(maxlen=_BEFORE)

    def see(self, seen: _Seen) -> Iterator[_Seen]:
        last, self._last = self._last, _Look(seen.second, seen.thumbnail, seen.blank)
        self._first = None if self._taken else self._first or seen
        if last is None or self._cut(last, seen):
            yield from self._take_waiting()
            self._waiting, self._began = seen, seen.second
        elif self._waiting is not None:
            age = seen.second - self._began
            if age > 2 * _SETTLED and not self._waiting.blank:  # frames are far apart: the first is the one
                yield from self._take_waiting()
            elif age >= _SETTLED and not seen.blank:
                self._waiting = seen
                yield from self._take_waiting()
            else:
                self._waiting = self._waiting if seen.blank else seen
        elif self._moved(seen):
            yield from self._take(seen)

    def end(self) -> Iterator[_Seen]:
        """What is left; of a video that shows nothing anywhere its first frame, for it has frames."""
        yield from self._take_waiting()
        if self._taken is None and self._first is not None:
            yield self._first

    def _take_waiting(self) -> Iterator[_Seen]:
        waiting = self._waiting
        if waiting is not None and not waiting.blank:
            for taken in self._take(waiting):
                self._waiting = None
                yield taken

    def _take(self, seen: _Seen) -> Iterator[_Seen]:
        self._tokens = min(self._most, self._tokens + (seen.second - self._filled) * self._a_second)
        self._filled = max(self._filled, seen.second)
        if self._tokens >= 1 - 1e-9:
            self._tokens -= 1
            self._taken = _Look(seen.second, seen.thumbnail, seen.blank)
            yield seen

    def _moved(self, seen: _Seen) -> bool:
        """Whether a long scene is worth another frame."""
        if self._taken is None or seen.blank or seen.second - self._taken.second < self._every - 1e-3:
            return False
        return _difference(self._taken.thumbnail, seen.thumbnail) >= _CHANGED

    def _cut(self, last: _Look, seen: _Seen) -> bool:
        difference = _difference(last.thumbnail, seen.thumbnail)
        if seen.second - last.second > _FAR:  # what lies between is not known: nothing to adapt to
            self._differences.clear()
            return difference >= _LEAST_CUT
        usual = float(np.mean(self._differences)) if self._differences else 0.0
        self._differences.append(difference)
        return difference >= max(_LEAST_CUT, _TIMES * usual) or difference >= max(CUT, _TIMES / 2 * usual)


def _seen(scaler: Scaler, frame: Frame) -> _Seen:
    import cv2

    small = scaler.thumbnail(frame, _WIDTH, _HEIGHT)
    blank = float(cv2.meanStdDev(small)[1].max()) < _BLANK
    return _Seen(frame.second, np.array(cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))), blank, frame)


def _difference(one: Thumbnail, other: Thumbnail) -> float:
    """PySceneDetect's content value, but hue goes round (red lies at both of its ends) and counts as far as there is colour."""
    import cv2

    apart = cv2.absdiff(one, other)
    hue = np.minimum(apart[0], 180 - apart[0])
    coloured = np.vdot(hue.astype(np.float64), np.minimum(one[1], other[1]).astype(np.float64)) / 255
    return float(coloured + apart[1:].sum()) / apart.size
