"""A fresh process: --help and a first text search, beside a bare Python that imports lance and searches the same vectors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.data import shop_of
from bench.timing import paired, shown

_BARE = """
import sys, lance, numpy as np
table = lance.dataset(sys.argv[1])
table.to_table(columns=["id", "_distance"], nearest={"column": "vector", "q": np.ones(512, np.float32), "k": 10, "metric": "dot"})
"""


def measure() -> Iterator[str]:
    def run(*args: str) -> None:
        subprocess.run([sys.executable, *args], check=True, capture_output=True)

    a, b, ratio = paired(lambda: run("-m", "mmsearch", "--help"), lambda: run("-c", "import typer"), 7)
    yield f"--help {shown(a)}; python importing typer {shown(b)}; ratio {ratio:.2f}"
    with shop_of(10_000) as shop:
        table = f"{shop.store.path}/{(shop.store.record.get('encoder/text') or {})['table']}.lance"
        search = ("-m", "mmsearch", "--store", shop.store.path, "search", "red running shoes", "--format", "ids")
        a, b, ratio = paired(lambda: run(*search), lambda: run("-c", _BARE, table), 7)
    yield f"first text search, 10,000 products {shown(a)}; python importing lance and searching {shown(b)}; ratio {ratio:.2f}"
