"""Files of word vectors, good and bad."""

from __future__ import annotations

import gzip
import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from embed_shop import Shop, alone
from hypothesis import given
from hypothesis import strategies as st
from small_models import small_vector_file

from mmsearch.encoders import ENCODERS, vectors
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import load_encoder
from mmsearch.encoders.vector_file import look, read
from mmsearch.encoders.vectors import Vectors
from mmsearch.errors import InputError, MMSearchError, StoreError

WORDS = {"shoe": [1.0, 0.5, 0.0], "boot": [0.9, 0.6, 0.1], "blender": [-1.0, 0.2, 0.7], "红色": [0.0, -1.0, 0.25]}


def text_of(words: dict[str, list[float]], header: bool = False) -> str:
    lines = [f"{word} {' '.join(map(str, vector))}\n" for word, vector in words.items()]
    return (f"{len(words)} 3\n" if header else "") + "".join(lines)


def binary_of(words: dict[str, list[float]], newline: bytes = b"\n") -> bytes:
    entries = [word.encode() + b" " + struct.pack("<3f", *vector) + newline for word, vector in words.items()]
    return f"{len(words)} 3\n".encode() + b"".join(entries)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


FORMATS = {
    "glove": text_of(WORDS).encode(),
    "word2vec": text_of(WORDS, header=True).encode(),
    "fasttext, blanks at the ends": text_of(WORDS, header=True).replace("\n", " \n").encode(),
    "windows": text_of(WORDS).replace("\n", "\r\n").encode(),
    "binary": binary_of(WORDS),
    "binary without line breaks": binary_of(WORDS, b""),
    "gzip": gzip.compress(text_of(WORDS).encode()),
    "gzipped binary": gzip.compress(binary_of(WORDS)),
}


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same(form: str, tmp_path: Path) -> None:
    words, found = read(write(tmp_path / "v", FORMATS[form]), ["shoe"], 10)
    assert words == list(WORDS)
    np.testing.assert_allclose(found, list(WORDS.values()), rtol=1e-6)
    assert found.dtype == np.float32


def test_gensim_reads_and_writes_the_same(tmp_path: Path) -> None:
    from gensim.models import KeyedVectors

    known = KeyedVectors(3)
    known.add_vectors(list(WORDS), list(WORDS.values()))
    for binary in (False, True):
        path = tmp_path / f"{binary}"
        known.save_word2vec_format(str(path), binary=binary)
        words, found = read(path, [], 10)
        assert words == list(WORDS)
        np.testing.assert_allclose(found, list(WORDS.values()), rtol=1e-6)


def test_only_what_is_wanted_and_some_others_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "v", text_of(WORDS))
    assert read(path, ["blender"], 0)[0] == ["blender"]
    assert read(path, ["blender"], 1)[0] == ["shoe", "blender"]
    assert read(path, ["nothing"], 0)[1].shape == (0, 3)


def test_of_equal_words_in_lower_case_the_first_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "v", "Shoe 1 0 0\nshoe 0 1 0\nSHOE 0 0 1\n")
    words, found = read(path, ["shoe"], 0)
    assert (words, found.tolist()) == (["shoe"], [[1, 0, 0]])


def test_words_with_blanks_are_passed_over(tmp_path: Path) -> None:
    """The file of 840 billion words that GloVe publishes has some."""
    path = write(tmp_path / "v", "shoe 1 0 0\n. . . 0.1 0.2 0.3\nat name@domain.com 0 1 1\nboot 0 1 0\n")
    assert read(path, [], 10)[0] == ["shoe", "boot"]


