"""Embeds as processes: interrupted, killed, two at a time, beside an ingest and a search."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from embed_shop import FAKES, Shop, alone, outcome
from fake_encoders import FakeText

from mmsearch.catalog.ingest import ingest
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.encoders.report import Progress
from mmsearch.store import PRODUCTS, Store

TESTS = Path(__file__).parents[1]
TITLES = 400

#: `mmsearch` with a text encoder that takes its time, writes as it goes and says on stdout how far it is.
_SLOW = """
import os, time
from fake_encoders import FakeImage, FakeText
from mmsearch.cli import main
from mmsearch.encoders import ENCODERS, stages

stages.WRITE, stages.WRITE_SECONDS, FakeText.batch = 16, 0.2, 8
whole, done = FakeText.encode_batch, 0

def slow(self, prepared):
    global done
    time.sleep(0.05)
    while os.path.exists(os.environ["HOLD"]):  # between two batches: no write lock is held
        time.sleep(0.02)
    done += len(prepared)
    print("encoded", done, flush=True)
    return whole(self, prepared)

FakeText.encode_batch = slow
ENCODERS.register("fake-text", FakeText)
ENCODERS.register("fake-image", FakeImage)
main()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path)
    shop.bring(*({"id": f"p{n}", "title": f"shoe {n}"} for n in range(TITLES)))
    return shop


@pytest.fixture
def start(shop: Shop) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `mmsearch embed --text fake-text …`, slowly."""
    running = []

    def call(*args: str, reach: int = 0) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _SLOW, "embed", "--store", shop.store.path, "--text", "fake-text", *args]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "HOLD": str(shop.folder / "hold")},
        )
        running.append(process)
        assert process.stdout is not None
        while reach and (line := process.stdout.readline()):
            if line.startswith("encoded") and int(line.split()[1]) >= reach:
                break
        return process

    yield call
    for process in running:
        process.kill()
        process.communicate()


def stored(shop: Shop) -> dict[str, list[float]]:
    """Vectors of the table that is being filled, whether it is searched yet or not."""
    from mmsearch.store.vectors import read_vectors

    rows = read_vectors(shop.store, f"vectors_text_{FakeText().fingerprint()[:12]}")
    assert len(set(rows.ids.to_pylist())) == len(rows)
    return dict(zip(rows.ids.to_pylist(), rows.vectors.tolist(), strict=True))


def check(vectors: dict[str, list[float]]) -> None:
    encoder = FakeText()
    assert all(np.array_equal(np.float32(v), alone(encoder, f"shoe {id[1:]}")) for id, v in vectors.items())


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_embed_keeps_what_is_finished_and_says_how_to_go_on(
    shop: Shop, start: Callable[..., subprocess.Popen[str]], sign: signal.Signals
) -> None:
    process = start(reach=100)
    process.send_signal(sign)
    _out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    done = stored(shop)
    assert 100 <= len(done) < TITLES, "everything that was encoded is written"
    assert f"error: interrupted; {len(done)} of {TITLES} text vectors are written" in err
    assert "go on with: mmsearch embed" in err
    assert "Traceback" not in err
    check(done)
    report = embed(shop.store)
    assert outcome(report, "text") == (TITLES, TITLES - len(done), len(done), 0, 0)
    assert len(stored(shop)) == TITLES


def test_a_second_interrupt_ends_it_at_once(shop: Shop, start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start(reach=40)
    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with shop.store.writing("ingest"):
            held.set()
            release.wait(120)

    thread = threading.Thread(target=hold)  # the first interrupt cannot finish: its last vectors wait for this writer
    thread.start()
    held.wait(120)
    try:
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == -signal.SIGINT
    finally:
        release.set()
        thread.join()
    check(stored(shop))


def test_a_killed_embed_goes_on_where_it_stood(shop: Shop, start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start(reach=200)
    process.kill()
    process.wait()
    done = stored(shop)
    assert len(done) >= 200 - 2 * 16 - 2 * 8, "only what was on its way is lost"
    check(done)
    assert outcome(embed(shop.store), "text") == (TITLES, TITLES - len(done), len(done), 0, 0)
    check(stored(shop))


def test_a_second_embed_says_who_is_at_it_or_waits(shop: Shop, start: Callable[..., subprocess.Popen[str]]) -> None:
    first = start(reach=8)
    (shop.folder / "hold").touch()
    second = start()
    _, err = second.communicate(timeout=120)
    assert second.returncode == 1
    assert f"is running: mmsearch embed (process {first.pid}, since " in err
    assert "mmsearch embed --wait" in err
    third = start("--wait", "--format", "json")
    assert third.stderr is not None
    assert f"waiting for mmsearch embed (process {first.pid}, since " in third.stderr.readline()
    (shop.folder / "hold").unlink()
    out, _ = third.communicate(timeout=120)
    assert third.returncode == 0
    assert json.loads(out[out.index("{") :])["modalities"][0]["unchanged"] == TITLES, "the first had done it all"
    assert first.wait(timeout=10) == 0


def test_a_killed_holder_blocks_nobody(shop: Shop, start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start(reach=8)
    process.kill()
    process.wait()
    assert f"process {process.pid}" in (Path(shop.store.path) / ".lock-embed").read_text(), "its name is still there"
    assert outcome(embed(shop.store), "text")[0] == TITLES


def test_an_ingest_goes_through_while_an_embed_runs(shop: Shop, start: Callable[..., subprocess.Popen[str]]) -> None:
    process = start(reach=40)
    (shop.folder / "hold").touch()
    changes = [{"id": "p1", "title": "boot"}, {"id": f"p{TITLES - 1}", "title": "hat"}, {"id": "new", "title": "lamp"}]
    feed = shop.folder / "feed.jsonl"
    feed.write_text("\n".join(map(json.dumps, changes)))
    ingest(shop.store, str(feed))
    with shop.store.writing("delete"):
        shop.store.delete(PRODUCTS, "id = 'p2'")
    assert process.poll() is None, "the embed is still at it"
    (shop.folder / "hold").unlink()
    _out, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "the catalogue was changed meanwhile" in err
    assert stored(shop)["p1"] == alone(FakeText(), "shoe 1").tolist(), "of the catalogue as it was, under that text's hash"
    assert outcome(embed(shop.store), "text") == (TITLES, 3, TITLES - 3, 1, 0)
    vectors = stored(shop)
    assert "p2" not in vectors
    for id, title in (("p1", "boot"), (f"p{TITLES - 1}", "hat"), ("new", "lamp")):
        assert vectors[id] == alone(FakeText(), title).tolist()


def test_a_search_sees_whole_versions_while_an_embed_runs(shop: Shop) -> None:
    import mmsearch

    embed(shop.store, FAKES)
    engine = mmsearch.open(shop.store.path)
    asked, table = [], str((recorded_encoder(shop.store, "text") or {})["table"])

    def told(progress: Progress) -> None:
        hits = engine.search("shoe 7", k=3).hits
        asked.append([hit.id for hit in hits])

    shop.bring(*({"id": f"p{n}", "title": f"shoe {n} {'new' * (n % 2)}"} for n in range(TITLES)))
    embed(Store(shop.store.path), progress=told)
    assert asked
    assert all(len(hits) == 3 for hits in asked)
    assert shop.store.count(table) == TITLES
