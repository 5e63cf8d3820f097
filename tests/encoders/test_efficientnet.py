from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmsearch.encoders.efficientnet import SIZE, EfficientNet

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def net() -> EfficientNet:
    return EfficientNet()


@pytest.fixture
def noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((400, 300), Image.Resampling.BICUBIC)


def likeliest(net: EfficientNet, path: Path) -> str:
    classes = net.classes()
    vectors, _, failures, _ = net.encode([path])
    assert not failures
    return classes.names[int((classes.scale * vectors @ classes.weight.T + classes.bias).argmax())].split(",")[0]


@pytest.mark.data
@pytest.mark.parametrize("name", ["banana", "Granny Smith"])
def test_the_classes_have_their_names(net: EfficientNet, data: Path, name: str) -> None:
    assert likeliest(net, data / "grocery" / "photos" / f"{name.title().replace(' ', '-')}.jpg") == name


@pytest.mark.data
def test_shelf_photos_find_their_products(net: EfficientNet, data: Path) -> None:
    folder = data / "grocery"
    with (folder / "products.csv").open(encoding="utf-8") as file:
        products = list(csv.DictReader(file))
    with (folder / "shelf.csv").open(encoding="utf-8") as file:
        shelf = list(csv.DictReader(file))[::5]
    catalogue = net.encode([folder / row["image"] for row in products]).vectors
    queries = net.encode([folder / row["image"] for row in shelf]).vectors
    best = (queries @ catalogue.T).argmax(axis=1)
    found = np.mean([products[i]["id"] == row["product"] for i, row in zip(best, shelf, strict=True)])
    assert found > 0.3  # 1 of 81 by chance


@pytest.mark.data
def test_one_length_for_all_photos_keeps_the_probabilities(net: EfficientNet, data: Path) -> None:
    classes = net.classes()
    raw = net.encode_batch([net.prepare(path) for path in sorted((data / "grocery" / "photos").iterdir())])[:, : net.dim]
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)

    def softmax(logits: np.ndarray) -> np.ndarray:
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    true = softmax(raw @ classes.weight.T + classes.bias)
    ours = softmax(classes.scale * unit @ classes.weight.T + classes.bias)
    assert (true.argmax(axis=1) == ours.argmax(axis=1)).mean() > 0.97
    assert (np.abs(true - ours).sum(axis=1) / 2).mean() < 0.15


def test_equal_to_the_network_in_torch(net: EfficientNet, noise: Image.Image) -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet as Network

    network = Network.from_name("efficientnet-lite0")
    network.load_state_dict(net._state())
    network.eval()
    prepared = [net.prepare(noise), net.prepare(noise.rotate(90))]
    inputs = (torch.from_numpy(np.stack([one.pixels for one in prepared])).permute(0, 3, 1, 2).float() - 127) / 128
    with torch.no_grad():
        logits = network(inputs).numpy()
    features = net.encode_batch(prepared)[:, : net.dim]
    classes = net.classes()
    np.testing.assert_allclose(features @ classes.weight.T + classes.bias, logits, atol=1e-3)


def test_prepare_cuts_the_middle_square(net: EfficientNet) -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255  # the middle square is white, the rest black
    assert net.prepare(Image.fromarray(pixels)).pixels.shape == (SIZE, SIZE, 3)
    assert net.prepare(Image.fromarray(pixels)).pixels.min() == 255
    assert net.prepare(Image.fromarray(pixels.transpose(1, 0, 2))).pixels.min() == 255


def test_a_turned_photo_is_the_same_photo(net: EfficientNet, noise: Image.Image, tmp_path: Path) -> None:
    noise.save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter turned
    noise.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    upright, turned = net.encode([tmp_path / "upright.png", tmp_path / "turned.png"]).vectors
    np.testing.assert_array_equal(upright, turned)


def test_reduced_decoding_leaves_no_trace(net: EfficientNet, noise: Image.Image) -> None:
    buffer = io.BytesIO()
    noise.resize((4000, 3000), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    reduced, whole = net.encode([buffer.getvalue(), Image.open(buffer)]).vectors
    assert reduced @ whole > 0.995


def test_the_names_of_imagenet(net: EfficientNet) -> None:
    names = net.classes().names
    assert len(names) == 1000
    assert (names[0], names[954], names[999]) == ("tench, Tinca tinca", "banana", "toilet tissue, toilet paper, bathroom tissue")


def fresh_process(home: Path) -> set[str]:
    """Encode and name in a new process; the modules that it loaded."""
    code = (
        "import sys; from PIL import Image; from mmsearch.encoders.efficientnet import EfficientNet; e = EfficientNet(); "
        "assert e.encode([Image.new('RGB', (300, 300), 'red')]).vectors.shape == (1, 1280); assert len(e.classes().names) == 1000; "
        "print('\\n'.join(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], env={"MMSEARCH_HOME": str(home)}, capture_output=True, text=True, check=True)
    assert not run.stderr
    return set(run.stdout.split())


def test_converted_once_and_again_when_damaged(tmp_path: Path) -> None:
    assert "torch" in fresh_process(tmp_path)
    assert not {"torch", "torchvision", "timm", "onnx", "pandas", "scipy"} & fresh_process(tmp_path)
    (copy,) = (tmp_path / "models").glob("*.onnx")
    copy.write_bytes(copy.read_bytes()[:-100])
    assert "torch" in fresh_process(tmp_path)
    assert not {"torch", "torchvision"} & fresh_process(tmp_path)
