"""Words read off a query photo are evidence of their own: beside the photo, in the sum, and only where photos are read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from mmsearch.errors import MissingPackage
from mmsearch.features import FEATURES
from mmsearch.features.base import Fact, Feature, Medium
from mmsearch.features.ocr import Ocr
from mmsearch.fusion.direct import calibration
from mmsearch.fusion.words import KIND, product_words, reliability
from mmsearch.search.words import LABEL
from mmsearch.shop import Shop

BRANDS = ["oatly", "arla", "valio", "yoggi", "alpro", "garant", "bravo", "tropicana", "雀巢", "蒙牛"]
GOODS = ["milk", "yoghurt", "juice", "cream"]


class Notes(Feature):
    """Reads what stands in a text file beside the photo."""

    sources: ClassVar[tuple[str, ...]] = ("image",)
    names: ClassVar[dict[str, str]] = {"ocr_text": "text"}
    searchable: ClassVar[bool] = True

    def fingerprint(self) -> str:
        return "0" * 64

    def prepare(self, item: str | Medium) -> Path:
        assert isinstance(item, Medium)
        return item.path

    @staticmethod
    def open(source: Path) -> Path:
        return source

    def extract(self, prepared: Sequence[Path]) -> list[list[Fact]]:
        notes = [path.with_suffix(".txt") for path in prepared]
        return [[Fact("ocr_text", line) for line in note.read_text().splitlines()] if note.exists() else [] for note in notes]


@pytest.fixture(scope="module", autouse=True)
def _reader() -> Iterator[None]:
    FEATURES.register("ocr", Notes)
    yield
    FEATURES.unregister("ocr")


def photo(path: Path, colour: tuple[int, int, int], words: str = "") -> str:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(path)
    if words:
        path.with_suffix(".txt").write_text(words)
    return str(path)


def make(folder: Path, *features: str) -> Shop:
    """40 packages in four colours, whose photos say their brand and kind, and three products without any words."""
    rows = ["id,title,image"]
    for n, (brand, kind) in enumerate((b, g) for b in BRANDS for g in GOODS):
        photo(folder / "photos" / f"p{n}.png", (60 * (n % 4), 90, 5 * n), f"{brand.upper()}\n{kind}")
        rows.append(f"p{n},{brand} {kind},photos/p{n}.png")
    for n in range(3):
        photo(folder / "photos" / f"mute{n}.png", (60 * n, 200, 50))
        rows.append(f"mute{n},,photos/mute{n}.png")
    (folder / "products.csv").write_text("\n".join(rows))
    shop = Shop(folder / "store")
    shop.ingest(folder / "products.csv")
    shop.embed(text="fake-text", image="fake-image", features=features)
    return shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only."""
    return make(tmp_path_factory.mktemp("reading"), "ocr")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path


def evidence(hit: Any) -> dict[str, float]:
    return {one.evidence: one.contribution for one in hit.explain}


def test_the_words_on_a_photo_find_the_product_that_looks_like_others(shop: Shop, shelf: Path) -> None:
    seen = photo(shelf / "seen.png", (60, 90, 32), "VALI0\nyoghurt\n12.90 kr")
    assert next(iter(shop.search(image=seen))).id == "p9"
    assert next(iter(shop.search(image=seen, within="image"))).id != "p9"


def test_chinese_words_do_as_well(shop: Shop, shelf: Path) -> None:
    assert next(iter(shop.search(image=photo(shelf / "seen.png", (9, 9, 9), "蒙牛 juice")))).id == "p38"


def test_they_are_a_line_of_the_explanation_which_adds_up(shop: Shop, shelf: Path) -> None:
    for hit in shop.search(image=photo(shelf / "seen.png", (60, 90, 10), "alpro cream"), k=50):
        said = evidence(hit)
        assert sum(said.values()) == pytest.approx(hit.score)
        assert (LABEL in said) is not hit.id.startswith("mute")
        assert hit.matched.keys() == {"image"}


def test_a_photo_without_words_is_answered_as_if_none_were_read(shop: Shop, shelf: Path) -> None:
    mute = photo(shelf / "mute.png", (60, 90, 10))
    strange = photo(shelf / "strange.png", (60, 90, 10), "ЖЖЖ")
    alone = [(hit.id, hit.score) for hit in shop.search(image=mute, within="image")]
    for seen in (mute, strange):
        assert [(hit.id, hit.score) for hit in shop.search(image=seen)] == alone


