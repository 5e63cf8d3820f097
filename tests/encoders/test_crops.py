"""`crop=auto` in the bundled encoder and OpenCLIP, and the crops that one can look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_shop
import tiny_clip
from PIL import Image, ImageDraw

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import InputError, UsageError
from mmsearch.shop import Shop

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip.make(tmp_path_factory.mktemp("clip") / "model", steps=0)


def product(ground: tuple[int, int], at: tuple[int, int]) -> Image.Image:
    """A striped disc of 120 pixels on a white ground, somewhere."""
    image = Image.new("RGB", ground, "white")
    disc = Image.new("RGB", (120, 120), "white")
    draw = ImageDraw.Draw(disc)
    draw.ellipse((0, 0, 119, 119), fill="navy")
    draw.rectangle((20, 50, 100, 70), fill="orange")
    image.paste(disc, at)
    return image


def spec(name: str, clip: Path, crop: str) -> str:
    return f"efficientnet(crop={crop})" if name == "efficientnet" else f"openclip({clip}, crop={crop})"


@pytest.mark.parametrize("name", ["efficientnet", "openclip"])
def test_where_the_product_lies_matters_less(name: str, clip: Path) -> None:
    photos = [product((600, 600), (240, 240)), product((600, 600), (420, 60)), product((400, 700), (40, 500))]
    away = {}
    for crop in ("none", "auto"):
        encoder = ENCODERS.create(spec(name, clip, crop))
        prepared = [encoder.prepare(photo) for photo in photos]
        seen = [np.asarray(getattr(one, "pixels", one)).astype(float) for one in prepared]
        away[crop] = max(abs(seen[0] - other).mean() for other in seen[1:])
    assert away["auto"] < away["none"] / 2


def test_the_bundled_encoder_knows_a_product_again_wherever_it_lies() -> None:
    photos = [product((600, 600), (240, 240)), product((600, 600), (420, 60)), product((400, 700), (40, 500))]
    none, auto = (ENCODERS.create(f"efficientnet(crop={crop})").encode(photos).vectors for crop in ("none", "auto"))
    assert min(auto[0] @ auto[1:].T) > 0.9 > min(none[0] @ none[1:].T)


@pytest.mark.parametrize("name", ["efficientnet", "openclip"])
def test_it_is_another_encoder_of_the_same_space(name: str, clip: Path) -> None:
    none, auto = (ENCODERS.create(spec(name, clip, crop)) for crop in ("none", "auto"))
    assert none.fingerprint() != auto.fingerprint()
    assert (none.space, none.crops, auto.crops) == (auto.space, False, True)
    assert (
        none.fingerprint() == ENCODERS.create(spec(name, clip, "none").replace(", crop=none", "").replace("(crop=none)", "")).fingerprint()
    )
    photo = product((300, 300), (20, 20))
    assert none.region(photo) is None
    assert auto.region(photo) is not None
    with pytest.raises(UsageError, match="crop is none or auto"):
        ENCODERS.create(spec(name, clip, "middle"))


def test_crops_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    product((600, 400), (420, 200)).save(tmp_path / "photos" / "one.png")
    product((300, 300), (20, 20)).save(tmp_path / "photos" / "two.png")
    (tmp_path / "photos" / "bad.png").write_text("no photo")
    rows = [{"id": "../a b", "images": "photos/one.png;photos/two.png"}, {"id": "b", "images": "photos/bad.png"}]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_csv(tmp_path / "products.csv", ("id", "images"), rows))
    report = shop.embed(text="fake-text", image="efficientnet(crop=auto)", show_crops=tmp_path / "crops")
    written = sorted((tmp_path / "crops").iterdir())
    assert len(written) == 2, "two photos of one product, and none of what is no photo"
    assert any("2 photos with their regions" in note for note in report.notes)
    reds = [np.argwhere((np.asarray(Image.open(path)).astype(int) @ [1, -1, -1]) > 120) for path in written]
    boxes = sorted((*red.min(axis=0), *red.max(axis=0)) for red in reds)
    top, left, bottom, right = next(box for box in boxes if box[3] > 300)
    assert 185 <= top <= 205
    assert 405 <= left <= 425
    assert 315 <= bottom <= 335
    assert 535 <= right <= 555


def test_show_crops_of_an_encoder_that_crops_not(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    with pytest.raises(UsageError, match="crops no photos") as told:
        shop.embed(show_crops=tmp_path / "crops")
    assert "crop=auto" in (told.value.hint or "")
    assert not (tmp_path / "crops").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        shop.embed(image="efficientnet(crop=auto)", show_crops=tmp_path / "file")
    assert (recorded_encoder(shop.store, "image") or {})["spec"] == "fake-image"
