"""sentence-transformers runs for real, on a small random model that the tests make and save."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embed_shop import Shop, alone
from small_models import small_sentence_model

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import load_encoder
from mmsearch.encoders.sentence import Sentence
from mmsearch.errors import InputError, StoreError, UsageError

pytestmark = pytest.mark.models  # torch: seconds

TEXTS = ["red shoe", "红色跑步鞋", "a long text " * 100, "x"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sentence_model(tmp_path_factory.mktemp("small"), prompts={"query": "query: ", "document": "passage: "})


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of the model, to be damaged."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def reference(folder: Path, texts: list[str]) -> np.ndarray:
    """What sentence-transformers gives without any prompt."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    return np.asarray(model.encode(texts, prompt="", normalize_embeddings=True, show_progress_bar=False))


def test_the_models_own_prompts_are_used(folder: Path) -> None:
    encoder = Sentence(str(folder))
    assert (encoder.dim, encoder.modality) == (32, "text")
    np.testing.assert_allclose(encoder.encode(TEXTS).vectors, reference(folder, [f"passage: {t}" for t in TEXTS]), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, query=True).vectors, reference(folder, [f"query: {t}" for t in TEXTS]), atol=1e-5)


def test_given_prefixes_take_their_place(folder: Path) -> None:
    encoder = ENCODERS.create(f'sentence("{folder}", query_prefix="find ", passage_prefix="")')
    np.testing.assert_allclose(encoder.encode(TEXTS).vectors, reference(folder, TEXTS), atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS, query=True).vectors, reference(folder, [f"find {t}" for t in TEXTS]), atol=1e-5)


def test_max_tokens(folder: Path) -> None:
    short = Sentence(str(folder), max_tokens=8)
    one, other = short.encode(["red shoe of leather and gold", "red shoe of silver and wood and more"]).vectors
    assert one @ other > 0.99999
    with pytest.raises(UsageError, match="max_tokens must be at least 1"):
        ENCODERS.create(f'sentence("{folder}", max_tokens=0)')


def test_everything_counts_in_the_fingerprint(folder: Path, copy: Path) -> None:
    own = Sentence(str(folder)).fingerprint()
    assert Sentence(str(copy)).fingerprint() == own, "the same model in another folder"
    assert Sentence(str(copy), query_prefix="").fingerprint() != own
    assert Sentence(str(copy), max_tokens=9).fingerprint() != own
    settings = json.loads((copy / "config_sentence_transformers.json").read_text())
    (copy / "config_sentence_transformers.json").write_text(json.dumps({**settings, "prompts": {"query": "q: ", "document": ""}}))
    assert Sentence(str(copy)).fingerprint() != own


def test_a_query_and_a_product_in_a_store(folder: Path, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "title": "red shoe"}, {"id": "2", "title": "blender"})
    embed(shop.store, {"text": f'sentence("{folder}")'})
    loaded = load_encoder(shop.store, "text")
    assert np.array_equal(alone(loaded, "red shoe"), shop.vectors("text")[("1", "")])
    assert not np.allclose(loaded.encode(["red shoe"], query=True).vectors[0], shop.vectors("text")[("1", "")], atol=1e-3)


def test_the_model_has_gone(copy: Path, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "title": "red shoe"})
    embed(shop.store, {"text": f'sentence("{copy}")'})
    shutil.rmtree(copy)
    with pytest.raises(StoreError, match="which cannot be used here: there is no folder"):
        load_encoder(shop.store, "text")


def test_a_pickled_checkpoint_is_loaded_weights_only(copy: Path) -> None:
    import torch
    from safetensors.torch import load_file

    expected = Sentence(str(copy)).encode(TEXTS).vectors
    weights: dict[str, Any] = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    np.testing.assert_allclose(Sentence(str(copy)).encode(TEXTS).vectors, expected, atol=1e-6)


class Evil:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_a_pickled_checkpoint_with_more_than_weights_is_refused(copy: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save({**load_file(copy / "model.safetensors"), "evil": Evil(tmp_path / "evil")}, copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(InputError, match="holds pickled objects besides weights, which may run code: it is not loaded"):
        Sentence(str(copy))
    assert not (tmp_path / "evil").exists()


def test_code_of_the_models_own_is_not_run(copy: Path, tmp_path: Path) -> None:
    modules = json.loads((copy / "modules.json").read_text())
    modules[1]["type"] = "own_pooling.Pooling"
    (copy / "modules.json").write_text(json.dumps(modules))
    (copy / "own_pooling.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Pooling: pass\n")
    with pytest.raises(InputError, match=r"wants code of its own to be run \(own_pooling.Pooling\), and that is not done"):
        Sentence(str(copy))
    assert not (tmp_path / "ran").exists()


def test_checkpoints_that_are_none(copy: Path) -> None:
    from safetensors.numpy import save_file

    file = copy / "model.safetensors"
    whole = file.read_bytes()
    for content in (b"", b"not weights", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(InputError, match="cannot be loaded as a sentence-transformers model"):
            Sentence(str(copy))
    save_file({"something": np.zeros(3, np.float32)}, file)
    with pytest.raises(InputError, match="is of another network: it has 0 of 39 weights"):
        Sentence(str(copy))
    file.unlink()
    with pytest.raises(InputError, match="cannot be loaded"):
        Sentence(str(copy))


def test_folders_that_are_no_model(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(InputError, match=r"has neither modules\.json nor config\.json"):
        Sentence(str(tmp_path))
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        Sentence(str(tmp_path / "file"))
    for missing in (str(tmp_path / "nothing"), "./nothing", "~/nothing/at/all"):
        with pytest.raises(InputError, match="there is no folder"):
            Sentence(missing)
    for broken in ("{", "[1]", '[{"path": ""}]'):
        (copy / "modules.json").write_text(broken)
        with pytest.raises(InputError, match=r"its modules.json cannot be read"):
            Sentence(str(copy))


def test_bad_texts(folder: Path) -> None:
    for query in (False, True):
        assert Sentence(str(folder)).encode(["", None, "shoe \ud83d"], query=query).failures == [
            (0, "empty text"),
            (1, "not a text but NoneType"),
        ]
