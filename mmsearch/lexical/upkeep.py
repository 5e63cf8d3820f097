"""Everything that is looked up letter by letter, brought up to date after an embed."""

from __future__ import annotations

from mmsearch.lexical.completions import refresh_completions
from mmsearch.lexical.table import refresh_words
from mmsearch.store import Store


def refresh_lexical(store: Store) -> None:
    """The words of products and their vocabulary, and what is completed. Raises StoreError."""
    with store.writing("embed"):
        refresh_words(store)
        refresh_completions(store)
