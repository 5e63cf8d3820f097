"""What all tests share: a home of their own, the fake encoders, and where the real data lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from fake_encoders import FakeImage, FakeLearned, FakeText
from fake_features import FakeShade, FakeTalk, FakeWords
from fake_fuser import FakeFuser
from fake_sounds import FakeAudio

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.features import FEATURES
from mmsearch.fusion import FUSERS

if _worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # numba keeps what it compiled for librosa beside it: two processes that compile at once in a fresh .venv left files with which every
    # later start crashed.
    os.environ["NUMBA_CACHE_DIR"] = str(settings.home() / f"numba-{_worker}")

hypothesis.settings.register_profile("mmsearch", deadline=None)  # a machine that is busy is no failure
hypothesis.settings.load_profile("mmsearch")


@pytest.fixture(scope="session", autouse=True)
def user_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tests run with an empty `MMSEARCH_HOME`; the value is the user's own, which tests marked `models` get back:
    converting the bundled models takes seconds, and once a machine is enough."""
    own = settings.home()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSEARCH_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("MMSEARCH_FEATURES", "none")  # tests of features name them; others need not wait for them
        yield own


@pytest.fixture(autouse=True)
def _home(request: pytest.FixtureRequest, user_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("models"):
        monkeypatch.setenv("MMSEARCH_HOME", str(user_home))
    for name in [n for n in os.environ if n.startswith("MMSEARCH_") and n not in ("MMSEARCH_HOME", "MMSEARCH_FEATURES")]:
        monkeypatch.delenv(name)  # a developer's own settings change no result


@pytest.fixture(scope="session", autouse=True)
def _fake_encoders() -> Iterator[None]:
    fakes = {"fake-text": FakeText, "fake-learned": FakeLearned, "fake-image": FakeImage, "fake-audio": FakeAudio}
    for name, fake in fakes.items():
        ENCODERS.register(name, fake)
    yield
    for name in fakes:
        ENCODERS.unregister(name)


@pytest.fixture(scope="session", autouse=True)
def _fake_features() -> Iterator[None]:
    fakes = {"fake-shade": FakeShade, "fake-words": FakeWords, "fake-talk": FakeTalk}
    for name, fake in fakes.items():
        FEATURES.register(name, fake)
    yield
    for name in fakes:
        FEATURES.unregister(name)


@pytest.fixture(scope="session", autouse=True)
def _fake_fuser() -> Iterator[None]:
    FUSERS.register("fake-fuser", FakeFuser)
    yield
    FUSERS.unregister("fake-fuser")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; a test that asks for it is skipped where it is absent, and is marked `data`."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data is not here: {folder}")
    return folder
