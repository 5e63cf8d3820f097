"""One writer at a time, across processes, and nothing stale after a kill."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmsearch.errors import StoreError
from mmsearch.store import Store
from mmsearch.store.lock import LOCK_FILE, write_lock

_HOLD = """
import sys, time
from mmsearch.store.lock import write_lock
with write_lock(sys.argv[1], "ingest", patience=0.0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `tmp_path`."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_waits_and_says_for_whom(
    holder: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with pytest.raises(StoreError) as caught, write_lock(str(tmp_path), "embed", patience=0.25):
        raise AssertionError("two processes hold one lock")
    assert time.monotonic() - begun >= 0.25
    assert caught.value.message == f"the store {tmp_path} is being written by mmsearch ingest (process {holder.pid})"
    assert caught.value.hint == "try again when it is done"
    captured = capsys.readouterr()
    assert captured.err == f"waiting for mmsearch ingest (process {holder.pid}), which is writing to {tmp_path}\n"  # told once
    assert captured.out == ""


def test_a_killed_process_leaves_no_stale_lock(holder: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / LOCK_FILE).read_text() == f"mmsearch ingest (process {holder.pid})"  # what it wrote is still there
    with write_lock(str(tmp_path), "embed", patience=0.0):
        assert (tmp_path / LOCK_FILE).read_text() == f"mmsearch embed (process {os.getpid()})"
    assert capsys.readouterr().err == ""


def test_a_killed_process_frees_one_that_waits(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    threading.Timer(0.2, holder.kill).start()
    with write_lock(str(tmp_path), "embed", patience=30.0):
        assert holder.wait(timeout=10) == -signal.SIGKILL


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with write_lock(str(tmp_path), "embed", patience=30.0):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), write_lock(str(tmp_path), "ingest"):
        raise KeyError("x")
    assert (tmp_path / LOCK_FILE).read_text() == ""
    with write_lock(str(tmp_path), "ingest", patience=0.0):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"cannot write to the store .*file/store"), write_lock(str(tmp_path / "file" / "store"), "ingest"):
        pass


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(StoreError, match=r"cannot lock the store .*: No locks available"), write_lock(str(tmp_path), "ingest"):
        pass


def test_an_object_store_has_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with write_lock("s3://bucket/store", "ingest"), write_lock("s3://bucket/store", "ingest"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_store_holds_its_lock_while_writing(tmp_path: Path) -> None:
    with Store(tmp_path).writing("fuse"), pytest.raises(StoreError, match="written by mmsearch fuse"), write_lock(str(tmp_path), "x", 0.0):
        pass
