"""Words, stop words and parts of speech."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog import segment
from mmsearch.catalog.segment import dictionary_tags, stop_words, tagged, words


def test_the_examples_in_the_documentation() -> None:
    outcome = doctest.testmod(segment)
    assert outcome.failed == 0
    assert outcome.attempted >= 3


def test_chinese_words_know_the_shop() -> None:
    assert words("顺丰包邮 男士透气跑步鞋, Nike Air 42码") == ["顺丰包邮", "男士", "透气", "跑步鞋", "Nike", "Air", "42", "码"]
    assert words("化妆水400ml", "zh") == ["化妆水", "400ml"]


def test_words_of_other_languages_stand_between_marks() -> None:
    assert words("Sac à main -- l'été (40 cm)", "fr") == ["Sac", "à", "main", "l'été", "40", "cm"]
    assert words(" ,. ") == []


def test_chinese_parts_of_speech() -> None:
    tags = dict(tagged("无印良品 MUJI 的保湿化妆水 400 很好, 收到"))
    assert tags["化妆水"] == "noun"
    assert tags["MUJI"] == "foreign"
    assert tags["400"] == "number"
    assert tags["的"] == "other"
    assert tags["收到"] == "verb"


def test_english_parts_of_speech() -> None:
    tags = dict(tagged("The new Nike shoes arrived quickly and are comfortable. Sole 3.5 cm"))
    assert tags == {
        "The": "other",
        "new": "adjective",
        "Nike": "name",
        "shoes": "noun",
        "arrived": "verb",
        "quickly": "other",
        "and": "other",
        "are": "verb",
        "comfortable": "adjective",
        "Sole": "noun",
        "3.5": "number",
        "cm": "noun",
    }


def test_stop_words() -> None:
    assert {"the", "and"} <= stop_words("en")
    assert {"的", "了"} <= stop_words("zh")
    assert stop_words("fr") == frozenset()


def test_jieba_is_quiet_and_writes_into_our_home_only(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = os.environ | {"MMSEARCH_HOME": str(tmp_path / "home"), "TMPDIR": str(temporary)}
    script = "import sys, mmsearch.catalog.segment as s; assert 'jieba' not in sys.modules; s.words('跑步鞋'); s.tagged('跑步鞋')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list((tmp_path / "home" / "jieba").iterdir())) == 1
    assert list(temporary.iterdir()) == []


@settings(max_examples=100, derandomize=True)
@given(st.text("跑步鞋 ab1,.'的、-", max_size=20))
def test_words_are_pieces_of_the_text_in_order(text: str) -> None:
    at = 0
    for word in words(text):
        at = text.index(word, at) + len(word)
    assert [pair.word for pair in tagged(text, "en")] == words(text, "en")


def test_the_dictionary_tells_the_part_of_speech_of_single_words():
    assert dictionary_tags(["电池", "漂亮", "的", "跑步鞋", "zzz", "3.5", "屏幕"]) == [
        "noun", "adjective", "other", "noun", "foreign", "number", "noun",
    ]  # fmt: skip
