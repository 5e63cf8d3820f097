from __future__ import annotations

from mmsearch.fusion.calibration import Calibration, Pair
from mmsearch.fusion.stand_ins import further_kinds, with_further


def test_clips_stand_for_photos_on_either_side() -> None:
    found = further_kinds(["text>image", "image>text"], {"video": "image"})
    assert found == {"text>video": "text>image", "video>text": "image>text"}
    assert further_kinds(["text>image"], {}) == {}


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
