"""The k best of rows of products, by compiled code and by SciPy, against dense matrices and a sort."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from mmsearch.recommend import RECOMMENDERS, best
from mmsearch.recommend.base import History, Interactions, Products
from mmsearch.recommend.best import Norms, Places, k_best, k_best_before, places, ranked
from mmsearch.recommend.interactions import build

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["compiled", "scipy"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(best, "_COMPILED", 1 if request.param == "compiled" else 1 << 60)
    return str(request.param)


def random(rng: np.random.Generator, shape: tuple[int, int], dtype: type, lowest: float = 0.2) -> csr_array:
    """A third of the cells; few different values, so that many sums are equal."""
    return csr_array((rng.choice([lowest, 0.2, 1.0], shape) * (rng.random(shape) < 0.35)).astype(dtype))


def sorted_rows(dense: np.ndarray, k: int) -> list[list[tuple[int, float]]]:
    """The oracle: (column, value) of the k largest positive cells of each row, best first, ties by column."""
    return [[(j, row[j]) for j in np.lexsort((np.arange(len(row)), -row)).tolist() if row[j] > 0][: max(k, 0)] for row in dense]


def listed(found: csr_array) -> list[list[tuple[int, float]]]:
    return [list(zip(one.products.tolist(), one.scores, strict=True)) for one in ranked(found)]


def check(found: csr_array, dense: np.ndarray, k: int) -> None:
    for mine, right in zip(listed(found), sorted_rows(dense, k), strict=True):
        assert [j for j, _ in mine] == [j for j, _ in right]
        np.testing.assert_allclose([s for _, s in mine], [s for _, s in right], rtol=1e-6)


def summed(A: csr_array, B: csr_array) -> np.ndarray:
    """A·B with every sum in the order of A's entries and in its kind of number: a tie is a tie."""
    out = np.zeros((A.shape[0], B.shape[1]), A.dtype)
    for i in range(A.shape[0]):
        for x in range(A.indptr[i], A.indptr[i + 1]):
            out[i] += A.data[x] * B[[A.indices[x]]].toarray()[0]
    return out


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([-1, 0, 1, 2, 3, 7, 40, 10**6]),
    st.sampled_from(["none", "product", "union"]),
    st.sampled_from([0.0, 3.0]),
    st.sampled_from([-0.5, 0.2]),
    st.sampled_from([1, 50, 1 << 18]),
)
def test_both_engines_find_what_a_sort_finds(seed: int, dtype: type, k: int, kind: str, shrink: float, lowest: float, cells: int) -> None:
    rng = np.random.default_rng(seed)
    m, inner, n = (int(x) for x in rng.integers(1, 40, 3))
    A, B = random(rng, (m, inner), dtype, lowest), random(rng, (inner, n), dtype)
    own, others = rng.choice([1.0, 2.0, 5.0], m).astype(dtype), rng.choice([1.0, 2.0, 5.0], n).astype(dtype)
    banned = [set(rng.integers(0, n, 3).tolist()) for _ in range(m)]
    dense = summed(A, B)
    norms = None
    if kind == "product":
        norms = Norms(own, others, shrink)
        dense = dense / (own[:, None] * others + dtype(shrink))
    elif kind == "union":  # as sizes of sets, larger than what they share
        norms = Norms(own + 40, others + 40, shrink, union=True)
        dense = dense / (own[:, None] + 40 + (others + 40) - dense + dtype(shrink))
    for row, out in zip(dense, banned, strict=True):
        row[list(out)] = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmsearch.recommend.pairs._CELLS", cells)
        for least in (1, 1 << 60):
            patch.setattr(best, "_COMPILED", least)
            check(k_best(A, B, k, norms, places(banned)), dense, k)


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_the_number_of_threads_changes_nothing(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    A, B = random(rng, (300, 200), np.float32), random(rng, (200, 150), np.float32)
    monkeypatch.setattr("mmsearch.recommend.pairs._CELLS", 1000)
    monkeypatch.setattr(best, "_COMPILED", 1 << 60)
    alone = k_best(A, B, 7)
    alone.sort_indices()
    monkeypatch.setattr(best, "_COMPILED", 1)
    monkeypatch.setenv("MMSEARCH_THREADS", threads)
    found = k_best(A, B, 7)
    found.sort_indices()
    for mine, right in ((found.indptr, alone.indptr), (found.indices, alone.indices), (found.data, alone.data)):
        np.testing.assert_array_equal(mine, right)


def test_sums_that_cancel_on_the_way(engine: str) -> None:
    """A cell that returns to 0 is met more than once."""
    A = csr_array(np.array([[1.0, -1.0] * 30 + [1.0]]))
    B = csr_array(np.ones((61, 3)))
    check(k_best(A, B, 2), np.ones((1, 3)), 2)


def test_rows_of_nothing(engine: str) -> None:
    assert k_best(csr_array((3, 4)), csr_array((4, 5)), 2).nnz == 0
    assert k_best(csr_array((0, 4)), csr_array((4, 5)), 2, without=places([])).shape == (0, 5)
    assert k_best(csr_array(np.ones((2, 1))), csr_array(np.ones((1, 2))), 2, without=places([[0, 1], [1]])).toarray().tolist() == [
        [0, 0],
        [1, 0],
    ]


def some_events(rng: np.random.Generator) -> Interactions:
    count = int(rng.integers(1, 120))
    users, products = rng.integers(0, 9, count), rng.integers(0, 12, count)
    names = [f"p{p:02}" for p in range(12)]
    return build([f"u{u}" for u in users], [names[p] for p in products], rng.choice([0.2, 1.0], count), product_ids=names).interactions


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([1, 2, 5, 12]), st.sampled_from([0.0, 10.0]))
def test_what_comes_before_is_what_a_loop_counts(seed: int, window: int, k: int, shrink: float) -> None:
    rng = np.random.default_rng(seed)
    events = some_events(rng)
    fades = 0.85 ** np.arange(window)
    own, others = rng.choice([1.0, 2.0], 12).astype(np.float32), rng.choice([1.0, 3.0], 12).astype(np.float32)
    C = np.zeros((12, 12))
    for b in range(len(events)):
        for a in range(max(0, b - window), b):
            if events.users[a] == events.users[b] and events.products[a] != events.products[b]:
                C[events.products[b], events.products[a]] += events.values[a] * events.values[b] * fades[b - a - 1]
    dense = C / (own[:, None] * others + shrink)
    with pytest.MonkeyPatch.context() as patch:
        for least in (1, 1 << 60):
            patch.setattr(best, "_COMPILED", least)
            found = k_best_before(events, 12, fades, k, Norms(own, others, shrink)).toarray()
            np.testing.assert_allclose(found[found > 0], dense[found > 0], rtol=1e-12)
            for mine, right in zip(found, sorted_rows(dense, k), strict=True):  # sums in another order: which of two equal ones may differ
                np.testing.assert_allclose(np.sort(mine[mine > 0]), np.sort([s for _, s in right]), rtol=1e-12)


