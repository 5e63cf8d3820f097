"""A page of HTML as its tags and texts, for tests of what people open in a browser."""

from __future__ import annotations

import html.parser

VOID = {"meta", "img"}


class Tree(html.parser.HTMLParser):
    """The tags of a page with their attributes, and its text. Every tag that is opened must be closed, in order."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every tag of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]

    def shape(self) -> list[tuple[str, dict[str, str | None]]]:
        """The tags without the mark of Chinese text and without what a picture or a bar reads out, which differ from text to text."""
        return [
            (tag, {n: v for n, v in attributes.items() if n not in ("alt", "aria-label") and (n, v) != ("lang", "zh")})
            for tag, attributes in self.tags
        ]


#: Texts that would become tags, attributes or another order of letters, were they not escaped.
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='x",
    "</style>",
    "<!--",
    "]]>",
    "javascript:x",
    "&lt;",
    "\u202e",
    "حذاء أحمر",
    "👩\u200d👧 shoes 🎉",
    "跑步鞋",
]
