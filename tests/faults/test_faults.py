"""A small fault suite in every test run; the whole one is `make faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import disk, kills, writers
from faults.outcome import Outcome
from faults.program import Bench
from faults.reopen import after_kill, after_resume
from faults.state import state_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, seed=0, kills=3, rounds=3)


def test_a_few_kills(bench: Bench) -> None:
    chosen = [phase for phase in kills.PHASES if phase.name in ("ingest", "embed")]
    found = kills.run(bench, chosen, many=0)
    assert found.findings == []


def test_two_ingests_at_once(bench: Bench) -> None:
    assert writers.run(bench, only_ingests=True).findings == []


def test_a_full_disk(bench: Bench) -> None:
    kills.write_sources(bench, 0)
    none, good = bench.folder / "none", bench.folder / "good"
    ran = bench.run(good, "ingest", "products.csv")
    assert ran.problem() is None
    found = Outcome("disk")
    try:
        met = disk.full(bench, "ingest", ("ingest", "products.csv"), none, good, 120, found)
    except disk.NoMount as reason:
        pytest.skip(str(reason))
    assert met
    assert found.findings == []


# -- the suite itself finds what is wrong ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    bench = Bench(tmp_path_factory.mktemp("suite"))
    kills.write_sources(bench, 0)
    before, after = bench.folder / "before", bench.folder / "after"
    for store, files in ((before, ["products.csv"]), (after, ["products.csv", "changed.csv"])):
        for file in files:
            assert bench.run(store, "ingest", file).problem() is None
    return before, after


def _changed(store: Path, into: Path, where: str, **values: object) -> Path:
    import shutil

    import lance

    shutil.copytree(store, into)
    table = lance.dataset(f"{into}/products.lance")
    if values:
        table.update({name: repr(value) for name, value in values.items()}, where=where)
    else:
        table.delete(where)
    return into


def test_old_rows_and_new_rows_are_both_right_after_a_kill(before_and_after: tuple[Path, Path]) -> None:
    before, after = map(state_of, before_and_after)
    for store in before_and_after:
        assert after_kill(store, before, after) == []


def test_a_half_row_is_found(before_and_after: tuple[Path, Path], tmp_path: Path) -> None:
    before, after = map(state_of, before_and_after)
    half = _changed(before_and_after[0], tmp_path / "half", "id = 'P00002'", title="half a row")
    assert [line.partition(":")[0] for line in after_kill(half, before, after)] == ["products"]
    assert "neither old nor new, 'P00002'" in after_kill(half, before, after)[0]


def test_a_lost_row_is_found(before_and_after: tuple[Path, Path], tmp_path: Path) -> None:
    before, after = map(state_of, before_and_after)
    lost = _changed(before_and_after[0], tmp_path / "lost", "id = 'P00002'")
    assert after_kill(lost, before, after) == ["products: 1 rows are gone, 'P00002'"]


def test_a_resume_that_did_nothing_is_found(before_and_after: tuple[Path, Path]) -> None:
    after = state_of(before_and_after[1])
    assert any(line.startswith("products:") for line in after_resume(before_and_after[0], after, fakes=False))
