from __future__ import annotations

from pathlib import Path

import pytest

from mmsearch.errors import UsageError
from mmsearch.features import FEATURES
from mmsearch.features.base import Medium
from mmsearch.features.labels import Labels
from mmsearch.store import Store


def test_it_never_runs_by_itself(tmp_path: Path) -> None:
    assert not Labels.by_default(Store(tmp_path / "store"))


def test_least_is_a_probability() -> None:
    with pytest.raises(UsageError, match="least must be 0 to 1"):
        FEATURES.create("labels(least=2)")


@pytest.mark.models
@pytest.mark.data
def test_a_photo_is_labelled_with_what_it_shows(data: Path) -> None:
    feature = Labels()
    paths = [data / "grocery" / "photos" / f"{name}.jpg" for name in ("Pineapple", "Pomegranate", "Lemon")]
    found = feature.extract([feature.prepare(Medium(path.read_bytes(), path)) for path in paths])
    assert [facts[0].value for facts in found] == ["pineapple", "pomegranate", "lemon"]
    assert all(fact.score is not None and fact.score >= 0.3 for facts in found for fact in facts)
    every = Labels(least=0).extract([feature.prepare(Medium(paths[0].read_bytes(), paths[0]))])[0]
    scores = [fact.score or 0 for fact in every]
    assert len(every) == 3 and scores == sorted(scores, reverse=True) and sum(scores) <= 1.01
