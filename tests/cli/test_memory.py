"""Heaps of the C library: fewer for a command, unless the user said how many."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from mmsearch.cli.memory import few_arenas


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=lambda *values: calls.append(values)))
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    return calls


def test_threads_share_heaps(asked: list[tuple[int, int]]) -> None:
    few_arenas()
    assert asked == [(-8, 2)]


def test_what_the_user_set_stays(asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    few_arenas()
    assert asked == []


def test_a_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    few_arenas()  # raises nothing
