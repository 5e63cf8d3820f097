"""The cross-encoder, with a small model of random weights: its order, its share, what is no such model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import small_cross_encoder

from mmsearch.errors import InputError, UsageError
from mmsearch.ranking import RERANKERS
from mmsearch.search.rerank.cross import Cross
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_cross_encoder(tmp_path_factory.mktemp("cross"))


@pytest.fixture(scope="module")
def shop(plain: Shop) -> Shop:
    return plain


def test_its_order_is_the_models(model: Path, shop: Shop) -> None:
    from sentence_transformers import CrossEncoder

    plain = [hit.id for hit in shop.search("red shoe", k=10)]
    result = shop.search("red shoe", k=10, rerank=f'cross(model="{model}", depth=10)', explain=True)
    ids = [hit.id for hit in result]
    assert ids != plain and sorted(ids) == sorted(plain), "below the depth nothing comes up"
    read = CrossEncoder(str(model), local_files_only=True).predict([("red shoe", text_of(shop, id)) for id in ids])
    assert (np.diff(read) <= 1e-6).all()
    for hit in result:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9)


def text_of(shop: Shop, id: str) -> str:
    from mmsearch.fusion.contents import contents_by_product

    return str(contents_by_product(shop.store, "text", [id])[0])


def test_half_of_it_lies_between(model: Path, shop: Shop) -> None:
    scores = [
        {hit.id: hit.score for hit in shop.search("red shoe", k=10, rerank=spec)}
        for spec in (None, f'cross(model="{model}", depth=10, share=.5)', f'cross(model="{model}", depth=10)')
    ]
    for id, half in scores[1].items():
        assert half == pytest.approx((scores[0][id] + scores[2][id]) / 2)


def test_without_words_there_is_nothing_to_read(model: Path, shop: Shop) -> None:
    one, other = (shop.search(like="red-shoe", k=5, rerank=spec) for spec in (None, f'cross(model="{model}")'))
    assert [(hit.id, hit.score) for hit in one] == [(hit.id, hit.score) for hit in other]


def test_what_is_no_cross_encoder_is_said(model: Path, tmp_path: Path) -> None:
    for folder, said in (
        (tmp_path, "no config.json"),
        (tmp_path / "none", "there is no folder"),
        (model.parent / "plain", "its checkpoint lacks"),
    ):
        with pytest.raises(InputError, match=said):
            Cross(str(folder))
    for spec, said in (
        ("cross", "needs model"),
        (f'cross(model="{model}", share=0)', "share"),
        (f'cross(model="{model}", depth=0)', "depth"),
    ):
        with pytest.raises(UsageError, match=said):
            RERANKERS.create(spec)
