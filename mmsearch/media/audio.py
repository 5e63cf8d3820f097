"""Opening sounds safely: any format that libsndfile or FFmpeg reads, decoded block by block into one channel at one rate."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.media import MediaError
from mmsearch.media.content import check_length, looks_like, open_media

Samples = NDArray[np.float32]

#: Of libsndfile's formats those that shops have; of the others some (HTK, MATLAB) take nearly any bytes for theirs.
SNDFILE_FORMATS = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3")
#: FFmpeg reads some three hundred; playlists among them open further files and addresses, so only these are tried, and no protocol.
FFMPEG_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "avi", "eac3", "flac", "flv", "mp3", "mpeg", "mpegts", "ogg", "wav", "wv"),
)

#: The `kind` of the MediaError for a video that has no sound track, which is no fault of it.
SILENT_VIDEO = "no sound track"

_FRAMES = 65_536  # samples of all channels that are decoded at a time
_CHANNELS = 64
_RATES = (1_000, 1_000_000)
_CANCELLED = 1e-3  # the mix has less than this share of the channels' power: they are each other's negatives
#: A header that promises more than this much longer a sound than what is there (seconds, share): the file was cut off.
_CUT_SECONDS, _CUT_SHARE = 0.2, 0.02
_INDEXED = ("mov", "matroska", "asf", "avi")  # FFmpeg's formats whose headers know the length; of others it is a guess

_SHOULD_BE = re.compile(r"(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)")
_UNKNOWN_LENGTH = 0x7FFF_0000  # a header of so many bytes and more was written before the length was known


@dataclass(frozen=True)
class _Opened:
    """A sound whose header was read: `blocks` decodes it, (n, channels) at a time."""

    rate: int
    channels: int
    seconds: float | None  # as the header says; None where it does not know
    blocks: Iterator[Samples]


def sound_blocks(source: str | Path | bytes, rate: int) -> Iterator[Samples]:
    """Decode a sound, or the sound track of a video, into blocks of one channel (n,) float32 at `rate` samples a second.

    Channels are averaged. At any length no more than a few blocks are in memory besides the file's bytes.

    Raises
    ------
    MediaError : missing, empty, no sound, cut off, damaged, zero length, samples that are no numbers, or longer than
        `MMSEARCH_MAX_SECONDS`. What the header tells is raised before anything is decoded, the rest where it is met.
    """
    import soxr

    with _opened(source) as file, _recognised(file) as sound:
        resample = None if sound.rate == rate else soxr.ResampleStream(sound.rate, rate, 1, dtype="float32")
        frames, limit = 0, settings.max_seconds()
        for block in _guarded(sound.blocks, file):
            frames += len(block)
            if frames > limit * sound.rate:
                raise _too_long(frames / sound.rate, limit, at_least=True)
            mono = _mixed(block)
            yield mono if resample is None else resample.resample_chunk(mono)
        if frames == 0:
            raise MediaError("zero length: there are no samples in it")
        seconds = frames / sound.rate
        if sound.seconds is not None and sound.seconds - seconds > _CUT_SECONDS + _CUT_SHARE * sound.seconds:
            raise MediaError(f"truncated: the file ends after {seconds:.1f} of {sound.seconds:.1f} seconds")
        if resample is not None:
            yield resample.resample_chunk(np.empty(0, np.float32), last=True)


def probe_sound(path: str | Path) -> float | None:
    """Seconds of a sound by its header, None where it does not say, without decoding it: what ingest checks.

    Raises
    ------
    MediaError : missing, not a regular file, empty, too large, no sound, cut off as far as the header shows it, zero length, too long.
    """
    with _opened(path) as file, _recognised(file) as sound:
        if sound.seconds == 0:
            raise MediaError("zero length: there are no samples in it")
        return sound.seconds


def _opened(source: str | Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        check_length(len(source), settings.max_media_bytes())
        return io.BytesIO(source)
    return open_media(source, settings.max_media_bytes())


@contextlib.contextmanager
def _recognised(file: BinaryIO) -> Iterator[_Opened]:
    """Read the header with whichever library knows the format, and reject what is no sound or too long."""
    head = file.read(512)
    file.seek(0)
    _check_whole(file, head)
    with contextlib.ExitStack() as stack:
        sound = _with_sndfile(file, stack)
        if sound is None:
            file.seek(0)
            sound = _with_ffmpeg(file, head, stack)
        if not _RATES[0] <= sound.rate <= _RATES[1]:
            raise MediaError(f"damaged: {sound.rate:,} samples a second")
        if not 1 <= sound.channels <= _CHANNELS:
            raise MediaError(f"damaged: {sound.channels:,} channels")
        limit = settings.max_seconds()
        if sound.seconds is not None and sound.seconds > limit:
            raise _too_long(sound.seconds, limit)
        yield sound


def _with_sndfile(file: BinaryIO, stack: contextlib.ExitStack) -> _Opened | None:
    """The sound by libsndfile; None where it is of none of its formats."""
    import soundfile

    try:
        sound = stack.enter_context(soundfile.SoundFile(file))
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError):  # it has no error of its own for "not mine"
        return None
    if sound.format not in SNDFILE_FORMATS:
        return None
    for declared, there in _SHOULD_BE.findall(sound.extra_info):
        if int(there) < int(declared) < _UNKNOWN_LENGTH:
            raise MediaError(f"truncated: {int(there):,} of {int(declared):,} bytes of sound are there")

    def blocks() -> Iterator[Samples]:
        while len(block := sound.read(max(1, _FRAMES // sound.channels), dtype="float32", always_2d=True)):
            yield block

    known = sound.frames < 2**62
    return _Opened(sound.samplerate, sound.channels, sound.frames / max(sound.samplerate, 1) if known else None, blocks())


def _with_ffmpeg(file: BinaryIO, head: bytes, stack: contextlib.ExitStack) -> _Opened:
    """The first sound track by FFmpeg. Raises MediaError where it cannot read it either."""
    import av

    options = {"format_whitelist": ",".join(FFMPEG_FORMATS), "protocol_whitelist": "none"}
    try:
        container = stack.enter_context(av.open(file, mode="r", options=options, metadata_errors="ignore"))
    except Exception as error:
        what = looks_like(head)
        if "sound" in what or "video" in what:
            raise MediaError(f"damaged or truncated: it starts like {what}, but cannot be opened") from error
        raise MediaError(f"not a sound: it starts like {what}") from error
    if not container.streams.audio:
        if container.streams.video:
            raise MediaError("no sound: a video without a sound track", kind=SILENT_VIDEO)
        raise MediaError(f"no sound: it starts like {looks_like(head)}")
    stream = container.streams.audio[0]
    indexed = container.format.name.startswith(_INDEXED)
    if stream.duration and stream.time_base:
        seconds: float | None = float(stream.duration * stream.time_base)
    else:
        seconds = container.duration / av.time_base if container.duration else None
    declared = seconds if indexed else None

    def blocks() -> Iterator[Samples]:
        floats = av.AudioResampler(format="fltp")
        for frame in container.decode(stream):
            for plain in floats.resample(frame):
                yield np.ascontiguousarray(plain.to_ndarray().T, dtype=np.float32)

    return _Opened(int(stream.rate or 0), int(stream.channels or 0), declared, blocks())


def _guarded(blocks: Iterator[Samples], file: BinaryIO) -> Iterator[Samples]:
    """The blocks, checked; whatever a decoder raises on damaged bytes becomes a MediaError."""
    while True:
        try:
            block = next(blocks, None)
        except MediaError:
            raise
        except Exception as error:
            file.seek(0)
            what = looks_like(file.read(512))
            raise MediaError(f"damaged or truncated: it starts like {what}, but cannot be decoded to its end") from error
        if block is None:
            return
        if not np.isfinite(block).all():
            raise MediaError("damaged: some of its samples are no numbers (NaN or infinite)")
        yield block


def _mixed(block: Samples) -> Samples:
    """(n, channels) → (n,): their mean; one channel alone where they cancel each other out."""
    if block.shape[1] == 1:
        return block[:, 0]
    mono: Samples = block.mean(axis=1)
    power = float(np.square(block, dtype=np.float64).mean())
    if float(np.square(mono, dtype=np.float64).mean()) < _CANCELLED * power:
        loudest = int(np.square(block, dtype=np.float64).mean(axis=0).argmax())
        return np.ascontiguousarray(block[:, loudest])
    return mono


def _check_whole(file: BinaryIO, head: bytes) -> None:
    """Reject MP3 and Ogg files that were cut off: their decoders take what is there without a word. Leaves the file at its start."""
    if head.startswith(b"OggS"):
        length = file.seek(0, io.SEEK_END)
        tail_at = max(0, length - 131_072)  # a page has at most 65,307 bytes
        file.seek(tail_at)
        tail = file.read()
        page = tail.rfind(b"OggS")
        segments = tail[page + 26 : page + 27]
        ends = page + 27 + segments[0] + sum(tail[page + 27 : page + 27 + segments[0]]) if page >= 0 and segments else len(tail) + 1
        if ends > len(tail) or not tail[page + 5] & 4:  # 4: the page that says that the stream is over
            raise _ends_early(length)
    else:
        file.seek(_after_id3(head))
        first = file.read(512)
        at = max(first.find(b"Xing"), first.find(b"Info"))
        if first[:1] == b"\xff" and at > 0 and first[at + 7] & 2:  # an MP3 whose first frame tells its length in bytes
            field = at + (12 if first[at + 7] & 1 else 8)
            declared, there = int.from_bytes(first[field : field + 4], "big"), file.seek(0, io.SEEK_END) - _after_id3(head)
            if declared - there > 500 + _CUT_SHARE * declared:  # some writers count tags, too
                raise _ends_early(there)
    file.seek(0)


def _after_id3(head: bytes) -> int:
    """Where an MP3 begins behind its ID3 tag, whose length is written in four groups of seven bits."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def _ends_early(length: int) -> MediaError:
    return MediaError(f"truncated: the file ends after {length:,} bytes, before the sound does")


def _too_long(seconds: float, limit: float, *, at_least: bool = False) -> MediaError:
    long = f"{'more than ' if at_least else ''}{_time(limit if at_least else seconds)} long"
    return MediaError(f"{long}, the limit is {_time(limit)} (MMSEARCH_MAX_SECONDS)", kind="too long")


def _time(seconds: float) -> str:
    """42 s, 3 min 20 s, 8 h 0 min."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