BAD = {
    "ragged, short": ("shoe 1 2 3\nboot 1 2\n", "line 2: 2 numbers where the lines before have 3"),
    "ragged, long": ("shoe 1 2 3\nboot 1 2 3 4\n", "line 2: 4 numbers where the lines before have 3"),
    "another dimension than the header's": ("2 4\nshoe 1 2 3\nboot 1 2 3\n", "line 2: 3 numbers where the lines before have 4"),
    "not a number": ("shoe 1 2 3\nboot 1 x 3\n", "line 2: something that is no number"),
    "nan": ("shoe 1 2 3\n\nboot 1 nan 3\n", "line 3: a number that is not finite"),
    "infinite": ("shoe 1 2 3\nboot 1 1e999 3\n", "line 2: a number that is not finite"),
    "cut off": ("3 3\nshoe 1 2 3\nboot 1 2 3\n", "the file ends after 2 of 3 words"),
    "empty": ("", "line 1: neither a word with its numbers"),
    "prose": ("Dear Sir or Madam,\nhow are you?\n", "line 1: neither a word with its numbers"),
    "json": ('{"shoe": [1, 2, 3]}', "line 1: neither a word with its numbers"),
    "dimension 0": ("5 0\n", "line 1: 0 dimensions"),
    "dimension of a bomb": ("5 2000000000\n", "line 1: 2000000000 dimensions"),
    "binary, cut off": (binary_of(WORDS)[:-5], "word 4 of 4: the file ends"),
    "binary, nan": (binary_of(WORDS | {"boot": [1.0, float("nan"), 0.0]}), "word 2: a number that is not finite"),
    "fasttext's own": ((793_712_314).to_bytes(4, "little") + b"\0" * 60, "a model of fastText's own format"),
    "gzip, cut off": (gzip.compress(text_of(WORDS).encode())[:-10], "cannot be read"),
    "pickle": (b"\x80\x04\x95\x10\0\0\0\0\0\0\0.", "line 1: neither a word with its numbers"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_named_with_the_line(kind: str, tmp_path: Path) -> None:
    content, reason = BAD[kind]
    path = write(tmp_path / "bad.txt", content)
    with pytest.raises(InputError, match=reason) as caught:
        read(path, ["boot"], 10)
    assert "bad.txt" in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        Vectors(str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="is a folder"):
        Vectors(str(tmp_path))


@given(st.binary(max_size=200), st.sampled_from([b"", b"2 3\n", b"shoe 1 2 3\n"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes) -> None:
    path = write(tmp_path_factory.getbasetemp() / "any", start + content)
    try:
        words, found = read(path, ["shoe"], 10)
    except MMSearchError:
        return
    assert found.shape == (len(words), look(path).dim)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("weighting", ["sif", "idf", "mean"])
def test_in_a_store(weighting: str, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    titles = ["red shoe", "blue shoe", "red boot", "blender", "white blender 500 w"]
    path = small_vector_file(tmp_path, [*titles, "sandal"], header=True)
    shop.bring(*({"id": str(n), "title": title} for n, title in enumerate(titles)))
    embed(shop.store, {"text": f'vectors("{path}", weighting={weighting})'})
    loaded = load_encoder(shop.store, "text")
    assert np.array_equal(alone(loaded, "red shoe"), shop.vectors("text")[("0", "")])
    assert alone(loaded, "red shoe") @ alone(loaded, "the red shoes shoe") > alone(loaded, "red shoe") @ alone(loaded, "blender")
    alone(loaded, "sandal")  # a word of the file that no product has
    path.write_text(path.read_text().replace("sandal", "sandals"))
    with pytest.raises(StoreError, match="other weights of the encoder"):
        load_encoder(shop.store, "text")
    path.unlink()
    with pytest.raises(StoreError, match="cannot be used here: there is no file"):
        load_encoder(shop.store, "text")


def test_a_common_word_counts_less(tmp_path: Path) -> None:
    titles = [f"red {word}" for word in ("shoe", "boot", "lamp", "cup", "hat")]
    for weighting in ("sif", "idf"):
        encoder = Vectors(str(small_vector_file(tmp_path, titles)), weighting=weighting)
        encoder.fit(titles)
        assert encoder.lexicon.weights[encoder.lexicon.rows["red"]] < 0.6 * encoder.lexicon.weights[encoder.lexicon.rows["hat"]]


def test_a_file_of_another_language(tmp_path: Path) -> None:
    encoder = Vectors(str(write(tmp_path / "v", text_of({"红色": [1.0, 0, 0], "鞋": [0, 1.0, 0]}))))
    with pytest.raises(InputError, match="has none of the words of the store's products"):
        encoder.fit(["shoe", "boot"])


def test_the_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_vector_file(tmp_path, ["red shoe", "boot"])
    encoder = Vectors(str(path))
    encoder.fit(["red shoe", "boot"])
    monkeypatch.setattr(vectors, "read", lambda *args: pytest.fail("the file is read again"))
    again = ENCODERS.create(f'vectors("{path}")')
    again.restore(encoder.state())
    assert np.array_equal(alone(again, "boot"), alone(encoder, "boot"))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    with (path := tmp_path / "v").open("w") as file:
        file.writelines(f"word{n} {' '.join(['0.125'] * 50)}\n" for n in range(20_000))  # 6 MB
    tracemalloc.start()
    words, _ = read(path, ["word19999"], 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words == [f"word{n}" for n in itertools.chain(range(100), [19_999])]
    assert peak < 1_000_000
