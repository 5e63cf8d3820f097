from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mm_people import COLOURS, IDS, PRODUCTS, batch_of, paint, people, write
from safetensors import numpy as safe

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import mm_training
from mmsearch.fusion.base import Batch, FitReport, Side
from mmsearch.fusion.mm_model import MMModel
from mmsearch.shop import Shop
from mmsearch.store import Store

SMALL: dict[str, Any] = {"dim": 16, "width": 16, "embedding": 16, "epochs": 40, "patience": 8, "rate": 0.01, "popular": 0}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return people(folder)


@pytest.fixture(scope="module")
def batch(store: Store, folder: Path) -> Batch:
    return batch_of(store, folder / "photos")


@pytest.fixture(scope="module")
def fitted(batch: Batch) -> tuple[MMModel, FitReport]:
    model = MMModel(**SMALL)
    return model, model.fit(batch, {}, 0)


def test_held_out_answers_are_far_better_than_one_answer_for_all(fitted: tuple[MMModel, FitReport]) -> None:
    _, report = fitted
    held = report.scores["held_out"]
    assert held["AUC"] > 0.85
    assert held["accuracy"] > held["constant"]["accuracy"] + 0.04
    assert held["F1"] > held["constant"]["F1"] + 0.25
    assert 0.15 < held["share_yes"] < 0.35  # four negatives each


def test_the_report_is_one_line_that_can_be_judged(fitted: tuple[MMModel, FitReport]) -> None:
    _, report = fitted
    for word in ("accuracy", "precision", "recall", "F1", "AUC", "one answer for all", "134 of 168 pairs", "24 users", "negatives sampled"):
        assert word in report.summary
    assert "\n" not in report.summary
    assert json.loads(json.dumps(report.scores)) == report.scores
    assert report.scores["branches"] == ["text", "image", "user"]


def test_things_of_one_colour_are_alike(fitted: tuple[MMModel, FitReport], batch: Batch) -> None:
    """Whoever takes a thing takes others of its colour, whatever they are."""
    X = fitted[0].items(batch)
    assert X.shape == (len(IDS), 16) and X.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-5)
    similarity = X @ X.T
    np.fill_diagonal(similarity, -2)
    same = np.array([a == b for a, _ in PRODUCTS for b, _ in PRODUCTS]).reshape(len(IDS), -1)
    assert same[np.arange(len(IDS)), similarity.argmax(axis=1)].mean() > 0.9


def test_of_few_products_none_is_kept_out(fitted: tuple[MMModel, FitReport]) -> None:
    held = fitted[0].held_out()
    assert held is not None and len(held) == 0  # a tenth of thirty says nothing
    assert "new_products" not in fitted[1].scores


