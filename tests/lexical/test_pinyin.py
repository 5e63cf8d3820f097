"""How Chinese is typed in Latin letters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mmsearch.lexical.pinyin import sounds


def test_sounds_follow_the_word() -> None:
    assert sounds("重庆") == ["chong", "qing"]
    assert sounds("重量") == ["zhong", "liang"]
    assert sounds("绿色") == ["lv", "se"]
    assert sounds("usb数据线") == ["u", "s", "b", "shu", "ju", "xian"]
    assert sounds("lamp") is None


@given(st.text(st.sampled_from("跑步鞋绿长abc1é𠀀㐀 "), max_size=20))
def test_each_character_has_one(text: str) -> None:
    found = sounds(text)
    assert found is None or len(found) == len(text)
    assert found is None or all(found)
