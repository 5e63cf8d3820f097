"""What every fusion method promises. A new one is found here by its entry point."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from importlib.metadata import distribution

import numpy as np
import pytest
from fake_encoders import FakeImage, FakeText
from PIL import Image
from safetensors import numpy as safe
from small_shop import write_csv

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, FitReport, Fuser, Side
from mmsearch.shop import Shop
from mmsearch.store import Store

NAMES = sorted(e.name for e in distribution("mmsearch").entry_points if e.group == "mmsearch.fusers")

COLOURS = {name.split(",")[0]: rgb for name, rgb in FakeImage.COLOURS.items()}
KINDS = ("shoe", "lamp", "bag", "hat", "cup", "chair", "belt", "clock", "knife")
PRODUCTS = [(colour, kind) for colour in COLOURS for kind in KINDS]
IDS = [f"{colour}-{kind}" for colour, kind in PRODUCTS]
NO_TEXT, NO_PHOTO, NOTHING = [7, 22, 33], [3, 15, 40], 50

ENCODERS: dict[str, Encoder] = {"text": FakeText(), "image": FakeImage()}


def photo(colour: str, kind: str) -> Image.Image:
    """A plain colour; the place of a grey patch tells the kind."""
    image = Image.new("RGB", (42, 42), COLOURS[colour])
    row, column = divmod(KINDS.index(kind), 3)
    image.paste((128, 128, 128), (14 * column, 14 * row, 14 * column + 14, 14 * row + 14))
    return image


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The products with what a method may learn from beside their vectors: a kind is a category; shoppers keep to a colour."""
    folder = tmp_path_factory.mktemp("shop")
    rows = [
        {"id": id, "title": f"{colour} {kind}", "category": f"things > {kind}"} for id, (colour, kind) in zip(IDS, PRODUCTS, strict=True)
    ]
    taken = [
        {"user": f"{colour}-fan{copy}", "product": f"{colour}-{kind}", "event": "buy", "time": step}
        for colour in COLOURS
        for copy in range(3)
        for step, kind in enumerate(KINDS[copy:])
    ]
    shop = Shop(folder / "store")
    shop.ingest(write_csv(folder / "products.csv", ("id", "title", "category"), rows))
    shop.ingest(write_csv(folder / "events.csv", ("user", "product", "event", "time"), taken))
    return shop.store


