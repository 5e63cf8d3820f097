"""The pages in headless Chromium: they load without a complaint, ask no network for anything, and show their pictures in both themes."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest
import small_shop
from browser import chromium, opened, shot
from page_tree import Tree

from mmsearch.search.query import make_query
from mmsearch.web.consistency_page import consistency_page
from mmsearch.web.search_page import search_page

RED = small_shop.COLOURS["red"]
POLICY = '<meta http-equiv="Content-Security-Policy"'


@pytest.fixture(scope="module", autouse=True)
def _chromium() -> None:
    chromium()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    shop = small_shop.make(folder, events=False)
    one = {"": make_query(["red", "x" * 300], image=[str(folder / "photos" / "red-shoe.png")], not_text=["hat"])}
    many = {"q1": make_query(["red shoe"]), "q2": make_query(["blue"], where="price < 0")}
    return {
        "one": search_page(shop, one, shop.search_many(one, k=8), explain=True).html,
        "many": search_page(shop, many, shop.search_many(many, k=4)).html,
        "check": consistency_page(shop, shop.check_consistency(k=4)),
    }


@pytest.mark.parametrize(("name", "policy"), [("one", True), ("one", False), ("many", False), ("check", False)])
def test_it_loads_and_asks_for_nothing(pages: dict[str, str], name: str, policy: bool, tmp_path: Path) -> None:
    page = pages[name]
    if not policy:  # there is nothing for it to hold back
        start = page.index(POLICY)
        page = page[:start] + page[page.index(">", start) + 1 :]
    file = tmp_path / "page.html"
    file.write_text(page, encoding="utf-8")
    seen = opened(file, tmp_path / "profile")
    assert seen.console == []
    assert seen.asked == []
    assert seen.dom.count("<img") == page.count("<img") > 0
    tree = Tree(seen.dom.replace("<!DOCTYPE html>", "").strip())
    assert tree.open == [], "the browser's own parser agrees with ours"
    assert [tag for tag, _ in tree.tags].count("h1") == 1
    assert "".join(tree.texts).strip()
    assert len(tree.all("title")) == 1
    assert all(image.get("alt") for image in tree.all("img"))


def test_a_page_that_does_complain_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text("<!doctype html><title>x</title><img src='http://shop.example/a.png'><script>nothing()</script>")
    seen = opened(file, tmp_path / "profile")
    assert any("nothing is not defined" in line for line in seen.console)
    assert any("http://shop.example/a.png" in line for line in seen.asked)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (500, True)], ids=["light", "dark"])
def test_pictures_are_seen_in_both_themes(pages: dict[str, str], width: int, dark: bool, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(pages["one"], encoding="utf-8")
    seen = shot(file, tmp_path / "profile", (width, 900), dark=dark)
    assert seen.getpixel((1, 1)) == ((0x16, 0x16, 0x15) if dark else (0xF5, 0xF5, 0xF3))
    near = [count for count, pixel in seen.getcolors(1 << 24) or [] if max(abs(a - b) for a, b in zip(pixel, RED, strict=True)) < 12]
    assert sum(near) > 2_000, "the photo of the red shoe"


@pytest.mark.parametrize(("name", "width"), [("one", 320), ("many", 800)])
def test_nothing_is_wider_than_the_screen(pages: dict[str, str], name: str, width: int, tmp_path: Path) -> None:
    """Nor longer words than it: nobody scrolls sideways."""
    page = pages[name].replace("Red shoe", "Red" * 100)
    assert _sideways(page, width, tmp_path) == 0
    wide = page.replace("<main>", f"<main><p style='width:{width + 100}px'>wide</p>")
    assert name == "many" or _sideways(wide, width, tmp_path) > 50, "else this shows nothing"


def _sideways(page: str, width: int, folder: Path) -> int:
    """Pixels that a page has to be scrolled sideways on a screen of a width."""
    found = "const e = document.getElementById('f').contentDocument.documentElement; document.title = e.scrollWidth - e.clientWidth"
    frame = f'<!doctype html><title></title><iframe id=f style="border:0;width:{width}px;height:700px" srcdoc="{escape(page)}"></iframe>'
    (folder / "frame.html").write_text(f"{frame}<script>onload = () => {{ {found} }}</script>", encoding="utf-8")
    return int(opened(folder / "frame.html", folder / "profile").dom.partition("<title>")[2].partition("<")[0])
