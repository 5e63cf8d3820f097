"""The network in two parts is the network; the weights of its last blocks are open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmsearch.encoders.efficientnet import EfficientNet, Prepared

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def net() -> EfficientNet:
    return EfficientNet()


@pytest.fixture(scope="module")
def photos(net: EfficientNet) -> list[Prepared]:
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (7, 5, 3), dtype=np.uint8)) for _ in range(6)]
    return [net.prepare(one.resize((300, 260), Image.Resampling.BICUBIC)) for one in noise]


@pytest.mark.parametrize("blocks", [1, 4, 5])
def test_both_parts_together_are_the_network(net: EfficientNet, photos: list[Prepared], blocks: int) -> None:
    parts = net.trainable(blocks)
    lower = parts.lower(photos)
    assert lower.dtype == np.float16 and lower.shape == (6, *parts.shape)
    whole = net.encode_batch(photos)[:, : net.dim]
    np.testing.assert_allclose(parts.top(lower, {}), whole, atol=2e-3)  # 16 bits in the middle; features go up to 6
    mirrored = [one._replace(pixels=one.pixels[:, ::-1]) for one in photos]
    np.testing.assert_array_equal(parts.lower(photos, mirrored=True), parts.lower(mirrored))
    assert np.abs(parts.lower(mirrored).astype(np.float32) - lower).max() > 0.1


def test_other_weights_are_looked_through(net: EfficientNet, photos: list[Prepared]) -> None:
    import torch

    parts = net.trainable(2)
    lower, module = parts.lower(photos), parts.module()
    published = parts.top(lower, {})
    with torch.no_grad():
        for number, value in enumerate(module.parameters()):
            value *= 1 + 0.02 * (number % 3)
        wanted = module(torch.from_numpy(lower.astype(np.float32))).numpy()
    weights = {name: value.detach().numpy() for name, value in module.named_parameters()}
    found = parts.top(lower, weights)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.abs(found - published).max() > 0.05
    assert not module.training
    assert len(parts.lower([])) == 0 and parts.top(lower[:0], weights).shape == (0, net.dim)


def test_so_many_blocks_can_be_trained(net: EfficientNet) -> None:
    for blocks in (0, 6):
        with pytest.raises(ValueError, match=rf"the last 1 to 5 blocks can be trained, not {blocks}"):
            net.trainable(blocks)
    assert EfficientNet(crop="auto").trainable(1).spec == "efficientnet(crop=auto)"


def test_looking_through_trained_weights_loads_no_pytorch(net: EfficientNet, photos: list[Prepared], tmp_path: Path) -> None:
    net.trainable(1).top(net.trainable(1).lower(photos[:1]), {})  # both parts are converted now
    path = tmp_path / "photo.png"
    Image.fromarray(photos[0].pixels).save(path)
    code = f"""
import sys
import numpy as np
from mmsearch.fusion.base import Side
from mmsearch.fusion.tower import Tower
from pathlib import Path
seen = Tower.restored({{}}, {{"encoder": "efficientnet", "blocks": 1}})(Side(np.zeros((1, 1280), np.float32), [Path({str(path)!r})]))
assert abs(np.linalg.norm(seen.X) - 1) < 1e-4
assert not {{"torch", "transformers", "pandas"}} & set(sys.modules), "torch was loaded"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
