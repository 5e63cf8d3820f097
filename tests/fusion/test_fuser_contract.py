"""What every fusion method promises. A new one is found here by its entry point."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from fake_encoders import FakeImage, FakeText
from PIL import Image
from safetensors import numpy as safe

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, FitReport, Fuser, Side
from mmsearch.shop import Shop

NAMES = sorted(e.name for e in distribution("mmsearch").entry_points if e.group == "mmsearch.fusers")

COLOURS = {name.split(",")[0]: rgb for name, rgb in FakeImage.COLOURS.items()}
KINDS = ("shoe", "lamp", "bag", "hat", "cup", "chair", "belt", "clock", "knife")
PRODUCTS = [(colour, kind) for colour in COLOURS for kind in KINDS]
NO_TEXT, NO_PHOTO, NOTHING = [7, 22, 33], [3, 15, 40], 50

ENCODERS: dict[str, Encoder] = {"text": FakeText(), "image": FakeImage()}


def photo(colour: str, kind: str) -> Image.Image:
    """A plain colour; the place of a grey patch tells the kind."""
    image = Image.new("RGB", (42, 42), COLOURS[colour])
    row, column = divmod(KINDS.index(kind), 3)
    image.paste((128, 128, 128), (14 * column, 14 * row, 14 * column + 14, 14 * row + 14))
    return image


def written(path: Path, columns: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """54 products whose title and photo mean the same; nothing is missing. Shoppers take what is of one colour, or of one kind."""
    folder = tmp_path_factory.mktemp("contract")
    texts = [f"{colour} {kind}" for colour, kind in PRODUCTS]
    photos = [folder / f"{colour}-{kind}.png" for colour, kind in PRODUCTS]
    for path, product in zip(photos, PRODUCTS, strict=True):
        photo(*product).save(path)
    ids = [path.stem for path in photos]
    taken: list[list[object]] = [
        [f"{taste}-{number}", id, at]
        for taste in (*COLOURS, *KINDS)
        for number in range(2)
        for at, (id, product) in enumerate(zip(ids, PRODUCTS, strict=True))
        if taste in product
    ]
    shop = Shop(folder / "shop.lancedb")
    shop.ingest(written(folder / "products.csv", ["id", "title"], [list(pair) for pair in zip(ids, texts, strict=True)]))
    shop.ingest(written(folder / "events.csv", ["user", "product", "time"], taken), kind="interactions")
    vectors = {"text": ENCODERS["text"].encode(texts).vectors, "image": ENCODERS["image"].encode(photos).vectors}
    everywhere = np.ones(len(PRODUCTS), bool)
    return Batch(vectors, dict.fromkeys(vectors, everywhere), {"text": texts, "image": photos}, ids, shop.store)


@pytest.fixture(scope="module")
def batch(full: Batch) -> Batch:
    """The same, with some texts and photos missing; product `NOTHING` has neither."""
    lacking = {"text": [*NO_TEXT, NOTHING], "image": [*NO_PHOTO, NOTHING]}
    vectors = {m: X.copy() for m, X in full.vectors.items()}
    present = {m: p.copy() for m, p in full.present.items()}
    contents = {m: list(known) for m, known in full.contents.items()}
    for modality, rows in lacking.items():
        vectors[modality][rows] = 0
        present[modality][rows] = False
        for row in rows:
            contents[modality][row] = None
    return Batch(vectors, present, contents, full.ids, full.store)


def fitted(name: str, batch: Batch, seed: int = 0) -> tuple[Fuser, FitReport]:
    fuser = FUSERS.create(name)
    assert isinstance(fuser, Fuser)
    return fuser, fuser.fit(batch, ENCODERS, seed)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def fits(batch: Batch) -> Callable[[str], tuple[Fuser, FitReport]]:
    """A method fitted once: what is fitted is only read."""
    return functools.cache(lambda name: fitted(name, batch))


@pytest.fixture
def fuser(name: str, fits: Callable[[str], tuple[Fuser, FitReport]]) -> Fuser:
    return fits(name)[0]


def test_reports_what_it_learned(name: str, fits: Callable[[str], tuple[Fuser, FitReport]]) -> None:
    report = fits(name)[1]
    assert report.summary and "\n" not in report.summary
    assert json.loads(json.dumps(report.scores)) == report.scores


def test_projections_are_unit_rows_of_its_space(fuser: Fuser, batch: Batch) -> None:
    assert fuser.modalities() == ["text", "image"]
    for modality in fuser.modalities():
        projected = fuser.project(modality, batch.side(modality, batch.present[modality]))
        assert projected.dtype == np.float32 and projected.shape == (batch.present[modality].sum(), fuser.dim)
        np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)


def test_a_modality_that_was_not_fitted_is_a_key_error(fuser: Fuser, batch: Batch) -> None:
    with pytest.raises(KeyError):
        fuser.project("video", batch.side("text", np.array([0])))


def test_a_query_is_projected_as_a_product_is(fuser: Fuser, batch: Batch) -> None:
    for modality in fuser.modalities():
        together = fuser.project(modality, batch.side(modality, np.arange(3)))
        for at, row in enumerate(together):
            np.testing.assert_allclose(fuser.query(modality, batch.side(modality, np.array([at])))[0], row, atol=1e-5)


def test_items_are_unit_rows_and_a_product_with_nothing_is_zero(fuser: Fuser, batch: Batch) -> None:
    items = fuser.items(batch)
    assert items.dtype == np.float32 and items.shape == (len(batch), fuser.dim)
    lengths = np.linalg.norm(items, axis=1)
    assert lengths[NOTHING] == 0
    np.testing.assert_allclose(np.delete(lengths, NOTHING), 1, atol=1e-5)


def test_a_product_with_one_modality_is_its_projection(fuser: Fuser, batch: Batch) -> None:
    items = fuser.items(batch)
    np.testing.assert_allclose(items[NO_TEXT], fuser.project("image", batch.side("image", np.array(NO_TEXT))), atol=1e-5)
    np.testing.assert_allclose(items[NO_PHOTO], fuser.project("text", batch.side("text", np.array(NO_PHOTO))), atol=1e-5)


def test_what_others_have_does_not_change_a_product(fuser: Fuser, batch: Batch) -> None:
    rows = np.array([0, 7, 15, NOTHING])
    np.testing.assert_allclose(fuser.items(batch.take(rows)), fuser.items(batch)[rows], atol=1e-5)


def test_a_batch_may_lack_a_modality_altogether(fuser: Fuser, batch: Batch) -> None:
    photos = Batch({"image": batch.vectors["image"]}, {"image": batch.present["image"]}, {"image": batch.contents["image"]}, batch.ids)
    items = fuser.items(photos)
    here = batch.present["image"]
    np.testing.assert_allclose(items[here], fuser.project("image", batch.side("image", here)), atol=1e-5)
    assert not items[~here].any()


def test_its_own_title_finds_the_product_and_its_own_photo_one_of_its_colour(fuser: Fuser, full: Batch) -> None:
    """A photo by its class names alone (ConSE) tells no more than the colour."""
    if not fuser.vectors_suffice:
        pytest.skip("it brings together what people take together, not what reads or looks alike: see test_mm_model.py")
    items = fuser.items(full)
    by_title = (fuser.project("text", full.side("text", np.arange(len(full)))) @ items.T).argmax(axis=1)
    assert (by_title == np.arange(len(full))).mean() > 0.9
    by_photo = (fuser.project("image", full.side("image", np.arange(len(full)))) @ items.T).argmax(axis=1)
    assert [PRODUCTS[i][0] for i in by_photo] == [colour for colour, _ in PRODUCTS]


def test_a_colour_finds_photos_where_the_method_compares_across_modalities(fuser: Fuser, full: Batch) -> None:
    if not fuser.vectors_suffice:
        pytest.skip("what is alike in it was learned from people: see test_mm_model.py")
    photos = fuser.project("image", full.side("image", np.arange(len(full))))
    queries = fuser.project("text", Side(ENCODERS["text"].encode(list(COLOURS)).vectors, list(COLOURS)))
    if fuser.compares("text", "image"):
        assert fuser.compares("image", "text")
        best = (queries @ photos.T).argmax(axis=1)
        assert [PRODUCTS[i][0] for i in best] == list(COLOURS)
    else:
        assert not (queries @ photos.T).any()  # nothing that could be mistaken for a similarity


def test_compares_like_with_like_and_nothing_unknown(fuser: Fuser) -> None:
    for modality in fuser.modalities():
        assert fuser.compares(modality, modality)
        assert not fuser.compares(modality, "video") and not fuser.compares("video", modality)


def test_its_state_brings_it_back(name: str, fuser: Fuser, batch: Batch) -> None:
    arrays, values = fuser.state()
    stored = safe.load(safe.save({key: np.ascontiguousarray(array) for key, array in arrays.items()}))
    assert all(array.dtype == np.float32 for array in stored.values())
    again: Fuser = FUSERS.create(name)
    again.load_state(stored, json.loads(json.dumps(values)))
    assert again.dim == fuser.dim and again.modalities() == fuser.modalities()
    np.testing.assert_allclose(again.items(batch), fuser.items(batch), atol=1e-6)
    for modality in fuser.modalities():
        np.testing.assert_allclose(
            again.project(modality, batch.side(modality, batch.present[modality])),
            fuser.project(modality, batch.side(modality, batch.present[modality])),
            atol=1e-6,
        )


def test_one_seed_one_result_and_the_catalogue_is_left_as_it_was(name: str, batch: Batch) -> None:
    before = {m: X.copy() for m, X in batch.vectors.items()}
    one, first = fitted(name, batch, seed=3)
    two, second = fitted(name, batch, seed=3)
    assert first == second
    np.testing.assert_array_equal(one.items(batch), two.items(batch))
    for modality, X in before.items():
        np.testing.assert_array_equal(batch.vectors[modality], X)


def test_a_further_modality_does_no_harm(name: str, batch: Batch) -> None:
    rng = np.random.default_rng(0)
    sounds = rng.normal(size=(len(batch), 5)).astype(np.float32)
    sounds /= np.linalg.norm(sounds, axis=1, keepdims=True)
    vectors, present = {**batch.vectors, "audio": sounds}, {**batch.present, "audio": np.ones(len(batch), bool)}
    more = Batch(vectors, present, {**batch.contents, "audio": [None] * len(batch)}, batch.ids, batch.store)
    fuser, _ = fitted(name, more)
    expected = 1 if "audio" in fuser.modalities() else 0
    assert np.linalg.norm(fuser.items(more)[NOTHING]) == pytest.approx(expected, abs=1e-5)


def test_nothing_to_learn_from_says_what_makes_it(name: str, batch: Batch) -> None:
    nobody = np.zeros(len(batch), bool)
    nothing = {"text": nobody, "image": nobody}
    for empty in (Batch({}, {}), Batch(batch.vectors, nothing, batch.contents, batch.ids, batch.store)):
        with pytest.raises(InputError, match="mmsearch embed"):
            FUSERS.create(name).fit(empty, ENCODERS, 0)
