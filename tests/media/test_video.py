from __future__ import annotations

import os
import re
import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fake_sounds import by_ffmpeg, tone
from fake_videos import COLOURS, scene, scenes, sound_alone, video, with_header_first, with_seconds, with_size

from mmsearch.media import MediaError
from mmsearch.media.boxes import Declared, declared
from mmsearch.media.content import stream_media
from mmsearch.media.frame import Scaler
from mmsearch.media.scenes import sampled
from mmsearch.media.video import open_video, probe_video


def seconds(source: bytes) -> list[float]:
    return [round(picture.second, 1) for picture in sampled(source)]


def refused(source: bytes | str | Path) -> str:
    with pytest.raises(MediaError) as error:
        list(sampled(source))
    return error.value.message


@pytest.fixture(scope="module")
def mp4() -> bytes:
    return video(scenes([2, 3, 1, 4]))


KINDS = [
    ("matroska", "libx264", "yuv444p"),
    ("webm", "libvpx-vp9", "yuv420p"),
    ("avi", "mpeg4", "yuv420p"),
    ("avi", "mjpeg", "yuvj420p"),
    ("mov", "prores_ks", "yuv422p10le"),
    ("mp4", "libsvtav1", "yuv420p10le"),
    ("flv", "flv", "yuv420p"),
    ("asf", "wmv2", "yuv420p"),
    ("gif", "gif", "rgb8"),
]


@pytest.mark.parametrize(("format", "codec", "pixels"), KINDS)
def test_every_format_codec_and_pixel_format(format: str, codec: str, pixels: str) -> None:
    made = video(scenes([2, 2, 2]), format=format, codec=codec, pixels=pixels)
    pictures = list(sampled(made))
    assert [int(picture.second / 2) for picture in pictures] == [0, 1, 2]
    for picture, colour in zip(pictures, COLOURS, strict=False):
        assert np.abs(np.array(picture.image.getpixel((90, 60)), int) - colour).max() < (80 if format == "gif" else 25)


def test_transport_streams_of_broadcasts() -> None:
    made = video(scenes([2, 2], rate=25), rate=25, format="mpegts", codec="mpeg2video")
    assert [int(second / 2) for second in seconds(made)] == [0, 1]


def test_the_content_decides_not_the_name(mp4: bytes, tmp_path: Path) -> None:
    file = tmp_path / "clip.avi"
    file.write_bytes(mp4)
    assert probe_video(file) == pytest.approx(10)
    assert len(list(sampled(file))) == 4


def test_turned_upright() -> None:
    upright = video([scene(COLOURS[0])] * 10)
    assert [p.image.size for p in sampled(upright)] == [(96, 64)]
    picture = next(sampled(video([scene(COLOURS[0])] * 10, rotation=90))).image
    assert picture.size == (64, 96)
    # The field of another colour, upper left, is where a quarter turn against the clock puts it.
    field, ground = picture.getpixel((20, 75)), picture.getpixel((50, 20))
    assert np.abs(np.array(field, int) - (55, 225, 225)).max() < 30
    assert np.abs(np.array(ground, int) - COLOURS[0]).max() < 30


def test_pixels_that_are_no_squares() -> None:
    assert next(sampled(video(scenes([1]), ratio=Fraction(2, 1)))).image.size == (192, 64)


def test_transparency_is_laid_on_white() -> None:
    with open_video(video(scenes([1]), format="gif", codec="gif", pixels="rgb8")) as opened:
        frame = next(opened.frames())
    assert frame.native.format.name == "bgra"
    assert Scaler().picture(frame, 64).mode == "RGB"


def test_times_of_a_variable_rate() -> None:
    made = video([scene(colour) for colour in COLOURS[:5]], times=[0, 1.5, 5, 7.5, 9])
    assert seconds(made) == [0.0, 1.5, 5.0, 7.5, 9.0]


def test_a_sound_track_beside_the_picture() -> None:
    assert seconds(video(scenes([2, 1]), sound=True)) == [0.4, 2.6]


def test_one_frame_and_nothing_but_black() -> None:
    assert seconds(video(scenes([0.1]))) == [0.0]
    assert seconds(video([np.zeros((64, 96, 3), np.uint8)] * 20)) == [0.0]


def test_no_frames_no_picture_no_video(tmp_path: Path) -> None:
    assert refused(b"") == "empty file"
    assert refused(b"\0" * 5_000) == "not a video: it starts like nothing but zero bytes"
    assert refused(b"Just a text.\n" * 99) == "not a video: it starts like text"
    assert refused(sound_alone()) == "no picture: a sound alone"
    (tmp_path / "song.mp4").write_bytes(by_ffmpeg(tone(440, 2), "libmp3lame", "mp3"))
    assert refused(tmp_path / "song.mp4").startswith(("not a video: it starts like an MP3 sound", "no picture: a sound alone"))
    assert refused(tmp_path / "none.mp4") == "missing"
    assert refused(tmp_path) == "a folder, not a file"
    (tmp_path / "pipe").parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "not a regular file"


