"""The weights of a blend, learned: chosen on a split's validation part, reported on its test part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.evaluation.bootstrap import Interval, interval
from mmsearch.evaluation.recommend import Asked, ask, evaluate_recommender
from mmsearch.evaluation.splits import SPLITS, Splitter
from mmsearch.measures import Measure
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Interactions, Products, Recommender, top
from mmsearch.recommend.blend import scale_of
from mmsearch.spec import Spec, parse

#: Weights tried for one method while the others stay as they are.
GRID = (0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.0, 3.0)

_ROUNDS = 3  # over all methods; a round without a gain is the last
_POOL = 10  # products kept of each method's ranking, as a multiple of the depth that is measured


@dataclass(frozen=True)
class TunedBlend:
    """What was chosen, and how good it is beside the best of its methods alone; each interval is over users."""

    spec: str
    single: str  # the method that is best alone on the validation part
    measure: str
    validation: str  # the specs of the two parts
    test: str
    chosen_on: dict[str, float]  # spec → value on the validation part: every method alone, and the blend
    blend: Interval  # on the test part, as are the next two
    alone: Interval
    gain: Interval  # blend − single, of each user

    def to_json(self) -> dict[str, Any]:
        return {
            "method": self.spec,
            "single": self.single,
            "measure": self.measure,
            "validation": {"split": self.validation, "values": self.chosen_on},
            "test": {"split": self.test, "blend": self.blend.to_json(), "single": self.alone.to_json(), "gain": self.gain.to_json()},
        }


@dataclass(frozen=True)
class _Pool:
    """For one user, the products among which the best of any blend are looked for: scores (methods, p), and the relevant ones' ids."""

    products: NDArray[np.int64]
    scores: NDArray[np.float64]
    judgments: dict[str, int]


def tune_blend(
    methods: Sequence[str], interactions: Interactions, products: Products, split: str, measure: Measure, *, seed: int = 0
) -> TunedBlend:
    """Weights of `methods` in a blend.

    One method after the other gets the weight of `GRID` with the highest mean, the others as they are, from the best single method on,
    until a round gains nothing: deterministic, and a method that adds nothing has weight 0 and is left out.
    While choosing, only what one of the methods has among its best (`_POOL` times as many as are measured) is ranked; on the test part all
    products are.

    Parameters
    ----------
    split : its spec; the part in it is ignored: both parts are used.
    measure : with a cut-off.

    Raises
    ------
    UsageError : fewer than two methods, one given twice, no cut-off, a bad spec. InputError : nothing to learn from or to hold out.
    """
    if len(methods) < 2:
        raise UsageError("a blend takes two methods at least", hint="as in: --tune --method 'itemcf(directed=true)' --method content")
    if measure.k is None:
        raise UsageError(f"{measure} has no cut-off to rank to", hint=f"as in '{measure}@20'")
    specs = [parse(method, what="recommender") for method in methods]
    if len(set(map(str, specs))) < len(specs):
        raise UsageError("a method is given twice")
    RECOMMENDERS.create(_blend(specs, [1.0] * len(specs)))  # whether they go together is told before anything is fitted
    validation, test = (in_part(split, part) for part in ("validation", "test"))
    pools = _pools([RECOMMENDERS.create(spec) for spec in specs], interactions, products, validation, measure.k)
    ids = interactions.product_ids
    tried: dict[tuple[float, ...], float] = {}

    def quality(weights: tuple[float, ...]) -> float:
        if weights not in tried:
            tried[weights] = math.fsum(_value(pool, weights, measure, ids) for pool in pools) / len(pools)
        return tried[weights]

    alone = [tuple(float(i == j) for j in range(len(specs))) for i in range(len(specs))]
    first = max(range(len(specs)), key=lambda i: quality(alone[i]))
    best = _ascended(alone[first], quality)
    total = math.fsum(best)
    kept = [(spec, round(weight / total, 3)) for spec, weight in zip(specs, best, strict=True) if weight]
    chosen = _blend(*zip(*kept, strict=True)) if len(kept) > 1 else kept[0][0]
    values = [
        [per[str(measure)] for per in evaluate_recommender(made, interactions, products, test, [measure]).evaluation.per_query.values()]
        for made in (RECOMMENDERS.create(chosen), RECOMMENDERS.create(specs[first]))
    ]
    return TunedBlend(
        spec=str(chosen),
        single=str(specs[first]),
        measure=str(measure),
        validation=validation.spec,
        test=test.spec,
        chosen_on={**{str(spec): quality(one) for spec, one in zip(specs, alone, strict=True)}, str(chosen): quality(best)},
        blend=interval(values[0], seed),
        alone=interval(values[1], seed),
        gain=interval([a - b for a, b in zip(*values, strict=True)], seed),
    )


def in_part(split: str, part: str) -> Splitter:
    """The split that a spec names, in one of its two parts whatever the spec says. Raises UsageError."""
    spec = parse(split, what="split")
    args = tuple(value for value in spec.args if value not in ("test", "validation"))
    others = tuple((key, value) for key, value in spec.params if key != "part")
    made: Splitter = SPLITS.create(replace(spec, args=args, params=(*others, ("part", part))))
    return made


def _blend(specs: Sequence[Spec], weights: Sequence[float]) -> Spec:
    keys = [spec if spec.args or spec.params else spec.name for spec in specs]  # as people type them
    return Spec("blend", (), tuple(zip(keys, weights, strict=True)))


def _pools(parts: Sequence[Recommender], interactions: Interactions, products: Products, split: Splitter, k: int) -> list[_Pool]:
    asked: Asked = ask(split.split(interactions))
    train = asked.split.train
    scales = []
    for part in parts:
        part.fit(train, products)
        scales.append(scale_of(part, train))
    wanted: dict[int, dict[str, int]] = {}
    for user, product in zip(asked.split.users.tolist(), asked.split.products.tolist(), strict=True):
        wanted.setdefault(user, {})[train.product_ids[product]] = 1
    pools = []
    for start in range(0, len(asked.users), 256):
        given = asked.histories[start : start + 256]
        scores = [part.score(given) / scale for part, scale in zip(parts, scales, strict=True)]
        for row, user in enumerate(asked.users[start : start + 256].tolist()):
            mine = np.stack([some[row] for some in scores])
            allowed = mine.copy()
            if asked.split.candidates is not None:
                allowed[:, ~asked.split.candidates] = -np.inf
            allowed[:, asked.exclude[start + row]] = -np.inf
            pool = np.unique(np.concatenate([top(one, _POOL * k).products for one in allowed]))
            pools.append(_Pool(pool, mine[:, pool], wanted[user]))
    return pools


def _value(pool: _Pool, weights: Sequence[float], measure: Measure, ids: Sequence[str]) -> float:
    best = top(np.asarray(weights) @ pool.scores, measure.k or 1)
    return measure.compute([ids[i] for i in pool.products[best.products].tolist()], pool.judgments)


def _ascended(weights: tuple[float, ...], quality: Any) -> tuple[float, ...]:
    """The weights after coordinate ascent on `quality`."""
    reached = quality(weights)
    for _ in range(_ROUNDS):
        before = reached
        for place in range(len(weights)):
            for tried in GRID:
                other = (*weights[:place], tried, *weights[place + 1 :])
                if any(other) and quality(other) > reached + 1e-9:
                    weights, reached = other, quality(other)
        if reached <= before:
            break
    return weights