def test_any_subset_will_do(fitted: tuple[MMModel, FitReport], batch: Batch) -> None:
    model, _ = fitted
    n = len(batch)
    contents = {m: list(known) for m, known in batch.contents.items()}
    contents["text"][3] = contents["image"][4] = contents["text"][5] = contents["image"][5] = None
    present = {m: np.array([one is not None for one in known]) for m, known in contents.items()}
    some = Batch(batch.vectors, present, contents, IDS)
    X = model.items(some)
    assert not X[5].any()
    np.testing.assert_allclose(np.linalg.norm(np.delete(X, 5, axis=0), axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(X[3], model.project("image", some.side("image", np.array([3])))[0], atol=1e-5)
    np.testing.assert_allclose(X[4], model.project("text", some.side("text", np.array([4])))[0], atol=1e-5)
    photos = Batch({"image": batch.vectors["image"]}, {"image": np.ones(n, bool)}, {"image": batch.contents["image"]}, IDS)
    np.testing.assert_allclose(model.items(photos), model.project("image", photos.side("image", np.arange(n))), atol=1e-5)


def test_what_others_have_does_not_change_a_product(fitted: tuple[MMModel, FitReport], batch: Batch) -> None:
    rows = np.array([0, 7, 15])
    np.testing.assert_allclose(fitted[0].items(batch.take(rows)), fitted[0].items(batch)[rows], atol=1e-5)


def test_what_cannot_be_opened_or_read_is_a_zero_row(fitted: tuple[MMModel, FitReport], tmp_path: Path) -> None:
    model, _ = fitted
    vectors = np.zeros((2, 30), np.float32)
    assert not model.project("image", Side(vectors, [tmp_path / "gone.png", None])).any()
    found = model.project("text", Side(vectors, ["xyzzy!", "a red thing"]))
    assert not found[0].any() and found[1].any()


def test_without_contents_it_says_so(fitted: tuple[MMModel, FitReport], batch: Batch) -> None:
    model, _ = fitted
    with pytest.raises(ValueError, match=r"Side\.contents"):
        model.project("text", Side(batch.vectors["text"]))
    with pytest.raises(ValueError, match=r"Batch\.contents"):
        model.items(Batch(batch.vectors, batch.present))
    with pytest.raises(KeyError):
        model.project("audio", Side(batch.vectors["text"], batch.contents["text"]))
    with pytest.raises(ValueError, match="fit it first"):
        MMModel().state()


def test_its_state_brings_it_back(fitted: tuple[MMModel, FitReport], batch: Batch) -> None:
    model, _ = fitted
    arrays, values = model.state()
    stored = safe.load(safe.save({key: np.ascontiguousarray(array) for key, array in arrays.items()}))
    assert all(array.dtype == np.float32 for array in stored.values())
    again = MMModel()  # the sizes come with the state
    again.load_state(stored, json.loads(json.dumps(values)))
    assert again.dim == model.dim and again.modalities() == model.modalities() == ["text", "image"]
    np.testing.assert_allclose(again.items(batch), model.items(batch), atol=1e-6)


def test_the_branches_may_be_the_vectors(batch: Batch) -> None:
    model = MMModel(layer="branches", **SMALL | {"width": 12, "epochs": 15})
    model.fit(batch, {}, 0)
    X = model.items(batch)
    assert X.shape == (len(IDS), 12) and model.dim == 12
    again = MMModel()
    again.load_state(*model.state())
    assert again.dim == 12
    np.testing.assert_allclose(again.items(batch), X, atol=1e-6)
    similarity = X @ X.T - 3 * np.eye(len(IDS))
    assert np.mean([PRODUCTS[i][0] == PRODUCTS[j][0] for i, j in enumerate(similarity.argmax(axis=1))]) > 0.9


def test_one_seed_one_result(batch: Batch) -> None:
    import torch

    short = SMALL | {"epochs": 1}
    found = []
    for _ in range(2):
        torch.rand(3)  # whoever used torch's generator before
        model = MMModel(**short)
        found.append((model.fit(batch, {}, 3), model.items(batch)))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])
    other = MMModel(**short)
    other.fit(batch, {}, 4)
    assert not np.array_equal(other.items(batch), found[0][1])


def test_torchs_own_generator_is_left_alone(batch: Batch) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    MMModel(**SMALL | {"epochs": 1}).fit(batch, {}, 3)
    assert torch.equal(torch.rand(1), expected)


def test_one_modality_alone_is_enough(store: Store, folder: Path) -> None:
    for kind, batch in (("text", batch_of(store, None)), ("image", batch_of(store, folder / "photos", texts=False))):
        model = MMModel(**SMALL)
        report = model.fit(batch, {}, 0)
        assert model.modalities() == [kind]
        assert report.scores["held_out"]["AUC"] > 0.8


def test_a_label_of_products_is_learned_without_people(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store")
    texts = {f"{id}-{size}": f"{id.replace('-', ' ')} {size}" for id in IDS for size in ("small", "large", "wide", "slim")}
    shop.ingest(write(tmp_path / "products.csv", ["id", "liked"], [[id, "yes" if "red" in id else "no"] for id in texts]))
    everywhere = np.ones(len(texts), bool)
    vectors = np.eye(len(texts), dtype=np.float32)
    batch = Batch({"text": vectors}, {"text": everywhere}, {"text": list(texts.values())}, list(texts), shop.store)
    model = MMModel(label="liked", **SMALL)
    report = model.fit(batch, {}, 0)
    assert report.scores["branches"] == ["text"] and "label 'liked'" in report.summary
    for part in ("held_out", "new_products"):
        found = report.scores[part]
        assert found["accuracy"] > 0.9 > found["constant"]["accuracy"] + 0.1, part
    held = model.held_out()
    assert held is not None and len(held) == 12  # a tenth of the products, none of which was learned from
    assert held.dtype == np.int64


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dim": 1}, "dim must be at least 2"),
        ({"least_users": 1}, "least_users must be at least 2"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"rate": float("nan")}, "rate must be above 0"),
        ({"popular": 2.0}, "popular must be 0 to 1"),
        ({"layer": "first"}, "layer must be one of dense, branches"),
        ({"device": "tpu"}, "device must be one of auto, cpu, cuda"),
        ({"at_least": 4.0}, "at_least is of a label"),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MMModel(**parameters)


