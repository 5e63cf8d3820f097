"""Any sentence-transformers model, by its name on the hub or from a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mmsearch import settings
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.hub import Wanted, bring
from mmsearch.encoders.plain_text import readable
from mmsearch.encoders.torch_compat import import_torchvision
from mmsearch.encoders.weights import file_hash, fingerprint
from mmsearch.errors import InputError

_CHARACTERS = 20_000  # of a text that reach the model's own tokeniser, which cuts by tokens
_FILES = (".json", ".txt", ".model", ".safetensors", ".bin", ".jinja")  # what can decide a vector
#: Safetensors are preferred to pickles; the weights of other frameworks are left on the hub.
WANTED = Wanted(
    "sentence-transformers model",
    weights=("*.safetensors", "*.bin", "*.pt"),
    beside=("*.json", "*.txt", "*.model", "*.jinja"),
    never=("onnx/*", "openvino/*", "*/onnx/*", "*/openvino/*"),
)
_INSTEAD = "bundled, without a download: --text usem (16 languages), --text minilm (English); a folder with a model can be named, too"
_FOUND = 0.5  # share of the network's weights that the checkpoint must have: the rest would be made up by chance, without an error


class _Text(NamedTuple):
    text: str
    query: bool


class Sentence(Encoder):
    """Text → what the model makes of it.

    Reimers & Gurevych, "Sentence-BERT", EMNLP 2019. Models that tell queries from passages (E5, BGE, …) mostly say so themselves: the
    prompts in their settings are used; where they do not, or to try others, the prefixes are given.

    Parameters
    ----------
    model : a folder, or a name on the Hugging Face hub ('OWNER/NAME'; without an owner: sentence-transformers'), downloaded on first use.
    query_prefix, passage_prefix : stand before a query, before a product's text ("query: "). Default: the model's own prompts, else none.
    max_tokens : of a text that the model reads; default: the model's own limit.
    revision : branch, tag or commit of a hub model.

    Raises
    ------
    InputError : the model cannot be had or loaded, or wants code or pickled objects of its own to be run.
    """

    modality: ClassVar[str] = "text"
    packages: ClassVar[tuple[str, ...]] = ("sentence_transformers", "torch")
    download: ClassVar[str] = "the hub model that is named; a folder: nothing"
    batch: ClassVar[int] = 128

    def __init__(
        self,
        model: str,
        query_prefix: str | None = None,
        passage_prefix: str | None = None,
        max_tokens: int | None = None,
        revision: str | None = None,
    ):
        if max_tokens is not None and max_tokens < 1:
            raise ValueError(f"max_tokens must be at least 1, not {max_tokens}")
        self._folder = model_folder(model, revision)
        _check(self._folder, model)
        self._prefixes = {"query": query_prefix, "passage": passage_prefix}
        self._model = _load(self._folder, model)
        if max_tokens is not None:
            self._model.max_seq_length = max_tokens
        self._max_tokens = max_tokens
        self.dim = int(self._model.encode_document(["x"], convert_to_numpy=True, show_progress_bar=False).shape[1])
        self.space = f"sentence-{self._weights()[:12]}"

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        parameters = {**self._prefixes, "max_tokens": self._max_tokens, "characters": _CHARACTERS}
        return fingerprint("sentence", parameters, {"files": self._weights()})

    def _weights(self) -> str:
        """One digest over every file that can decide a vector."""
        paths = sorted(p for p in self._folder.rglob("*") if p.suffix in _FILES and p.is_file())
        return fingerprint("files", {}, {str(path.relative_to(self._folder)): file_hash(path) for path in paths})

    def prepare(self, item: Any) -> _Text:
        """A product's text. Raises MediaError for what is no text or blank."""
        return _Text(readable(item, _CHARACTERS), query=False)

    def prepare_query(self, item: Any) -> _Text:
        """A query. Raises MediaError for what is no text or blank."""
        return _Text(readable(item, _CHARACTERS), query=True)

    def encode_batch(self, prepared: Sequence[_Text]) -> Matrix:
        """Texts (n) → (n, dim) float32."""
        vectors = np.empty((len(prepared), self.dim), np.float32)
        for query in (False, True):
            some = [i for i, one in enumerate(prepared) if one.query == query]
            if some:
                encode = self._model.encode_query if query else self._model.encode_document
                prefix = self._prefixes["query" if query else "passage"]
                options = {} if prefix is None else {"prompt": prefix}
                vectors[some] = encode([prepared[i].text for i in some], convert_to_numpy=True, show_progress_bar=False, **options)
        return vectors


def model_folder(model: str, revision: str | None = None, *, instead: str = _INSTEAD) -> Path:
    """The folder of a model, brought from the hub where it is none; `instead`: what can be done without. Raises InputError."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise InputError(f"{model} is a file: a sentence-transformers model is a folder")
    if model.startswith((".", "~", os.sep)) or model.count("/") > 1:
        raise InputError(f"there is no folder {model}")
    return bring(model if "/" in model else f"sentence-transformers/{model}", WANTED, instead=instead, revision=revision)


def _check(folder: Path, model: str) -> None:
    """Raise InputError for a folder that is no model, or one whose parts are not sentence-transformers' own: their code would be run."""
    modules = folder / "modules.json"
    if not modules.is_file() and not (folder / "config.json").is_file():
        raise InputError(f"{model} is no sentence-transformers model: it has neither modules.json nor config.json")
    kinds: list[str] = []
    try:
        if modules.is_file():
            kinds = [str(module["type"]) for module in json.loads(modules.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{model} is no sentence-transformers model: its modules.json cannot be read ({error})") from error
    if own := [kind for kind in kinds if not kind.startswith("sentence_transformers.")]:
        raise InputError(f"the model {model} wants code of its own to be run ({own[0]}), and that is not done")


def _load(folder: Path, model: str) -> Any:
    """The model. Weights only: a checkpoint that holds other pickled objects is refused, and so is one of another network."""
    import_torchvision()
    from sentence_transformers import SentenceTransformer

    loaded = load_quietly(SentenceTransformer, folder, model)
    _check_weights(loaded, folder, model)
    return loaded.eval()


def load_quietly(kind: Callable[..., Any], folder: Path, model: str) -> Any:
    """A model of sentence-transformers of some kind, from its folder, without code or pickled objects of its own. Raises InputError."""
    import torch
    from transformers.utils import logging as hf_logging

    logging: Any = hf_logging  # it has no types
    torch.set_num_threads(settings.threads())
    told, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        return kind(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:
        message = str(error).strip() or type(error).__name__
        if "weights_only" in message or "Weights only" in message:
            raise InputError(
                f"the checkpoint of {model} holds pickled objects besides weights, which may run code: it is not loaded"
            ) from error
        raise InputError(f"{model} cannot be loaded as a sentence-transformers model: {message.splitlines()[0]}") from error
    finally:
        logging.set_verbosity(told)
        if bar:
            logging.enable_progress_bar()


def _check_weights(loaded: Any, folder: Path, model: str) -> None:
    """transformers fills weights that the checkpoint lacks by chance, and says so in a log at most."""
    network = getattr(loaded[0], "auto_model", None)
    path = folder / json.loads((folder / "modules.json").read_text())[0]["path"] if (folder / "modules.json").is_file() else folder
    if network is None or (names := weight_names(path)) is None:
        return
    there = names | {name.split(".", 1)[-1] for name in names}  # 'bert.encoder…' and 'encoder…' are the same
    wanted = [name for name, _ in network.named_parameters()]
    found = sum(name in there or name.split(".", 1)[-1] in there for name in wanted)
    if found < _FOUND * len(wanted):
        raise InputError(f"the checkpoint of {model} is of another network: it has {found} of {len(wanted)} weights")


def weight_names(path: Path) -> set[str] | None:
    """Names of the weights in a checkpoint of one file, None for one in several."""
    if (file := path / "model.safetensors").is_file():
        from safetensors import safe_open

        with safe_open(file, "numpy") as opened:
            return set(opened.keys())
    if (file := path / "pytorch_model.bin").is_file():
        import torch

        return set(torch.load(file, map_location="meta", weights_only=True))
    return None
