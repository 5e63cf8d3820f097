from __future__ import annotations

import itertools

import numpy as np
import pytest
from fake_videos import COLOURS, RATE, scene, scenes, video

from mmsearch.media import video as opening
from mmsearch.media.scenes import sampled


def seconds(source: bytes, per_minute: float = 30) -> list[float]:
    return [round(picture.second, 1) for picture in sampled(source, per_minute=per_minute)]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("options", [{}, {"x264-params": "scenecut=0", "g": "1000"}])
def test_a_frame_of_every_scene(whole: bool, options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether every frame is decoded or keyframes alone, and whether the encoder began a group at each cut or not."""
    monkeypatch.setattr(opening, "_SMALL", 1e12 if whole else 0)
    lengths = [3, 1, 5, 2, 2, 4]
    rng = np.random.default_rng(0)  # grounds with something on them: of plain ones a keyframe has no more bytes than any other
    grounds = [rng.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in lengths]
    pictures = [ground for ground, long in zip(grounds, lengths, strict=True) for _ in range(long * RATE)]
    found = seconds(video(pictures, options=options))
    starts = list(itertools.accumulate([0, *lengths]))
    assert all(any(start <= second < end for second in found) for start, end in itertools.pairwise(starts))
    assert len(found) == len(lengths)


def test_a_scene_inside_a_group_of_frames_is_seen_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_SMALL", 0)
    rng = np.random.default_rng(0)
    grounds = rng.integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    pictures = [grounds[0]] * 30 + [grounds[1]] * 30 + [grounds[0]] * 30
    made = video(pictures, options={"x264-params": "scenecut=0", "g": "1000"})
    assert [int(second / 3) for second in seconds(made)] == [0, 1, 2]


def test_what_stands_still_is_taken_once_and_what_moves_more_often() -> None:
    still = [scene(COLOURS[0])] * (20 * RATE)
    assert seconds(video(still)) == [0.4]
    moving = [scene(COLOURS[0], shift=2 * i) for i in range(20 * RATE)]
    assert 2 <= len(seconds(video(moving))) <= 6


@pytest.mark.parametrize("per_minute", [1, 6, 30, 60])
def test_no_more_than_so_many_in_any_minute(per_minute: int) -> None:
    found = np.array(seconds(video(scenes([0.7] * 200)), per_minute))
    assert len(found)
    assert max(((found >= start) & (found < start + 60)).sum() for start in found) <= per_minute
    assert len(found) >= per_minute  # of 140 seconds
    assert found[-1] > 70


def test_blank_frames_are_passed_over() -> None:
    black = [np.zeros((64, 96, 3), np.uint8)] * RATE
    assert [int(second) for second in seconds(video([*black, *scenes([1]), *black, *scenes([1, 1])[RATE:], *black]))] == [1, 3]


def test_hue_goes_round() -> None:
    reds = [scene((200, 30, 30 + 6 * (i % 2))) for i in range(4 * RATE)]  # hue just below and just above none
    assert len(seconds(video(reds, codec="ffv1", format="matroska", pixels="bgr0"))) == 1


def test_the_short_side_is_kept() -> None:
    made = video(scenes([1], size=(320, 180)))
    assert [next(sampled(made, short_side=side)).image.size for side in (90, 180, 500)] == [(160, 90), (320, 180), (320, 180)]
