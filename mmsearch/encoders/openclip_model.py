"""OpenCLIP models: where a name leads, and loading what is there, weights only."""

from __future__ import annotations

import functools
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch import settings
from mmsearch.encoders.hub import Wanted, bring
from mmsearch.encoders.torch_compat import import_torchvision
from mmsearch.encoders.weights import file_hash, package_file
from mmsearch.errors import InputError, UsageError, did_you_mean

INSTEAD = "the bundled encoder needs no download: mmsearch embed --image efficientnet"

_CONFIG = "open_clip_config.json"
#: Names under which open_clip saves weights, the preferred first.
_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "pytorch_model.bin",
    "model.pth",
)
_TOKENIZER = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "*.model")
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Source:
    """A model found: what it is called, its configuration, and its weights."""

    name: str  # as the user named it
    config: str  # JSON: model_cfg and preprocess_cfg
    weights: Path
    digest: str  # of the weights
    architecture: str | None = None  # open_clip's own name of the configuration; else `folder` has it
    folder: Path | None = None

    @property
    def dim(self) -> int:
        return int(json.loads(self.config)["model_cfg"]["embed_dim"])


@dataclass(frozen=True)
class Loaded:
    """A model ready to encode: the network, how a photo becomes its input, and how a text does."""

    model: Any
    transform: Any  # PIL image → PIL image of the right size, then `mean` and `std`
    tokenizer: Any
    mean: tuple[float, ...]
    std: tuple[float, ...]


def find(model: str, pretrained: str | None) -> Source:
    """Where a model is: in a folder, on the hub (`hf-hub:organisation/name`), or an architecture with weights by tag or from a file.

    Raises
    ------
    InputError : there is no such model, or it cannot be downloaded. UsageError : an architecture without weights.
    """
    if model.startswith("hf-hub:"):
        _no_weights_beside(model, pretrained)
        folder = bring(model.removeprefix("hf-hub:"), Wanted("OpenCLIP model", (_CONFIG,), _WEIGHTS, _TOKENIZER), instead=INSTEAD)
        return _in_folder(model, folder)
    if Path(model).expanduser().is_dir():
        _no_weights_beside(model, pretrained)
        return _in_folder(model, Path(model).expanduser())
    configs = {path.stem: path for path in package_file("open_clip", "model_configs").glob("*.json")}
    architecture = model.replace("/", "-")
    if architecture not in configs:
        what = "neither a folder nor an architecture that open_clip knows"
        hint = f"a model of the hub is named hf-hub:organisation/name; {INSTEAD}"
        raise InputError(f"there is no OpenCLIP model '{model}': it is {what}{did_you_mean(architecture, configs)}", hint=hint)
    config = {"model_cfg": json.loads(configs[architecture].read_text(encoding="utf-8"))}
    if pretrained is None:
        raise UsageError(
            f"the architecture {model} has no weights of its own",
            hint=f"name them, by tag or file: openclip({model}, TAG); tags: {', '.join(_tags(architecture)) or 'none'}",
        )
    if Path(pretrained).expanduser().is_file():
        weights = Path(pretrained).expanduser()
    else:
        weights, config["preprocess_cfg"] = _by_tag(architecture, pretrained)
        config["model_cfg"]["quick_gelu"] = bool(config["preprocess_cfg"].pop("quick_gelu", False))
    name = f"{model}, {pretrained}"
    return Source(name, json.dumps(config, sort_keys=True), weights, file_hash(weights), architecture=architecture)


def load(source: Source) -> Loaded:
    """The model of a source, loaded once a process.

    Raises
    ------
    InputError : its files are damaged, are of another architecture, or are a pickle that needs more than weights.
    """
    with _LOADING:  # not the cache's own business: two threads would load it twice
        return _load(source)


