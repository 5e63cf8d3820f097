"""`eval recommend`, where the vectors may know what is to be foreseen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import small_shop
from typer.testing import CliRunner

from mmsearch.cli import app
from mmsearch.fusion import FUSERS
from mmsearch.fusion.knowledge import Knowledge
from mmsearch.shop import Shop


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    FUSERS.register("knowledge", Knowledge)  # the name that our own package declares
    yield
    FUSERS.unregister("knowledge")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return small_shop.make(tmp_path_factory.mktemp("compare"), fuse=False)


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ("knowledge(alpha=.5)", True),
        ("knowledge(alpha=.5, bought=0)", False),
        ("knowledge(alpha=0)", False),
        ("gated(supervision=together, rounds=1)", True),
        ("concat", False),
    ],
)
def test_vectors_that_have_seen_the_held_out_events_are_told(shop: Shop, spec: str, warned: bool) -> None:
    shop.fuse(spec, name="measured", replace=True)
    content, popular = shop.evaluate_recommend(["content", "popular"], ["HR@5"])
    assert ("held-out events among them" in content.get("warning", "")) == warned and "warning" not in popular


def test_the_command_line_says_so(shop: Shop, tmp_path: Path) -> None:
    shop.fuse("knowledge(alpha=.5)", name="measured", replace=True)
    run = CliRunner().invoke(app, ["--store", str(shop.store.path), "eval", "recommend", "--method", "content", "--metric", "HR@5"])
    assert run.exit_code == 0 and "the figure is too good" in run.stderr
