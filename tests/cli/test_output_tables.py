"""Tables for people, in a pipe."""

from __future__ import annotations

import pytest

from mmsearch.cli.output import table


@pytest.mark.parametrize("title", ["LAMP-13 (place 6) beside the last one shown, LAMP-15 (place 3)", "word " * 60 + "end"])
def test_a_title_is_one_line_however_narrow_the_table_is(capsys: pytest.CaptureFixture[str], title: str) -> None:
    table([{"part": "text", "LAMP-13": 0.5}], title=title)
    assert capsys.readouterr().out.splitlines()[0] == title
