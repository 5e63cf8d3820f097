"""OpenCLIP for real: a tiny model made, trained and saved with open_clip itself, that knows the photos and titles of the small shop."""

from __future__ import annotations

import json
import pickle
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import small_shop
import tiny_clip
from PIL import Image

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.openclip_model import find
from mmsearch.encoders.recorded import create_encoder, pending_encoder
from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.fusion.calibration import SHARED
from mmsearch.fusion.direct import calibration, direct_meetings
from mmsearch.search.hits import Result
from mmsearch.shop import Shop

pytestmark = pytest.mark.models

PAIRS = [(colour, kind) for colour in small_shop.COLOURS for kind in small_shop.KINDS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_clip.make(tmp_path_factory.mktemp("clip") / "model")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Shop:
    """Photos by OpenCLIP, texts by another encoder. Read only."""
    return make_shop(tmp_path_factory.mktemp("shop"), text="fake-text", image=f"openclip({folder})")


def make_shop(folder: Path, **encoders: str) -> Shop:
    made = Shop(folder / "store.lancedb")
    made.ingest(small_shop.write_catalogue(folder))
    made.embed(**encoders)
    return made


def photo(shop: Shop, name: str) -> str:
    return str(Path(shop.store.path).parent / "photos" / f"{name}.png")


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


def evidence(result: Result) -> set[str]:
    return {c.evidence for hit in result for c in hit.explain}


# -- the two towers ------------------------------------------------------------------------------------------------


def test_one_spec_gives_two_encoders_of_one_space(folder: Path, tmp_path: Path) -> None:
    image, text = create_encoder(f"openclip({folder})", "image"), create_encoder(f"openclip({folder})", "text")
    assert (image.modality, text.modality) == ("image", "text")
    assert image.space == text.space
    assert image.fingerprint() != text.fingerprint()
    for colour, kind in PAIRS:
        small_shop.paint(tmp_path / f"{colour}-{kind}.png", colour, kind)
    photos = image.encode([tmp_path / f"{colour}-{kind}.png" for colour, kind in PAIRS]).vectors
    texts = text.encode([f"{colour} {kind}" for colour, kind in PAIRS]).vectors
    similarity = texts @ photos.T
    assert (similarity.argmax(axis=1) == np.arange(len(PAIRS))).mean() > 0.9
    assert (similarity.argmax(axis=0) == np.arange(len(PAIRS))).mean() > 0.9


def test_it_encodes_as_open_clip_does(folder: Path, tmp_path: Path) -> None:
    import open_clip
    import torch

    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    with torch.no_grad():
        photo = model.encode_image(transform(Image.open(tmp_path / "p.png"))[None], normalize=True).numpy()
        text = model.encode_text(tokenizer(["a red hat"]), normalize=True).numpy()
    encoder = create_encoder(f"openclip({folder})", "image")
    np.testing.assert_allclose(encoder.encode([tmp_path / "p.png"]).vectors, photo, atol=1e-5)
    np.testing.assert_allclose(create_encoder(f"openclip({folder})", "text").encode(["a red hat"]).vectors, text, atol=1e-5)


def test_a_text_encoder_is_no_image_encoder(folder: Path) -> None:
    with pytest.raises(UsageError, match="encodes text, not image"):
        create_encoder("fake-text", "image")
    with pytest.raises(UsageError, match="encodes image, not audio"):
        create_encoder(f"openclip({folder})", "audio")


# -- weights -------------------------------------------------------------------------------------------------------


def test_other_weights_are_another_encoder(folder: Path, tmp_path: Path) -> None:
    other = tiny_clip.make(tmp_path / "other", seed=1, steps=0)
    one, two = ENCODERS.create(f"openclip({folder})"), ENCODERS.create(f"openclip({other})")
    assert one.fingerprint() != two.fingerprint()
    assert one.space != two.space


@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "model.pth"])
def test_a_state_dict_of_torch(folder: Path, tmp_path: Path, name: str) -> None:
    import torch
    from safetensors.torch import load_file

    copy = shutil.copytree(folder, tmp_path / "copy")
    torch.save({"state_dict": load_file(copy / "open_clip_model.safetensors")}, copy / name)
    (copy / "open_clip_model.safetensors").unlink()
    text = ["a blue lamp"]
    expected = create_encoder(f"openclip({folder})", "text").encode(text).vectors
    np.testing.assert_allclose(create_encoder(f"openclip({copy})", "text").encode(text).vectors, expected, atol=1e-6)


