"""A cross-encoder: a network that reads the query and the product together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmsearch.encoders.sentence import load_quietly, model_folder, weight_names
from mmsearch.encoders.torch_compat import import_torchvision
from mmsearch.errors import InputError
from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker, kept_below

_DEPTH = 50  # pairs that are read a query: a convention, as each costs a pass of the network
_ROUNDING = 1e-6  # of the network, whose numbers are single precision: pairs that differ by no more are equal to it
_CHARACTERS = 2_000  # of a product's text that reach the model's own tokeniser, which cuts by tokens


class Cross(Reranker):
    """The best go into the order that a cross-encoder of sentence-transformers has for them (Nogueira & Cho, 2019).

    Its scores are brought to the mean and the spread of the scores there are, and take their place by `share`: 1, its order alone; .5,
    half. A product without text keeps its score, and so do all where the query has none.

    Parameters
    ----------
    model : a folder, or a name on the Hugging Face hub ('cross-encoder/ms-marco-MiniLM-L6-v2'), downloaded on first use.
    share : in (0, 1]. depth : how many of the best are read. revision : branch, tag or commit of a hub model.

    Raises
    ------
    InputError : the model cannot be had or loaded, or is none that scores a pair by one number.
    """

    def __init__(self, model: str, share: float = 1.0, depth: int = _DEPTH, revision: str | None = None):
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {share:g}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self.share, self.depth = share, depth
        self._model = _load(model_folder(model, revision, instead="a folder with a model can be named, too"), model)

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, self.depth)
        texts = candidates.texts(head) if candidates.question else []
        read = [number for number, text in enumerate(texts) if text]
        changes = np.zeros(len(scores))
        if len(read) > 1:
            places = head[read]
            pairs = [(candidates.question, str(texts[number])[:_CHARACTERS]) for number in read]
            found = np.asarray(self._model.predict(pairs, show_progress_bar=False), dtype=np.float64)
            if (spread := float(found.std())) > _ROUNDING:
                old = scores[places]
                changes[places] = self.share * (old.mean() + (old.std() or candidates.unit) * (found - found.mean()) / spread - old)
        return Reranked({"cross": kept_below(scores, changes, head)})


def _load(folder: Path, model: str) -> Any:
    """The model. Raises InputError where its checkpoint does not score pairs: the missing weights would be made up by chance."""
    if not (folder / "config.json").is_file():
        raise InputError(f"{model} is no cross-encoder: it has no config.json")
    names = weight_names(folder)
    import_torchvision()
    from sentence_transformers import CrossEncoder

    loaded = load_quietly(CrossEncoder, folder, model)
    if loaded.num_labels != 1:
        raise InputError(f"{model} gives {loaded.num_labels} numbers a pair: a cross-encoder that ranks gives one")
    lost = [] if names is None else [name for name, _ in loaded.model.named_parameters() if name not in names]
    if lost:
        raise InputError(f"{model} is no cross-encoder: its checkpoint lacks {len(lost)} weights ({lost[0]})")
    return loaded
