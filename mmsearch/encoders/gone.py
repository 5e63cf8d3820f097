"""What is gone from the catalogue goes from the tables that were made of it."""

from __future__ import annotations

import itertools
import math

from mmsearch.encoders.known import Known
from mmsearch.store import Store
from mmsearch.store.where import id_list

_DELETE = 1_000  # keys a delete
_FEW_LOST = 20  # media that cannot be read any more: fewer are no sign of a folder that is not there


def remove_gone(store: Store, table: str, known: Known, files: str, made: str, notes: list[str]) -> list[str]:
    """Remove the rows of what is gone, and of a photo that cannot be used any more: that of what it once was would answer for it.

    Parameters
    ----------
    files, made : for the note that is added where so many files cannot be read any more that they are kept: 'image files', 'vectors'.

    Returns
    -------
    The keys that were removed.
    """
    lost = int(known.lost.sum())
    if lost >= _FEW_LOST and lost > len(known) / 2:  # as for a catalogue that shrinks to less than half: rather a disk that is not there
        known.wanted |= known.lost
        notes.append(f"{lost:,} {files} cannot be read any more; their {made} are kept: is their folder there?")
    gone = known.unwanted()
    removed: list[str] = []
    while keys := list(itertools.islice(gone, _DELETE)):
        with store.writing("embed", patience=math.inf):
            store.delete(table, id_list("key", keys))
        removed += keys
    return removed
