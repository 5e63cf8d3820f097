"""A media file's bytes: read once, all of one moment, never more than is allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mmsearch.media import MediaError
from mmsearch.media.content import content_hash, read_media


def reason(path: Path, limit: int = 100) -> MediaError:
    with pytest.raises(MediaError) as caught:
        read_media(path, limit)
    return caught.value


def test_bytes_and_their_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert read_media(tmp_path / "a", 3) == read_media(str(tmp_path / "a"), 100) == b"abc"
    assert content_hash(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"x" * 101)
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    assert reason(tmp_path / "no").message == "missing"
    assert reason(tmp_path / "empty").message == "empty file"
    assert reason(tmp_path).message == "a folder, not a file"
    assert reason(tmp_path / "pipe").message == "not a regular file"
    assert reason(tmp_path / "loop").kind == "cannot be read"
    large = reason(tmp_path / "large")
    assert (large.message, large.kind) == ("101 bytes, the limit is 100 bytes (MMSEARCH_MAX_MEDIA_BYTES)", "too large")


def test_a_file_that_grows_over_the_limit_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 90)
    real = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        with path.open("ab") as file:
            file.write(b"x" * 20)
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    assert reason(path).kind == "too large"
