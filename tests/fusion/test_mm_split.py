from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion.mm_examples import Examples
from mmsearch.fusion.mm_split import contexts_of, part, sampler_of, with_negatives
from mmsearch.fusion.mm_training import Pairs
from mmsearch.fusion.mm_words import Said, Vocabulary

WORDS = Vocabulary(["shoe", "lamp", "bag", "soft", "bright"])
TEXTS = [WORDS.known([word]) for word in ("shoe", "lamp", "bag")]
IDS = ["P0", "P1", "P2"]


def examples(user: list[int], product: list[int], *, sampled: bool = True, yes: list[bool] | None = None) -> Examples:
    answers = np.ones(len(user), bool) if yes is None else np.array(yes)
    users = [f"u{i}" for i in range(max(user) + 1)]
    return Examples(users, np.array(user), np.array(product), answers, np.arange(len(user), dtype=float), sampled, "")


def read(contexts: list[np.ndarray]) -> list[str]:
    return [" ".join(WORDS.words[number - 1] for number in one) for one in contexts]


def context(given: Examples, learned: list[int], said: dict[str, list[Said]], history: int = 5, most: int = 10) -> list[str]:
    return read(contexts_of(given, np.array(learned, int), said, TEXTS, IDS, WORDS, most, history))


def test_a_context_tells_nothing_of_its_own_example() -> None:
    said = {"u0": [Said(["soft"], frozenset({"P0"}), 2.0), Said(["bright"], frozenset(), 1.0)]}
    found = context(examples([0, 0, 0], [0, 1, 2]), [0, 1, 2], said)
    # Newest first; no word about the product, and not the product.
    assert found == ["bright bag lamp", "soft bright bag shoe", "soft bright lamp shoe"]


def test_what_is_held_out_is_in_no_history() -> None:
    assert context(examples([0, 0, 0], [0, 1, 2]), [0], {}) == ["", "shoe", "shoe"]


def test_what_was_not_liked_is_in_no_history() -> None:
    given = examples([0, 0, 0], [0, 1, 2], sampled=False, yes=[True, False, True])
    assert context(given, [0, 1, 2], {}) == ["bag", "bag shoe", "shoe"]


def test_history_is_bounded_and_may_be_left_out() -> None:
    assert context(examples([0, 0, 0], [0, 1, 2]), [0, 1, 2], {}, history=1) == ["bag", "bag", "lamp"]
    assert context(examples([0, 0, 0], [0, 1, 2]), [0, 1, 2], {}, history=0) == ["", "", ""]
    said = {"u0": [Said(["soft"] * 9, frozenset(), 2.0)]}
    assert context(examples([0, 0], [0, 1]), [0, 1], said, most=4) == ["soft soft lamp", "soft soft shoe"]


@given(st.integers(20, 200), st.integers(0, 200), st.integers(0, 5))
def test_parts_do_not_overlap_and_leave_nothing_out(count: int, complete: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    yes = rng.permutation(np.arange(count) % 3 == 0)
    given_ = examples([0] * count, rng.integers(0, 200, count).tolist(), sampled=False, yes=yes.tolist())
    whole = np.arange(200) < complete
    parts = part(given_, whole, np.random.default_rng(seed))
    together = np.concatenate([parts.train, parts.validation, parts.test, parts.new])
    np.testing.assert_array_equal(np.sort(together), np.arange(count))
    assert not np.isin(given_.product[np.setdiff1d(together, parts.new)], parts.unseen).any()
    assert whole[parts.unseen].all() and (len(parts.unseen) == 0 or len(parts.unseen) >= 8)
    there = yes[np.setdiff1d(together, parts.new)]
    if min(there.sum(), (~there).sum()) > 2:
        for rows in (parts.validation, parts.test):
            assert yes[rows].any() and not yes[rows].all()


def test_negatives_are_never_what_the_user_took() -> None:
    given_ = examples([0, 0, 1], [0, 1, 2])
    sampler = sampler_of(given_, np.arange(5), 0.5, 5)
    pairs = with_negatives(Pairs(np.arange(3), given_.product, given_.yes), sampler, 50, np.random.default_rng(0))
    no = ~pairs.yes
    assert pairs.yes[:3].all() and no[3:].all() and no.sum() > 50
    taken = {(0, 0), (0, 1), (1, 2)}
    assert not {(int(given_.user[c]), int(p)) for c, p in zip(pairs.context[no], pairs.product[no], strict=True)} & taken
    assert set(pairs.product[no].tolist()) == {0, 1, 2, 3, 4}


def test_products_that_are_taken_more_often_are_drawn_more_often() -> None:
    sampler = sampler_of(examples(list(range(99)), [0] * 99), np.arange(2), 1.0, 2)
    np.testing.assert_allclose(sampler.shares, [100 / 101, 1 / 101])
    np.testing.assert_allclose(sampler_of(examples([0], [0]), np.arange(2), 0.0, 2).shares, 0.5)
