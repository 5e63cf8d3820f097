"""What the tests of the command line share: the small shop as the store of `MMSEARCH_STORE`, and the program in this process."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import small_shop

from mmsearch.cli import run
from mmsearch.shop import Shop

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ran:
    """What a run of the program left."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small shop, its store in store.lancedb."""
    folder = tmp_path_factory.mktemp("cli")
    small_shop.make(folder)
    return folder


@pytest.fixture
def store(built: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The small shop's store, read only, as `MMSEARCH_STORE`."""
    monkeypatch.setenv("MMSEARCH_STORE", str(built / "store.lancedb"))
    return str(built / "store.lancedb")


@pytest.fixture
def own(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A copy of the small shop's store to change, as `MMSEARCH_STORE`."""
    shutil.copytree(built, tmp_path / "shop")
    monkeypatch.setenv("MMSEARCH_STORE", str(tmp_path / "shop" / "store.lancedb"))
    return Shop()


@pytest.fixture
def mm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the program in this process: `mm("search", "red", stdin="…")`."""

    def call(*args: object, stdin: str | bytes | None = "") -> Ran:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", None if raw is None else io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        capsys.readouterr()
        code = run([str(a) for a in args])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def program(store: str) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run a shell line in which `mmsearch` is the program with the fakes, in a process of its own."""

    def call(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        mmsearch = f'mmsearch() {{ "{sys.executable}" "{TESTS / "fake_mmsearch.py"}" "$@"; }}\n'
        with_path = os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"} | environment
        return subprocess.run(["bash", "-c", mmsearch + line], capture_output=True, env=with_path, timeout=60, check=False)

    return call
