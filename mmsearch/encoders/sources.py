"""What of a product each encoder sees: its text, its photos, with a hash that tells when they changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch import settings
from mmsearch.media.content import Streamed, content_hash, read_media, stream_media
from mmsearch.media.fetch import fetched_folder, fetched_path
from mmsearch.media.moment import moment_part
from mmsearch.store import ATTRIBUTES, PRODUCTS, REVIEWS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.facts import passages
from mmsearch.store.where import id_list

#: Characters of the description that join the title. Chosen on the validation queries of an electronics catalogue:
#: title alone nDCG@10 .328, with 200 characters of description .414 (docs/decisions/0004-product-text.md).
DESCRIPTION_CHARACTERS = 200

#: Where the products of a store name the media of a modality.
MEDIA_COLUMNS = {"image": "images", "audio": "audio", "video": "video"}

#: Characters that neighbouring sentences of a sound or clip are joined up to before they are embedded.
PASSAGE_CHARACTERS = 200

_TITLE = re.compile("title_[a-z]{2}")
_LEARNED_CHARACTERS = 10_000  # of a description that an encoder learns from
_ROWS = 1_024  # products read at a time: descriptions may be long
_NAMED = 5_000  # products that a filter names one by one
_TAKEN = 100_000  # products that are looked up among all ids, and read at once


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to encode: a product's text (part '') or one of its media (part: its path or address as the catalogue gives it)."""

    id: str
    part: str
    content: str | Path  # the text, or the path of the medium
    clip: bool = False  # a video, or its sound track: larger than memory, perhaps

    def open(self) -> tuple[str | bytes | Streamed, str]:
        """As `load`, but a clip is hashed and left on the disk: `Streamed.check` says afterwards whether it stayed the same."""
        if self.clip and isinstance(self.content, Path):
            return stream_media(self.content, settings.max_video_bytes())
        return self.load()

    def load(self) -> tuple[str | bytes, str]:
        """What an encoder's `prepare` takes, and its hash: a medium is read once, so that they cannot differ.

        Raises MediaError for a medium that cannot be read.
        """
        if isinstance(self.content, Path):
            content = read_media(self.content, settings.max_media_bytes())
            return content, content_hash(content)
        return self.content, hashlib.blake2b(self.content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def product_text(
    title: str | None, description: str | None, other_titles: Sequence[str] = (), *, characters: int = DESCRIPTION_CHARACTERS
) -> str:
    """The text of a product that is embedded: title, the title in other languages, then the beginning of the description.

    >>> product_text("Red shoe", "Light.", ["红鞋"])
    'Red shoe. 红鞋. Light.'
    """
    titles = dict.fromkeys(text for text in (title, *other_titles) if text)
    return ". ".join(part for part in (*titles, description and description[:characters].strip()) if part)


class StoreItems:
    """The contents of `items`, for an encoder or a feature to learn from (`mmsearch.encoders.base.Items`).

    Texts with far more of the description than is embedded: it teaches words. Reviews are not among texts, since what a person wrote must
    not live on in a model when that person is forgotten; a feature that asks for them keeps no more than words of many. Media by their
    paths, unopened.
    """

    def __init__(self, store: Store, modality: str, *, tracks: bool = False):
        self._store, self._modality, self._tracks = store, modality, tracks

    def __len__(self) -> int:
        return count_items(self._store, self._modality, tracks=self._tracks)

    def __iter__(self) -> Iterator[str | Path]:
        mine = items(self._store, self._modality, characters=_LEARNED_CHARACTERS, tracks=self._tracks)
        return (item.content for item in mine)


def items(
    store: Store, modality: str, *, characters: int = DESCRIPTION_CHARACTERS, tracks: bool = False, ids: Collection[str] | None = None
) -> Iterator[Item]:
    """Everything of the store's products that an encoder of a modality can encode, in a stable order and from one version of them.

    Texts are those of the products themselves (part '') and what is said in their sounds and clips, as far as a feature found out.

    Parameters
    ----------
    modality : or 'title' (a product's titles in all languages, as one text) or 'review' (part: its key), which features look at, too.
    characters : of the description that join a text.
    tracks : clips are among the sounds, for their sound tracks.
    ids : only of these products; not for reviews.
    """
    if modality == "text":
        yield from _texts(store, characters, ids)
        for name in spoken(store):
            for id, part, second, text in passages(store, name, PASSAGE_CHARACTERS, ids):
                yield Item(id, moment_part(part, second), text)
    elif modality == "title":
        yield from _texts(store, 0, ids)
    elif modality == "review":
        for batch in store.batches(REVIEWS, ["key", "product", "title", "text"], _ROWS):
            for key, product, title, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if whole := ". ".join(part for part in (title, text) if part):
                    yield Item(product, key, whole)
    elif modality in MEDIA_COLUMNS:
        fetched = fetched_folder(store.path)
        columns = [MEDIA_COLUMNS[modality], *(["video"] if modality == "audio" and tracks else [])]
        for batch in _products(store, ["id", "_folder", *columns], ids):
            for id, folder, *lists in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                # A path that stands in both columns of a product is one medium.
                named = {path: name == "video" for name, paths in zip(columns[::-1], lists[::-1], strict=True) for path in paths or ()}
                for path in dict.fromkeys(path for paths in lists for path in paths or ()):
                    if "://" not in path:
                        yield Item(id, path, Path(folder or ".") / path, named[path])
                    elif fetched is not None and (file := fetched_path(path, fetched)).is_file():
                        yield Item(
                            id, path, file, named[path]
                        )  # others were reported at ingest: nothing is fetched unless the user names it


def spoken(store: Store) -> list[str]:
    """The features of a store that found texts with a second, which are embedded beside the products' own."""
    keys = store.record.keys("feature/")
    return [key.removeprefix("feature/") for key in keys if (store.record.get(key) or {}).get("searchable")]


def _products(store: Store, columns: list[str], ids: Collection[str] | None) -> Iterator[pa.RecordBatch]:
    """Columns of all products, or of some; 'id' is the first."""
    if ids is not None and len(ids) <= _NAMED:
        yield from store.read(PRODUCTS, columns, where=id_list("id", list(ids))).to_batches(_ROWS)
        return
    if ids is not None and len(ids) <= _TAKEN:
        yield from store.rows_of(PRODUCTS, "id", pa.array(list(ids), pa.string()), columns).to_batches(_ROWS)
        return
    wanted = None if ids is None else pa.array(list(ids), pa.string())
    for batch in store.batches(PRODUCTS, columns, _ROWS):
        yield batch if wanted is None else batch.filter(pc.is_in(batch.column(0), value_set=wanted))


def _texts(store: Store, characters: int, ids: Collection[str] | None) -> Iterator[Item]:
    columns, sparse = other_titles(store)
    for batch in _products(store, ["id", "title", "description", *columns], ids):
        for id, title, description, *others in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if text := product_text(title, description, [*others, *sparse.get(id, ())], characters=characters):
                yield Item(id, "", text)


def other_titles(store: Store) -> tuple[list[str], dict[str, list[str]]]:
    """Where titles in several languages (`title_en`, `title_zh`) are: columns, and those of the few products that have one beside them."""
    attributes = load_attributes(store)
    names = sorted(name for name in attributes.names() if _TITLE.fullmatch(name))
    columns = [column for name in names if (column := attributes.columns.get(name, {}).get("text"))]
    sparse: dict[str, list[str]] = {}
    if rare := [name for name in names if name not in attributes.columns]:
        rows = store.read(ATTRIBUTES, ["id", "name", "text"], where=id_list("name", rare))
        for id, _, text in sorted(zip(*(column.to_pylist() for column in rows.columns), strict=True)):
            sparse.setdefault(id, []).append(text)
    return columns, sparse


def count_items(store: Store, modality: str, *, tracks: bool = False) -> int:
    """About how many `items` there are, without looking at each: for progress."""
    if modality == "review":
        return store.count(REVIEWS)
    texts = modality in ("text", "title")
    columns = ["title", "description"] if texts else [MEDIA_COLUMNS[modality]] if modality in MEDIA_COLUMNS else []
    columns += ["video"] if modality == "audio" and tracks else []
    found = 0
    for batch in store.batches(PRODUCTS, columns) if columns else ():
        if texts:
            found += pc.sum(pc.or_(*(pc.is_valid(c) for c in batch.columns))).as_py() or 0
        else:
            for column in batch.columns:
                addresses = pa.array(column.flatten(), pa.string())
                found += pc.sum(pc.invert(pc.match_substring(addresses, "://"))).as_py() or 0
    return int(found)
