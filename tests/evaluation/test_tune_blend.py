"""Weights of a blend: found where one is better than its parts, left alone where it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_shop
from typer.testing import CliRunner

from mmsearch.cli import app
from mmsearch.errors import UsageError
from mmsearch.evaluation.tune_blend import TunedBlend, in_part, tune_blend
from mmsearch.measures import parse_measure
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.blend import Blend
from mmsearch.recommend.interactions import build

NDCG = parse_measure("nDCG@5")
N, USERS = 40, 60
NAMES = [f"p{i:02}" for i in range(N)]


def shoppers() -> tuple[Interactions, Products]:
    """Everybody stays with one kind of eight products, of which half is taken by many: neither content nor popularity alone says which."""
    rng = np.random.default_rng(0)
    users, taken = [], []
    for user in range(USERS):
        kind = user % 5
        odds = np.where(np.arange(8) < 3, 6.0, 1.0)
        for product in rng.choice(8, 5, replace=False, p=odds / odds.sum()).tolist():
            users.append(f"u{user:02}")
            taken.append(NAMES[8 * kind + product])
    vectors = rng.normal(size=(N, 8)) * 0.3
    vectors[np.arange(N), np.arange(N) // 8] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return build(users, taken, product_ids=NAMES).interactions, Products(NAMES, vectors.astype(np.float32))


@pytest.fixture(scope="module")
def tuned() -> TunedBlend:
    return tune_blend(["content", "popular"], *shoppers(), "leave-last-out", NDCG)


def test_a_blend_that_is_better_is_found_and_reported_on_the_test_part(tuned: TunedBlend) -> None:
    assert tuned.spec.startswith("blend(content=") and ", popular=" in tuned.spec
    assert tuned.chosen_on[tuned.spec] > max(tuned.chosen_on["content"], tuned.chosen_on["popular"])
    assert tuned.single == "content" and tuned.gain.mean == pytest.approx(tuned.blend.mean - tuned.alone.mean)
    assert (tuned.validation, tuned.test) == ("leave-last-out(part=validation)", "leave-last-out(part=test)")
    assert tuned.blend.low <= tuned.blend.mean <= tuned.blend.high
    assert isinstance(RECOMMENDERS.create(tuned.spec), Blend)


def test_one_seed_one_result(tuned: TunedBlend) -> None:
    assert tune_blend(["content", "popular"], *shoppers(), "leave-last-out(part=test)", NDCG) == tuned


def test_a_method_that_adds_nothing_is_left_out() -> None:
    found = tune_blend(["content", "content(decay=.60)"], *shoppers(), "leave-last-out", NDCG)
    assert found.spec == found.single == "content" and found.gain.mean == 0


def test_the_part_of_a_split_is_set_whatever_it_says() -> None:
    assert in_part("leave-last-out(validation)", "test").spec == "leave-last-out(part=test)"
    assert in_part("cold-items(share=.2, part=test)", "validation").spec == "cold-items(share=0.2, seed=0, part=validation)"


def test_what_cannot_be_tuned_is_told() -> None:
    for methods, measure, message in (
        (["content"], "nDCG@5", "two methods at least"),
        (["content", "content()"], "nDCG@5", "given twice"),
        (["content", "popular"], "nDCG", "no cut-off"),
        (["content", "content(profile=other)"], "nDCG@5", "one fusion profile"),
    ):
        with pytest.raises(UsageError, match=message):
            tune_blend(methods, *shoppers(), "leave-last-out", parse_measure(measure))


def test_the_command_prints_the_chosen_spec(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False)
    ask = [
        "--store",
        str(shop.store.path),
        "eval",
        "recommend",
        "--tune",
        "--method",
        "content",
        "--method",
        "popular",
        "--metric",
        "nDCG@5",
    ]
    table, lines = (CliRunner().invoke(app, [*ask, "--format", how]) for how in ("table", "jsonl"))
    assert table.exit_code == lines.exit_code == 0, table.output
    assert "leave-last-out(part=test)" in table.stdout and "chosen on it" in table.stdout
    assert '"measure": "nDCG@5"' in lines.stdout and '"gain"' in lines.stdout
    refused = CliRunner().invoke(app, [*ask[:-1], "coverage@5"])
    assert refused.exit_code != 0 and "there is no measure 'coverage'" in str(refused.exception)
