from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from mmsearch.catalog.ingest import ingest
from mmsearch.encoders.stopping import Stopped
from mmsearch.errors import MissingPackage, UsageError
from mmsearch.features import FEATURES
from mmsearch.features.base import Fact, Found, Medium
from mmsearch.features.ocr import FEW, Ocr
from mmsearch.store import Store


def photo(*lines: str, size: tuple[int, int] = (400, 300), letters: int = 40) -> Medium:
    image = Image.new("RGB", size, "white")
    for n, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 20 + 2 * letters * n), line, fill="black", font=ImageFont.load_default(letters))
    file = io.BytesIO()
    image.save(file, "PNG")
    return Medium(file.getvalue(), Path("photo.png"))


def read(feature: Ocr, *photos: Medium) -> list[list[Fact]]:
    return feature.extract([feature.prepare(one) for one in photos])


@pytest.mark.parametrize("lacking", ["rapidocr_onnxruntime", "pyclipper", "shapely"])
def test_without_its_packages_it_says_how_to_install_them(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == lacking else own(name, *rest))
    with pytest.raises(MissingPackage) as raised:
        FEATURES.create("ocr")
    assert raised.value.hint == "pip install pyclipper shapely six pyyaml && pip install --no-deps rapidocr-onnxruntime==1.4.4"


@pytest.mark.parametrize("confidence", ["-0.1", "1.5"])
def test_confidence_is_a_probability(confidence: str) -> None:
    with pytest.raises(UsageError, match="confidence must be 0 to 1"):
        FEATURES.create(f"ocr(confidence={confidence})")


def test_what_decides_a_fact_decides_the_fingerprint() -> None:
    assert Ocr().fingerprint() == Ocr(confidence=0.5).fingerprint() != Ocr(confidence=0.6).fingerprint()


@pytest.mark.parametrize(("photos", "expected"), [(3, True), (FEW + 1, False)])
def test_it_runs_by_itself_where_photos_are_few(photos: int, expected: bool, tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "one.png")
    lines = [f"p{n},title {n},one.png" for n in range(photos)]
    (tmp_path / "products.csv").write_text("\n".join(["id,title,image", *lines]))
    store = Store(tmp_path / "store")
    ingest(store, str(tmp_path / "products.csv"))
    assert Ocr.by_default(store) is expected


def test_a_product_has_the_lines_of_all_its_photos_once() -> None:
    lines = [Fact("ocr_text", "OATLY", 0.9), Fact("ocr_text", "1 L", 0.6)]
    found = [Found("front.jpg", tuple(lines)), Found("back.jpg", (*lines, Fact("ocr_text", "Havredryck", 0.7)))]
    assert Ocr().roll_up(found) == {"ocr_text": "OATLY 1 L Havredryck"}
    assert Ocr().roll_up([Found("front.jpg", ())]) == {}


def test_a_long_text_is_cut_between_lines() -> None:
    lines = tuple(Fact("ocr_text", f"{n:03d} " + "x" * 96) for n in range(30))
    text = Ocr().roll_up([Found("leaflet.jpg", lines)])["ocr_text"]
    assert 1_800 < len(text) <= 2_000
    assert all(len(word) in (3, 96) for word in text.split())


@pytest.mark.models
def test_lines_are_read_from_top_to_bottom_with_their_place() -> None:
    [facts] = read(Ocr(), photo("ORANGES", "1.5 litre"))
    assert [fact.value for fact in facts] == ["ORANGES", "1.5 litre"]
    assert all(fact.score is not None and fact.score > 0.8 for fact in facts)
    first, second = (fact.box for fact in facts)
    assert first is not None and second is not None
    assert 0 < first[0] < first[2] <= 1 and first[3] < second[1] < second[3] < 0.7


@pytest.mark.models
def test_photos_are_read_in_order_whatever_their_shape() -> None:
    shapes = [
        photo("first"),
        photo(),
        photo("second", size=(2600, 2400), letters=300),
        photo("x", size=(9, 40)),
        photo("long", size=(300, 4000)),
    ]
    found = [[fact.value for fact in facts] for facts in read(Ocr(), *shapes)]
    assert found == [["first"], [], ["second"], [], ["long"]]


@pytest.mark.models
def test_lines_that_were_hardly_read_are_left_out() -> None:
    blurred = photo("Nectarine", letters=11, size=(160, 48))
    sure, every = read(Ocr(confidence=0.999), blurred), read(Ocr(confidence=0), blurred)
    assert len(sure[0]) < len(every[0])


@pytest.mark.models
def test_reading_ends_between_two_photos_when_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_THREADS", "1")
    asked: list[int] = []

    def go_on() -> None:
        asked.append(1)
        if len(asked) > 2:
            raise Stopped

    seen: list[int] = []
    own = Ocr._taken
    monkeypatch.setattr(Ocr, "_taken", lambda self: seen.append(1) or own(self))
    feature, plain = Ocr(), photo("ORANGES")
    with pytest.raises(Stopped):
        read(feature, *[Medium(plain.content, plain.path, go_on) for _ in range(8)])
    assert len(seen) == 2, "two were read, and the third was not begun"