class _Program:
    def __init__(self, path: str):
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _run, (self.path,)


def _run(path: str) -> None:
    Path(path).touch()


def test_a_pickle_that_holds_more_than_weights_is_refused_and_nothing_runs(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "open_clip_model.safetensors").unlink()
    (copy / "model.pth").write_bytes(pickle.dumps({"state_dict": _Program(str(tmp_path / "ran"))}))
    with pytest.raises(InputError, match="more than weights") as refused:
        ENCODERS.create(f"openclip({copy})").load()
    assert "safetensors" in (refused.value.hint or "")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 truncated"])
@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "model.pth"])
def test_what_is_no_checkpoint(folder: Path, tmp_path: Path, name: str, content: bytes) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "open_clip_model.safetensors").unlink()
    (copy / name).write_bytes(content)
    with pytest.raises(InputError, match="cannot be used for the OpenCLIP model"):
        ENCODERS.create(f"openclip({copy})").load()


def test_weights_of_another_architecture(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "open_clip_config.json").read_text())
    config["model_cfg"]["embed_dim"] = 16
    (copy / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="size mismatch"):
        ENCODERS.create(f"openclip({copy})").load()
    with pytest.raises(InputError, match="cannot be used for the OpenCLIP model ViT-B-32"):
        ENCODERS.create(f"openclip(ViT-B-32, {folder / 'open_clip_model.safetensors'})").load()


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"model_cfg": {"embed_dim": "many"}}'])
def test_a_configuration_that_is_none(folder: Path, tmp_path: Path, config: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "open_clip_config.json").write_text(config)
    with pytest.raises(InputError, match="does not describe an OpenCLIP model"):
        ENCODERS.create(f"openclip({copy})")


def test_a_folder_without_model_or_weights(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no OpenCLIP model"):
        ENCODERS.create(f"openclip({tmp_path})")
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "open_clip_model.safetensors").unlink()
    with pytest.raises(InputError, match="holds no weights"):
        ENCODERS.create(f"openclip({copy})")


# -- names ---------------------------------------------------------------------------------------------------------


def test_names_that_lead_nowhere() -> None:
    with pytest.raises(InputError, match=r"no OpenCLIP model 'ViT-B-33'.*did you mean ViT-B-32") as unknown:
        ENCODERS.create("openclip(ViT-B-33)")
    assert "--image efficientnet" in (unknown.value.hint or "")
    with pytest.raises(UsageError, match="has no weights of its own") as bare:
        ENCODERS.create("openclip(ViT-B-32)")
    assert "laion2b_s34b_b79k" in (bare.value.hint or "")
    with pytest.raises(InputError, match=r"neither a tag; did you mean laion2b_s34b_b79k.* nor a file"):
        ENCODERS.create("openclip(ViT-B-32, laion2b_s34b_b79)")


def test_weights_beside_a_model_that_has_its_own(folder: Path) -> None:
    with pytest.raises(UsageError, match="has its own weights"):
        ENCODERS.create(f"openclip({folder}, openai)")


