"""Products that have nothing to fuse: no vector of any modality, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmsearch.encoders.sources import MEDIA_COLUMNS, items
from mmsearch.media import MediaError
from mmsearch.media.audio import probe_sound
from mmsearch.media.image import probe_image
from mmsearch.media.video import probe_video
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.where import id_list

_PROBE = {"image": probe_image, "audio": probe_sound, "video": probe_video}
_NAMES = {"image": "photo", "audio": "sound", "video": "clip"}
_NAMED = 3  # media of a product that a reason names


@dataclass(frozen=True)
class Unfused:
    """A product without any vector, and for each modality why it has none."""

    id: str
    missing: dict[str, str]


def without_vectors(store: Store, tables: Mapping[str, str], passes: Collection[str]) -> tuple[list[str], dict[str, int]]:
    """The products that have a vector in none of the tables (modality → table), sorted, and for each modality how many lack one."""
    bare = set(passes)
    lacking = {}
    for modality, table in tables.items():
        have = set(store.read(table, ["id"]).column("id").to_pylist()) if store.has(table) else set()
        lacking[modality] = len(set(passes) - have)
        bare -= have
    return sorted(bare), lacking


def reasons(store: Store, ids: Sequence[str], modalities: Sequence[str]) -> list[Unfused]:
    """Why products have no vectors, in the order of `ids`. Media are looked at by their headers alone."""
    if not ids:
        return []
    columns = [MEDIA_COLUMNS[m] for m in modalities if m in MEDIA_COLUMNS]
    rows = {row["id"]: row for row in store.read(PRODUCTS, ["id", *columns], where=id_list("id", list(ids))).to_pylist()}
    there = {m: {(item.id, item.part): item.content for item in items(store, m, ids=ids)} for m in modalities}
    found = []
    for id in ids:
        missing = {}
        for modality in modalities:
            if modality == "text":
                said = any(key[0] == id for key in there["text"])
                missing["text"] = "no vector yet: mmsearch embed" if said else "no title and no description"
            else:
                named = rows[id][MEDIA_COLUMNS[modality]] or []
                why = [f"{medium}: {_why(modality, medium, there[modality].get((id, medium)))}" for medium in named[:_NAMED]]
                more = [f"and {len(named) - _NAMED} more"] if len(named) > _NAMED else []
                missing[modality] = "; ".join([*why, *more]) or f"no {_NAMES[modality]}"
        found.append(Unfused(id, missing))
    return found


def _why(modality: str, medium: str, path: str | Path | None) -> str:
    """Why a medium that the catalogue names has no vector."""
    if path is None:
        return "a web address that was not fetched: mmsearch ingest --fetch" if "://" in medium else "not looked at"
    try:
        _PROBE[modality](Path(path))
    except MediaError as error:
        return error.message
    return "no vector yet: mmsearch embed (if it was refused there, the reject file says why)"
