"""The contract of a feature: something of a product → facts, and the facts of a product's parts → what is filtered by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mmsearch.encoders.base import Items
from mmsearch.store import Store

if TYPE_CHECKING:
    from PIL.Image import Image

#: What a feature may look at. 'title': the product's titles in all languages, as one text. 'text': what the text encoder gets, too.
#: 'review': the title and text of one review. Media: each photo, sound and clip.
SOURCES = ("title", "text", "review", "image", "audio", "video")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing found in one item.

    `score` is a share or a probability (0 to 1) where the feature knows one. `second` and `end` say when in a sound or a clip, `box` where
    on a photo (left, top, right, bottom in shares of its width and height).
    """

    name: str
    value: str | float | bool
    score: float | None = None
    second: float | None = None
    end: float | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The facts of one item of a product. `part` says which: the path of a medium, the key of a review, '' for the product's own texts."""

    part: str
    facts: tuple[Fact, ...]


class Medium:
    """One medium on its way through the features: read once, a photo decoded once, however many features look at it.

    `content` are its bytes, or its path where it is a clip, which may be larger than memory. `go_on` raises
    `mmsearch.encoders.stopping.Stopped` once the run was told to stop: what takes longer than a second or two calls it now and then,
    `prepare` of one item as well as `extract` between two.
    """

    def __init__(self, content: bytes | Path, path: Path, go_on: Callable[[], None] = lambda: None):
        self.content, self.path, self.go_on = content, path, go_on

    @cached_property
    def image(self) -> Image:
        """The photo, upright and RGB, as `mmsearch.media.image.open_image` gives it. Raises MediaError if it is none."""
        from mmsearch.media.image import open_image

        return open_image(self.content)


class Feature(ABC):
    """One kind of fact.

    A subclass takes its parameters as keyword arguments of `__init__` (that is what the spec's values are bound to) and implements
    `fingerprint` and `extract`, and `prepare` and `roll_up` where what stands here does not do.

    One that needs to know the whole catalogue first (its brands) sets `learns` and implements `fit`, `state` and `restore` as an `Encoder`
    does (`mmsearch.encoders.base`): it learns at the first embed, and anew on `mmsearch embed --refit`.
    """

    #: Which sources it looks at.
    sources: ClassVar[tuple[str, ...]]
    #: What is filtered by and shown of a product: fact name → type ('number', 'text', 'bool', 'list'), for every key of `roll_up`.
    #: A name that ends in '*' stands for names that are not known before (aspects): their type.
    names: ClassVar[Mapping[str, str]]
    #: Whether its facts are texts that searches look in. Those with a second are embedded beside the product's own text, a passage each.
    searchable: ClassVar[bool] = False
    #: Items that `extract` gets at a time.
    batch: ClassVar[int] = 32
    learns: ClassVar[bool] = False
    #: As of an `Encoder`: the packages that it imports besides those mmsearch always has, and what it downloads when it is first used.
    packages: ClassVar[tuple[str, ...]] = ()
    download: ClassVar[str] = ""

    @classmethod
    def by_default(cls, store: Store) -> bool:
        """Whether it runs where the user named no features. Asked before every embed where its packages are there: a catalogue grows.

        It must be cheap; one that tells something of people (a voice) is never a default.
        """
        return True

    @abstractmethod
    def fingerprint(self) -> str:
        """Hex digest over everything that decides a fact: name, resolved parameters, models, what was learned. Facts are made anew when it
        changes."""

    def load(self) -> None:  # noqa: B027 - most have nothing to do
        """Load the model now. Called before anything is written; one whose model may turn out damaged raises InputError here."""

    def fit(self, items: Items, store: Store) -> None:
        """Learn from the store's items of its first source, and from what else its tables say (the brands of the catalogue)."""
        raise NotImplementedError(f"{type(self).__name__} learns nothing")

    def state(self) -> bytes:
        """What was learned, whole (`mmsearch.encoders.learned.pack`; never pickle)."""
        raise NotImplementedError(f"{type(self).__name__} learns nothing")

    def restore(self, state: bytes) -> None:
        """Take up what `state` gave. Raises ValueError for a damaged state."""
        raise NotImplementedError(f"{type(self).__name__} learns nothing")

    def behind(self, store: Store) -> str | None:
        """How far the store has gone beyond what was learned, for the user: 'the products … came since'; None where it has not.

        Asked after a run that found something new in a store of which it has learned before; it must be cheap.
        """
        return None

    def prepare(self, item: str | Medium) -> Any:
        """Open one item (a text as it is). Called from several threads, so that decoding runs beside `extract`.

        Raises
        ------
        MediaError : the item cannot be used; the reason is shown to the user.
        """
        return item

    @abstractmethod
    def extract(self, prepared: Sequence[Any]) -> list[list[Fact]]:
        """Prepared items (n) → the facts of each, in order; [] for one in which there is nothing."""

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """All that was found in one product → name → value, with the types of `names`; what it does not say is left out.

        Given: every value of a name that holds a list or a text, the most certain first (a text: the first of them); the mean of numbers.
        """
        values: dict[str, Any] = {}
        facts = sorted((fact for one in found for fact in one.facts), key=lambda fact: -(1.0 if fact.score is None else fact.score))
        for name, kind in self.names.items():
            mine = [fact.value for fact in facts if fact.name == name]
            if not mine:
                continue
            if kind == "number":
                values[name] = sum(map(float, mine)) / len(mine)
            else:
                values[name] = list(dict.fromkeys(map(str, mine))) if kind == "list" else mine[0]
        return values
