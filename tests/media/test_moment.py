from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mmsearch.media.moment import moment_of, moment_part

PATHS = st.text(min_size=1) | st.builds("{}@{}".format, st.text(), st.decimals(0, 10_000, places=1)) | st.just("take@2.0@0.0")


@given(PATHS, st.integers(0, 360_000))
def test_every_path_and_second_come_back(path: str, tenths: int) -> None:
    assert moment_of(moment_part(path, tenths / 10)) == (path, tenths / 10)


@given(PATHS, PATHS, st.integers(0, 100), st.integers(0, 100))
def test_no_two_pieces_share_a_name(one: str, other: str, a: int, b: int) -> None:
    assert (moment_part(one, a / 10) == moment_part(other, b / 10)) == ((one, a) == (other, b))


def test_short_sounds_are_named_by_their_path() -> None:
    assert moment_part("me@home.wav", 0) == "me@home.wav"
    assert moment_of("me@home.wav") == ("me@home.wav", 0.0)
    assert moment_of("clip.wav@12.5") == ("clip.wav", 12.5)
