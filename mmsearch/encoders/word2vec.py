"""Word vectors trained on the store's own catalogue: no download, any language, the shop's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Items, Matrix
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.weights import fingerprint
from mmsearch.encoders.word_vectors import Counts, Lexicon, WordMean, common_direction, corpus, joined, parted
from mmsearch.errors import InputError

_WORDS = 200_000  # the commonest words that have vectors
_NEGATIVE = 10  # random words against each real neighbour
_SEEN = 4_000_000  # words that training sees when no epochs are given
_EPOCHS = (10, 50)  # in so many epochs at least and at most
_SAMPLE = 1e-3  # share of all words above which a word is passed over at times


def usual_epochs(texts: Sequence[Sequence[str]]) -> int:
    """How often texts, as words, are gone through when it is not said: so often that 4 million words are seen, 10 to 50 times."""
    least, most = _EPOCHS
    return min(most, max(least, round(_SEEN / sum(map(len, texts)))))


class Word2Vec(WordMean):
    """Text → the weighted mean of the vectors of its words, which were learned from their neighbours in the store's own texts.

    Mikolov et al., "Distributed representations of words and phrases and their compositionality", NeurIPS 2013 (skip-gram with
    negative sampling, by gensim), combined as in Arora et al. 2017 (`sif`) or by inverse document frequency (`idf`).

    Parameters
    ----------
    dim : of the vectors. window : words to either side that count as neighbours; a title is short and all of it belongs together.
    epochs : times that the texts are gone through; default: so often that 4 million words are seen, 10 to 50 times.
    weighting : sif, idf or mean. min_count : rarer words have no vector.
    seed : decides the first vectors and the order of chance; the same store and seed give the same vectors.
    """

    packages: ClassVar[tuple[str, ...]] = ("gensim", "jieba")
    space = "word2vec"

    def __init__(
        self, dim: int = 200, window: int = 30, epochs: int | None = None, weighting: str = "idf", min_count: int = 1, seed: int = 0
    ):
        super().__init__(weighting)
        for name, value, least, most in (
            ("dim", dim, 2, 2_000),
            ("window", window, 1, 1_000),
            ("epochs", _EPOCHS[0] if epochs is None else epochs, 1, 1_000),
            ("min_count", min_count, 1, 1_000_000),
            ("seed", seed, 0, 2**32 - 1),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} must be {least} to {most}, not {value}")
        self.dim, self.window, self.epochs, self.min_count, self.seed = dim, window, epochs, min_count, seed

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`. What was learned decides all: the parameters are in it."""
        return fingerprint("word2vec", {"weighting": self.weighting}, {"learned": digest(self.state())})

    def fit(self, items: Items) -> None:
        """See `Encoder.fit`. 20,000 products take some minutes on one core."""
        texts = corpus(items)
        words, vectors = self._train(texts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        # A rare word's vector has moved little from its small beginning; it shall count by its weight, not by its length.
        self.weigh(words, vectors / np.maximum(lengths, 1e-12), texts)

    def weigh(self, words: Sequence[str], vectors: Matrix, texts: Sequence[Sequence[str]]) -> None:
        """Word vectors that were learned, (n, dim) of length 1, become this encoder's, weighted by how often the texts have their words."""
        weights = Counts.of(texts).weights(words, self.weighting)
        lexicon = Lexicon({word: row for row, word in enumerate(words)}, vectors, weights)
        arrays: dict[str, NDArray[Any]] = {"words": joined(words), "vectors": vectors, "weights": weights}
        if self.weighting == "sif" and (common := common_direction(lexicon, texts)) is not None:
            arrays["common"] = common
        facts = {"dim": self.dim, "window": self.window, "epochs": self.epochs, "min_count": self.min_count, "seed": self.seed}
        self.restore(pack(arrays, facts))

    def restore(self, state: bytes) -> None:
        """See `Encoder.restore`."""
        arrays, _ = unpack(state)
        try:
            words, vectors, weights = parted(arrays["words"]), arrays["vectors"], arrays["weights"]
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error
        common = arrays.get("common")
        shapes = [vectors.shape, weights.shape, (self.dim,) if common is None else common.shape]
        if shapes != [(len(words), self.dim), (len(words),), (self.dim,)]:
            raise ValueError(f"vectors of {vectors.shape} for {len(words)} words of {self.dim} dimensions")
        self.known(Lexicon({word: row for row, word in enumerate(words)}, vectors, weights, common), state)

    def _train(self, texts: Sequence[Sequence[str]]) -> tuple[list[str], Matrix]:
        """Words, the commonest first, and their vectors."""
        from gensim.models import Word2Vec as Trained

        epochs = self.epochs or usual_epochs(texts)
        model = Trained(
            vector_size=self.dim,
            window=self.window,
            epochs=epochs,
            min_count=self.min_count,
            max_final_vocab=_WORDS,
            sg=1,
            negative=_NEGATIVE,
            sample=_SAMPLE,
            seed=self.seed,
            workers=1,  # more of them take turns as chance will have it
        )
        model.build_vocab(texts)
        if not model.wv.index_to_key:
            raise InputError(f"no word occurs {self.min_count} times", hint="lower min_count")
        model.train(texts, total_examples=len(texts), epochs=epochs)
        return list(model.wv.index_to_key), np.asarray(model.wv.vectors, dtype=np.float32)
