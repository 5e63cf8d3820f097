"""Features over a catalogue: what is looked at, what is kept, what follows for each product."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from embed_shop import FAKES
from fake_features import FakeShade, FakeWords
from fake_sounds import tone, written
from PIL import Image

import mmsearch
from mmsearch.encoders.report import EmbedReport, Interrupted, ModalityReport, Progress
from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.features.base import Fact
from mmsearch.shop import Shop
from mmsearch.store.facts import facts_table, read_rows


class Catalogue:
    def __init__(self, folder: Path):
        self.folder, self.shop = folder, mmsearch.open(folder / "store")

    def photo(self, name: str, grey: int) -> str:
        Image.new("RGB", (24, 24), (grey, grey, grey)).save(self.folder / name)
        return name

    def bring(self, *rows: dict[str, Any], **options: Any) -> None:
        path = self.folder / "rows.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        self.shop.ingest(path, **options)

    def embed(self, *features: str, **options: Any) -> EmbedReport:
        return self.shop.embed(**FAKES, features=features, **options)

    def facts(self, *ids: str) -> list[dict[str, Any]]:
        return [self.shop.show([id])[id]["facts"] for id in ids]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    made = Catalogue(tmp_path)
    made.bring(
        {"id": "a", "title": "The Red shoe", "images": [made.photo("a1.png", 250), made.photo("a2.png", 10)]},
        {"id": "b", "title": "The Blue boot", "images": [made.photo("b.png", 20)]},
        {"id": "c", "title": "The lamp"},
    )
    return made


def only(report: EmbedReport) -> ModalityReport:
    (one,) = report.features
    return one


def test_what_follows_from_the_photos_of_a_product(catalogue: Catalogue) -> None:
    report = only(catalogue.embed("fake-shade"))
    assert (report.modality, report.encoder, report.items, report.new, report.failed) == ("facts", "fake-shade", 3, 3, 0)
    a, b, c = catalogue.facts("a", "b", "c")
    assert a == {"shade": "light", "shades": ["light", "dark"], "brightness": pytest.approx((250 + 10) / 2 / 255), "bright": True}
    assert (b["shade"], b["bright"]) == ("dark", False) and c == {}
    found = catalogue.shop.show(["a"])["a"]["found"]
    assert {(one["part"], one["value"]) for one in found if one["name"] == "shade"} == {("a1.png", "light"), ("a2.png", "dark")}


def test_only_what_is_new_or_changed_is_looked_at(catalogue: Catalogue) -> None:
    catalogue.embed("fake-shade")
    FakeShade.seen.clear()
    report = only(catalogue.embed())
    assert (report.new, report.unchanged) == (0, 3) and not FakeShade.seen
    catalogue.photo("b.png", 240)
    catalogue.bring({"id": "d", "title": "Dd", "images": [catalogue.photo("d.png", 30)]})
    report = only(catalogue.embed())
    assert (report.new, report.unchanged) == (2, 2) and sum(FakeShade.seen.values()) == 2
    assert [one["shade"] for one in catalogue.facts("b", "d")] == ["light", "dark"]


def test_equal_photos_are_looked_at_once(catalogue: Catalogue) -> None:
    catalogue.bring(*({"id": f"n{n}", "title": "N", "images": ["b.png"]} for n in range(40)))
    report = only(catalogue.embed("fake-shade"))
    assert report.new == 43 and report.encoded < 43
    assert catalogue.facts("n39")[0]["shade"] == "dark"


def test_another_parameter_looks_at_all_anew(catalogue: Catalogue) -> None:
    catalogue.embed("fake-shade")
    assert only(catalogue.embed("fake-shade(limit=0.99)")).new == 3
    assert catalogue.facts("a")[0]["shade"] == "dark"
    assert only(catalogue.embed()).encoder == "fake-shade(limit=0.99)", "it stays on as it was named last"


def test_facts_go_with_what_they_were_of(catalogue: Catalogue) -> None:
    catalogue.embed("fake-shade")
    catalogue.bring({"id": "a", "images": ["a2.png"]}, {"id": "b", "images": None})
    report = only(catalogue.embed())
    assert report.removed == 2
    a, b = catalogue.facts("a", "b")
    assert (a["shade"], a["shades"], b) == ("dark", ["dark"], {})


def test_one_photo_that_cannot_be_read_costs_that_photo_only(catalogue: Catalogue) -> None:
    (catalogue.folder / "a1.png").write_bytes(b"no photo at all, though it is long enough")
    report = catalogue.embed("fake-shade")
    assert only(report).failed == 1 and only(report).new == 2 and report.exit_code == 3
    assert catalogue.facts("a")[0]["shade"] == "dark"
    rejects = [json.loads(line) for line in Path(str(report.reject_file)).read_text().splitlines()]
    assert [(row["id"], row["part"]) for row in rejects] == [("a", "a1.png")], "the encoder and the feature say the same of it: once"


def test_titles_and_reviews_and_a_feature_that_learns(catalogue: Catalogue) -> None:
    catalogue.bring({"user": "u", "product": "b", "text": "Blue and Big", "rating": 5}, kind="reviews")
    learned: list[tuple[str, str]] = []
    report = only(catalogue.embed("fake-words", learning=lambda *what: learned.append(what)))
    assert learned == [("facts", "fake-words")] and report.items == 4
    assert catalogue.facts("a", "b", "c") == [
        {"words": ["Red"], "words.Red": 1.0},
        {"words": ["Big", "Blue"], "words.Big": 1.0, "words.Blue": 2.0},
        {},
    ]
    learned.clear()
    catalogue.bring({"id": "e", "title": "The Cup"})
    catalogue.embed()
    assert learned == [] and catalogue.facts("e") == [{"words": ["Cup"], "words.Cup": 1.0}]
    catalogue.embed(refit=True)
    assert learned == []


@pytest.mark.parametrize(("text", "why"), [("unreadable", "no words"), ("broken", "a bug of the feature"), ("fails", "a bug of the model")])
def test_one_item_on_which_a_feature_fails_costs_that_item_only(catalogue: Catalogue, text: str, why: str) -> None:
    catalogue.bring({"user": "u", "product": "b", "text": text}, {"user": "v", "product": "b", "text": "Fine"}, kind="reviews")
    report = catalogue.embed("fake-words")
    assert only(report).failed == 1 and why in Path(str(report.reject_file)).read_text()
    assert catalogue.facts("b")[0]["words"] == ["Blue", "Fine"]


def test_a_feature_that_fails_on_everything_is_an_error(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.bring(*({"id": f"t{n}", "title": f"broken{n}"} for n in range(50)))

    def prepare(self: FakeWords, item: object) -> str:
        raise RuntimeError("nothing works")

    monkeypatch.setattr(FakeWords, "prepare", prepare)
    with pytest.raises(RuntimeError, match="nothing works"):
        catalogue.embed("fake-words")


def test_a_run_that_is_killed_is_taken_up(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the rows and the product facts: the next run makes these of all that is there."""
    with monkeypatch.context() as patch, pytest.raises(KeyError):
        patch.setattr("mmsearch.features.pipeline.roll_up", lambda *_: {}["killed"])
        catalogue.embed("fake-shade")
    assert len(list(read_rows(catalogue.shop.store, "fake-shade"))) == 3 and catalogue.facts("a") == [{}]
    assert only(catalogue.embed()).unchanged == 3
    assert catalogue.facts("a")[0]["shade"] == "light"


