"""Sparse matrices of the knowledge graph (scipy, imported when the first one is made)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

#: A `scipy.sparse.csr_array`; its stubs cannot follow what we do with it.
Sparse = Any


def csr(values: ArrayLike, rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]) -> Sparse:
    """A matrix from aligned entries (e,); those of the same place add up."""
    from scipy.sparse import csr_array

    entries = np.asarray(values, np.float32), (np.asarray(rows, np.int64), np.asarray(columns, np.int64))
    made: Sparse = csr_array(entries, shape=shape)
    return made


def as_csr(matrix: Sparse) -> Sparse:
    """Any sparse matrix in rows, float32."""
    from scipy.sparse import csr_array

    made: Any = csr_array
    return made(matrix, dtype=np.float32)


def scaled(matrix: Sparse, *, rows: ArrayLike | None = None, columns: ArrayLike | None = None) -> Sparse:
    """The matrix (n, m) with its rows (n,) and columns (m,) multiplied; what becomes 0 is no entry any more."""
    from scipy.sparse import diags_array

    out: Sparse = matrix
    if rows is not None:
        out = diags_array(np.asarray(rows, np.float32)) @ out
    if columns is not None:
        out = out @ diags_array(np.asarray(columns, np.float32))
    out = as_csr(out)
    out.eliminate_zeros()
    return out


def row_of_each(matrix: Sparse) -> Any:
    """The row of every entry (e,), in the order of `matrix.data`."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
