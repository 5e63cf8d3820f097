from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from fake_sounds import silence, tone, written

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.errors import MissingPackage


def test_it_is_never_a_default() -> None:
    assert "voiceprint" not in str(settings.DEFAULT_ENCODERS)


@pytest.mark.parametrize("lacking", ["resemblyzer", "webrtcvad"])
def test_without_its_packages_it_says_how_to_install_them(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == lacking else own(name, *rest))
    with pytest.raises(MissingPackage) as raised:
        ENCODERS.create("voiceprint")
    assert raised.value.hint == "pip install webrtcvad-wheels && pip install --no-deps resemblyzer==0.1.4"


@pytest.mark.models
def test_no_voice_is_a_reason() -> None:
    encoded = ENCODERS.create("voiceprint").encode([written(tone(5_000, 2)), written(silence(1))])
    assert encoded.kept == []
    assert [reason for _, reason in encoded.failures] == ["no voice is heard in it", "silence: nothing is to be heard in it"]


@pytest.mark.models
@pytest.mark.data
def test_speakers_find_themselves(data: Path) -> None:
    files = sorted((data / "spoken_digits" / "clips").glob("*_4.wav"))
    encoded = ENCODERS.create("voiceprint").encode(files)
    speakers = np.array([files[i].name.split("_")[1] for i in encoded.kept])
    similarity = encoded.vectors @ encoded.vectors.T - 2 * np.eye(len(encoded.kept))
    assert len(encoded.kept) > 0.9 * len(files)
    assert (speakers[similarity.argmax(axis=1)] == speakers).mean() > 0.8
