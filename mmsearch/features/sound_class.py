"""What kind of sound it is, by the shop's own kinds: learned from the products whose attribute says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, Items, Matrix, NotFitted, in_pieces
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.sources import items as items_of
from mmsearch.encoders.weights import fingerprint
from mmsearch.errors import InputError, UsageError
from mmsearch.features.base import Fact, Feature, Found, Medium
from mmsearch.store import ATTRIBUTES, PRODUCTS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.where import id_list

_RECIPE = "sound-class 1"
_EXAMPLES = 5_000  # that are learned from, spread over all
_FOLDS = 5
_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # inverse of the L2 penalty; which is best on left-out examples is chosen


class SoundClass(Feature):
    """Sounds → one of the shop's own kinds (an attribute's values), learned from the products that say theirs.

    Multinomial logistic regression (L2, its strength chosen by cross-validation on the examples) on the vectors of a sound encoder, by
    scikit-learn. A product that has several sounds, and a sound of several windows, get the mean of their probabilities.
    """

    sources: ClassVar[tuple[str, ...]] = ("audio",)
    names: ClassVar[Mapping[str, str]] = {"sound_class": "text", "sound_class_sure": "number"}
    learns: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("librosa", "soundfile", "soxr", "sklearn")

    def __init__(self, by: str = "category", encoder: str = "acoustic", least: int = 5):
        """
        Parameters
        ----------
        by : the attribute whose values are the kinds. encoder : the spec of a sound encoder.
        least : examples that a kind must have, 2 or more; kinds with fewer are not learned.
        """
        if least < 2:
            raise ValueError(f"least must be 2 or more, not {least}")
        self._encoder: Encoder = ENCODERS.create(encoder)
        if self._encoder.modality != "audio":
            raise UsageError(f"sound-class listens with a sound encoder, but {encoder} encodes {self._encoder.modality}")
        self._by, self._spec, self._least = by, encoder, least
        self._learned: tuple[list[str], Matrix, Matrix] | None = None  # kinds (k), weight (k, d), bias (k,)
        self._state = b""

    @classmethod
    def by_default(cls, store: Store) -> bool:
        """Never: what the kinds are is the user's to say."""
        return False

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        parameters = {"recipe": _RECIPE, "by": self._by, "encoder": self._spec, "least": self._least}
        return fingerprint("sound-class", parameters, {"learned": digest(self.state()), "encoder": self._encoder.fingerprint()})

    def fit(self, items: Items, store: Store) -> None:
        """Learn from the sounds of products that have the attribute.

        Raises
        ------
        InputError : fewer than two kinds have enough examples.
        """
        labels = _labels(store, self._by)
        if self._encoder.learns:
            self._encoder.fit(items)
        examples = [(item.content, labels[item.id]) for item in items_of(store, "audio") if item.id in labels]
        counts = Counter(label for _, label in examples)
        examples = [(content, label) for content, label in examples if counts[label] >= self._least]
        examples = examples[:: max(1, -(-len(examples) // _EXAMPLES))]
        encoded = self._encoder.encode([content for content, _ in examples])
        kinds, y = np.unique([examples[index][1] for index in encoded.kept], return_inverse=True)
        if len(kinds) < 2 or np.bincount(y).min() < 2:
            found = ", ".join(f"{label} ({count})" for label, count in counts.most_common(5)) or "none"
            message = f"sound-class needs {self._least} sounds of each of two values of '{self._by}' to learn from; there are: {found}"
            raise InputError(message, hint="name the attribute that says what kind a sound is: sound-class(by=NAME)")
        weight, bias = _trained(encoded.vectors, y)
        arrays: dict[str, NDArray[Any]] = {"weight": weight, "bias": bias}
        if self._encoder.learns:
            arrays["encoder"] = np.frombuffer(self._encoder.state(), np.uint8)
        self.restore(pack(arrays, {"kinds": kinds.tolist()}))

    def state(self) -> bytes:
        """See `Feature.state`."""
        self._known()
        return self._state

    def restore(self, state: bytes) -> None:
        """See `Feature.restore`."""
        arrays, facts = unpack(state)
        kinds, weight, bias = facts.get("kinds"), arrays.get("weight", np.empty(0)), arrays.get("bias", np.empty(0))
        if not isinstance(kinds, list) or weight.ndim != 2 or len(weight) != len(kinds) or bias.shape != (len(kinds),):
            raise ValueError("not what sound-class learned")
        if self._encoder.learns:
            self._encoder.restore(arrays.get("encoder", np.empty(0, np.uint8)).tobytes())
        self._learned, self._state = (kinds, weight, bias), state

    def prepare(self, item: str | Medium) -> Matrix:
        """A sound → the vectors of its windows (w, d). Raises MediaError."""
        content = item.content if isinstance(item, Medium) else item
        pieces = in_pieces(self._encoder.prepare(content))
        return self._encoder.finish(pieces, list(range(len(pieces))), []).vectors

    def extract(self, prepared: Sequence[Matrix]) -> list[list[Fact]]:
        """Windows (w, d) of each sound → every kind that is at least as probable as by chance, the likeliest first."""
        kinds, weight, bias = self._known()
        found = []
        for vectors in prepared:
            probable = _softmax(vectors @ weight.T + bias).mean(axis=0) if len(vectors) else np.zeros(len(kinds))
            order = [at for at in np.argsort(-probable, kind="stable") if probable[at] >= 1 / len(kinds)]
            found.append([Fact("sound_class", kinds[at], score=round(float(probable[at]), 4)) for at in order])
        return found

    def roll_up(self, found: Sequence[Found]) -> dict[str, Any]:
        """The likeliest kind of a product's sounds, and how probable it is."""
        sums: dict[str, float] = {}
        for fact in (fact for one in found for fact in one.facts):
            sums[str(fact.value)] = sums.get(str(fact.value), 0.0) + (fact.score or 0.0)
        if not sums:
            return {}
        best = max(sums, key=lambda kind: (sums[kind], kind))
        return {"sound_class": best, "sound_class_sure": round(sums[best] / sum(1 for one in found if one.facts), 4)}

    def _known(self) -> tuple[list[str], Matrix, Matrix]:
        if self._learned is None:
            raise NotFitted("sound-class")
        return self._learned


def _labels(store: Store, name: str) -> dict[str, str]:
    """id → the value of a text attribute. Raises UsageError if no product has it."""
    attributes = load_attributes(store)
    if (column := attributes.columns.get(name, {}).get("text")) is not None:
        rows = store.read(PRODUCTS, ["id", column])
        pairs = zip(rows.column("id").to_pylist(), rows.column(column).to_pylist(), strict=True)
        return {id: value for id, value in pairs if value is not None}
    if name in attributes.sparse:
        rows = store.read(ATTRIBUTES, ["id", "text"], where=id_list("name", [name]))
        return {id: value for id, value in zip(*(c.to_pylist() for c in rows.columns), strict=True) if value is not None}
    raise UsageError(f"sound-class: no product has a text attribute '{name}'", hint="attributes: mmsearch info")


def _trained(X: Matrix, y: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Weight (k, d) and bias (k,) of a logistic regression, its penalty chosen by cross-validation."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    def model(strength: float) -> Any:
        return LogisticRegression(C=strength, max_iter=1_000)

    folds = StratifiedKFold(min(_FOLDS, int(np.bincount(y).min())), shuffle=True, random_state=0)
    scored = [(float(cross_val_score(model(c), X, y, cv=folds, scoring="neg_log_loss").mean()), -c) for c in _STRENGTHS]
    fitted = model(-max(scored)[1]).fit(X, y)
    weight, bias = fitted.coef_.astype(np.float32), fitted.intercept_.astype(np.float32)
    if len(weight) == 1:  # of two kinds scikit-learn keeps one row
        return np.concatenate([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])
    return weight, bias


def _softmax(logits: Matrix) -> NDArray[np.float64]:
    values = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = values / values.sum(axis=1, keepdims=True)
    return shares
