"""The kinds of errors: exit codes, the pointer under the place, what to install, what was meant."""

from __future__ import annotations

import pytest

from mmsearch.errors import (
    GateFailed,
    InputError,
    MissingPackage,
    MMSearchError,
    ParseError,
    StoreError,
    UsageError,
    did_you_mean,
    pip_name,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MMSearchError("x"), 1),
        (InputError("x"), 1),
        (StoreError("x"), 1),
        (MissingPackage("the thing", "PIL"), 1),
        (UsageError("x"), 2),
        (ParseError("bad spec", "text", 0, "x"), 2),
        (GateFailed("x"), 4),
    ],
)
def test_each_kind_knows_its_exit_code(error: MMSearchError, code: int) -> None:
    assert error.exit_code == code


def test_the_hint_is_a_line_of_its_own() -> None:
    assert str(UsageError("wrong", hint="do this")) == "wrong\ndo this"
    assert str(UsageError("wrong")) == "wrong"


@pytest.mark.parametrize(
    ("text", "position", "shown"),
    [
        ("abc def", 4, ["abc def", "    ^"]),
        ("abc", 3, ["abc", "   ^"]),
        ("abc", 99, ["abc", "   ^"]),
        ("abc", -1, ["abc", "^"]),
        ("", 0, ["", "^"]),
        ("红色 x", 3, ["红色 x", "     ^"]),  # a Chinese character is two columns wide
        ("e\u0301 x", 3, ["e\u0301 x", "  ^"]),  # an accent of its own takes no column
        ("a\nb\tc\r\x1b[31md", 9, ["a b c  [31md", "         ^"]),  # nothing that moves the cursor or colours the terminal
    ],
)
def test_the_pointer_stands_under_the_place(text: str, position: int, shown: list[str]) -> None:
    lines = ParseError("bad filter", text, position, "no").message.split("\n")
    assert lines == ["bad filter: no", *(f"  {line}" for line in shown)]


def test_a_long_text_is_shown_around_the_place_only() -> None:
    text = "a" * 500 + "!" + "b" * 500
    _, shown, pointer = ParseError("bad spec", text, 500, "no").message.split("\n")
    assert shown == "  …" + "a" * 60 + "!" + "b" * 29
    assert pointer.index("^") == shown.index("!")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("PIL.Image", "pillow"),
        ("lance", "pylance"),
        ("open_clip", "open-clip-torch"),
        ("some_thing.inner", "some-thing"),
        ("jieba", "jieba"),
    ],
)
def test_what_to_install(module: str, name: str) -> None:
    assert pip_name(module) == name
    assert MissingPackage("the thing", module).hint == f"pip install {name}"


def test_did_you_mean() -> None:
    assert did_you_mean("usm", ["usem", "efficientnet"]) == "; did you mean usem?"
    assert did_you_mean("xyz", ["usem", "efficientnet"]) == ""
    assert did_you_mean("usem", []) == ""
