"""Which piece of a medium a vector is of: `clip.wav@12.0` is twelve seconds into clip.wav.

A medium of one piece is named by its path alone. What stands behind the last `@` is a second only where it has exactly one decimal
place; a path that ends like that itself (`take@2.0`) always gets its second, so that every name reads back as what it was made of.
"""

from __future__ import annotations

import re

_MOMENT = re.compile(r"(?s)(.*)@(\d+\.\d)")


def moment_part(path: str, second: float) -> str:
    """The `part` of a piece that begins at a second of a medium.

    >>> moment_part("clip.wav", 12), moment_part("clip.wav", 0), moment_part("me@home.wav", 0), moment_part("take@2.0", 0)
    ('clip.wav@12.0', 'clip.wav', 'me@home.wav', 'take@2.0@0.0')
    """
    return path if second < 0.05 and not _MOMENT.fullmatch(path) else f"{path}@{second:.1f}"


def moment_of(part: str) -> tuple[str, float]:
    """A `part` → the medium's path and the second, which is 0 for one of a single piece.

    >>> moment_of("clip.wav@12.0"), moment_of("clip.wav"), moment_of("me@home.wav")
    (('clip.wav', 12.0), ('clip.wav', 0.0), ('me@home.wav', 0.0))
    """
    found = _MOMENT.fullmatch(part)
    return (found[1], float(found[2])) if found else (part, 0.0)
