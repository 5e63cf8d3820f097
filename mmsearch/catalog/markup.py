"""HTML in the cells of a feed: tags, comments and entities out, what a reader would see stays."""

from __future__ import annotations

import html
import re
from html.entities import html5

#: What may be markup at all: an entity with its semicolon, or `<` before a letter, `/`, `!` or `?`.
MARKUP = re.compile(r"&(?:#[0-9xX]|[A-Za-z][A-Za-z0-9]{1,31};)|<[A-Za-z/!?]")

_ELEMENTS = (
    "a|abbr|acronym|address|applet|area|article|aside|audio|b|base|basefont|bdi|bdo|big|blink|blockquote|body|br|button|canvas|caption|"
    "center|cite|code|col|colgroup|data|datalist|dd|del|details|dfn|dialog|dir|div|dl|dt|em|embed|fieldset|figcaption|figure|font|footer|"
    "form|frame|frameset|h[1-6]|head|header|hgroup|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|main|map|mark|marquee|menu|meta|"
    "meter|nav|nobr|noframes|noscript|object|ol|optgroup|option|output|p|param|path|picture|pre|progress|q|rp|rt|ruby|s|samp|script|section|"
    "select|slot|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|"
    "track|tt|u|ul|var|video|wbr|[a-z][a-z0-9]*[:-][a-z][a-z0-9:-]*"  # and names of XML and of web components: o:p, my-box
)
# A tag stands alone (`<b>`) or has an attribute with a value: `x<b and c>d` compares. No alternative runs past a `<`, and the
# possessive quantifiers never go back, so a hostile cell costs time in proportion to its length.
_TAG = re.compile(
    rf"""</?(?:{_ELEMENTS})(?:\s*+/?>|[\s/]++(?:[^<>"'=]++=(?>"[^"<]*+"|'[^'<]*+'|[^<>"'\s=]*+)\s*+)++/?>|\s[^<>=]*+=[^<>]*+>)""",
    re.IGNORECASE,
)
_UNSEEN = re.compile(r"<(/?)(script|style)\b[^<>]*+>", re.IGNORECASE)
_DECLARATION = re.compile(r"<!doctype\b[^<>]*+>|<\?xml\b[^<>]*+>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_AGAIN = re.compile(r"&(?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)+")
_INSIDE_A_WORD = re.compile(r"</?(?:sub|sup|wbr)\b", re.IGNORECASE)


def without_markup(text: str) -> str:
    """One pass: entities decoded, comments and the contents of `<script>` and `<style>` dropped, tags replaced by a space.

    An entity escaped several times is decoded in one go. Entities need their semicolon: `?a=1&copy=2` is an address. `a < b`,
    `5<6` and `<3` are no tags. `<sub>`, `<sup>` and `<wbr>` stand inside a
    word (`H<sub>2</sub>O`) and leave no space.

    >>> without_markup("Soft<br>shoe &amp;amp; <b>lace</b>, 5<6")
    'Soft shoe & lace, 5<6'
    """
    if "&" in text:
        text = _ENTITY.sub(_character, _ESCAPED_AGAIN.sub("&amp;", text))
    if "<" not in text:
        return text
    if "<![CDATA[" in text:
        text = text.replace("<![CDATA[", " ").replace("]]>", " ")
    return _TAG.sub(_gap, _DECLARATION.sub(" ", _without_scripts(_without_comments(text))))


def _character(found: re.Match[str]) -> str:
    entity = found.group()
    return html.unescape(entity) if entity[1] == "#" else html5.get(entity[1:], entity)


def _gap(found: re.Match[str]) -> str:
    return "" if _INSIDE_A_WORD.match(found.group()) else " "


def _without_comments(text: str) -> str:
    """`<!-- … -->` dropped; one that never ends is no comment."""
    kept, done = [], 0
    while (start := text.find("<!--", done)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept += [text[done:start], " "]
        done = end + 3
    return "".join([*kept, text[done:]])


def _without_scripts(text: str) -> str:
    """The contents of `<script>` and `<style>` dropped; where the end is missing only the tag goes, by `_TAG`."""
    kept, done, opened, name = [], 0, -1, ""
    for found in _UNSEEN.finditer(text):
        closing, element = found.group(1), found.group(2).lower()
        if opened < 0 and not closing:
            opened, name = found.start(), element
        elif opened >= 0 and closing and element == name:
            kept += [text[done:opened], " "]
            done, opened = found.end(), -1
    return "".join([*kept, text[done:]])
