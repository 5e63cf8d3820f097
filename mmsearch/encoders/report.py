"""What an embed did and is doing: the report at its end, the progress on its way, and the interruption in between."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mmsearch.errors import EXIT_DONE, EXIT_REJECTED

_KINDS = 100  # kinds of reasons that are told apart: an encoder from elsewhere may word every one differently


@dataclass
class ModalityReport:
    """What one modality's embedding did. Every item is new, unchanged or failed."""

    modality: str
    encoder: str
    items: int = 0
    new: int = 0  # vectors written, new or in the place of an older one
    encoded: int = 0  # of the items, those that went through the encoder: equal contents go once
    unchanged: int = 0
    removed: int = 0  # vectors of what is gone, or cannot be used any more
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # kind of reason → failed items
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Encoded items a second."""
        return self.encoded / self.seconds if self.seconds else 0.0

    def count_failure(self, kind: str) -> None:
        """Count a failed item under its kind of reason."""
        self.failed += 1
        self.reasons[kind if kind in self.reasons or len(self.reasons) < _KINDS else "other reasons"] += 1

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "reasons": dict(self.reasons), "seconds": round(self.seconds, 3), "per_second": round(self.per_second, 1)}


@dataclass
class EmbedReport:
    """What an embed did, a modality each."""

    modalities: list[ModalityReport] = field(default_factory=list)
    features: list[ModalityReport] = field(default_factory=list)  # one each: its modality is "facts", its encoder the feature
    notes: list[str] = field(default_factory=list)
    reject_file: str | None = None

    @property
    def exit_code(self) -> int:
        return EXIT_REJECTED if any(m.failed for m in (*self.modalities, *self.features)) else EXIT_DONE

    def to_json(self) -> dict[str, Any]:
        """The report for machines."""
        features = [
            {"feature": m.encoder, **{k: v for k, v in m.to_json().items() if k not in ("modality", "encoder")}} for m in self.features
        ]
        return {
            "modalities": [m.to_json() for m in self.modalities],
            "features": features,
            "notes": self.notes,
            "reject_file": self.reject_file,
        }


@dataclass(frozen=True)
class Progress:
    """Where the embedding of a modality stands."""

    modality: str
    items: int  # about how many there are
    seen: int  # how many were looked at and are done with
    encoded: int
    unchanged: int
    seconds: float  # since it began
    done: bool = False


class Interrupted(KeyboardInterrupt):
    """An embed was told to stop (Ctrl-C, SIGTERM): what was finished is written, and the store is whole.

    A `KeyboardInterrupt`, so that a program around it stops as it would; `message` and `hint` say what is done and how to go on.
    """

    def __init__(self, message: str, hint: str):
        super().__init__(message)
        self.message, self.hint = message, hint