@functools.lru_cache(maxsize=2)
def _load(source: Source) -> Loaded:
    import_torchvision()
    import open_clip
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2

    torch.set_num_threads(settings.threads())
    config = json.loads(source.config)
    name = source.architecture or f"local-dir:{source.folder}"
    with _quiet(), _offline(source):
        try:
            model = open_clip.create_model(
                name,
                load_weights=False,
                pretrained_text=False,
                force_quick_gelu=bool(config["model_cfg"].get("quick_gelu")),
                force_preprocess_cfg=config.get("preprocess_cfg"),
            )
            tokenizer = open_clip.get_tokenizer(name)
        except Exception as error:
            message = f"the OpenCLIP model {source.name} cannot be built from its configuration: {_short(error)}"
            raise InputError(message, hint=INSTEAD) from error
        _fill(model, source)
    model.eval().requires_grad_(False)
    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    normalise = transform.transforms[-1]
    # The last two steps make floats of the pixels: done with a batch, so that photos wait for the encoder at a quarter of the size.
    transform.transforms = transform.transforms[:-2]
    return Loaded(model, transform, tokenizer, tuple(normalise.mean), tuple(normalise.std))


def _fill(model: Any, source: Source) -> None:
    import pickle

    import open_clip

    try:
        if source.weights.suffix in (".npy", ".npz"):
            raise ValueError("numpy files of weights are not read; save them as safetensors")
        open_clip.load_checkpoint(model, str(source.weights), weights_only=True)
    except Exception as error:
        if isinstance(error, pickle.UnpicklingError):
            reason = "it is damaged, or a pickle that holds more than weights, which could run any program and is not loaded"
        elif "TorchScript" in str(error):
            reason = "it is a TorchScript program, not weights alone"
        else:
            reason = f"{type(error).__name__}: {_short(error)}"
        raise InputError(
            f"the weights {source.weights} cannot be used for the OpenCLIP model {source.name}: {reason}",
            hint=f"save the model's state dict as safetensors; {INSTEAD}",
        ) from error


def _in_folder(name: str, folder: Path) -> Source:
    path = folder / _CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        int(config["model_cfg"]["embed_dim"])
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no OpenCLIP model: it has no {_CONFIG}", hint=INSTEAD) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not describe an OpenCLIP model: {_short(error) or type(error).__name__}", hint=INSTEAD) from error
    weights = _first(folder, _WEIGHTS)
    if weights is None:
        raise InputError(f"{folder} holds no weights", hint=f"they are looked for under {', '.join(_WEIGHTS)}; {INSTEAD}")
    kept = {key: config[key] for key in ("model_cfg", "preprocess_cfg") if key in config}
    return Source(name, json.dumps(kept, sort_keys=True), weights, file_hash(weights), folder=folder)


def _by_tag(architecture: str, tag: str) -> tuple[Path, dict[str, Any]]:
    """The weights of a tag, and how photos are prepared for them."""
    import_torchvision()
    from open_clip.pretrained import get_pretrained_cfg

    known = get_pretrained_cfg(architecture, tag)
    if not known:
        tags = _tags(architecture)
        hint = f"tags of {architecture}: {', '.join(tags) or 'none'}; {INSTEAD}"
        raise InputError(f"{architecture} has no weights '{tag}': neither a tag{did_you_mean(tag, tags)} nor a file", hint=hint)
    repo, _, name = known.get("hf_hub", "").rpartition("/")
    if not repo:
        message = f"the weights {tag} of {architecture} are not on the hub"
        raise InputError(message, hint=f"download {known.get('url')} and name the file: openclip({architecture}, FILE)")
    names = _WEIGHTS if not name else tuple(dict.fromkeys([f"{Path(name).stem}.safetensors", name]))
    wanted = ("mean", "std", "interpolation", "resize_mode", "quick_gelu")
    weights = _first(bring(repo, Wanted("OpenCLIP model", weights=names), instead=INSTEAD), names)
    assert weights is not None, "what was brought has weights"
    return weights, {key: known[key] for key in wanted if key in known}


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _tags(architecture: str) -> list[str]:
    import_torchvision()
    from open_clip.pretrained import list_pretrained_tags_by_model

    tags: list[str] = list_pretrained_tags_by_model(architecture)
    return tags


def _no_weights_beside(model: str, pretrained: str | None) -> None:
    if pretrained is not None:
        raise UsageError(f"{model} has its own weights: leave '{pretrained}' out")


@contextmanager
def _quiet() -> Iterator[None]:
    """open_clip warns of random weights before it gets the right ones."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _offline(source: Source) -> Iterator[None]:
    """No configuration in a user's folder makes anything be asked of the hub."""
    from huggingface_hub import constants

    if source.folder is None or source.name.startswith("hf-hub:"):
        yield
        return
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _short(error: Exception) -> str:
    """The beginning of a message: that of torch lists every tensor that does not fit."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]} …"
