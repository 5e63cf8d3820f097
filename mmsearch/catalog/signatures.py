"""What two products are compared by: a short signature of what a product says, and one of what its photo shows."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmsearch.media import MediaError
from mmsearch.media.image import open_image

if TYPE_CHECKING:
    from PIL import Image

    from mmsearch.catalog.records import Product

#: Bytes of a text's signature: a hash of its words in any order and a shorter one of them as they stand.
TEXT = 12
#: Bytes of a photo's signature: 144 bits of shape, then the mean Y, Cb, Cr of its quarters.
PHOTO, SHAPE = 30, 18

_SHORTEST = 12  # characters, a Chinese one counts three: shorter texts say too little
_WORD = re.compile(r"(?:(?<![^\W_])[+-](?=[0-9]))?[^\W_]+(?:[.,/+'-]+[^\W_]+)*\+*")  # with the signs of +3 and A3+
_HAN = re.compile("[\u3400-\u9fff]")
# SWW1602U, 65520; not DDR2-667
_CODE = re.compile(r"(?!ddr|usb|cat|rj|ip|iso|ieee|pc[0-9])(?=(?:[^0-9]*[0-9]){3})(?:[^a-z]*[a-z].*[0-9].*|[0-9]{5,})")
# Words that sellers add to the same product.
_NOISE_TEXT = """
a an and by for from hot in new of sale the with der die das und mit für le la les et avec pour de
"""
_NOISE = frozenset(_NOISE_TEXT.split())
# Beside these the order tells: DVI to HDMI, black on white, female to male.
_ORDERED = frozenset(["to", "on", "not", "male", "female", "zu", "auf", "nicht", "à", "sur"])
_HAN_NOISE = re.compile("包邮|正品|新品|现货|热卖|特价|促销|爆款|抢购|官方|旗舰店|新款")
_SPELLED = {"gray": "grey", "color": "colour", "colors": "colour", "tee": "tshirt"}
_JOINED = str.maketrans("", "", "'-")
_VARIANT = re.compile(r"colou?r|size|capacity|flavou?r|scent|length|pack|count|颜色|尺码|尺寸|容量|规格|口味", re.IGNORECASE)
_VOWELS = re.compile("[aeiou]+")
_DOUBLED = re.compile(r"(.)\1+")
_REMEMBERED = 100_000  # words


def text_signature(product: Product) -> bytes | None:
    """A signature of what a product says: equal where it says the same in other order, case, punctuation, plural or spelling.

    Every word counts, because one word or digit is all that tells two cables or two colours of a shirt apart; only vowels and
    doubled letters in a word of six or more letters may differ (colour, color). The words are those of title and brand; without a
    model code in them the description must be equal too (but for case and spaces), because products of a kind share plain titles ("desk
    mount"). Attributes that tell variants apart (colour, size, capacity …) count too. The first 8 bytes are of all that; the last 4
    of title and brand as they stand. None where there is too little text.
    """
    title = str(product.fields.get("title") or "")
    head = f"{title} {product.fields.get('brand') or ''}"
    description = ""
    words = _WORD.findall(head.casefold())
    if not any(len(word) >= 5 and _CODE.match(word) for word in words):
        description = "".join(str(product.fields.get("description") or "").casefold().split())
    if not title or (len(head) + len(description) < _SHORTEST and len(head) + 2 * len(_HAN.findall(head)) < _SHORTEST):
        return None
    keys: list[str] = []
    han: list[str] = []
    for word in words:
        key = _known.get(word)
        if key is None:
            key = _word_key(word)
            if len(_known) >= _REMEMBERED:
                _known.clear()
            _known[word] = key
        if key:
            (keys if key.isascii() or not _HAN.match(key) else han).append(key)
    if han:  # no spaces between words: characters, as often as they stand there
        keys = sorted(set(keys))
        keys += sorted(_HAN_NOISE.sub("", "".join(han)))
    elif _ORDERED.isdisjoint(words):
        keys = sorted(set(keys))
    keys += [f"{name}={value}" for name, (_, value) in product.attributes.items() if tells_variants_apart(name)]
    return _digest(" ".join(keys) + "\n" + description, 8) + _digest(head, 4)


def tells_variants_apart(attribute: str) -> bool:
    """Whether an attribute of this name is one in which variants of a product differ: colour, size, capacity …"""
    return _VARIANT.search(attribute) is not None


_known: dict[str, str] = {}


def _word_key(word: str) -> str:
    """What of a word must be equal; '' for a word that says nothing."""
    if word[0] in "+-":
        return word
    word = word.translate(_JOINED)
    word = _SPELLED.get(word, word)
    if word in _NOISE:
        return ""
    if not word.isalpha() or not word.isascii():
        return word
    if len(word) > 3 and word[-1] == "s" and word[-2] not in "siu":  # a plural
        word = word[:-1]
    return word if len(word) < 6 else word[0] + _DOUBLED.sub(r"\1", _VOWELS.sub("", word[1:]))


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def photo_signature(product: Product) -> bytes | None:
    """A signature (PHOTO bytes) of the first photo: a perceptual hash, low frequencies first, and coarse colour.

    None where there is no photo on this machine that opens (ingest says why), or it shows nothing (one plain colour).
    """
    photos = product.fields.get("images") or []
    if not photos or "://" in photos[0]:
        return None
    try:
        image = open_image(Path(product.folder) / photos[0], short_side=64)
    except MediaError:
        return None
    return image_signature(image)


def image_signature(image: Image.Image) -> bytes | None:
    """`photo_signature` of an open RGB photo (`PIL.Image.Image`)."""
    from PIL.Image import Resampling

    small = np.asarray(image.convert("YCbCr").resize((32, 32), Resampling.BOX), dtype=np.float32)
    grey = small[..., 0]
    if grey.std() < _PLAIN:
        return None
    frequencies = (_COSINES @ grey @ _COSINES.T).ravel()[_LOW_FIRST]
    bits = np.packbits(frequencies > np.median(frequencies[1:]))
    colour = small.reshape(2, 16, 2, 16, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return bytes(bits) + bytes(colour)


_PLAIN = 4.0  # standard deviation of the grey of a photo of nothing
_SIDE = 12
_COSINES = np.cos(np.pi * np.outer(np.arange(_SIDE), 2 * np.arange(32) + 1) / 64).astype(np.float32)
_LOW_FIRST = np.argsort(np.add.outer(np.arange(_SIDE), np.arange(_SIDE)).ravel(), kind="stable")
