"""Media in pieces through an embed: a long sound has a vector for each of its windows, and they come and go together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from embed_shop import FAKES, Shop, outcome
from fake_sounds import RATE, FakeAudio, silence, tone, written

from mmsearch.encoders import stages
from mmsearch.encoders.base import Encoded
from mmsearch.encoders.known import Known
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.store.vectors import key_of, read_vectors, write_vectors

SOUNDS = {**FAKES, "audio": "fake-audio"}
HIGH, LOW = tone(3_000, 2), tone(700, 2)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def put(shop: Shop, name: str, *pieces: np.ndarray) -> None:
    (shop.folder / name).write_bytes(written(np.concatenate(pieces)))


def test_a_long_sound_has_a_vector_for_each_window(shop: Shop) -> None:
    put(shop, "long@home.wav", HIGH, LOW, silence(2), HIGH)
    put(shop, "short.wav", LOW)
    shop.bring({"id": "a", "title": "x", "audio": ["long@home.wav", "short.wav"]}, {"id": "b", "audio": "short.wav"})
    assert outcome(shop.embed(**SOUNDS), "audio") == (3, 3, 0, 0, 0)
    vectors = shop.vectors("audio")
    assert set(vectors) == {
        ("a", "long@home.wav"),
        ("a", "long@home.wav@2.0"),
        ("a", "long@home.wav@6.0"),
        ("a", "short.wav"),
        ("b", "short.wav"),
    }
    assert vectors["a", "long@home.wav@2.0"] @ vectors["b", "short.wav"] > 0.99 > vectors["a", "long@home.wav"] @ vectors["b", "short.wav"]
    assert outcome(shop.embed(**SOUNDS), "audio") == (3, 0, 3, 0, 0)


def test_a_sound_that_becomes_shorter_or_longer(shop: Shop) -> None:
    shop.bring({"id": "a", "audio": "s.wav"})
    for pieces, left in (((HIGH, LOW, HIGH), 3), ((LOW,), 1), ((silence(2), LOW, HIGH, LOW), 3)):
        put(shop, "s.wav", *pieces)
        shop.embed(**SOUNDS)
        vectors = shop.vectors("audio")
        assert len(vectors) == left
        encoded = FakeAudio().prepare(shop.folder / "s.wav")
        expected = FakeAudio().finish(encoded.values, list(range(left)), []).vectors
        np.testing.assert_allclose(np.stack([vectors[part] for part in sorted(vectors)]), expected, atol=1e-6)
        assert outcome(shop.embed(**SOUNDS), "audio") == (1, 0, 1, 0, 0)


def test_a_renamed_sound_is_copied_with_all_its_windows(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shop, "s.wav", HIGH, LOW, HIGH)
    shop.bring({"id": "a", "audio": "s.wav"})
    shop.embed(**SOUNDS)
    before = list(shop.vectors("audio").values())
    (shop.folder / "s.wav").rename(shop.folder / "t.wav")
    shop.bring({"id": "a", "audio": "t.wav"})
    monkeypatch.setattr(FakeAudio, "prepare", lambda *_: pytest.fail("it was decoded again"))
    assert outcome(shop.embed(**SOUNDS), "audio") == (1, 1, 0, 3, 0)
    assert set(shop.vectors("audio")) == {("a", "t.wav"), ("a", "t.wav@2.0"), ("a", "t.wav@4.0")}
    np.testing.assert_array_equal(np.stack(list(shop.vectors("audio").values())), np.stack(before))


def test_equal_sounds_are_encoded_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        put(shop, name, HIGH, LOW)
    shop.bring(*({"id": name, "audio": f"{name}.wav"} for name in "abc"))
    report = shop.embed(**SOUNDS)
    assert (report.modalities[-1].encoded, report.modalities[-1].new) == (1, 3)
    assert len(shop.vectors("audio")) == 6


def test_windows_of_another_content_are_made_again(shop: Shop) -> None:
    """As a kill between the two writes of a changed sound leaves it: some rows of the new content, some of the old."""
    put(shop, "s.wav", HIGH, LOW, HIGH)
    shop.bring({"id": "a", "audio": "s.wav"})
    shop.embed(**SOUNDS)
    table = recorded_encoder(shop.store, "audio")["table"]
    rows = read_vectors(shop.store, table)
    at = rows.parts.to_pylist().index("s.wav@2.0")
    write_vectors(shop.store, table, ["a"], ["s.wav@2.0"], ["old"], rows.vectors[:1])
    assert outcome(shop.embed(**SOUNDS), "audio") == (1, 1, 0, 0, 0)
    np.testing.assert_array_equal(shop.vectors("audio")["a", "s.wav@2.0"], rows.vectors[at])


def test_all_windows_of_a_sound_are_in_one_write(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "WRITE", 2)
    written_parts: list[list[str]] = []
    own = stages.append_vectors
    monkeypatch.setattr(stages, "append_vectors", lambda *a, **k: (written_parts.append(a[3]), own(*a, **k))[1])
    put(shop, "s.wav", HIGH, LOW, HIGH, LOW, HIGH)
    shop.bring({"id": "a", "audio": "s.wav"})
    shop.embed(audio="fake-audio")
    assert max(written_parts, key=len) == ["s.wav", "s.wav@2.0", "s.wav@4.0", "s.wav@6.0", "s.wav@8.0"]


def test_known_rows_of_media(shop: Shop) -> None:
    vectors = np.eye(4, dtype=np.float32)
    write_vectors(shop.store, "v", ["a", "a", "b", "a"], ["s@2.0", "s", "s", "s@x"], ["h", "h", "h", "g"], vectors)
    known = Known(shop.store, "v", pieces=True)
    rows = known.rows_of_media([key_of("a", "s"), key_of("b", "s"), key_of("a", "s@x"), key_of("c", "s")])
    assert [len(r) for r in rows] == [2, 1, 1, 0]
    assert [known.unchanged(r, "h") for r in rows] == [True, True, False, False]
    found = known.pieces_of("h")
    assert found is not None
    assert found.seconds in ((0.0, 2.0), (0.0,))
    assert known.pieces_of("nothing") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (written(silence(3)), "silence: nothing is to be heard in it"),
        (written(silence(0)), "zero length: there are no samples in it"),
        (b"not a sound", "not a sound: it starts like text"),
        (written(HIGH)[:3_000], "truncated"),
        (written(silence(3_700, 1_000), "FLAC", rate=1_000), "1 h 1 min long, the limit is 1 h 0 min (MMSEARCH_MAX_SECONDS)"),
    ],
)
def test_a_bad_sound_costs_itself_only(shop: Shop, content: bytes, message: str) -> None:
    (shop.folder / "bad.wav").write_bytes(content)
    put(shop, "six.wav", np.stack([HIGH] * 6, axis=1))
    shop.bring({"id": "a", "title": "x", "audio": ["bad.wav", "six.wav"]}, {"id": "b", "audio": "bad.wav"})
    assert outcome(shop.embed(**SOUNDS), "audio") == (3, 1, 0, 0, 2)
    assert sorted((id, part) for _, id, part, _ in shop.failures) == [("a", "bad.wav"), ("b", "bad.wav")]
    assert all(message in reason for *_, reason in shop.failures)
    assert set(shop.vectors("audio")) == {("a", "six.wav")}


def test_the_mean_of_pieces_and_the_first_reason() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [-1, 0]], np.float32)
    two = FakeAudio()
    two.dim = 2
    joined = two._one_each(Encoded(vectors, [0, 0, 3, 3], [(0, "a"), (1, "b"), (1, "c")]))
    assert joined.kept == [0]
    np.testing.assert_allclose(joined.vectors, [[0.5**0.5, 0.5**0.5]], atol=1e-6)
    assert joined.failures == [(1, "b"), (3, "its pieces say the opposite of each other")]


def test_a_query_of_several_windows_is_one_vector() -> None:
    encoded = FakeAudio().encode([written(np.concatenate([HIGH, LOW])), b"", written(HIGH)], query=True)
    assert encoded.kept == [0, 2]
    assert encoded.vectors.shape == (2, 16)
    assert RATE == 16_000
