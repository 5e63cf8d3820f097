"""`mmsearch suggest`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from mmsearch.errors import EXIT_DONE, EXIT_USAGE

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_completions_line_by_line_as_a_table_and_alone(store: str, mm: Mm) -> None:
    ran = mm("suggest", "ye", "-k", 3)
    assert ran.code == EXIT_DONE
    assert json.loads(ran.lines[0]) == {"text": "yellow", "kind": "title", "products": 6}
    assert len(ran.lines) == 3
    assert mm("suggest", "yellow", "sh", "--format", "ids").out == "yellow shoe\n"
    assert mm("suggest", "kan", "--format", "table").out.split()[-3:] == ["Kandel", "brand", "13"]


def test_a_typing_error_is_told(store: str, mm: Mm) -> None:
    ran = mm("suggest", "yelow", "--format", "ids", "-k", 1)
    assert (ran.out, ran.err) == ("yellow\n", "nothing begins with 'yelow': what is shown begins nearly so\n")
    assert mm("suggest", "yelow", "--quiet").err == ""


def test_nothing_found_is_no_error(store: str, mm: Mm) -> None:
    ran = mm("suggest", "qqqq")
    assert (ran.code, ran.out) == (EXIT_DONE, "")


def test_wrong_usage(store: str, mm: Mm) -> None:
    assert mm("suggest").code == EXIT_USAGE
    assert mm("suggest", "a", "-k", "0").code == EXIT_USAGE
    assert mm("suggest", "a", "--format", "trec").code == EXIT_USAGE
