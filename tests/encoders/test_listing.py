"""`mmsearch models` and the named sets."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from embed_shop import Shop
from fake_encoders import FakeText

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.listing import model_set, models
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.stages import Stages
from mmsearch.errors import UsageError
from mmsearch.spec import parse
from mmsearch.store import Store


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["encoders"] if one["name"] == name)


def test_without_a_store_every_encoder_is_listed(tmp_path: Path) -> None:
    found = models(Store(tmp_path / "none"))
    assert [one["name"] for one in found["encoders"] if one["name"] not in ENCODERS.names()] == []
    assert {one["name"] for one in found["encoders"]} == set(ENCODERS.names())
    assert row(found, "usem") == {
        "modality": "text",
        "name": "usem",
        "parameters": [],
        "about": "Text → 512 dimensions.",
        "learns": False,
        "install": "",
        "download": "",
        "used": None,
        "pending": None,
    }
    assert row(found, "word2vec")["learns"]
    assert row(found, "sentence")["download"].startswith("the hub model that is named")
    assert not (tmp_path / "none").exists()


def test_a_missing_package_is_named_with_its_install_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("sentence_transformers", "gensim") else real(name))
    found = models(Store(tmp_path / "none"))
    assert row(found, "sentence")["install"] == "pip install sentence-transformers"
    assert row(found, "word2vec")["install"] == "pip install gensim"
    assert row(found, "usem")["install"] == ""
    assert [m["install"] for m in found["sets"]["multilingual"]] == ["pip install sentence-transformers", ""]


def test_an_encoder_that_cannot_be_imported_is_listed_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ENCODERS.factory

    def factory(name: str) -> Any:
        if name == "fake-text":
            raise UsageError("encoder fake-text cannot be loaded: no such thing", hint="install it")
        return real(name)

    monkeypatch.setattr(ENCODERS, "factory", factory)
    assert row(models(Store(tmp_path / "none")), "fake-text")["about"] == "encoder fake-text cannot be loaded: no such thing"


def test_what_the_store_uses_and_what_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "title": "shoe"})
    embed(shop.store, {"text": "fake-text(seed=2)"})
    assert row(models(shop.store), "fake-text")["used"] == "fake-text(seed=2)"
    with monkeypatch.context() as patch:
        patch.setattr(Stages, "run", lambda *args: (_ for _ in ()).throw(KeyError("killed")))
        with pytest.raises(KeyError):
            embed(shop.store, {"text": "fake-learned"})
    found = models(shop.store)
    assert (row(found, "fake-text")["used"], row(found, "fake-learned")["pending"]) == ("fake-text(seed=2)", "fake-learned")


def test_every_set_can_be_read_and_says_what_it_downloads(tmp_path: Path) -> None:
    found = models(Store(tmp_path / "none"))["sets"]
    assert list(found) == ["bundled", "clip", "multilingual"]
    for name, members in found.items():
        assert {m["modality"] for m in members} <= set(settings.DEFAULT_ENCODERS)
        for member in members:
            assert parse(member["spec"]).name
            fetches = parse(member["spec"]).name in ("sentence", "openclip")
            assert (member["megabytes"] > 0) == fetches, name


def test_a_set_names_encoders_for_what_the_products_have(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "title": "shoe"})
    assert model_set(shop.store, "bundled") == {"text": "usem"}
    shop.bring({"id": "2", "images": [shop.photo("a.png", (1, 2, 3))]})
    assert set(model_set(shop.store, "bundled")) == {"text", "image"}
    with pytest.raises(UsageError, match="there is no set of models 'bundeled'; did you mean bundled") as caught:
        model_set(shop.store, "bundeled")
    assert "sets: bundled, clip, multilingual" in str(caught.value)


def test_fake_text_says_nothing_of_packages() -> None:
    assert (FakeText.packages, FakeText.download) == ((), "")
