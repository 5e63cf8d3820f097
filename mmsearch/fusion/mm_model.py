"""Model-level fusion: one network from words, pixels and sounds to what shoppers take, trained end to end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion import mm_training as training
from mmsearch.fusion.base import Batch, FitReport, Fuser, Matrix, Side, unit_rows
from mmsearch.fusion.mm_centre import centred, means_of
from mmsearch.fusion.mm_examples import Examples, check, labelled, taken
from mmsearch.fusion.mm_media import OpenedMedia
from mmsearch.fusion.mm_network import BRANCHES, USER, Network, Shape, chosen_device, make_network
from mmsearch.fusion.mm_report import measured, summary
from mmsearch.fusion.mm_split import Parts, contexts_of, part, sampler_of, with_negatives
from mmsearch.fusion.mm_training import Inputs, Plan, Rows
from mmsearch.fusion.mm_words import Vocabulary, learn_words, own_texts, words_of

_WORDS = 30_000  # in the vocabulary at most
_PRODUCT_WORDS, _USER_WORDS = 32, 48  # of a text, and of what is known of a user, that are read
_MOST_EXAMPLES = 200_000  # of more, some are chosen at random
_MOST_MEDIA = 20_000  # products whose media are looked at in training: decoded, a picture takes 7 kB
_OTHER = "take a method that needs no shoppers: mmsearch fuse"
_DEVICES = ("auto", "cpu", "cuda")
_LAYERS = ("dense", "branches")


class MMModel(Fuser):
    """The end-to-end network: text, photo, sound of a product and the user's own text → dense → sigmoid: will the user take it?

    The product's text and the user's own (searches, reviews, then the texts of the products last taken) are words → embedding → LSTM;
    a photo goes through small convolutions; a sound's log-mel frames through an LSTM (Hochreiter and Schmidhuber 1997). The outputs
    are concatenated → dense layer with ReLU → dropout → sigmoid, trained by Adam (Kingma and Ba 2015) on binary cross-entropy: of
    (user, product) interactions with sampled negatives, or of a label. Whole branches are left out at random (as in Neverova et al.,
    "ModDrop", 2016), so that any subset works; what is missing is zero, and the others are scaled up.

    The penultimate layer of a product alone, less its mean over the products with just these modalities, is the fused vector.

    Of what users wrote, it keeps words: those of the products' texts, and others only where `least_users` different users wrote them.
    The weights are learned from all of it, so a profile must be fitted again when a user is to be forgotten.
    """

    reads: ClassVar[tuple[str, ...]] = BRANCHES
    vectors_suffice: ClassVar[bool] = False

    def __init__(
        self,
        label: str = "",
        at_least: float | None = None,
        dim: int = 128,
        width: int = 64,
        embedding: int = 64,
        negatives: int = 4,
        popular: float = 0.5,
        history: int = 5,
        epochs: int = 20,
        patience: int = 3,
        samples: int = 10_000,
        rate: float = training.RATE,
        dropout: float = 0.2,
        forget: float = 0.3,
        least_users: int = 3,
        layer: str = "dense",
        device: str = "auto",
    ):
        """
        Parameters
        ----------
        label : a column of interactions, or an attribute of products, that says yes or no; '' learns from who took what.
        at_least : from which number on the label is yes.
        dim : of the dense layer, and so of the fused vectors. width : of a branch. embedding : of a word.
        negatives : products that the user did not take, for each that was. popular : they are drawn by how many took them, to this power.
        history : products last taken whose texts stand beside the user's own; 0 for none.
        epochs, patience, samples : epochs at most; epochs without a better validation loss; examples an epoch.
        rate : Adam's learning rate. dropout : of the dense layer. forget : how often a branch, or the user, is left out in training.
        least_users : different users that must have written a word that no product has.
        layer : whose outputs are the fused vectors: dense, the penultimate one; or branches, the mean of a product's branches.
        device : auto, cpu or cuda.
        """
        whole = (("dim", dim, 2), ("width", width, 2), ("embedding", embedding, 2), ("negatives", negatives, 1), ("history", history, 0))
        more = (("epochs", epochs, 1), ("patience", patience, 1), ("samples", samples, 1), ("least_users", least_users, 2))
        for name, value, least in (*whole, *more):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        for name, share in (("dropout", dropout), ("forget", forget)):
            if not 0 <= share < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {share:g}")
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"rate must be above 0, not {rate:g}")
        if not (math.isfinite(popular) and 0 <= popular <= 1):
            raise ValueError(f"popular must be 0 to 1, not {popular:g}")
        if layer not in _LAYERS:
            raise ValueError(f"layer must be one of {', '.join(_LAYERS)}, not {layer}")
        if device not in _DEVICES:
            raise ValueError(f"device must be one of {', '.join(_DEVICES)}, not {device}")
        if at_least is not None and not label:
            raise ValueError("at_least is of a label: name it, label=value")
        self._label, self._at_least, self._layer, self._device = label, at_least, layer, device
        self._sizes = {"dim": dim, "width": width, "embedding": embedding}
        self._popular, self._history, self._dropout, self._least_users = popular, history, dropout, least_users
        self._plan = Plan(rate, epochs, patience, samples, 128, negatives, 64, forget, 0.1)
        self._network: Network | None = None
        self._vocabulary = Vocabulary([])
        self._means: dict[str, Matrix] = {}  # pattern of modalities → (dim,)
        self._unseen: Rows | None = None
        self._media = OpenedMedia()

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Learn from the store's people, and measure on examples that were kept out. See `Fuser.fit`.

        Raises
        ------
        InputError : no products' contents, no interactions and no label, or too little or nothing to learn in them.
        UsageError : no such label; no GPU where one is asked for.
        """
        import torch

        there = [m for m in BRANCHES if m in batch.present and batch.present[m].any()]
        if not there:
            raise InputError("mm-model: no product has a text, a photo or a sound", hint="make vectors: mmsearch embed")
        device = chosen_device(self._device)
        rng = np.random.default_rng(seed)
        examples = self._examples(batch, rng)
        said = own_texts(batch.store, examples.users)
        texts = _contents(batch.contents.get("text"), len(batch), "text") if "text" in there else []
        self._vocabulary = learn_words([words_of(one) for one in texts if one is not None], said, self._least_users, _WORDS)
        inputs = self._inputs(batch, there, examples, rng)
        has = {m: inputs.present(m, np.arange(len(batch))) for m in there}
        there = [m for m in there if has[m].any()]
        anything = np.logical_or.reduce(list(has.values()))
        examples = _some(examples, np.flatnonzero(anything[examples.product]))
        check(examples, self._label)
        parts = part(examples, np.logical_and.reduce([has[m] for m in there]), rng)
        seen_texts = inputs.of.get("text", [None] * len(batch))
        contexts = contexts_of(
            examples, parts.train, said, seen_texts, batch.ids, self._vocabulary, _USER_WORDS, self._history if "text" in there else 0
        )
        branches = (*there, *((USER,) if any(len(words) for words in contexts) else ()))
        shape = Shape(words=len(self._vocabulary.words), branches=branches, **self._sizes)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = make_network(shape, device, self._dropout)
            only = Inputs({m: inputs.of[m] for m in there})
            scores = self._learn(network, only, examples, parts, contexts, np.flatnonzero(anything), rng)
        self._network, self._unseen = network, parts.unseen
        self.dim = shape.size(self._layer)
        self._means = means_of(network, only, len(batch), self._layer, rng)
        scores |= {
            "branches": list(branches),
            "words": shape.words,
            "products": int(anything.sum()),
            "users": len(np.unique(examples.user[examples.user >= 0])),
        }
        return FitReport(summary(examples, scores), scores)

    def _examples(self, batch: Batch, rng: np.random.Generator) -> Examples:
        found = labelled(batch.store, batch.ids, self._label, self._at_least) if self._label else taken(batch.store, batch.ids)
        if len(found) > _MOST_EXAMPLES:
            found = _some(found, np.sort(rng.permutation(len(found))[:_MOST_EXAMPLES]))
        return found

    def _inputs(self, batch: Batch, there: Sequence[str], examples: Examples, rng: np.random.Generator) -> Inputs:
        """What the network sees of every product; media of so many that an example is of, if there are more."""
        wanted = rng.permutation(np.unique(examples.product))[:_MOST_MEDIA]
        some = np.isin(np.arange(len(batch)), wanted) | (len(batch) <= _MOST_MEDIA)
        of = {}
        for m in there:
            contents = _contents(batch.contents.get(m), len(batch), m)
            of[m] = self._seen(m, [one if m == "text" or some[row] else None for row, one in enumerate(contents)])
        return Inputs(of)

    def _seen(self, modality: str, contents: Sequence[Any]) -> list[NDArray[Any] | None]:
        """Contents (n,) → what the branch takes of each; None of what is missing, cannot be opened, or has no known word."""
        if modality != "text":
            return self._media.read(modality, contents)
        known = [None if one is None else self._vocabulary.known(words_of(one))[:_PRODUCT_WORDS] for one in contents]
        return [words if words is not None and len(words) else None for words in known]

    def _learn(
        self,
        network: Network,
        inputs: Inputs,
        examples: Examples,
        parts: Parts,
        contexts: Sequence[Rows],
        products: Rows,
        rng: np.random.Generator,
    ) -> dict[str, Any]:
        n = len(next(iter(inputs.of.values())))
        known, validation, test, new = (
            training.Pairs(rows, examples.product[rows], examples.yes[rows])
            for rows in (parts.train, parts.validation, parts.test, parts.new)
        )
        sampler = others = None
        if examples.sampled:
            sampler = sampler_of(examples, np.setdiff1d(products, parts.unseen), self._popular, n)
            others = sampler_of(examples, parts.unseen, self._popular, n) if len(parts.unseen) else None
        validation, test = (with_negatives(pairs, sampler, self._plan.negatives, rng) for pairs in (validation, test))
        if validation.yes.all() or test.yes.all():
            raise InputError("the shoppers took nearly every product: there is nothing that one of them would not take", hint=_OTHER)
        new = with_negatives(new, others, self._plan.negatives, rng)
        learned = training.train(network, inputs, contexts, known, validation, sampler, self._plan, rng)
        answers = [(pairs.yes, training.probabilities(network, inputs, contexts, pairs)) for pairs in (validation, test, new)]
        return measured(*answers) | {"examples": len(known), "epochs": learned.epochs, "trouble": learned.trouble}

    def held_out(self) -> NDArray[np.int64] | None:
        """See `Fuser.held_out`: the products that it learned nothing from."""
        return self._unseen

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`. What cannot be opened, or has no known word, is a zero row. Raises ValueError without contents."""
        if modality not in self.modalities():
            raise KeyError(modality)
        return self._vectors(len(side), {modality: side.contents})

    def items(self, batch: Batch) -> Matrix:
        """See `Fuser.items`: the dense layer with the user's branch left out. Raises ValueError without contents."""
        known = {m: batch.contents.get(m) for m in self.modalities() if m in batch.present and batch.present[m].any()}
        return self._vectors(len(batch), known)

    def _vectors(self, n: int, contents: Mapping[str, Sequence[Any] | None]) -> Matrix:
        network = self._fitted()
        out = np.zeros((n, self.dim), np.float32)
        given = {m: _contents(known, n, m) for m, known in contents.items()}
        for start in range(0, n if given else 0, _AT_ONCE):
            inputs = Inputs({m: self._seen(m, known[start : start + _AT_ONCE]) for m, known in given.items()})
            out[start : start + _AT_ONCE] = centred(network, inputs, min(_AT_ONCE, n - start), self._layer, self._means)
        return unit_rows(out)

    def modalities(self) -> list[str]:
        """See `Fuser.modalities`."""
        return [] if self._network is None else [m for m in self._network.shape.branches if m != USER]

    def compares(self, query: str, product: str) -> bool:
        """All with all: how far it can be trusted is measured on products that it did not learn from."""
        return {query, product} <= set(self.modalities())

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        network = self._fitted()
        arrays = {f"network.{name}": array for name, array in network.arrays().items()}
        arrays |= {f"mean.{name}": mean for name, mean in self._means.items()}
        return arrays, {"shape": network.shape.to_json(), "layer": self._layer, "words": list(self._vocabulary.words)}

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        shape = Shape.from_json(values["shape"])
        network = make_network(shape, chosen_device(self._device))
        network.load({name.removeprefix("network."): array for name, array in arrays.items() if name.startswith("network.")})
        self._network, self._vocabulary = network, Vocabulary(values["words"])
        self._means = {name.removeprefix("mean."): array for name, array in arrays.items() if name.startswith("mean.")}
        self._layer = values["layer"]
        self.dim = shape.size(self._layer)

    def _fitted(self) -> Network:
        if self._network is None:
            raise ValueError("mm-model has learned nothing yet: fit it first")
        return self._network


_AT_ONCE = 1_024  # products whose media are opened at once


def _contents(known: Sequence[Any] | None, n: int, modality: str) -> Sequence[Any]:
    """Raises ValueError where a caller gave none: vectors cannot stand in for what they were made of."""
    if known is None or len(known) != n:
        raise ValueError(f"mm-model reads the {modality} of products itself: {n} contents are needed (Batch.contents, Side.contents)")
    return known


def _some(examples: Examples, rows: Rows) -> Examples:
    columns = (examples.user[rows], examples.product[rows], examples.yes[rows], examples.time[rows])
    return Examples(examples.users, *columns, examples.sampled, examples.what)
