"""Opening videos safely: what is checked before anything is decoded, and the frames worth looking at, with their seconds.

Of a long video not every frame is decoded. Packets come in groups that begin with a keyframe, which needs no other frame; of most groups
the keyframe alone is decoded. A whole group is, where it is long, or where the size of a packet says that the picture changed inside it.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, NamedTuple

from mmsearch import settings
from mmsearch.media import MediaError
from mmsearch.media.boxes import Declared, declared
from mmsearch.media.content import VIDEO_LIMIT, Streamed, check_length, looks_like, open_media, too_long
from mmsearch.media.frame import Frame

Source = str | Path | bytes | Streamed

#: FFmpeg reads some three hundred formats; playlists (HLS, DASH, concat) among them open further files and addresses, so only these are
#: tried, and no protocol is allowed.
FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "flv", "gif", "mpeg", "mpegts", "ogg")
_INDEXED = ("mov", "matroska", "asf", "avi")  # whose headers know the length; of others it is a guess

#: Seconds between frames that are looked at: a scene that lasts no longer may be missed.
STEP = 0.2
#: A group of frames longer than this (seconds) is decoded whole: x264 and x265 begin one at each cut and every 250 frames, 4 to 10 seconds.
_LONG_GROUP = 12.0
_LARGE_GROUP = 32 << 20  # bytes of a group that are held until it is known how long it is
#: Videos of fewer pixels in all (640 × 360: about ten minutes) are decoded whole; that takes some seconds.
_SMALL = 4e9
#: A packet so much larger than the others of its group, and with such a share of the keyframe's size, is a new picture.
_JUMP, _JUMP_SHARE = 4.0, 0.5
_FAST = 20.0  # frames a second, of which some can be spared
_MOST_RATE = 250  # frames a second, over the whole: no file may keep us for ever

#: A header that promises more than this much longer a video than what is there (seconds, share): the file was cut off.
_CUT_SECONDS, _CUT_SHARE = 0.5, 0.03
_NO_FRAMES = "no frames: there is nothing to be seen in it"
_DAMAGED = 0.1  # share of packets that may fail: recordings of a broadcast begin in the middle of a group


class Video:
    """A video whose header was read and found good. See `open_video`."""

    def __init__(self, container: Any, seconds: float | None):
        self._container, self._stream = container, container.streams.video[0]
        self.width, self.height = int(self._stream.codec_context.width), int(self._stream.codec_context.height)
        self.seconds = seconds  # as the header says; None where it does not know
        self._start = container.start_time / 1_000_000 if container.start_time is not None else None
        self._packets = self._failed = 0
        self._limit, self._most = settings.max_seconds(), settings.max_pixels()
        self._clocks = {one.index: _Clock.of(one) for one in container.streams}
        self._clock, self._ratio = self._clocks[self._stream.index], float(self._stream.sample_aspect_ratio or 1)

    def frames(self) -> Iterator[Frame]:
        """The frames to look at, in order, `STEP` seconds apart at least: those of every scene, if not all of it.

        A few frames and the packets of one group are in memory at a time.

        Raises
        ------
        MediaError : no frames, cut off, damaged, or longer than `MMSEARCH_MAX_SECONDS`.
        """
        last, found = -math.inf, 0
        doubtful: Frame | None = None
        for frame in self._decoded():
            if frame.second > self._limit:
                raise too_long(frame.second, self._limit, at_least=True)
            if frame.native.is_corrupt:
                doubtful = doubtful or frame
            elif frame.second >= last + STEP - 1e-3:
                last, found = frame.second, found + 1
                yield frame
        if self._failed > max(2, _DAMAGED * self._packets):
            raise MediaError(f"damaged: {self._failed:,} of {self._packets:,} frames that were tried cannot be decoded")
        if not found:
            raise MediaError("damaged: every frame of it is" if doubtful else _NO_FRAMES)

    def _decoded(self) -> Iterator[Frame]:
        decoder = _Decoder(self._stream, self._clock)
        pixels = self.width * self.height * float(self._stream.average_rate or 30) * (self.seconds or math.inf)
        group = _Group(self._clock, whole=pixels <= _SMALL)
        for packet in self._demuxed():
            if packet.is_keyframe:
                yield from self._timed(decoder.decode(group.over(packet)))
                group = group.next(packet)
            elif group.packets or group.decoding:  # what comes before the first keyframe refers to frames that are not there
                yield from self._timed(decoder.decode(group.taken(packet)))
        yield from self._timed(decoder.decode(group.over(None)))
        yield from self._timed(decoder.flush())
        self._packets, self._failed = decoder.tried, decoder.failed

    def _timed(self, frames: Iterator[Any]) -> Iterator[Frame]:
        for native in frames:
            if native.width * native.height > self._most:  # the codec is asked to see to it, but not every one does
                raise _too_many_pixels(native.width, native.height)
            if native.pts is None:
                continue
            second = self._clock.second(native.pts)
            if self._start is None:
                self._start = second
            yield Frame(max(0.0, second - self._start), native, self._ratio)

    def _demuxed(self) -> Iterator[Any]:
        """The packets of the picture. Raises MediaError at the end for a file that stops before its header says."""
        import av

        stream, end, seen = self._stream, 0.0, 0
        others = list(self._container.streams.audio)[:1]
        packets = self._container.demux(stream, *others)  # the sound too: which of the two lasts longer is the length
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError, ValueError) as error:
                raise MediaError(f"damaged or truncated: it cannot be read to its end ({_short(error)})") from error
            if packet is None:
                break
            if packet.size == 0:
                continue
            if packet.pts is not None:
                end = max(end, self._clocks[packet.stream.index].second(packet.pts + (packet.duration or 0)))
            if packet.stream.index == stream.index:
                seen += 1
                if seen > _MOST_RATE * self._limit:
                    raise MediaError(f"too many frames: more than {seen - 1:,}")
                yield packet
        if not seen and not len(stream.index_entries) and self._container.format.name.startswith("mov"):  # its header lists them
            raise MediaError(_NO_FRAMES)
        there, long = end - (self._start or 0.0), self.seconds or 0.0
        if self._container.format.name.startswith(_INDEXED) and long - there > _CUT_SECONDS + _CUT_SHARE * long:
            raise MediaError(f"truncated: the file ends after {there:.1f} of {long:.1f} seconds")
        if not seen:
            raise MediaError(_NO_FRAMES)


class _Clock(NamedTuple):
    """What a stream counts time in: ticks of `numerator` / `denominator` seconds.

    PyAV makes a Fraction each time it is asked, which is slow for every frame of a film; whole numbers divide to the same float.
    """

    numerator: int
    denominator: int

    @classmethod
    def of(cls, stream: Any) -> _Clock:
        base = stream.time_base or 1
        return cls(base.numerator, base.denominator)

    def second(self, ticks: int) -> float:
        return ticks * self.numerator / self.denominator

    def of_packet(self, packet: Any) -> float:
        at = packet.pts if packet.pts is not None else packet.dts
        return self.second(at) if at is not None else 0.0


class _Group:
    """The packets from one keyframe to the next, held until it is known whether all of them are to be decoded."""

    def __init__(self, clock: _Clock, whole: bool, decoded_until: float = -math.inf):
        self.packets: list[Any] = []
        self.decoding = False  # whole, from now on
        self._clock, self._whole, self._bytes = clock, whole, 0
        self._decoded_until = decoded_until

    def next(self, keyframe: Any) -> _Group:
        """The group that a keyframe begins."""
        group = _Group(self._clock, self._whole, self._decoded_until)
        group.packets, group._bytes = [keyframe], keyframe.size
        return group

    def taken(self, packet: Any) -> list[Any]:
        """A further packet: what is to be decoded now."""
        if self.decoding:
            return [packet]
        self.packets.append(packet)
        self._bytes += packet.size
        if (
            self._whole
            or self._bytes > _LARGE_GROUP
            or self._clock.of_packet(packet) - self._clock.of_packet(self.packets[0]) > _LONG_GROUP
        ):
            return self._all()
        return []

    def over(self, following: Any | None) -> list[Any]:
        """The group ended: what of it is still to be decoded."""
        if self.decoding or not self.packets:
            return []
        if self._changes():
            return self._all()
        start = self._clock.of_packet(self.packets[0])
        if start < self._decoded_until + STEP - 1e-3 and following is not None:  # every frame is a keyframe, as in MJPEG
            return []
        self._decoded_until = start
        return self.packets[:1]

    def _all(self) -> list[Any]:
        packets, self.packets, self.decoding = self.packets, [], True
        self._decoded_until = self._clock.of_packet(packets[0])
        return packets

    def _changes(self) -> bool:
        """Whether a packet is so large that it must hold a new picture, though its encoder began no new group there."""
        others = [packet.size for packet in self.packets[1:]]
        if len(others) < 4:
            return False
        largest = max(others)
        return bool(largest > _JUMP * median(others) and largest > _JUMP_SHARE * self.packets[0].size)


class _Decoder:
    """Packets → frames, without those that refer to frames of a group that was left out."""

    def __init__(self, stream: Any, clock: _Clock):
        context = stream.codec_context
        # Slices of a picture, where it has any. Several pictures at a time cost a third more of CPU time (docs/models.md), as many more in
        # memory, and clips are looked at beside each other.
        context.thread_type, context.thread_count = "SLICE", settings.threads()
        if float(stream.average_rate or 0) >= _FAST:
            context.skip_frame = "NONREF"  # frames that no other needs are not decoded: there are enough without
        self._context, self._clock = context, clock
        self._last_key: Any = None
        self._holes: deque[tuple[float, float]] = deque(maxlen=64)  # between the keyframes of groups that were left out
        self._alone = False
        self.tried = self.failed = 0

    def decode(self, packets: list[Any]) -> Iterator[Any]:
        """Frames as they come out of the decoder; some later than their packets."""
        import av

        for packet in packets:
            if packet.is_keyframe:
                if self._last_key is not None and self._alone:
                    self._holes.append((self._clock.of_packet(self._last_key), self._clock.of_packet(packet)))
                self._last_key, self._alone = packet, True
            else:
                self._alone = False
            self.tried += 1
            try:
                frames = self._context.decode(packet)
            except av.FFmpegError:
                self.failed += 1
                continue
            yield from self._good(frames)

    def flush(self) -> Iterator[Any]:
        """The frames that are still inside."""
        import av

        try:
            frames = self._context.decode(None)
        except av.FFmpegError:
            self.failed += 1
            return
        yield from self._good(frames)

    def _good(self, frames: list[Any]) -> Iterator[Any]:
        for frame in frames:
            if frame.pts is None or frame.key_frame or not any(a < self._clock.second(frame.pts) < b for a, b in self._holes):
                yield frame


@contextlib.contextmanager
def open_video(source: Source) -> Iterator[Video]:
    """Read a video's header, and reject what is no video, has too many pixels or is too long. Nothing is decoded yet.

    Only what lies in the file itself is ever read: no other file, no address. Formats: `FORMATS`; the content decides, not the name.

    Raises
    ------
    MediaError : missing, empty, no video, no picture (a sound alone), cut off, damaged; or beyond `MMSEARCH_MAX_VIDEO_BYTES`,
        `MMSEARCH_MAX_PIXELS` or `MMSEARCH_MAX_SECONDS`.
    """
    import av

    with _file(source) as file:
        head = file.read(512)
        _check_header(file, head)
        limit = settings.max_pixels()
        options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "none", "max_pixels": str(limit)}
        try:
            container = av.open(file, mode="r", options=options, metadata_errors="ignore")
        except Exception as error:
            raise _not_opened(head) from error
        with container:
            streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
            if not streams:
                what = "a sound alone" if container.streams.audio else f"it starts like {looks_like(head)}"
                raise MediaError(f"no picture: {what}")
            context = streams[0].codec_context
            if context is None:
                raise MediaError("no picture: of an unknown codec")
            if context.width * context.height > limit:
                raise _too_many_pixels(context.width, context.height)
            if context.width * context.height == 0:  # FFmpeg takes no size that is beyond the limit
                raise MediaError(f"no picture: its size is unknown or beyond {limit / 1e6:,.3g} million pixels (MMSEARCH_MAX_PIXELS)")
            seconds = container.duration / av.time_base if container.duration and container.duration > 0 else None
            if seconds is not None and seconds > settings.max_seconds():
                raise too_long(seconds, settings.max_seconds())
            yield Video(container, seconds)


def probe_video(path: str | Path) -> float | None:
    """Seconds of a video by its header, None where it does not say, without decoding it: what ingest checks.

    Raises
    ------
    MediaError : see `open_video`.
    """
    with open_video(path) as video:
        return video.seconds


def _file(source: Source) -> BinaryIO:
    if isinstance(source, bytes):
        check_length(len(source), settings.max_video_bytes(), VIDEO_LIMIT)
        return io.BytesIO(source)
    return open_media(source.path if isinstance(source, Streamed) else source, settings.max_video_bytes(), VIDEO_LIMIT)


def _check_header(file: BinaryIO, head: bytes) -> None:
    """Reject what a header claims that FFmpeg would pass over in silence. Leaves the file at its start."""
    length = file.seek(0, io.SEEK_END)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI " and length < int.from_bytes(head[4:8], "little"):
        raise MediaError(f"truncated: {length:,} of {int.from_bytes(head[4:8], 'little') + 8:,} bytes are there")
    claimed = declared(file) if head[4:8] == b"ftyp" else Declared()
    if claimed.size[0] * claimed.size[1] > settings.max_pixels():
        raise _too_many_pixels(*claimed.size)
    if claimed.seconds > settings.max_seconds():
        raise too_long(claimed.seconds, settings.max_seconds())
    file.seek(0)


def _not_opened(head: bytes) -> MediaError:
    what = looks_like(head)
    if "video" in what or what == "a GIF picture":
        return MediaError(f"damaged or truncated: it starts like {what}, but cannot be opened")
    return MediaError(f"not a video: it starts like {what}")


def _too_many_pixels(width: int, height: int) -> MediaError:
    limit = settings.max_pixels()
    message = f"{width:,} × {height:,} pixels, the limit is {limit / 1e6:,.3g} million (MMSEARCH_MAX_PIXELS)"
    return MediaError(message, kind="too many pixels")


def _short(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)[:80]
