"""Spoken queries: a spoken part is compared as a text, and the answer says what was understood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_sounds import silence, tone, written

from mmsearch.errors import InputError, MissingPackage, UsageError
from mmsearch.features import FEATURES
from mmsearch.features.base import Fact
from mmsearch.features.transcript import Transcript
from mmsearch.media.audio import sound_blocks
from mmsearch.search.queries import read_queries
from mmsearch.search.query import Part, make_query
from mmsearch.shop import Shop


class Scripted(Transcript):
    """Hears what a text file beside the sound says; reads the sound as the real one does."""

    def __init__(self, model: str = "tiny.en"):
        super().__init__(model)

    def load(self) -> None:
        pass

    def listen(self, source: str | Path | bytes) -> list[Fact]:
        assert sum(map(len, sound_blocks(source, 16_000)))
        words = Path(str(source)).with_suffix(".txt")
        heard = [Fact("transcript", words.read_text(), 0.9, 0.0, 1.0)] if words.exists() else []
        return [*heard, *([Fact("spoken_language", "en", 0.9)] if heard else [])]


@pytest.fixture(scope="module")
def shop(plain: Shop) -> Shop:
    return plain


@pytest.fixture
def spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(FEATURES._local, "transcript", Scripted)
    (tmp_path / "ask.wav").write_bytes(written(tone(300, 1)))
    (tmp_path / "ask.txt").write_text("Red shoe")
    (tmp_path / "nothing.wav").write_bytes(written(silence(1)))
    return tmp_path


def test_it_finds_what_the_words_find(shop: Shop, spoken: Path) -> None:
    file = str(spoken / "ask.wav")
    heard, typed = shop.search(speech=file, k=5), shop.search("Red shoe", k=5)
    assert [(hit.id, hit.score) for hit in heard] == [(hit.id, hit.score) for hit in typed]
    assert heard.notes == ["understood: Red shoe (English)", "understood: colour red (boost)"]
    assert {c.part for c in heard.hits[0].explain} == {f'speech: {file} "Red shoe"', "understood"}


def test_it_mixes_weighs_and_keeps_to_one_kind_of_evidence(shop: Shop, spoken: Path) -> None:
    file = str(spoken / "ask.wav")
    heard = shop.search("lamp", speech=f"{file}^0.5", within="text", k=5)
    typed = shop.search(["lamp", "Red shoe^0.5"], within="text", k=5)
    assert [(hit.id, hit.score) for hit in heard] == [(hit.id, hit.score) for hit in typed]


def test_nothing_understood_is_told(shop: Shop, spoken: Path) -> None:
    with pytest.raises(InputError, match=r"no speech is understood in .*nothing\.wav") as raised:
        shop.search(speech=str(spoken / "nothing.wav"))
    assert "--audio" in (raised.value.hint or "")
    (spoken / "page.wav").write_bytes(b"%PDF-1.7")
    with pytest.raises(InputError, match=r"page\.wav cannot be used: not a sound: it starts like a PDF document"):
        shop.search(speech=str(spoken / "page.wav"))
    with pytest.raises(InputError, match="cannot be used: missing"):
        shop.search(speech="no-such.wav")
    with pytest.raises(UsageError, match="empty speech part"):
        shop.search(speech="^2")


def test_queries_files_have_a_column_for_it(shop: Shop, spoken: Path) -> None:
    (spoken / "q.csv").write_text("id,speech,text\na,ask.wav^2,lamp\nb,,lamp\n")
    queries = read_queries(str(spoken / "q.csv"))
    assert queries["a"].parts == (Part("text", "lamp"), Part("speech", str(spoken / "ask.wav"), 2.0))
    results = shop.search_many(queries, k=2)
    assert (results["a"].notes[:1], results["b"].notes) == (["understood: Red shoe (English)"], [])
    (spoken / "q.csv").write_text("id,speech,text\nb,,lamp\na,nothing.wav,\n")
    with pytest.raises(InputError, match=r"q\.csv:3: query a: no speech is understood in "):
        shop.search_many(read_queries(str(spoken / "q.csv")))


def test_the_stores_own_listener_is_asked(shop: Shop, spoken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setitem(FEATURES._local, "transcript", lambda model="tiny.en": made.append(model) or Scripted())
    Shop(shop.store.path).search(speech=str(spoken / "ask.wav"))
    monkeypatch.setattr(shop.store.record, "get", lambda key, own=shop.store.record.get: _recorded(key, own))
    shop.search(speech=str(spoken / "ask.wav"))
    assert made == ["tiny.en", "base"]


def _recorded(key: str, own: object) -> object:
    return {"spec": "transcript(model=base)"} if key == "feature/transcript" else own(key)  # type: ignore[operator]


def test_without_speech_recognition_it_says_what_to_install(shop: Shop, spoken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise ModuleNotFoundError("No module named 'faster_whisper'", name="faster_whisper")

    monkeypatch.setitem(FEATURES._local, "transcript", lacking)
    with pytest.raises(MissingPackage, match="faster_whisper"):
        Shop(shop.store.path).search(speech=str(spoken / "ask.wav"))


@pytest.mark.models
@pytest.mark.data
def test_real_speech_finds_real_text(data: Path, tmp_path: Path) -> None:
    titles = {"dog": "small dog figure, hurt child", "cards": "playing cards, eight of spades", "lamp": "desk lamp"}
    (tmp_path / "products.jsonl").write_text("\n".join(json.dumps({"id": id, "title": title}) for id, title in titles.items()))
    shop = Shop(tmp_path / "store")
    shop.ingest(tmp_path / "products.jsonl")
    shop.embed()
    result = shop.search(speech=str(data / "speech/speechbrain/tests/samples/ASR/spk1_snt1.wav"), k=1)
    assert result.hits[0].id == "dog"
    assert result.notes[0].lower().startswith("understood: the child almost hurt the small dog.")


def test_a_spoken_part_alone_is_a_query() -> None:
    assert make_query(speech=["a.wav"]).parts == (Part("speech", "a.wav"),)
    assert str(Part("text", "red", heard="a.wav")) == 'speech: a.wav "red"'
