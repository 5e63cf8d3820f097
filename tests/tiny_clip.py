"""A tiny OpenCLIP model that knows the small shop: made with open_clip, trained on its photos and titles, and saved as open_clip does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import small_shop
from PIL import Image

from mmsearch.encoders.torch_compat import import_torchvision

CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 21, "layers": 2, "width": 64, "patch_size": 7, "head_width": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
PREPROCESS = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash"}
STEPS = 150


def make(folder: Path, seed: int = 0, steps: int = STEPS) -> Path:
    """A folder with the model of a seed: `open_clip_config.json` and weights. `steps` 0: it knows nothing."""
    import_torchvision()
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": PREPROCESS}), encoding="utf-8")
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    if steps:
        _train(model, open_clip.get_tokenizer(f"local-dir:{folder}"), folder / "photos", steps)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def _train(model: Any, tokenizer: Any, photos: Path, steps: int) -> None:
    import open_clip
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    pairs = [(colour, kind) for colour in small_shop.COLOURS for kind in small_shop.KINDS]
    pixels = []
    for colour, kind in pairs:
        small_shop.paint(photos / "one.png", colour, kind)
        with Image.open(photos / "one.png") as image:
            pixels.append(transform(image.convert("RGB")))
    images = torch.stack(pixels)
    sayings = ("{colour} {kind}", "{colour} {kind}. A {colour} {kind} for every day", "{kind}, {colour}")
    texts = [tokenizer([saying.format(colour=colour, kind=kind) for colour, kind in pairs]) for saying in sayings]
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss = open_clip.ClipLoss()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a model this small is slower on more
    for step in range(steps):
        optimizer.zero_grad()
        image, text, scale = model(images, texts[step % len(texts)])
        loss(image, text, scale).backward()
        optimizer.step()
    torch.set_num_threads(threads)
