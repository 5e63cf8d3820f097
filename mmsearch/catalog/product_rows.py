"""Rows of a catalogue → products. What a column means is decided once a column; a row then only runs the steps of its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from mmsearch.catalog.aliases import TEXTS
from mmsearch.catalog.clean import Cleaner, parse_time, plain_number
from mmsearch.catalog.media_check import MediaCheck
from mmsearch.catalog.problems import Problem, shown
from mmsearch.catalog.records import MEDIA_FIELDS, OURS, Product, as_text, is_empty
from mmsearch.store.attributes import CORE

_LONGEST_ITEM = 40  # characters of an item of a list in a cell
LONGEST_QUANTITY = 40  # characters of a text that may be one
_MAX_DIGITS = 10**15  # above, a JSON number is a code, and a float would round it
_MEMO = 10_000  # different values of a column that are remembered: colours and brands, not titles
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")

Step = Callable[[Product, Any], None]
Typed = tuple[str, Any]  # (type, value) of an attribute


class ProductRows:
    """Turns the rows of one source into products.

    Parameters
    ----------
    mapping : field → the columns that hold it, from `columns.map_columns`; may grow between rows (`remap`).
    languages : column → (field, language) of texts in several languages, from `columns.language_columns`.
    media : checks photos, sounds and clips.
    cleaner : cleans texts and counts by rule what it changed.
    reserved : names that no attribute may take.
    """

    def __init__(
        self,
        mapping: Mapping[str, tuple[str, ...]],
        languages: Mapping[str, tuple[str, str]],
        media: MediaCheck,
        cleaner: Cleaner,
        reserved: Collection[str] = CORE,
    ):
        self._media, self._cleaner, self._reserved = media, cleaner, reserved
        self._texts = {
            "currency": self._currency,
            "brand": self._text,
            "category": self._category,
            "parent": self._text,
        }
        self.remap(mapping, languages)

    def remap(self, mapping: Mapping[str, tuple[str, ...]], languages: Mapping[str, tuple[str, str]]) -> None:
        """Take a new meaning of the columns: JSON rows may be the first to have one far down in a file."""
        self._languages = dict(languages)
        self._fields: dict[str, list[str]] = {}
        for name, columns in mapping.items():
            for column in columns:
                self._fields.setdefault(column, []).append(name)
        self._steps: dict[bool, dict[str, Step]] = {True: {}, False: {}}
        self._nested: dict[str, Step] = {}

    def product(self, id: str, values: Mapping[str, Any], *, typed: bool, folder: str) -> Product:
        """One row as a product; what is wrong with a field costs that field and is noted in `problems`.

        Parameters
        ----------
        id : cleaned already. typed : whether the values have types (JSON) or are cells of text. folder : where media paths start.
        """
        product = Product(id, folder)
        steps = self._steps[typed]
        for column, value in values.items():
            step = steps.get(column)
            if step is None:
                step = steps[column] = self._step(column, typed)
            step(product, value)
        if product.cleared and product.attributes:  # several columns may speak of one attribute: what one says counts
            product.cleared = [name for name in product.cleared if name not in product.attributes]
        return product

    # -- what a column means ---------------------------------------------------------------------------------------

    def _step(self, column: str, typed: bool) -> Step:
        if column in OURS:
            return _nothing
        if column in self._fields:
            steps = [self._field(name) for name in self._fields[column] if name != "id"]
            return steps[0] if len(steps) == 1 else _each(steps)
        language = self._languages.get(column)
        # `--map price=sale_price` leaves the column `price` over: an attribute must not take a field's name.
        label = "_".join(language) if language else self._cleaner.text(column)
        if label in self._reserved:
            label = f"original_{label}"
        return _nothing if not label else self._language(label, *language) if language else self._attribute(label, typed)

    def _field(self, name: str) -> Step:
        if name in MEDIA_FIELDS:
            return lambda product, value: self._media.add(product, name, value)
        if name in ("title", "description"):  # hardly a value comes twice
            text = self._cleaner.text

            def plain(product: Product, value: Any) -> None:
                found = (text(value) or None) if type(value) is str else self._text(product, name, value)
                if found is not None or name not in product.fields:  # the title in a language stands in for an empty one
                    product.fields[name] = found

            return plain
        if name in self._texts:
            clean, memo = self._texts[name], dict[str, str | None]()

            def repeated(product: Product, value: Any) -> None:
                if type(value) is not str or len(value) > _LONGEST_ITEM:
                    text = clean(product, name, value)
                elif value in memo:
                    text = memo[value]
                else:  # brands and categories come again and again
                    if len(memo) >= _MEMO:
                        memo.clear()
                    text = memo[value] = clean(product, name, value)
                # An empty currency does not take away the one that stands with the price.
                if text is not None or name != "currency" or name not in product.fields:
                    product.fields[name] = text

            return repeated
        return {"price": self._price, "stock": _stock}[name]

    def _text(self, product: Product, name: str, value: Any) -> str | None:
        if type(value) is str:
            return self._cleaner.text(value) or None
        if value is None and name in TEXTS:  # null, where an object of languages may have stood; an empty cell of CSV is ''
            product.whole += (name,)
        if is_empty(value):
            return None
        if isinstance(value, dict):
            return self._languages_of(product, name, value)
        text = ", ".join(as_text(v) for v in value if v is not None) if isinstance(value, list) else as_text(value)
        return self._cleaner.text(text) or None

    def _category(self, product: Product, name: str, value: Any) -> str | None:
        if isinstance(value, dict) or is_empty(value):
            return self._text(product, name, value)
        levels = [as_text(v) for v in value if v is not None] if isinstance(value, list) else as_text(value)
        return self._cleaner.category(levels) or None

    def _languages_of(self, product: Product, name: str, value: Mapping[str, Any]) -> str | None:
        """`{"en": "shoe", "zh": "鞋"}`: every language is kept, the first one is the field's text."""
        texts = {key: self._cleaner.text(text) for key, text in value.items() if isinstance(text, str)}
        if len(texts) < len(value) or not all(re.fullmatch(r"[a-z]{2}(?:[-_]\w+)?", key) for key in texts):
            product.problems.append(Problem(f"{name}: not a text", shown(value)))
            return None
        for key, text in texts.items():
            if text:
                product.attributes[f"{name}_{key[:2]}"] = ("text", text)
        if name in TEXTS:
            product.whole += (name,)
        return next(filter(None, texts.values()), None)

    def _language(self, label: str, field: str, _: str) -> Step:
        def step(product: Product, value: Any) -> None:
            text = self._text(product, label, value)
            if text is None:
                product.cleared.append(label)
                return
            product.attributes[label] = ("text", text)
            if not product.fields.get(field):
                product.fields[field] = text  # nothing without a language: the first one speaks for all

        return step

    def _price(self, product: Product, value: Any) -> None:
        product.fields["price"] = None
        if is_empty(value):
            return
        try:
            if isinstance(value, bool | dict | list):
                raise ValueError(f"{shown(value)} is not a price")
            price, currency = self._cleaner.price(value)
        except ValueError as error:
            product.problems.append(Problem("price: not usable", str(error)))
            return
        product.fields["price"] = price
        if currency and not product.fields.get("currency"):  # a column of that name wins
            product.fields["currency"] = currency

    def _currency(self, product: Product, name: str, value: Any) -> str | None:
        return None if is_empty(value) else self._cleaner.currency(as_text(value)) or None

    # -- attributes ------------------------------------------------------------------------------------------------

    def _attribute(self, label: str, typed: bool) -> Step:
        memo: dict[str, Typed | None] = {}

        def step(product: Product, value: Any) -> None:
            if type(value) is str:
                if value in memo:
                    found = memo[value]
                else:
                    found = self._typed_value(value, typed)
                    if len(memo) < _MEMO:
                        memo[value] = found
                if found is None:
                    product.cleared.append(label)
                    return
                product.attributes[label] = found
                if found[0] == "text" and len(found[1]) <= LONGEST_QUANTITY and (quantity := self._cleaner.quantity(label, found[1])):
                    product.attributes.setdefault(quantity[0], ("number", quantity[1]))
            else:
                self._json_attribute(product, label, value)

        return step

    def _json_attribute(self, product: Product, label: str, value: Any) -> None:
        if is_empty(value):
            product.cleared.append(label)
        elif isinstance(value, bool):
            product.attributes[label] = ("bool", value)
        elif isinstance(value, int | float) and abs(value) < _MAX_DIGITS:
            product.attributes[label] = ("number", float(value))
        elif isinstance(value, list):
            items = [self._cleaner.text(as_text(v)) for v in value if v is not None]
            product.attributes[label] = ("list", [item for item in items if item])
        elif isinstance(value, dict):
            for key, inner in value.items():
                name = f"{label}.{self._cleaner.text(key)}"
                if name not in self._nested:
                    self._nested[name] = self._attribute(name, True)
                self._nested[name](product, inner)
        else:
            product.attributes[label] = ("text", as_text(value))

    def _typed_value(self, value: str, typed: bool) -> Typed | None:
        """A text that may be something else: a cell of CSV holds numbers and lists as texts, and JSON has no type for times."""
        text = self._cleaner.text(value)
        if not text:
            return None
        if len(text) <= 32 and _ISO_TIME.fullmatch(text):
            try:
                return ("time", parse_time(text))
            except ValueError:
                return ("text", text)  # the 30th of February
        if not typed:
            if text.lower() in ("true", "false"):
                return ("bool", text.lower() == "true")
            if (number := plain_number(text)) is not None:
                return ("number", number)
            # 'running;sport': prose with a semicolon is longer
            if (";" in text or "|" in text) and len(items := self._cleaner.items(text)) > 1 and max(map(len, items)) <= _LONGEST_ITEM:
                return ("list", items)
        return ("text", text)


def _each(steps: Sequence[Step]) -> Step:
    def every(product: Product, value: Any) -> None:
        for step in steps:
            step(product, value)

    return every


def _nothing(product: Product, value: Any) -> None:
    pass


def _stock(product: Product, value: Any) -> None:
    number: float | None = None
    if isinstance(value, bool | int | float):
        number = float(value) if abs(value) < _MAX_DIGITS else None
    elif isinstance(value, str) and value.strip():
        number = plain_number(value.strip().replace(",", ""))
    if number is None and not is_empty(value):
        product.problems.append(Problem("stock: not a number", shown(value)))
    product.fields["stock"] = number
