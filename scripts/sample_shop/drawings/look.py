"""What distinguishes two things of one kind in a picture."""

from __future__ import annotations

from dataclasses import dataclass

from sample_shop.canvas import RGB

#: The shop's colour words and how they look.
COLOURS: dict[str, RGB] = {
    "red": (200, 38, 42),
    "orange": (236, 122, 36),
    "yellow": (244, 200, 48),
    "green": (58, 138, 74),
    "blue": (38, 92, 190),
    "navy": (34, 46, 84),
    "purple": (120, 70, 160),
    "pink": (238, 140, 170),
    "brown": (126, 80, 48),
    "beige": (218, 196, 160),
    "black": (44, 44, 48),
    "grey": (140, 144, 150),
    "silver": (190, 194, 200),
    "gold": (208, 168, 82),
    "white": (242, 241, 236),
}


@dataclass(frozen=True)
class Look:
    """Main colour, second colour, pattern or print (each kind of thing knows its own) and build."""

    colour: str
    second: str = "white"
    pattern: str = ""
    motif: str = ""
    build: str = ""

    @property
    def main(self) -> RGB:
        return COLOURS[self.colour]

    @property
    def accent(self) -> RGB:
        return COLOURS[self.second]
