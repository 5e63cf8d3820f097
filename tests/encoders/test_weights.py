from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mmsearch import settings
from mmsearch.encoders.weights import converted, file_hash, fingerprint
from mmsearch.errors import MMSearchError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMSEARCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Conversion:
    """Counts how often it is asked to write."""

    def __init__(self, content: bytes = b"converted"):
        self.content, self.times = content, 0

    def __call__(self, path: Path) -> None:
        self.times += 1
        path.write_bytes(self.content)


def test_converts_once() -> None:
    write = Conversion()
    first = converted("model", "recipe 1", "abc", ".bin", write)
    assert first.read_bytes() == b"converted"
    assert converted("model", "recipe 1", "abc", ".bin", write) == first
    assert write.times == 1
    assert [p.name for p in first.parent.iterdir()] == [first.name]


@pytest.mark.parametrize("damage", [b"", b"conv", b"convertEd", b"converted and more"])
def test_a_damaged_copy_is_made_again(damage: bytes) -> None:
    write = Conversion()
    path = converted("model", "recipe 1", "abc", ".bin", write)
    path.write_bytes(damage)
    assert converted("model", "recipe 1", "abc", ".bin", write).read_bytes() == b"converted"
    assert write.times == 2
    path.unlink()
    assert converted("model", "recipe 1", "abc", ".bin", write).exists()
    assert write.times == 3


def test_other_weights_and_recipes_stand_beside_each_other() -> None:
    paths = {converted("model", recipe, source, ".bin", Conversion()) for recipe in ("1", "2") for source in ("a", "b")}
    assert len(paths) == 4
    assert all(path.exists() for path in paths)


def test_a_conversion_that_fails_leaves_nothing(home: Path) -> None:
    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        converted("model", "1", "a", ".bin", fail)
    assert list((home / "models").iterdir()) == []


def test_many_at_once() -> None:
    write = Conversion(b"x" * 100_000)
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: converted("model", "1", "a", ".bin", write), range(32)))
    assert len(paths) == 1
    assert paths.pop().read_bytes() == write.content


def test_a_home_that_cannot_be_written(home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(MMSearchError, match="cannot store the converted model") as caught:
        converted("model", "1", "a", ".bin", Conversion())
    assert "MMSEARCH_HOME" in str(caught.value)
    assert len(file_hash(home)) == 64  # hashing needs no home


def test_file_hash_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    first = file_hash(path)
    assert first == file_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abd")
    os.utime(path, ns=(0, 0))
    assert file_hash(path) != first


def test_a_damaged_note_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"abc")
    first = file_hash(path)
    (note,) = (settings.home() / "hashes").iterdir()
    for text in ("", "{", "[]", '{"seen": 1}', "\udcff"):
        note.write_bytes(text.encode("utf-8", "surrogateescape"))
        assert file_hash(path) == first


def test_fingerprint_depends_on_everything() -> None:
    prints = {
        fingerprint("a", {"p": 1}, {"w": "x"}),
        fingerprint("b", {"p": 1}, {"w": "x"}),
        fingerprint("a", {"p": 2}, {"w": "x"}),
        fingerprint("a", {"p": 1}, {"w": "y"}),
    }
    assert len(prints) == 4
    assert fingerprint("a", {"p": 1, "q": 2}, {}) == fingerprint("a", {"q": 2, "p": 1}, {})
