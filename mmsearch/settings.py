"""Defaults, and the `MMSEARCH_*` environment variables that change them. One place, read when asked (tests set the environment)."""

from __future__ import annotations

import os
from pathlib import Path

from mmsearch.errors import UsageError

DEFAULT_STORE = "./mmsearch.lancedb"

#: The modalities, in the order in which they are printed. Their names are reserved: no fusion profile may take one.
MODALITIES = ("text", "image", "audio", "video")

#: Which encoder each modality gets when the store has none recorded and the user names none.
DEFAULT_ENCODERS = {"text": "usem", "image": "efficientnet", "audio": "acoustic", "video": "frames"}

#: Sets of encoders that `mmsearch embed --models NAME` chooses together.
MODEL_SETS = {
    "bundled": DEFAULT_ENCODERS,
    "clip": {"text": "usem", "image": "openclip(model=ViT-B-32, pretrained=laion2b_s34b_b79k)"},
    "multilingual": {
        "text": 'sentence(model="intfloat/multilingual-e5-small", query_prefix="query: ", passage_prefix="passage: ")',
        "image": "efficientnet",
    },
}

#: About how many megabytes the hub models of these sets are, for those who wonder before they download.
MODEL_MEGABYTES = {"openclip(model=ViT-B-32, pretrained=laion2b_s34b_b79k)": 605, MODEL_SETS["multilingual"]["text"]: 490}


def store_path() -> str:
    """The store to use when `--store` is not given: `MMSEARCH_STORE`, else `./mmsearch.lancedb`."""
    return os.environ.get("MMSEARCH_STORE") or DEFAULT_STORE


def home() -> Path:
    """Where converted model weights are cached: `MMSEARCH_HOME`, else the user's cache folder."""
    if configured := os.environ.get("MMSEARCH_HOME"):
        return Path(configured).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "mmsearch"


def max_pixels() -> int:
    """Photos with more pixels than this are rejected before they are decoded (`MMSEARCH_MAX_PIXELS`, default 50 million)."""
    return _positive_int("MMSEARCH_MAX_PIXELS", 50_000_000)


def max_media_bytes() -> int:
    """Media files larger than this are rejected before they are read (`MMSEARCH_MAX_MEDIA_BYTES`, default 200 MB)."""
    return _positive_int("MMSEARCH_MAX_MEDIA_BYTES", 200_000_000)


def max_video_bytes() -> int:
    """Videos larger than this are rejected before they are read; they are read from the disk piece by piece, so that this may be more than
    memory holds (`MMSEARCH_MAX_VIDEO_BYTES`, default 4 GB)."""
    return _positive_int("MMSEARCH_MAX_VIDEO_BYTES", 4_000_000_000)


def max_seconds() -> int:
    """Sounds and videos longer than this are rejected (`MMSEARCH_MAX_SECONDS`, default an hour)."""
    return _positive_int("MMSEARCH_MAX_SECONDS", 3_600)


def default_features() -> list[str] | None:
    """The features that run where the user named none (`MMSEARCH_FEATURES`:

    Specs separated by ';', or `none`); None for those that are cheap.
    """
    raw = os.environ.get("MMSEARCH_FEATURES", "").strip()
    if not raw or raw == "auto":
        return None
    return [] if raw == "none" else [spec.strip() for spec in raw.split(";") if spec.strip()]


def event_weights() -> dict[str, float]:
    """How much an event of some kinds says, beside those that are known (`MMSEARCH_EVENT_WEIGHTS`, as in 'impression=.05, wishlist=.5').

    Raises UsageError : malformed, or a weight that is not from 0 to 1.
    """
    found = {}
    for part in os.environ.get("MMSEARCH_EVENT_WEIGHTS", "").split(","):
        if not part.strip():
            continue
        kind, _, text = part.partition("=")
        try:
            weight = float(text)
        except ValueError:
            weight = -1.0
        if not kind.strip() or not 0 <= weight <= 1:
            reason = f"MMSEARCH_EVENT_WEIGHTS: '{part.strip()}' is not a kind of event with a weight from 0 to 1"
            raise UsageError(reason, hint="as in MMSEARCH_EVENT_WEIGHTS='impression=.05, wishlist=.5'")
        found[kind.strip().lower()] = weight
    return found


def threads() -> int:
    """CPU threads that encoders may use (`MMSEARCH_THREADS`, default: the cores this process may run on)."""
    return _positive_int("MMSEARCH_THREADS", len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def exact_limit() -> int:
    """Largest number of vectors in a table for which search compares every product instead of the nearest candidates
    (`MMSEARCH_EXACT_LIMIT`, default 100,000: there a scan in memory still takes about 15 ms)."""
    return _positive_int("MMSEARCH_EXACT_LIMIT", 100_000)


def _positive_int(name: str, default: int) -> int:
    raw = os.environ.get(name)
    if not raw:
        return default
    try:
        value = int(raw.replace("_", ""))
    except ValueError:
        value = 0
    if value <= 0:
        raise UsageError(f"{name} must be a whole number above 0, not {raw!r}")
    return value
