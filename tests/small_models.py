"""Small models that tests make and save: real formats, real code, random weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789:,.×é"
HAN = "红色跑步鞋男士"


def small_sentence_model(folder: Path, *, seed: int = 0, prompts: Mapping[str, str] | None = None) -> Path:
    """A random sentence-transformers model of 32 dimensions, saved in `folder`."""
    from mmsearch.encoders.torch_compat import import_torchvision

    import_torchvision()
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *HAN, *(f"##{c}" for c in LETTERS)]
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    plain = folder / "plain"
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(plain)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,  # large, so that texts differ
    )
    BertModel(config).save_pretrained(plain)
    SentenceTransformer(str(plain), device="cpu", prompts=dict(prompts or {})).save_pretrained(str(folder / "model"))
    return folder / "model"


def small_cross_encoder(folder: Path) -> Path:
    """A random cross-encoder of sentence-transformers, saved in `folder`."""
    small_sentence_model(folder)
    from sentence_transformers import CrossEncoder

    CrossEncoder(str(folder / "plain"), num_labels=1, device="cpu", local_files_only=True).save_pretrained(str(folder / "cross"))
    return folder / "cross"


def small_vector_file(folder: Path, texts: Sequence[str], *, dim: int = 20, header: bool = False) -> Path:
    """A text file of random word vectors for the words and characters of some texts."""
    words = sorted({word for text in texts for word in re.findall(r"[^\W_]+", text.lower())} | {"红色", "跑步鞋", "跑步"})
    vectors = np.random.default_rng(0).normal(size=(len(words), dim)).round(4)
    lines = [f"{word} {' '.join(map(str, vector))}\n" for word, vector in zip(words, vectors, strict=True)]
    path = folder / "vectors.txt"
    path.write_text((f"{len(words)} {dim}\n" if header else "") + "".join(lines), encoding="utf-8")
    return path