def test_products_without_words_keep_their_places(shop: Shop, shelf: Path) -> None:
    """They are neither punished nor favoured: their score is that of the photo, whatever words the others have."""
    seen = photo(shelf / "seen.png", (60, 90, 10), "bravo milk")
    alone = {hit.id: hit.score for hit in shop.search(image=seen, within="image", k=50)}
    both = {hit.id: hit.score for hit in shop.search(image=seen, k=50)}
    assert {id: both[id] for id in ("mute0", "mute1", "mute2")} == {id: alone[id] for id in ("mute0", "mute1", "mute2")}


def test_a_large_store_finds_them_as_a_small_one(shop: Shop, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = photo(shelf / "seen.png", (60, 90, 10), "tropicana juice")
    exact = [hit.id for hit in shop.search(image=seen, k=3)]
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "5")
    near = shop.search(image=seen, k=3)
    assert [hit.id for hit in near][:1] == exact[:1] == ["p30"]
    assert all(sum(evidence(hit).values()) == pytest.approx(hit.score) for hit in near)


def test_words_of_a_negative_photo_lower(shop: Shop, shelf: Path) -> None:
    seen = photo(shelf / "seen.png", (250, 250, 250), "garant milk")
    plain = {hit.id: hit.score for hit in shop.search("garant", k=50)}
    lowered = {hit.id: hit.score for hit in shop.search("garant", not_image=seen, k=50)}
    assert lowered["p20"] < plain["p20"]


def test_filters_hold(shop: Shop, shelf: Path) -> None:
    seen = photo(shelf / "seen.png", (60, 90, 10), "garant milk")
    assert "p20" not in [hit.id for hit in shop.search(image=seen, where="title = 'oatly milk'", k=50)]


def test_new_products_are_known_at_once(tmp_path: Path) -> None:
    shop = make(tmp_path, "ocr")
    seen = photo(tmp_path / "seen.png", (60, 90, 10), "zzqqw")
    assert LABEL not in {line for hit in shop.search(image=seen, k=50) for line in evidence(hit)}
    photo(tmp_path / "photos" / "new.png", (200, 0, 0), "ZZQQW")
    (tmp_path / "more.csv").write_text("id,title,image\nnew,white,photos/new.png")
    shop.ingest(tmp_path / "more.csv")
    shop.embed()
    assert next(iter(shop.search(image=seen))).id == "new"


def test_without_the_feature_no_photo_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make(tmp_path)
    monkeypatch.setattr(Notes, "extract", lambda *_: pytest.fail("a photo was read"))
    hits = shop.search(image=photo(tmp_path / "seen.png", (60, 90, 10), "valio yoghurt"))
    assert hits.hits and all(LABEL not in evidence(hit) for hit in hits)


def test_where_the_reader_is_missing_the_answer_says_so(shop: Shop, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise MissingPackage("feature ocr", "rapidocr_onnxruntime")

    other = Shop(shop.store.path)
    monkeypatch.setattr(FEATURES, "create", lambda spec: missing())
    result = other.search(image=photo(shelf / "seen.png", (60, 90, 10), "valio yoghurt"))
    assert result.hits
    assert [note for note in result.notes if "were not read" in note and "pip install" in note]


def test_reliability_is_measured_on_titles_the_photo_did_not_write(shop: Shop) -> None:
    pair = calibration(shop.store, None).pair(KIND)
    assert 0.9 <= pair.reliability <= 0.95, "every photo says its whole title"
    words = product_words(shop.store, [f"p{n}" for n in range(40)])
    assert words.read[0] == "OATLY\nmilk" and words.said[0] == "oatly milk"
    assert reliability(words, 40) == pytest.approx(pair.reliability, abs=0.05)
    shuffled = type(words)(words.said, list(np.roll(words.read, 17)))
    assert (reliability(shuffled, 40) or 1) < 0.3
    assert reliability(type(words)(words.said, [""] * 40), 40) is None


def test_the_real_reader_opens_what_search_gives_it(shelf: Path) -> None:
    assert Ocr.open(Path(photo(shelf / "seen.png", (60, 90, 10)))).image.size == (16, 16)


def test_a_text_search_loads_nothing_of_it(shop: Shop) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from mmsearch.encoders import ENCODERS; from fake_encoders import FakeImage, FakeText\n"
        "ENCODERS.register('fake-text', FakeText); ENCODERS.register('fake-image', FakeImage)\n"
        f"from mmsearch.shop import Shop; assert Shop({shop.store.path!r}).search('milk').hits\n"
        "print([m for m in ('scipy', 'cv2', 'rapidocr_onnxruntime', 'onnxruntime', 'mmsearch.ranking.letters') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