def test_a_video_without_frames(mp4: bytes) -> None:
    for made in (mp4, video(scenes([2]), sound=True)):
        empty = re.sub(rb"(stsz.{8}).{4}", rb"\1\0\0\0\0", made, flags=re.DOTALL)  # the number of samples of every track: none
        assert refused(empty) == "no frames: there is nothing to be seen in it"


def test_the_cover_of_a_song_is_no_video() -> None:
    song = by_ffmpeg(tone(440, 1), "aac", "mp4")
    assert refused(song) == "no picture: a sound alone"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cut_off(mp4: bytes, share: float) -> None:
    web = with_header_first(mp4)
    assert seconds(web) == seconds(mp4)
    for made in (mp4, web, video(scenes([2, 3]), format="matroska"), video(scenes([2, 3]), format="avi", codec="mjpeg", pixels="yuvj420p")):
        assert refused(made[: round(share * len(made))]).startswith(("truncated", "damaged or truncated"))


def test_damaged_bytes_never_raise_anything_else(mp4: bytes) -> None:
    rng = np.random.default_rng(0)
    web, outcomes = with_header_first(mp4), set()
    for _ in range(60):
        spoiled = np.frombuffer(web, np.uint8).copy()
        spoiled[rng.integers(0, len(spoiled), 12)] = rng.integers(0, 256, 12)
        try:
            outcomes.add(len(list(sampled(spoiled.tobytes()))) > 0)
        except MediaError as error:
            outcomes.add(error.kind)
    assert len(outcomes) > 2


def test_absurd_dimensions_in_the_header(mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "60,000 × 50,000 pixels, the limit is 50 million (MMSEARCH_MAX_PIXELS)"
    assert refused(with_size(mp4, 60_000, 50_000)) == message
    assert refused(with_size(with_header_first(mp4), 60_000, 50_000)) == message
    monkeypatch.setenv("MMSEARCH_MAX_PIXELS", "6000")
    for format, codec in (("mp4", "libx264"), ("matroska", "ffv1"), ("gif", "gif"), ("avi", "mpeg4")):
        pixels = "rgb8" if codec == "gif" else "yuv420p"
        assert "(MMSEARCH_MAX_PIXELS)" in refused(video(scenes([0.5]), format=format, codec=codec, pixels=pixels))


def test_longer_than_the_limit(mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(with_seconds(mp4, 8 * 3_600)) == "8 h 0 min long, the limit is 1 h 0 min (MMSEARCH_MAX_SECONDS)"
    monkeypatch.setenv("MMSEARCH_MAX_SECONDS", "5")
    assert refused(mp4) == "10 s long, the limit is 5 s (MMSEARCH_MAX_SECONDS)"
    # A header that says nothing of the length: found out on the way.
    stream = video(scenes([4, 4], rate=25), rate=25, format="mpegts", codec="mpeg2video")
    assert "the limit is 5 s" in refused(stream)


def test_larger_than_the_limit(mp4: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip.mp4").write_bytes(mp4)
    monkeypatch.setenv("MMSEARCH_MAX_VIDEO_BYTES", "1000")
    assert "the limit is 1,000 bytes (MMSEARCH_MAX_VIDEO_BYTES)" in refused(tmp_path / "clip.mp4")
    assert "MMSEARCH_MAX_VIDEO_BYTES" in refused(mp4)
    monkeypatch.setenv("MMSEARCH_MAX_VIDEO_BYTES", "100_000_000")
    monkeypatch.setenv("MMSEARCH_MAX_MEDIA_BYTES", "1000")  # of media that are read into memory
    assert len(list(sampled(tmp_path / "clip.mp4"))) == 4


def test_a_playlist_opens_nothing(mp4: bytes, tmp_path: Path) -> None:
    (tmp_path / "real.mp4").write_bytes(mp4)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4"
        playlists = [
            f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{target}\n#EXT-X-ENDLIST\n" for target in (tmp_path / "real.mp4", address)
        ]
        playlists += [f"ffconcat version 1.0\nfile '{target}'\n" for target in ("real.mp4", tmp_path / "real.mp4", address)]
        playlists.append(f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{address}</BaseURL></MPD>')
        for number, text in enumerate(playlists):
            file = tmp_path / f"list{number}.mp4"
            file.write_text(text)
            assert refused(file) == "not a video: it starts like text"
        with pytest.raises(TimeoutError):
            server.accept()
    assert "a web address" in refused(address)


def test_a_file_that_changes_while_it_is_decoded(mp4: bytes, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(mp4)
    held, digest = stream_media(file, 10**9)
    assert len(digest) == 64
    assert len(list(sampled(held))) == 4
    held.check()
    file.write_bytes(mp4 + b"\0")
    with pytest.raises(MediaError, match="changes while it is read"):
        held.check()
    file.unlink()
    with pytest.raises(MediaError, match="missing"):
        held.check()


def test_what_a_header_declares(mp4: bytes, tmp_path: Path) -> None:
    for name, content, expected in (
        ("a", mp4, Declared(10.0, (96, 64))),
        ("b", b"", Declared()),
        ("c", b"\0\0\0\x08moov" * 3, Declared()),
        ("d", mp4[:60], Declared()),
    ):
        (tmp_path / name).write_bytes(content)
        with (tmp_path / name).open("rb") as file:
            assert declared(file) == expected
            assert file.tell() == 0
