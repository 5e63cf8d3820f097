"""The page of cards: whatever the shop says is text, and the page needs nothing but itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from page_tree import HOSTILE, Tree

from mmsearch.web.card import Card
from mmsearch.web.gallery import Row, Section, gallery

ANYTHING = st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE), st.lists(st.sampled_from(HOSTILE)).map("".join))


def page(text: str, picture: str | None = None) -> str:
    card = Card(text, text, picture, text, text, [(text, text)], 0.5, True)
    return gallery(text, [text], [Section(text, text, [Row([card, card], text)]), Section(text, text, [], text, wide=True)])


@given(ANYTHING)
def test_what_a_shop_says_adds_no_tag_and_no_attribute(text: str) -> None:
    mine, plain = Tree(page(text)), Tree(page("plain"))
    assert mine.open == []
    empty = not text
    if not empty:
        in_chinese = [
            (tag, {name: value for name, value in attributes.items() if (name, value) != ("lang", "zh")}) for tag, attributes in mine.tags
        ]
        assert in_chinese == plain.tags
    assert {tag for tag, _ in mine.tags}.isdisjoint({"script", "iframe", "object", "link", "form"})
    assert not any(name.startswith("on") for _, attributes in mine.tags for name in attributes)


@given(ANYTHING)
def test_it_is_shown_as_it_is(text: str) -> None:
    shown = "".join(c if c.isprintable() or c in "\n\u200c\u200d" else f"\\u{ord(c):04x}" for c in text)
    whole = "".join(Tree(page(text)).texts)
    assert shown in whole


def test_pictures_are_data_and_nothing_else() -> None:
    good = "data:image/jpeg;base64,AAAA"
    images = [attributes for tag, attributes in Tree(page("a", good)).tags if tag == "img"]
    assert [image["src"] for image in images] == [good, good]
    assert all(image["loading"] == "lazy" and image["alt"] == "a" for image in images)
    for bad in ("https://shop.example/a.jpg", "javascript:alert(1)", "data:text/html;base64,AAAA", 'data:image/jpeg;base64,A" onload="x'):
        mine = Tree(page("a", bad))
        assert not any("onload" in attributes for _, attributes in mine.tags)
        assert all(str(attributes["src"]).startswith("data:image/jpeg;base64,") for tag, attributes in mine.tags if tag == "img")


def test_the_page_loads_nothing_and_says_so_to_the_browser() -> None:
    text = page("a", "data:image/jpeg;base64,AAAA")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert "http://" not in text and "https://" not in text and "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text


def test_what_there_is_none_of() -> None:
    text = gallery("t", ["", "line"], [Section("s", "i", [], "Nothing here.")])
    assert "Nothing here." in text and "<nav>" not in text and text.count("<p") == 3
    assert "<em>no title</em>" in gallery("t", [], [Section("s", "", [Row([Card("id", "")])])])
    assert "class=picture" not in gallery("t", [], [Section("s", "", [Row([Card("id", "x")])])])
    assert "<span>gone</span>" in gallery("t", [], [Section("s", "", [Row([Card("id", "x", missing="gone")])])])
