"""Defaults, and the environment variables that change them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mmsearch import settings
from mmsearch.errors import UsageError

_NUMBERS = [
    ("MMSEARCH_MAX_PIXELS", settings.max_pixels, 50_000_000),
    ("MMSEARCH_MAX_MEDIA_BYTES", settings.max_media_bytes, 200_000_000),
    ("MMSEARCH_EXACT_LIMIT", settings.exact_limit, 100_000),
]


def test_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.store_path() == "./mmsearch.lancedb"
    monkeypatch.setenv("MMSEARCH_STORE", "s3://bucket/shop")
    assert settings.store_path() == "s3://bucket/shop"
    monkeypatch.setenv("MMSEARCH_STORE", "")
    assert settings.store_path() == "./mmsearch.lancedb"


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MMSEARCH_HOME", "~/models")
    assert settings.home() == tmp_path / "models"
    monkeypatch.delenv("MMSEARCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert settings.home() == tmp_path / "cache" / "mmsearch"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert settings.home() == tmp_path / ".cache" / "mmsearch"


@pytest.mark.parametrize(("name", "read", "default"), _NUMBERS)
def test_numbers(monkeypatch: pytest.MonkeyPatch, name: str, read: Callable[[], int], default: int) -> None:
    assert read() == default
    monkeypatch.setenv(name, "1_000")
    assert read() == 1000
    monkeypatch.setenv(name, "")
    assert read() == default


@pytest.mark.parametrize(("name", "read", "default"), _NUMBERS)
@pytest.mark.parametrize("raw", ["0", "-1", "1.5", "many", " ", "_", pytest.param("9" * 5000, id="5000 digits")])
def test_a_bad_number_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, read: Callable[[], int], default: int, raw: str
) -> None:
    monkeypatch.setenv(name, raw)
    with pytest.raises(UsageError, match=f"{name} must be a whole number above 0"):
        read()


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= settings.threads() <= (os.cpu_count() or 1)
    monkeypatch.setenv("MMSEARCH_THREADS", "3")
    assert settings.threads() == 3
