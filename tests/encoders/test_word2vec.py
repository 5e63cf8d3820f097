from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from embed_shop import Shop, alone

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.learned import pack, unpack
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import load_encoder
from mmsearch.encoders.word2vec import Word2Vec
from mmsearch.encoders.word_vectors import Counts, Lexicon, common_direction, corpus, tokens
from mmsearch.errors import InputError, UsageError

#: Shoes and blenders have neighbours of their own; 'trainers' and 'sneakers' never meet, but have the same neighbours.
SHOES = [f"{kind} for running and sport, {colour} rubber sole" for kind in ("trainers", "sneakers") for colour in ("red", "blue", "black")]
BLENDERS = [f"{kind} with glass jar for smoothies, {power} watt motor" for kind in ("blender", "mixer") for power in (300, 500, 800)]
CATALOGUE = 20 * (SHOES + BLENDERS)


def fitted(texts: list[str], **options: object) -> Word2Vec:
    made = Word2Vec(**{"dim": 24, "window": 10, "epochs": 10, **options})  # type: ignore[arg-type]
    made.fit(texts)
    return made


def test_words_of_like_neighbours_are_near() -> None:
    encoder = fitted(CATALOGUE, epochs=50)
    trainers, sneakers, blender, mixer = (alone(encoder, word) for word in ("trainers", "sneakers", "blender", "mixer"))
    assert trainers @ sneakers > trainers @ blender + 0.2
    assert blender @ mixer > blender @ sneakers + 0.2


def test_chinese_words_are_told_apart() -> None:
    texts = 30 * ["红色跑步鞋 男士 透气", "蓝色跑步鞋 女士 透气", "不锈钢电饭煲 大容量", "电饭煲 智能 大容量"]
    encoder = fitted(texts)
    assert {"跑步鞋", "电饭煲"} <= set(encoder.lexicon.rows)
    assert "的" not in encoder.lexicon.rows
    shoe, red, cooker = (alone(encoder, text) for text in ("跑步鞋", "红色跑步鞋", "电饭煲"))
    assert shoe @ red > shoe @ cooker + 0.2


@pytest.mark.parametrize("weighting", ["sif", "idf", "mean"])
def test_every_weighting_tells_products_apart(weighting: str) -> None:
    encoder = fitted(CATALOGUE, weighting=weighting)
    one, same, other = (alone(encoder, text) for text in (SHOES[0], SHOES[3], BLENDERS[0]))
    assert one @ same > 0.5
    assert one @ same > one @ other


def test_the_same_store_and_seed_give_the_same_vectors_in_any_process(tmp_path: Path) -> None:
    (tmp_path / "texts.json").write_text(json.dumps(CATALOGUE))
    code = (
        "import hashlib, json, sys; from mmsearch.encoders.word2vec import Word2Vec; "
        "w = Word2Vec(dim=24, window=10, epochs=2); w.fit(json.load(open(sys.argv[1]))); print(hashlib.sha256(w.state()).hexdigest())"
    )
    states = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "texts.json")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert states == {hashlib.sha256(fitted(CATALOGUE, epochs=2).state()).hexdigest()}
    assert fitted(CATALOGUE, epochs=2, seed=1).state() != fitted(CATALOGUE, epochs=2).state()