def test_nothing_to_learn_from_says_what_makes_it(batch: Batch) -> None:
    nobody = np.zeros(len(batch), bool)
    for empty in (Batch({}, {}), Batch(batch.vectors, {"text": nobody, "image": nobody}, batch.contents, IDS)):
        with pytest.raises(InputError, match="mmsearch embed"):
            MMModel().fit(empty, {}, 0)
    with pytest.raises(InputError, match=r"mmsearch ingest events\.csv"):
        MMModel().fit(Batch(batch.vectors, batch.present, batch.contents, IDS), {}, 0)


def test_shoppers_who_took_everything_teach_nothing(tmp_path: Path, batch: Batch) -> None:
    shop = Shop(tmp_path / "store")
    shop.ingest(write(tmp_path / "products.csv", ["id"], [[id] for id in IDS]))
    shop.ingest(write(tmp_path / "events.csv", ["user", "product", "time"], [[u, id, 1] for u in "ab" for id in IDS]), kind="interactions")
    with pytest.raises(InputError, match="nearly every product"):
        MMModel().fit(Batch(batch.vectors, batch.present, batch.contents, IDS, shop.store), {}, 0)


def test_products_of_which_nothing_can_be_read(store: Store, batch: Batch) -> None:
    contents: dict[str, Any] = {"text": ["!!"] * len(IDS), "image": [Path("/nowhere.png")] * len(IDS)}
    with pytest.raises(InputError, match="only 0 pairs"):
        MMModel().fit(Batch(batch.vectors, batch.present, contents, IDS, store), {}, 0)


def test_an_unknown_label(batch: Batch) -> None:
    with pytest.raises(UsageError, match="did you mean title"):
        MMModel(label="titel").fit(batch, {}, 0)


# -- as a profile ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The same shop as a store with photos, embedded with the fake encoders."""
    people(tmp_path)
    shop = Shop(tmp_path / "people.lancedb")
    photos = [paint(tmp_path / "photos" / f"{c}-{k}.png", c, k) for c, k in PRODUCTS]
    rows = [[id, id.replace("-", " "), str(photo)] for id, photo in zip(IDS, photos, strict=True)]
    shop.ingest(write(tmp_path / "products.csv", ["id", "title", "image"], rows))
    shop.embed(text="fake-text", image="fake-image")
    return shop


SPEC = "mm-model(dim=16, width=16, embedding=16, epochs=25, patience=8, rate=0.01, popular=0)"

SHORT = SPEC.replace("epochs=25", "epochs=3")


def test_a_profile_searches_by_text_and_photo_and_takes_new_products_in(shop: Shop, tmp_path: Path) -> None:
    profile = shop.fuse(SPEC)
    assert profile.modalities == profile.by_contents == ["text", "image"]
    assert "text>image" in profile.compares
    red = paint(tmp_path / "query.png", "red", "hat")
    for query in ({"text": "red"}, {"image": str(red)}, {"like": "red-hat"}):
        hits = shop.search(**query, within="mm-model", k=5).hits
        assert [hit.id.split("-")[0] for hit in hits].count("red") >= 4
    new = paint(tmp_path / "photos" / "new.png", "blue", "cup")
    shop.ingest(write(tmp_path / "more.csv", ["id", "title", "image"], [["new", "blue mug", str(new)]]))
    shop.embed()
    assert shop.info()["profiles"]["mm-model"]["version"] == 1
    assert [hit.id.split("-")[0] for hit in shop.search(like="new", within="mm-model", k=5).hits].count("blue") >= 4


def test_an_interrupted_fit_leaves_the_old_profile(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shop.fuse(SHORT)

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mm_training, "_loss", interrupted)
        with pytest.raises(KeyboardInterrupt):
            shop.fuse("mm-model(epochs=3)")
    assert shop.info()["profiles"]["mm-model"]["version"] == before.version
    assert shop.search("red", within="mm-model", k=3).hits
    assert shop.fuse(SHORT, force=True).version == before.version + 1


def test_the_colours_are_those_of_the_people() -> None:
    assert set(COLOURS) == {colour for colour, _ in PRODUCTS}
