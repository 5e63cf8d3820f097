"""What a start does not load: seconds of imports that help and a text search have no use for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import small_shop

from mmsearch.shop import Shop

HEAVY = ("torch", "transformers", "sentence_transformers", "open_clip", "librosa", "pandas", "lancedb", "onnxruntime", "scipy")
HEAVY += ("numba", "soundfile", "av", "soxr", "resemblyzer")
FOR_HELP = (*HEAVY, "rich", "numpy", "pyarrow", "lance", "PIL")

_PROGRAM = """
import sys
from mmsearch.cli import run
code = run(sys.argv[1:])
print(*sorted({name if name.startswith("mmsearch.") else name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def loaded(*args: str) -> tuple[str, set[str]]:
    """stdout of the program, and the top-level modules that it had imported at its end, and all of mmsearch."""
    ran = subprocess.run([sys.executable, "-c", _PROGRAM, *args], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, set(ran.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["search", "--help"], ["eval", "run", "--help"]])
def test_help_loads_next_to_nothing(args: list[str]) -> None:
    out, modules = loaded(*args)
    assert "mmsearch" in out
    assert "mmsearch" in modules
    assert not modules & set(FOR_HELP)


@pytest.mark.models
def test_a_text_search_loads_no_deep_learning_and_no_lancedb(tmp_path: Path) -> None:
    rows = [{"id": str(n), "title": title} for n, title in enumerate(("red running shoes", "electric kettle", "desk lamp"))]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="usem")
    out, modules = loaded("search", "红色跑步鞋", "-k", "1", "--format", "ids", "--store", shop.store.path)
    assert out == "0\n"
    assert "lance" in modules
    assert not modules & {*HEAVY, "rich"}
    unasked = ("mmsearch.recommend.", "mmsearch.search.rerank.personal", "mmsearch.search.rerank.season", "mmsearch.search.rerank.mood")
    assert not [name for name in modules if name.startswith((*unasked, "mmsearch.search.rerank.shoppers"))], "nobody said who asks"


def test_a_suggestion_loads_no_model_and_no_pinyin(store: str) -> None:
    for prefix, found in (("kan", "Kandel\n"), ("yelow sh", "yellow shoe\n")):
        out, modules = loaded("suggest", prefix, "--format", "ids", "-k", "1", "--quiet", "--store", store)
        assert out == found
        assert "lance" in modules
        assert not modules & {*HEAVY, "rich", "pypinyin", "jieba", "PIL"}


def test_a_recommendation_loads_no_deep_learning_and_no_lancedb(store: str) -> None:
    out, modules = loaded("recommend", "--user", "red-fan0", "-k", "1", "--format", "ids", "--store", store)
    assert out == "red-chair\n"
    assert "lance" in modules
    assert not modules & ({*HEAVY, "rich", "PIL"} - {"scipy"})