@pytest.mark.parametrize("spec", ["openclip(hf-hub:nobody/nothing)", "openclip(ViT-B-32, laion2b_s34b_b79k)"])
def test_a_hub_that_cannot_be_reached_is_told_at_once_and_nothing_is_written(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    made = make_shop(tmp_path / "shop", text="fake-text", image="fake-image")
    before = {key: made.store.record.get(key) for key in made.store.record.keys("")}
    started = time.monotonic()
    with pytest.raises(InputError, match="cannot be reached") as told:
        made.embed(image=spec)
    assert time.monotonic() - started < 20
    assert "--image efficientnet" in (told.value.hint or "")
    assert {key: made.store.record.get(key) for key in made.store.record.keys("")} == before
    assert ids(made.search("red shoe", k=1)) == ["red-shoe"]


def test_a_damaged_model_leaves_the_store_as_it_was(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "open_clip_model.safetensors").write_bytes(b"no checkpoint")
    made = make_shop(tmp_path / "shop", text="fake-text", image="fake-image")
    with pytest.raises(InputError, match="cannot be used"):
        made.embed(image=f"openclip({copy})")
    assert pending_encoder(made.store, "image") is None
    made.embed()
    assert made.info()["encoders"]["image"]["encoder"] == "fake-image"


def test_a_model_that_is_gone_is_told_when_it_is_needed(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    made = make_shop(tmp_path / "shop", text="fake-text", image=f"openclip({copy})")
    shutil.rmtree(copy)
    again = Shop(made.store.path)
    with pytest.raises(StoreError, match="which cannot be used here"):
        again.search("red shoe")
    assert ids(again.search("red shoe", within="text", k=1)) == ["red-shoe"], "titles alone do not need it"


# -- search without alignment --------------------------------------------------------------------------------------


def test_texts_are_asked_of_photos_through_the_text_tower(shop: Shop) -> None:
    found = shop.search("yellow hat", within="image", k=2)
    assert {hit.id for hit in found} == {"yellow-hat", small_shop.NO_TEXT}
    assert evidence(found) == {"image through openclip"}
    hits = {hit.id: hit for hit in shop.search("yellow hat", k=100)}
    assert next(iter(hits)) == "yellow-hat"
    assert evidence(shop.search("yellow hat", k=100, understand=False)) == {"text", "words", "image through openclip"}
    assert small_shop.NO_TEXT in list(hits)[:12], "a photo alone counts by its reliability"
    for hit in hits.values():
        assert hit.score == pytest.approx(sum(c.contribution for c in hit.explain))
        assert all(c.reliability < 1 for c in hit.explain if c.evidence not in ("text", "words") and c.part != "understood")


def test_most_titles_find_their_own_photo(shop: Shop) -> None:
    right = [ids(shop.search(f"{colour} {kind}", within="image", k=2)) for colour, kind in PAIRS]
    wanted = [f"{colour}-{kind}" for colour, kind in PAIRS if f"{colour}-{kind}" != small_shop.NO_PHOTO]
    found = sum(f"{colour}-{kind}" in hits for (colour, kind), hits in zip(PAIRS, right, strict=True))
    assert found / len(wanted) > 0.9


def test_a_hit_names_the_photo_that_matched(shop: Shop) -> None:
    by_text = {hit.id: hit for hit in shop.search("blue shoe", within="image", k=5)}
    assert by_text[small_shop.TWO_PHOTOS].matched == {"image": "photos/second.png"}
    by_photo = {hit.id: hit for hit in shop.search(image=photo(shop, "red-shoe"), k=5)}
    assert by_photo[small_shop.TWO_PHOTOS].matched == {"image": "photos/red-shoe.png"}


def test_photos_are_not_compared_with_texts_of_another_space(shop: Shop) -> None:
    with pytest.raises(InputError, match="image cannot be compared with the products' text"):
        shop.search(image=photo(shop, "red-shoe"), within="text")
    assert evidence(shop.search(image=photo(shop, "red-shoe"), k=5)) == {"image"}
    assert ids(shop.search(like="red-hat", k=100)), "a liked product meets others by its own vectors"


def test_with_both_towers_photos_find_texts_too(folder: Path, tmp_path: Path) -> None:
    both = make_shop(tmp_path, text=f"openclip({folder})", image=f"openclip({folder})")
    found = both.search(image=photo(both, small_shop.NO_TEXT), within="text", k=3)
    assert "yellow-hat" in ids(found)
    assert evidence(found) == {"text through openclip"}
    assert small_shop.NO_PHOTO in ids(both.search(image=photo(both, "green-lamp"), k=100))
    assert evidence(both.search("red cup", k=100, understand=False)) == {"text", "words", "image through openclip"}
    assert ids(both.search("red cup", k=1)) == ["red-cup"]
    measured = calibration(both.store, None)
    assert 0.05 <= measured.pair("text>image").reliability <= 0.95
    assert "image>text|text>image" in measured.correlations


def test_the_text_of_a_liked_product_meets_photos_as_a_text_query_does(shop: Shop) -> None:
    id = small_shop.NO_PHOTO
    liked, asked = shop.search(like=id, within="image", k=100), shop.search("Green lamp. A green lamp for every day", within="image", k=100)
    assert evidence(liked) == {"image through openclip"}
    assert [(hit.id, hit.score) for hit in liked] == [(hit.id, pytest.approx(hit.score)) for hit in asked]
    assert {"green-cup", "green-hat", "red-lamp", "blue-lamp"} & set(ids(liked)[:5])
    assert evidence(shop.search(like=id, k=100)) == {"text", "image through openclip"}
    both = {c.evidence for hit in shop.search(like="red-hat", k=100) for c in hit.explain}
    assert both == {"text", "image", "image through openclip"}, "what a text query meets, the text of any product does"
    lowered = shop.search("hat", unlike=id, within="image", k=100)
    assert {(c.part, c.evidence) for hit in lowered for c in hit.explain} == {
        ("text: hat", "image through openclip"),
        (f"not like: {id}", "image through openclip"),
    }
    assert all(c.contribution <= 0 for hit in lowered for c in hit.explain if c.part.startswith("not") and c.similarity > 0.9)


def test_a_liked_photo_meets_texts_where_both_lie_in_one_space(folder: Path, tmp_path: Path) -> None:
    both = make_shop(tmp_path, text=f"openclip({folder})", image=f"openclip({folder})")
    found = both.search(like=small_shop.NO_TEXT, within="text", k=3)
    assert "yellow-hat" in ids(found)
    assert evidence(found) == {"text through openclip"}
    assert small_shop.NO_PHOTO in ids(both.search(like="green-hat", k=100))


def test_photos_alone(folder: Path, tmp_path: Path) -> None:
    """A catalogue without any text: the text tower alone answers, and counts as half where nothing says how far it can be trusted."""
    for colour, kind in PAIRS:
        small_shop.paint(tmp_path / "photos" / f"{colour}-{kind}.png", colour, kind)
    made = Shop(tmp_path / "store.lancedb")
    rows = [{"id": f"{c}-{k}", "images": f"photos/{c}-{k}.png"} for c, k in PAIRS]
    made.ingest(small_shop.write_csv(tmp_path / "products.csv", ("id", "images"), rows))
    made.embed(text="fake-text", image=f"openclip({folder})")
    found = made.search("green cup", k=3)
    assert ids(found)[0] == "green-cup"
    assert {c.reliability for hit in found for c in hit.explain} == {SHARED}


def test_beside_a_profile_the_more_reliable_answer_counts(folder: Path, tmp_path: Path) -> None:
    made = make_shop(tmp_path, text="fake-text", image=f"openclip({folder})")
    plain = calibration(made.store, None).pair("text>image").reliability
    assert set(direct_meetings(made.store, None)) == {"text>image", "video>image"}, "clips that are asked by go through it, too"
    profile = made.fuse("aligned(min_pairs=10)")
    learned = profile.calibration["pairs"]["text>image"][2]
    through = "image through openclip" if plain >= learned else "image through aligned"
    assert through in evidence(made.search("red cup", k=5))
    assert calibration(made.store, profile).pair("text>image").reliability == max(plain, learned)
    assert evidence(made.search("red cup", within="aligned", k=5)) <= {f"aligned ({m})" for m in ("text", "image", "image+text")}
    photos = made.search(image=photo(made, "red-cup"), within="text", k=5)
    assert evidence(photos) == {"text through aligned"}, "what the space does not compare, the profile does"


def test_an_embed_without_news_asks_no_tower(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmsearch.fusion import direct

    monkeypatch.setattr(direct, "load_tower", lambda *_: pytest.fail("nothing changed"))
    shop.embed()


def test_finding_loads_no_torch(folder: Path) -> None:
    source = find(str(folder), None)
    assert source.dim == 32
    assert source.weights.name == "open_clip_model.safetensors"