def test_an_interrupted_run_says_how_to_go_on(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    found = FakeShade.extract

    def stopped(self: FakeShade, prepared: Any) -> list[list[Fact]]:
        os.kill(os.getpid(), signal.SIGTERM)
        return found(self, prepared)

    with monkeypatch.context() as patch, pytest.raises(Interrupted) as error:
        patch.setattr(FakeShade, "extract", stopped)
        catalogue.embed("fake-shade")
    assert error.value.hint == "go on with: mmsearch embed"
    catalogue.embed()
    assert catalogue.facts("a")[0]["shade"] == "light"


def test_an_item_that_takes_long_is_left_when_told_to_stop_and_progress_goes_on_meanwhile(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []
    prepared = FakeShade.prepare

    def slow(self: FakeShade, item: Any) -> Any:
        for _ in range(3_000):  # half a minute
            time.sleep(0.01)
            item.go_on()
        return prepared(self, item)

    def watched(now: Progress) -> None:
        told.append(now)
        if now.modality.startswith("image facts") and sum(one.modality == now.modality for one in told) == 3:  # in the middle of the first
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(FakeShade, "prepare", slow)
        started = time.monotonic()
        catalogue.embed("fake-shade", progress=watched)
    assert time.monotonic() - started < 10
    facts = [one for one in told if one.modality.startswith("image facts")]
    assert facts[0].seen == facts[1].seen == 0 and facts[1].seconds > facts[0].seconds, "told while nothing was finished"
    assert only(catalogue.embed()).failed == 0 and catalogue.facts("a")[0]["shade"] == "light"


@pytest.mark.parametrize(("batch", "after", "kept"), [(2, 1, 0), (2, 2, 2), (1, 1, 1)])
def test_a_batch_that_takes_long_is_left_between_its_items_and_what_was_found_before_is_kept(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch, batch: int, after: int, kept: int
) -> None:
    prepared, found = FakeShade.prepare, FakeShade.extract
    looked: list[int] = []

    def slow(self: FakeShade, given: Any) -> list[list[Fact]]:
        facts = []
        for go_on, one in given:
            go_on()
            facts += found(self, [one])
            looked.append(1)
            if len(looked) == after:
                os.kill(os.getpid(), signal.SIGINT)
        return facts

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(FakeShade, "prepare", lambda self, item: (item.go_on, prepared(self, item)))
        patch.setattr(FakeShade, "extract", slow)
        patch.setattr(FakeShade, "batch", batch)
        catalogue.embed("fake-shade")
    assert len(looked) == after
    assert len(list(read_rows(catalogue.shop.store, "fake-shade"))) == kept
    report = only(catalogue.embed())
    assert (report.new, report.unchanged, report.failed) == (3 - kept, kept, 0)


def test_a_feature_is_turned_off_and_its_facts_go(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue.embed("fake-shade", "fake-words")
    report = catalogue.embed(no_features=["fake-shade"])
    assert "the facts of fake-shade are removed" in report.notes and only(report).encoder == "fake-words"
    assert not catalogue.shop.store.has(facts_table("fake-shade"))
    assert catalogue.facts("a") == [{"words": ["Red"], "words.Red": 1.0}]
    with pytest.raises(UsageError, match="no product has an attribute"):
        catalogue.shop.search("x", where="shade = 'dark'")
    monkeypatch.setenv("MMSEARCH_FEATURES", "fake-shade; fake-words")
    assert [one.encoder for one in catalogue.embed().features] == ["fake-words"], "what was turned off does not come by itself"
    assert [one.encoder for one in catalogue.embed("fake-shade").features] == ["fake-shade", "fake-words"]
    assert catalogue.embed(no_features=["all"]).features == [] and catalogue.facts("a") == [{}]
    assert catalogue.embed().features == []


def test_what_runs_by_itself(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    assert catalogue.embed().features == [], "MMSEARCH_FEATURES=none"
    monkeypatch.setattr("mmsearch.features.FEATURES.names", lambda: ["fake-shade", "fake-talk", "fake-words"])
    monkeypatch.delenv("MMSEARCH_FEATURES")
    monkeypatch.setattr(FakeWords, "by_default", classmethod(lambda cls, store: False))
    assert [one.encoder for one in catalogue.embed().features] == ["fake-shade"], "no sound is there, and fake-words is not cheap"
    monkeypatch.setattr(FakeShade, "packages", ("no_such_package",))
    monkeypatch.setenv("MMSEARCH_FEATURES", "none")
    assert [one.encoder for one in catalogue.embed().features] == ["fake-shade"], "once on it stays on"


def test_what_came_by_itself_goes_when_it_takes_long(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.features.FEATURES.names", lambda: ["fake-shade", "fake-talk"])
    monkeypatch.setenv("MMSEARCH_FEATURES", "auto")
    assert [one.encoder for one in catalogue.embed().features] == ["fake-shade"]
    monkeypatch.setattr(FakeShade, "by_default", classmethod(lambda cls, store: False))
    report = catalogue.embed()
    assert report.features == [] and catalogue.facts("a") == [{}]
    assert "the facts of fake-shade are removed: it takes long in a catalogue that has grown" in report.notes[0]
    assert "mmsearch embed --features 'fake-shade'" in report.notes[0]
    assert [one.encoder for one in catalogue.embed("fake-shade").features] == ["fake-shade"]
    assert [one.encoder for one in catalogue.embed().features] == ["fake-shade"], "whom the user named stays"
    catalogue.embed(no_features=["fake-shade"])
    catalogue.shop.store.record.delete("features-off")
    monkeypatch.setenv("MMSEARCH_FEATURES", "fake-shade")
    for _ in range(2):
        assert [one.encoder for one in catalogue.embed().features] == ["fake-shade"], "so does what the setting names"


@pytest.mark.parametrize(
    ("on", "off", "says"),
    [
        (["fake-shad"], [], "fake-shade"),
        ([], ["nothing"], "no feature 'nothing'"),
        (["fake-shade"], ["fake-shade"], "on and off"),
        (["fake-shade", "fake-shade(limit=0.1)"], [], "named twice"),
        (["fake-shade(limit=high)"], [], "limit"),
    ],
)
def test_bad_names(catalogue: Catalogue, on: list[str], off: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        catalogue.embed(*on, no_features=off)
    assert error.value.exit_code == 2
    assert not catalogue.shop.store.record.keys("encoder/"), "nothing was written"


def test_two_features_with_facts_of_one_name(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWords, "names", {"shade": "text"})
    with pytest.raises(UsageError, match="both find 'shade'"):
        catalogue.embed("fake-shade", "fake-words")


def test_a_feature_that_does_not_keep_the_contract(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeShade, "roll_up", lambda self, found: {"brightness": "very"})
    with pytest.raises(StoreError, match="brightness = 'very'"):
        catalogue.embed("fake-shade")
    monkeypatch.setattr(FakeShade, "extract", lambda self, prepared: [])
    with pytest.raises(ValueError, match="gave 0 results for"):
        catalogue.embed("fake-shade(limit=0.3)")


def test_what_is_said_in_a_sound_is_searched_and_found_with_its_second(catalogue: Catalogue) -> None:
    (catalogue.folder / "tour.wav").write_bytes(written(tone(440, 1)))
    catalogue.bring({"id": "s", "title": "Boat trip", "audio": ["tour.wav"]}, {"id": "t", "title": "Train trip"})
    shop: Shop = catalogue.shop
    report = shop.embed(**FAKES, audio="fake-audio", features=["fake-talk"])
    assert report.modalities[0].items == 7, "five titles and two passages"
    hit = shop.search("purple", k=1).hits[0]
    assert (hit.id, hit.matched["text"]) == ("s", "tour.wav@1.0")
    assert shop.search("trip", k=2).hits[0].matched.get("text", "") == ""
    shop.embed(no_features=["fake-talk"])
    assert shop.search("purple", k=1).hits[0].matched == {}


def test_facts_do_not_change_what_a_product_is_like(catalogue: Catalogue) -> None:
    """Hours of speech do not drown a title: a product that is to be liked is its own text."""
    (catalogue.folder / "tour.wav").write_bytes(written(tone(440, 1)))
    catalogue.bring({"id": "s", "title": "Boat", "audio": ["tour.wav"]}, {"id": "t", "title": "Boat red"}, {"id": "u", "title": "purple"})
    catalogue.shop.embed(**FAKES, audio="fake-audio", features=["fake-talk"])
    assert catalogue.shop.search(like="s", within="text", k=1).hits[0].id == "t"


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    made = Catalogue(tmp_path)
    made.shop.store.create()
    with pytest.raises(InputError, match="no products"):
        made.embed("fake-shade")
