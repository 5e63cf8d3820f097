from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import mm_training as training
from mmsearch.fusion.mm_network import Network, Shape, chosen_device, make_network
from mmsearch.fusion.mm_training import Inputs, Pairs, Plan

PLAN = Plan(rate=0.01, epochs=30, patience=30, samples=1_000, batch=16, negatives=1, pool=8, forget=0.2, forget_words=0.0)
WORDS = [np.array([1 + row % 2, 3]) for row in range(40)]  # word 1 means yes, word 2 no
INPUTS = Inputs({"text": WORDS})
NOBODY = [np.empty(0, np.int64)] * 40
ALL = Pairs(np.arange(40), np.arange(40), np.arange(40) % 2 == 0)
TRAIN, VALIDATION = ALL.take(np.arange(30)), ALL.take(np.arange(30, 40))


def network(branches: tuple[str, ...] = ("text",), seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return make_network(Shape(words=9, branches=branches, dim=8, width=8, embedding=8), "cpu")


def learn(net: Network, plan: Plan = PLAN, inputs: Inputs = INPUTS) -> training.Learned:
    return training.train(net, inputs, NOBODY, TRAIN, VALIDATION, None, plan, np.random.default_rng(0))


def test_it_learns_which_word_says_yes() -> None:
    net = network()
    learned = learn(net)
    assert learned.loss < 0.2 and not learned.trouble
    likely = training.probabilities(net, INPUTS, NOBODY, VALIDATION)
    np.testing.assert_array_equal(likely > 0.5, VALIDATION.yes)


def test_it_ends_when_validation_gets_no_better_and_keeps_the_best() -> None:
    """Three of ten are not as they were taught: the surer it gets, the dearer these become."""
    odd = Pairs(VALIDATION.context, VALIDATION.product, VALIDATION.yes ^ (np.arange(10) < 3))
    net = network()
    plan = Plan(**{**vars(PLAN), "patience": 3})
    learned = training.train(net, INPUTS, NOBODY, TRAIN, odd, None, plan, np.random.default_rng(0))
    assert 3 < learned.epochs < plan.epochs
    assert learned.loss == pytest.approx(training._loss_of(net, INPUTS, NOBODY, odd), abs=1e-6)


def test_what_does_not_hold_for_others_is_not_kept() -> None:
    wrong = Pairs(VALIDATION.context, VALIDATION.product, ~VALIDATION.yes)
    with pytest.raises(InputError, match="learned nothing: in 2 epochs") as caught:
        plan = Plan(**{**vars(PLAN), "patience": 2, "rate": 0.1})
        training.train(network(), INPUTS, NOBODY, TRAIN, wrong, None, plan, np.random.default_rng(0))
    assert caught.value.hint is not None and caught.value.hint.startswith("learn more slowly: mm-model(rate=0.002); or bring more")


@pytest.mark.parametrize("after", [3, 0])
def test_a_loss_that_is_no_number_ends_it_and_the_last_good_weights_are_kept(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The loss is NaN from the epoch `after` on; in the first one nothing was learned, which is an error."""
    real, steps = training._loss, [0]

    def breaks(logits: Any, pairs: Pairs) -> Any:
        steps[0] += 1
        loss = real(logits, pairs)
        return loss * float("nan") if steps[0] > 2 * after else loss  # two steps an epoch

    monkeypatch.setattr(training, "_loss", breaks)
    net = network()
    if after == 0:
        with pytest.raises(InputError, match="no number") as caught:
            learn(net)
        assert caught.value.hint is not None and "rate=0.001" in caught.value.hint
        return
    learned = learn(net)
    assert learned.epochs == after + 1 and f"in epoch {after + 1}: the weights of epoch {after} are kept" in learned.trouble
    assert all(np.isfinite(array).all() for array in net.arrays().values())
    assert np.isfinite(learned.loss) and learned.loss == pytest.approx(training._loss_of(net, INPUTS, NOBODY, VALIDATION), abs=1e-6)


def test_a_rate_far_too_high_is_told_with_one_that_is_not() -> None:
    with pytest.raises(InputError, match="no number before") as caught:
        learn(network(), Plan(**{**vars(PLAN), "rate": 1e300}))
    assert caught.value.hint == "learn more slowly: mm-model(rate=0.002)"


def test_weights_that_became_no_numbers_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss is fine, the step after it is not: the validation tells."""
    real = torch.optim.Adam.step
    steps = [0]

    def spoils(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = real(self, *args, **kwargs)
        steps[0] += 1
        if steps[0] == 6:  # the last of epoch 3
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data.fill_(float("nan"))
        return found

    monkeypatch.setattr(torch.optim.Adam, "step", spoils)
    net = network()
    assert "epoch 3" in learn(net).trouble
    assert all(np.isfinite(array).all() for array in net.arrays().values())


def test_the_more_is_missing_the_more_the_rest_counts() -> None:
    net = network(("text", "image"))
    photos: list[Any] = [np.full((48, 48, 3), 99, np.uint8), None]
    inputs = Inputs({"text": [WORDS[0], WORDS[0]], "image": photos})
    with torch.inference_mode():
        both, text = training._of_products(net, inputs, np.arange(2)).dense
        photo = training._of_products(net, Inputs({"text": [None], "image": photos[:1]}), np.arange(1)).dense[0]
    np.testing.assert_allclose(both, (text + photo) / 2, atol=1e-5)


def test_a_branch_is_left_out_but_never_all_of_them() -> None:
    net = network()
    left_out = {"text": np.ones(2, bool)}
    with torch.inference_mode():
        kept = training._of_products(net, INPUTS, np.arange(2), left_out).dense
        np.testing.assert_array_equal(kept, training._of_products(net, INPUTS, np.arange(2)).dense)


def test_who_is_beside_an_item_does_not_change_it() -> None:
    """A short text is padded to the length of a long one."""
    net = network()
    inputs = Inputs({"text": [np.array([1, 2]), np.array([3, 1, 2, 4, 5, 6, 7, 8, 9])]})
    together = training.penultimate(net, inputs, np.arange(2))
    np.testing.assert_allclose(together[:1], training.penultimate(net, inputs, np.arange(1)), atol=1e-6)


def test_weights_come_back() -> None:
    one, two = network(seed=0), network(seed=1)
    two.load(one.arrays())
    np.testing.assert_array_equal(training.penultimate(one, INPUTS, np.arange(3)), training.penultimate(two, INPUTS, np.arange(3)))


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto") == chosen_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="no GPU"):
        chosen_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert chosen_device("auto") == "cuda"
