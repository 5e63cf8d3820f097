"""What makes the answer to a query less than it seems, for a person to read."""

from __future__ import annotations

from mmsearch.search.query import Query

_SHOWN = 40  # characters of a text in a note


def doubts(query: Query, *, words: bool) -> list[str]:
    """Texts without a letter or a number, and a store without `words` to look for.

    >>> from mmsearch.search.query import make_query
    >>> doubts(make_query(["?!"]), words=True)
    ["'?!' has neither letters nor numbers: whatever is shown is near it by chance"]
    """
    looked_for = [part for part in query.parts if part.kind == "text" and part.weight > 0 and not part.path]
    nothing = [part.quoted() for part in looked_for if not any(map(str.isalnum, part.content))]
    notes = [
        f"'{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}' has neither letters nor numbers: whatever is shown is near it by chance"
        for text in dict.fromkeys(nothing)
    ]
    if not words and looked_for and query.within in (None, "text") and not query.weights:
        notes.append(
            "the store has no table of words (an older mmsearch made none): texts are met by vectors alone; mmsearch embed makes it"
        )
    return notes
