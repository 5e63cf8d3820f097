"""`mmsearch` with the fake encoders of the tests and small chunks, so that a run of a second writes many times.

    python -m faults.runner ingest products.csv --store s.lancedb

A product catalogue is written in chunks of 20,000 rows and vectors in thousands; a kill between two writes needs two writes.
With `FAULTS_AS_SHIPPED=1` nothing is made small.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

#: What is made small: (module, name of the constant) where it may stand, and its value here.
SMALL: dict[str, tuple[tuple[tuple[str, str], ...], int]] = {
    "rows a chunk of an ingest": ((("mmsearch.catalog.feed", "CHUNK_ROWS"), ("mmsearch.catalog.ingest", "_CHUNK")), 150),
    "vectors a write": ((("mmsearch.encoders.stages", "WRITE"), ("mmsearch.encoders.pipeline", "_WRITE")), 100),
    "facts a write": ((("mmsearch.features.pipeline", "_WRITE"),), 60),
    "products a roll-up": ((("mmsearch.features.rolling", "_AT_ONCE"),), 50),
    "rows a merge": ((("mmsearch.store.store", "_INSERT_BATCH"),), 60),
}


#: The features that run, as `MMSEARCH_FEATURES` says them.
FEATURES_ON = "fake-shade; fake-words"


def made_small() -> list[str]:
    """Make the chunks small; gives what was not found, so that the suite can say so."""
    missing = []
    for what, (places, value) in SMALL.items():
        there = [(module, name) for module, name in places if _has(module, name)]
        for module, name in there:
            setattr(importlib.import_module(module), name, value)
        if not there:
            missing.append(what)
    return missing


def _has(module: str, name: str) -> bool:
    return importlib.util.find_spec(module) is not None and hasattr(importlib.import_module(module), name)


def register_encoders() -> None:
    """The fake encoders and features of the tests, which need no model."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from fake_encoders import FakeImage, FakeText
    from fake_features import FakeShade, FakeWords

    from mmsearch.encoders import ENCODERS
    from mmsearch.features import FEATURES

    ENCODERS.register("fake-text", FakeText)
    ENCODERS.register("fake-image", FakeImage)
    FEATURES.register("fake-shade", FakeShade)
    FEATURES.register("fake-words", FakeWords)


if __name__ == "__main__":
    register_encoders()
    os.environ["MMSEARCH_FEATURES"] = "none" if os.environ.get("FAULTS_AS_SHIPPED") == "1" else FEATURES_ON
    if os.environ.get("FAULTS_AS_SHIPPED") != "1":
        made_small()
    from mmsearch.cli import main

    main()