@pytest.fixture(scope="module")
def full(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """54 products whose title and photo mean the same; nothing is missing."""
    titles, photos = [f"{colour} {kind}" for colour, kind in PRODUCTS], [photo(*product) for product in PRODUCTS]
    paths = [tmp_path_factory.getbasetemp() / f"{id}.png" for id in IDS]
    for path, image in zip(paths, photos, strict=True):
        image.save(path)
    vectors = {"text": ENCODERS["text"].encode(titles).vectors, "image": ENCODERS["image"].encode(photos).vectors}
    return Batch(vectors, dict.fromkeys(vectors, np.ones(len(PRODUCTS), bool)), {"text": titles, "image": paths}, IDS, store)


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
    contents = {m: [c if p else None for c, p in zip(full.contents[m], present[m], strict=True)] for m in lacking}
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


def test_a_query_alone_is_what_it_is_among_others(fuser: Fuser, batch: Batch) -> None:
    for modality in fuser.modalities():
        side = batch.side(modality, np.arange(3))
        together = fuser.query(modality, side)
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        for i, row in enumerate(together):
            np.testing.assert_allclose(fuser.query(modality, side.take(np.array([i])))[0], row, atol=1e-5)


def test_items_are_unit_rows_and_a_product_with_nothing_is_zero(fuser: Fuser, batch: Batch) -> None:
    items = fuser.items(batch)
    assert items.dtype == np.float32 and items.shape == (len(batch), fuser.dim)
    lengths = np.linalg.norm(items, axis=1)
    assert lengths[NOTHING] == 0
    np.testing.assert_allclose(np.delete(lengths, NOTHING), 1, atol=1e-5)


def test_a_product_with_one_modality_is_its_projection(fuser: Fuser, batch: Batch) -> None:
    """As far as it is made of what it has itself: a method may know more of it from the store."""
    items = fuser.items(dataclasses.replace(batch, store=None))
    np.testing.assert_allclose(items[NO_TEXT], fuser.project("image", batch.side("image", np.array(NO_TEXT))), atol=1e-5)
    np.testing.assert_allclose(items[NO_PHOTO], fuser.project("text", batch.side("text", np.array(NO_PHOTO))), atol=1e-5)


def test_what_others_have_does_not_change_a_product(fuser: Fuser, batch: Batch) -> None:
    rows = np.array([0, 7, 15, NOTHING])
    np.testing.assert_allclose(fuser.items(batch.take(rows)), fuser.items(batch)[rows], atol=1e-5)


def test_a_batch_may_lack_a_modality_altogether(fuser: Fuser, batch: Batch) -> None:
    parts = {part: {"image": getattr(batch, part)["image"]} for part in ("vectors", "present", "contents")}
    photos = dataclasses.replace(batch, store=None, **parts)
    items = fuser.items(photos)
    here = batch.present["image"]
    np.testing.assert_allclose(items[here], fuser.project("image", batch.side("image", here)), atol=1e-5)
    assert not items[~here].any()


def test_its_own_title_finds_the_product_and_its_own_photo_one_of_its_colour(fuser: Fuser, full: Batch) -> None:
    """A photo by its class names alone (ConSE) tells no more than the colour."""
    if not fuser.vectors_suffice:
        pytest.skip("it brings together what people take together, not what reads or looks alike: see test_mm_model.py")
    items = fuser.items(full)
    by_title = (fuser.project("text", full.side("text", full.present["text"])) @ items.T).argmax(axis=1)
    assert (by_title == np.arange(len(full))).mean() > 0.9
    by_photo = (fuser.project("image", full.side("image", full.present["image"])) @ items.T).argmax(axis=1)
    assert [PRODUCTS[i][0] for i in by_photo] == [colour for colour, _ in PRODUCTS]


def test_a_colour_finds_photos_where_the_method_compares_across_modalities(fuser: Fuser, full: Batch) -> None:
    if not fuser.vectors_suffice:
        pytest.skip("what is alike in it was learned from people: see test_mm_model.py")
    photos = fuser.project("image", full.side("image", full.present["image"]))
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
        side = batch.side(modality, batch.present[modality])
        np.testing.assert_allclose(again.project(modality, side), fuser.project(modality, side), atol=1e-6)


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
    everywhere = np.ones(len(batch), bool)
    more = dataclasses.replace(
        batch,
        vectors={**batch.vectors, "audio": sounds},
        present={**batch.present, "audio": everywhere},
        contents={**batch.contents, "audio": [None] * len(batch)},
    )
    fuser, _ = fitted(name, more)
    expected = 1 if "audio" in fuser.modalities() else 0
    assert np.linalg.norm(fuser.items(more)[NOTHING]) == pytest.approx(expected, abs=1e-5)


def test_a_refit_of_the_same_products_learns_the_same(name: str, fuser: Fuser, batch: Batch) -> None:
    again = FUSERS.create(name)
    again.load_state(*fuser.state())
    again.refit(batch, ENCODERS, 0)
    assert again.modalities() == fuser.modalities() and again.dim == fuser.dim
    np.testing.assert_allclose(again.items(batch), fuser.items(batch), atol=1e-5)
    for modality in fuser.modalities():
        side = batch.side(modality, batch.present[modality])
        np.testing.assert_allclose(again.query(modality, side), fuser.query(modality, side), atol=1e-5)


def test_a_refit_needs_something_to_learn_from(name: str, fuser: Fuser, batch: Batch) -> None:
    nobody = np.zeros(len(batch), bool)
    again = FUSERS.create(name)
    again.load_state(*fuser.state())
    with pytest.raises(InputError):
        again.refit(Batch(batch.vectors, {"text": nobody, "image": nobody}, batch.contents, batch.ids, batch.store), ENCODERS, 0)


def test_nothing_to_learn_from_says_what_makes_it(name: str, batch: Batch) -> None:
    nobody = np.zeros(len(batch), bool)
    nothing = {"text": nobody, "image": nobody}
    for empty in (Batch({}, {}), Batch(batch.vectors, nothing, batch.contents, batch.ids, batch.store)):
        with pytest.raises(InputError, match=r"mmsearch (embed|fuse --method)"):
            FUSERS.create(name).fit(empty, ENCODERS, 0)