ALIKE = [
    "itemcf(k=3)",
    "itemcf(k=3, directed=true)",
    "itemcf(k=3, directed=false)",
    "itemcf(k=3, similarity=jaccard)",
    "itemcf(k=3, similarity=conditional)",
    "usercf(k=3)",
    "usercf(k=3, similarity=conditional)",
    "graph(k=3)",
]


@pytest.mark.parametrize("spec", ALIKE)
def test_recommenders_learn_and_answer_alike(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    events = some_events(np.random.default_rng(8))
    rng = np.random.default_rng(2)
    asked = [History(rng.integers(0, 12, h), rng.choice([-0.5, 1.0], h), np.arange(h)[::-1].astype(float)) for h in (0, 1, 3, 6, 9)]
    answers = []
    for least in (1, 1 << 60):
        monkeypatch.setattr(best, "_COMPILED", least)
        made = RECOMMENDERS.create(spec)
        made.fit(events, Products(events.product_ids))
        answers.append((made.score(asked), made.recommend(asked, 4, [h.products for h in asked])))
    (scores, found), (expected, right) = answers
    np.testing.assert_allclose(scores, expected, rtol=1e-7)
    assert any(len(one.products) for one in found)
    for mine, other in zip(found, right, strict=True):
        np.testing.assert_allclose(mine.scores, other.scores, rtol=1e-7)


def test_places_of_collections() -> None:
    made = places([[3, 1], set(), np.array([2]), range(2)])
    assert made.pointers.tolist() == [0, 2, 2, 3, 5]
    assert made.columns.tolist() == [3, 1, 2, 0, 1]
    assert isinstance(places([]), Places)


COMPILE = """
import sys
import numpy as np
from scipy.sparse import csr_array
from mmsearch.recommend import best
assert "numba" not in sys.modules
A = csr_array(np.ones((2, 3)))
best.k_best(A, A.T.tocsr(), 1)
assert "numba" not in sys.modules, "little to do: SciPy"
best._COMPILED = 1
print(best.k_best(A, A.T.tocsr(), 1).toarray().tolist())
from mmsearch.recommend import compiled
from numba.core.caching import IndexDataCacheFile as File
print(File.save.__wrapped__.__name__, sum(compiled.product_rows.stats.cache_hits.values()), type(compiled.product_rows._cache).__name__)
"""


def run(**environment: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-c", COMPILE]
    ran = subprocess.run(command, env={**kept, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()


def test_compiled_once_behind_the_guard(tmp_path: Path) -> None:
    first, second = (run(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first == ["[[3.0, 0.0], [3.0, 0.0]]", "save 0 FunctionCache"]
    assert second == ["[[3.0, 0.0], [3.0, 0.0]]", "save 1 FunctionCache"]


def test_where_nothing_can_be_kept_it_is_compiled_anew(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()
    never = str(nowhere / "cache")  # below a file there is no folder, not even for root
    assert run(NUMBA_CACHE_DIR=never, HOME=never, XDG_CACHE_HOME=never, NUMBA_CACHE_LOCATOR_CLASSES="UserProvidedCacheLocator") == [
        "[[3.0, 0.0], [3.0, 0.0]]",
        "save 0 NullCache",
    ]
