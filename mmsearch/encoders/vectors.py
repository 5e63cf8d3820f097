"""Word vectors that were trained elsewhere: GloVe, word2vec, fastText."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Items
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.vector_file import look, read
from mmsearch.encoders.weights import converted, file_hash, fingerprint, mapped
from mmsearch.encoders.word_vectors import Counts, Lexicon, WordMean, common_direction, corpus, joined, parted
from mmsearch.errors import InputError

#: Words of the file that the store's texts do not have: shoppers use them. Files begin with the commonest words of their language.
OTHER_WORDS = 100_000
_STORE_WORDS = 200_000  # the commonest words of the store
_RECIPE = "vectors 1"


class Vectors(WordMean):
    """Text → the weighted mean of its words' vectors, which a file brings; how much a word counts, the store's own texts tell.

    Arora et al. 2017 (`sif`: a common word counts less, and what all texts have in common is taken out), or by inverse document
    frequency (`idf`). Pennington et al., "GloVe", EMNLP 2014; Mikolov et al. 2013; Bojanowski et al., "Enriching word vectors with
    subword information", TACL 2017.

    Of the file only the words that the store's texts have, 200,000 at most, and the first 100,000 others are kept, converted once
    under `MMSEARCH_HOME`. The file must stay where it is: its hash is part of the fingerprint.

    Parameters
    ----------
    path : a file in GloVe's text, word2vec's text or binary, or fastText's .vec format, perhaps gzipped.
    weighting : sif, idf or mean.
    """

    def __init__(self, path: str, weighting: str = "sif"):
        super().__init__(weighting)
        self._path = Path(path).expanduser()
        if self._path.is_dir():
            raise InputError(f"{self._path} is a folder, not a file of word vectors")
        self.dim = look(self._path).dim
        self.space = f"vectors:{self._path.name}"

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        weights = {"file": file_hash(self._path), "learned": digest(self.state())}
        return fingerprint("vectors", {"recipe": _RECIPE, "weighting": self.weighting, "others": OTHER_WORDS}, weights)

    def fit(self, items: Items) -> None:
        """See `Encoder.fit`. Raises InputError for a file with a bad line, or none of the store's words."""
        texts = corpus(items)
        counts = Counts.of(texts)
        words = sorted(counts.times, key=lambda word: (-counts.times[word], word))[:_STORE_WORDS]
        arrays: dict[str, NDArray[Any]] = {
            "words": joined(words),
            "times": np.array([counts.times[word] for word in words], np.int64),
            "found_in": np.array([counts.found_in[word] for word in words], np.int64),
        }
        lexicon = self._read(words, counts)
        if not any(word in lexicon.rows for word in words):
            raise InputError(f"{self._path} has none of the words of the store's products", hint="is it of another language?")
        if self.weighting == "sif" and (common := common_direction(lexicon, texts)) is not None:
            arrays["common"] = common
        self.restore(pack(arrays, {"texts": counts.texts}))

    def restore(self, state: bytes) -> None:
        """See `Encoder.restore`."""
        arrays, facts = unpack(state)
        try:
            words, times, found_in = parted(arrays["words"]), arrays["times"].tolist(), arrays["found_in"].tolist()
            counts = Counts(int(facts["texts"]), dict(zip(words, times, strict=True)), dict(zip(words, found_in, strict=True)))
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error
        common = arrays.get("common")
        if common is not None and common.shape != (self.dim,):
            raise ValueError(f"learned with vectors of {len(common)} dimensions, but {self._path} has {self.dim}")
        lexicon = self._read(words, counts)
        self.known(Lexicon(lexicon.rows, lexicon.vectors, lexicon.weights, common), state)

    def _read(self, words: list[str], counts: Counts) -> Lexicon:
        """The file's vectors of these words and of common others, from the converted copy (made first if there is none)."""
        from safetensors.numpy import save

        def convert(path: Path) -> None:
            known, vectors = read(self._path, words, OTHER_WORDS)
            path.write_bytes(save({"words": joined(known), "vectors": vectors}))

        source = f"{file_hash(self._path)} {digest(joined(words).tobytes())}"
        arrays = mapped(converted("vectors", f"{_RECIPE} {OTHER_WORDS}", source, ".safetensors", convert))
        known = parted(arrays["words"])
        return Lexicon({word: row for row, word in enumerate(known)}, arrays["vectors"], counts.weights(known, self.weighting))