def test_a_query_loads_no_gensim(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(fitted(CATALOGUE).state())
    code = (
        "import pathlib, sys; from mmsearch.encoders.word2vec import Word2Vec; w = Word2Vec(dim=24); "
        "w.restore(pathlib.Path(sys.argv[1]).read_bytes()); assert w.encode(['trainers']).kept; print('\\n'.join(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "state")], capture_output=True, text=True, check=True)
    assert not {"gensim", "scipy", "jieba", "pandas", "torch"} & set(run.stdout.split())


def test_unknown_words_are_a_failure_with_a_reason() -> None:
    encoded = fitted(CATALOGUE).encode(["trainers", "zzz qqq", "trainers zzz"])
    assert encoded.failures == [(1, "none of its words is known to the encoder")]
    np.testing.assert_allclose(encoded.vectors[0], encoded.vectors[1], atol=1e-6)


def test_rare_words() -> None:
    texts = [*CATALOGUE, "gazelle"]
    assert "gazelle" in fitted(texts).lexicon.rows
    assert "gazelle" not in fitted(texts, min_count=2).lexicon.rows
    with pytest.raises(InputError, match="no word occurs 1000 times"):
        fitted(texts, min_count=1000)


def test_nothing_to_learn_from() -> None:
    for texts in ([], ["", "?!"]):
        with pytest.raises(InputError, match="there are no words to learn from"):
            fitted(texts)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("dim=1", "dim must be 2 to 2000, not 1"),
        ("epochs=0", "epochs must be 1"),
        ("window=-1", "window must be"),
        ("weighting=best", "sif, idf"),
    ],
)
def test_bad_parameters(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        ENCODERS.create(f"word2vec({spec})")


def test_a_state_of_another_dimension_is_refused() -> None:
    state = fitted(CATALOGUE).state()
    with pytest.raises(ValueError, match="for 19 words of 25 dimensions"):
        Word2Vec(dim=25).restore(state)
    arrays, facts = unpack(state)
    with pytest.raises(ValueError, match="'weights' is missing"):
        Word2Vec(dim=24).restore(pack({k: v for k, v in arrays.items() if k != "weights"}, facts))


def test_in_a_store(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring(*({"id": str(n), "title": text} for n, text in enumerate(SHOES + BLENDERS)))
    embed(shop.store, {"text": "word2vec(dim=16, epochs=3)"})
    before = shop.vectors("text")
    shop.bring({"id": "new", "title": "red blender"}, {"id": "unknown", "title": "zzz"})
    report = embed(shop.store)
    assert (report.modalities[0].new, report.modalities[0].unchanged, report.modalities[0].failed) == (1, 12, 1)
    assert all(np.array_equal(vector, before[key]) for key, vector in shop.vectors("text").items() if key in before)
    assert np.array_equal(alone(load_encoder(shop.store, "text"), "red blender"), shop.vectors("text")[("new", "")])


def test_tokens() -> None:
    assert tokens("The Men's running-shoes, 12.5 inch") == ["men", "s", "running", "shoes", "12.5", "inch"]
    assert tokens("红色的 iPhone15") == ["红色", "iphone15"]
    assert tokens("to be") == ["to", "be"]
    assert tokens("?!") == []


def test_weights_by_hand() -> None:
    counts = Counts.of([["a", "a", "b"], ["a"]])
    np.testing.assert_allclose(counts.weights(["a", "b", "c"], "sif"), [1e-3 / (1e-3 + 0.75), 1e-3 / (1e-3 + 0.25), 1], rtol=1e-6)
    np.testing.assert_allclose(counts.weights(["a", "b", "c"], "idf"), [1, np.log(3 / 2) + 1, np.log(3) + 1], rtol=1e-6)
    assert counts.weights(["a"], "mean").tolist() == [1]


def test_what_all_texts_share_is_taken_out() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 8)).astype(np.float32)
    vectors[:, 0] += 10
    lexicon = Lexicon({str(i): i for i in range(50)}, vectors, np.ones(50, np.float32))
    common = common_direction(lexicon, [[str(i), str(i + 1)] for i in range(49)])
    assert common is not None
    assert common[0] > 0.95
    assert common_direction(lexicon, [["1"], ["1"], ["1"]]) is None
    assert common_direction(lexicon, [["1"], ["2"]]) is None
    without = Lexicon(lexicon.rows, vectors, lexicon.weights, common).means([np.array([3])])
    np.testing.assert_allclose(without @ common, 0, atol=1e-5)


def test_the_corpus_is_bounded() -> None:
    texts = corpus(["word " * 1_000] * 3)
    assert [len(text) for text in texts] == [200] * 3
