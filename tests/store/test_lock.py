"""One writer at a time, across processes, and nothing stale after a kill."""

from __future__ import annotations

import errno
import os
import re
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
from mmsearch.store.lock import EMBED, WRITE, write_lock

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
    written = (tmp_path / WRITE.file).read_text()
    assert re.fullmatch(rf"mmsearch ingest \(process {holder.pid}, since \d{{4}}-\d\d-\d\d \d\d:\d\d\)", written)
    assert caught.value.message == f"the store {tmp_path} is being written by {written}"
    assert caught.value.hint == "try again when it is done"
    captured = capsys.readouterr()
    assert captured.err == f"waiting for {written}, which is writing to {tmp_path}\n"  # told once
    assert captured.out == ""


def test_a_killed_process_leaves_no_stale_lock(holder: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / WRITE.file).read_text().startswith(f"mmsearch ingest (process {holder.pid}, ")  # what it wrote is still there
    with write_lock(str(tmp_path), "embed", patience=0.0):
        assert (tmp_path / WRITE.file).read_text().startswith(f"mmsearch embed (process {os.getpid()}, ")
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
    assert (tmp_path / WRITE.file).read_text() == ""
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
    caught: list[StoreError] = []

    def other() -> None:
        try:
            with write_lock(str(tmp_path), "x", 0.0):
                pass
        except StoreError as error:
            caught.append(error)

    with Store(tmp_path).writing("fuse"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "written by mmsearch fuse" in caught[0].message


def test_a_thread_that_holds_a_lock_goes_on_at_once_and_keeps_it(tmp_path: Path) -> None:
    """Also through another handle and another way of writing the path: an embed refreshes the profiles."""
    free: list[bool] = []

    def look() -> None:
        try:
            with write_lock(str(tmp_path), "x", 0.0):
                free.append(True)
        except StoreError:
            free.append(False)

    def looked() -> bool:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        return free[-1]

    with Store(tmp_path).writing("embed"):
        with Store(f"{tmp_path}/../{tmp_path.name}").writing("embed", patience=0.0):
            assert not looked()
        assert not looked(), "the inner one does not give it back"
    assert looked()


def test_the_locks_do_not_know_each_other(tmp_path: Path) -> None:
    with Store(tmp_path).writing("embed", lock=EMBED):
        thread = threading.Thread(target=lambda: Store(tmp_path).writing("ingest", patience=0.0).__enter__())
        thread.start()
        thread.join()
        assert {p.name for p in tmp_path.iterdir()} == {EMBED.file, WRITE.file}


def test_a_second_embed_is_told_who_and_since_when(tmp_path: Path) -> None:
    hold = _HOLD.replace('"ingest", patience=0.0', '"embed", lock=EMBED').replace("import write_lock", "import EMBED, write_lock")
    process = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreError) as caught, write_lock(str(tmp_path), "embed", 0.0, EMBED):
            pass
        assert re.fullmatch(
            rf"another embed of .* is running: mmsearch embed \(process {process.pid}, since [-\d]+ [:\d]+\)", caught.value.message
        )
        assert "--wait" in str(caught.value.hint)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with write_lock(str(tmp_path), "embed", 0.0, EMBED):
        pass


def test_what_a_dead_process_wrote_misleads_nobody(tmp_path: Path) -> None:
    """One that took the lock just now has not written its name yet; the name in the file is that of a process that was killed."""
    import fcntl

    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait()
    process.stdout.close()
    with (tmp_path / WRITE.file).open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert f"process {process.pid}" in (tmp_path / WRITE.file).read_text()
        with pytest.raises(StoreError) as caught, write_lock(str(tmp_path), "embed", 0.0):
            pass
    assert caught.value.message == f"the store {tmp_path} is being written by another process"
