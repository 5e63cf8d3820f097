"""One page that people open in a browser: one file, no script, nothing from a network.

Whatever comes from the shop or from a query (titles, ids, paths) is text, and is escaped by `text` and nowhere else. A policy in the page's
head forbids the browser to load or run anything, should some text ever get through.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

_CHINESE = re.compile("[\u3400-\u9fff]")
_OTHER_EAST_ASIAN = re.compile("[\u3040-\u30ff\uac00-\ud7af]")  # kana, hangul: Chinese characters may stand among them
_JOINERS = "\u200c\u200d"  # of emoji and of Persian: they change the shape of letters, not their order


def document(title: str, body: str, style: str = "") -> str:
    """A whole page: readable on a phone, light or dark as the browser is set.

    Parameters
    ----------
    title : as text. body : HTML between header and end, its landmarks included. style : CSS beside that of every page.
    """
    return f"{_HEAD.replace('{title}', text(title)).replace('{style}', style)}\n{body}\n</body></html>\n"


def text(value: str) -> str:
    """Text as HTML. Control characters and directions that would turn the text around them are shown as what they are."""
    return escape("".join(c if c.isprintable() or c == "\n" or c in _JOINERS else f"\\u{ord(c):04x}" for c in value), quote=True)


def spoken_as(value: str) -> str:
    """The attribute that lets a screen reader and a font choose the language of a text from the shop; '' where it is that of the page.

    >>> spoken_as("跑步鞋"), spoken_as("shoe")
    (' lang=zh', '')
    """
    return " lang=zh" if _CHINESE.search(value) and not _OTHER_EAST_ASIAN.search(value) else ""


def store_name(path: str) -> str:
    """What a page says of its store: the name of the folder alone. Pages are mailed, and where the folder lies is nobody else's business.

    >>> store_name("/home/ada/shops/shoes.lancedb"), store_name("s3://bucket/shoes.lancedb/")
    ('shoes.lancedb', 'shoes.lancedb')
    """
    return Path(path).resolve().name


def paragraphs(lines: list[str], kind: str) -> str:
    """Lines that are not empty as paragraphs of a class."""
    return "\n".join(f"<p class={kind}>{text(line)}</p>" for line in lines if line)


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root { --back: #f5f5f3; --card: #fff; --line: #dddcd7; --ink: #1d1d1b; --soft: #63625c; --mark: #b3421e; --bar: #e6e4de; --code: #efeee9 }
:root { --focus: #1f5fa8 }
@media (prefers-color-scheme: dark) {
  :root { --back: #161615; --card: #21211f; --line: #3a3a36; --ink: #ecebe6; --soft: #a3a29a; --mark: #f0805a }
  :root { --bar: #38372f; --code: #2c2c28; --focus: #7db4ee }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.45 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif }
main { max-width: 1500px; margin: 0 auto; padding: 20px clamp(12px, 3vw, 32px) 60px }
h1 { font-size: 1.5rem; margin: 0 0 .4rem } h2 { font-size: 1.2rem; margin: 2.2rem 0 .2rem } h3 { font-size: .95rem; margin: 0 0 .5rem }
.intro, .none { color: var(--soft); margin: .2rem 0; max-width: 75ch }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: .8rem 0; border-block: 1px solid var(--line); padding: .5rem 0 }
a { color: inherit }
.hidden { position: absolute; width: 1px; height: 1px; clip-path: inset(50%); overflow: hidden; white-space: nowrap }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px }
{style}</style></head><body>"""
