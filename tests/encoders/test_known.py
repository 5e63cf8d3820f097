"""What a vector table holds, remembered in little room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.encoders.known import Known, _digests
from mmsearch.store import Store
from mmsearch.store.vectors import append_vectors, key_of, write_vectors


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_rows_hashes_and_vectors_belong_together(store: Store) -> None:
    """Also after deletions and replacements, when the order of a table is not that of its making."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = {f"p{n}": (f"h{n % 50}", vectors[n % 50]) for n in range(300)}
    for start in range(0, 300, 100):
        ids = [f"p{n}" for n in range(start, start + 100)]
        append_vectors(store, "v", ids, [""] * 100, [made[i][0] for i in ids], np.stack([made[i][1] for i in ids]))
    store.delete("v", "id like '%3'")
    made = {id: value for id, value in made.items() if not id.endswith("3")}
    made["p10"], made["p200"] = ("other", vectors[99]), ("other", vectors[99])
    write_vectors(store, "v", ["p10", "p200"], ["", ""], ["other", "other"], np.stack([vectors[99]] * 2))
    known = Known(store, "v")
    assert len(known) == len(made)
    rows = known.rows([key_of(id, "") for id in made])
    assert sorted(rows) == list(range(len(made)))
    assert np.array_equal(known.vectors(rows), np.stack([vector for _, vector in made.values()]))
    for row, (digest, vector) in zip(rows, made.values(), strict=True):
        assert known.unchanged([row], digest)
        assert not known.unchanged([row], digest + "x")
        assert np.array_equal(known.vectors([known.row_of(digest)])[0], vector)
    assert known.rows([key_of("p3", ""), key_of("nobody", "")]) == [-1, -1]
    assert (known.row_of("nothing"), known.unchanged([], "h0")) == (-1, False)
    known.wanted[rows[:5]] = True
    assert sorted(known.unwanted()) == sorted(key_of(id, "") for id in list(made)[5:])
    store.delete("v", "true")
    assert np.array_equal(known.vectors(rows[:3]), np.stack([vector for _, vector in made.values()][:3])), "of the version it knows"


def test_no_table(store: Store) -> None:
    known = Known(store, "v")
    assert (len(known), known.rows(["a", "b"]), known.row_of("h"), list(known.unwanted())) == (0, [-1, -1], -1, [])


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.text(), unique=True, max_size=50))
def test_digests_tell_texts_apart_and_keep_their_sixteen_bytes(texts: list[str]) -> None:
    digests = _digests(texts)
    assert len(np.unique(digests)) == len(texts)
    assert all(len(digest) == 16 for digest in digests)
