from __future__ import annotations

from pathlib import Path

from mmsearch.fusion.calibration import Calibration, Pair
from mmsearch.fusion.stand_ins import further_kinds, stand_ins, with_further
from mmsearch.store import Store


def test_clips_stand_for_photos_on_either_side() -> None:
    found = further_kinds(["text>image", "image>text"], {"video": "image"})
    assert found == {"text>video": "text>image", "video>text": "image>text"}
    assert further_kinds(["text>image"], {}) == {}


def test_nothing_stands_for_what_is_mapped_by_its_contents(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.create()
    for modality, space in (("text", "words"), ("image", "cnn"), ("video", "cnn")):
        store.record.put(f"encoder/{modality}", {"space": space, "spec": modality, "dim": 2, "table": modality, "fingerprint": modality})
    assert stand_ins(store, ["text", "image"]) == {"video": "image"}
    assert stand_ins(store, ["text", "image"], ["text"]) == {"video": "image"}
    assert stand_ins(store, ["text", "image"], ["text", "image"]) == {}


def test_what_was_measured_of_one_holds_for_the_other_and_what_was_measured_itself_wins() -> None:
    known = Calibration(
        {"text>image": Pair(0.1, 0.2, 0.6), "image>text": Pair(0.2, 0.3, 0.5)},
        {"text>image|text>text": 0.3, "image>image|image>video": 0.8},
        {"text>image|text>text": 1.2},
    )
    further = {"text>video": "text>image", "video>text": "image>text"}
    found = with_further(known, further)
    assert found.pairs["text>video"] == Pair(0.1, 0.2, 0.6)
    assert found.correlations["text>text|text>video"] == 0.3
    assert found.correlations["text>image|text>video"] == 0.8
    assert found.tails["text>text|text>video"] == 1.2
    own = Calibration({**known.pairs, "text>video": Pair(0, 1, 0.9)})
    assert with_further(own, further).pairs["text>video"].reliability == 0.9
