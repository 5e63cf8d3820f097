"""`mmsearch models` and `embed --models`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mmsearch import settings
from mmsearch.errors import EXIT_DONE, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_formats(store: str, mm: Mm) -> None:
    expected = Shop(store).models()
    assert json.loads(mm("models", "--format", "json").out) == expected
    assert json.loads(mm("models").out) == expected
    shown = mm("models", "--format", "table")
    assert shown.code == EXIT_DONE
    for text in ("fake-text(seed=0)", "efficientnet", "multilingual", "about 490 MB from the hub, once", "the hub model that is named"):
        assert text in shown.out
    assert "the store's text vectors are of fake-text" in shown.err
    assert mm("models", "--format", "ids").code == EXIT_USAGE


def test_without_a_store(mm: Mm, tmp_path: object) -> None:
    ran = mm("models", "--store", f"{tmp_path}/none", "--format", "table")
    assert ran.code == EXIT_DONE
    assert "usem" in ran.out


def test_embed_by_a_set(own: Shop, mm: Mm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.MODEL_SETS, "own", {"text": "fake-text(seed=7)", "image": "fake-image"})
    ran = mm("embed", "--models", "own")
    assert ran.code == EXIT_DONE
    assert [m["encoder"] for m in json.loads(ran.out)["modalities"]] == ["fake-text(seed=7)", "fake-image"]
    ran = mm("embed", "--models", "own", "--text", "fake-text")
    assert [m["encoder"] for m in json.loads(ran.out)["modalities"]] == ["fake-text", "fake-image"], "a single choice comes first"
    ran = mm("embed", "--models", "nothing")
    assert ran.code == EXIT_USAGE
    assert ran.err.startswith("error: there is no set of models 'nothing'\n")


def test_refit_and_what_is_told(own: Shop, mm: Mm) -> None:
    ran = mm("embed", "--text", "fake-learned")
    assert ran.code == EXIT_DONE
    assert "the text encoder fake-learned learns from the store's items" in ran.err
    assert "learns from" not in mm("embed").err
    assert "the text encoder fake-learned learns from the store's items" in mm("embed", "--refit").err
    mm("embed", "--text", "fake-text")
    assert "nothing to refit" in mm("embed", "--refit").err
