"""What is said in a query: a spoken part becomes a text part that remembers where it was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmsearch.errors import InputError
from mmsearch.features import FEATURES
from mmsearch.features.base import Found
from mmsearch.media import MediaError
from mmsearch.search.query import Query, of_query
from mmsearch.store import Store

if TYPE_CHECKING:
    from mmsearch.features.transcript import Transcript

_FEATURE = "transcript"
_NAMES = {"en": "English", "zh": "Chinese"}  # of the other languages their codes are shown


@dataclass(frozen=True)
class Understood:
    """What was said in a file, and in which language, where the model knows more than one."""

    text: str
    language: str | None

    def __str__(self) -> str:
        return f"understood: {self.text}" + (f" ({_NAMES.get(self.language, self.language)})" if self.language else "")


class Listener:
    """Listens to the spoken queries of a store: by the feature that listens to its own sounds, else by the default one."""

    def __init__(self, store: Store):
        self._store = store
        self._feature: tuple[str, Transcript] | None = None

    def in_words(self, queries: Mapping[str, Query]) -> tuple[dict[str, Query], dict[str, list[str]]]:
        """Queries whose spoken parts are texts, and id → what was understood, for the user.

        Raises
        ------
        InputError : a file that cannot be read or in which nothing is understood; a model that is damaged or cannot be had.
        MissingPackage : speech recognition is not installed.
        """
        asked_by = {part.content: id for id, query in reversed(list(queries.items())) for part in query.parts if part.kind == "speech"}
        said = {}
        for file, id in sorted(asked_by.items()):
            listener = self._listener()
            try:
                said[file] = understand(listener, file)
            except InputError as error:
                if not id:
                    raise
                raise of_query(error, id, queries[id]) from error
        notes = {id: [str(said[p.content]) for p in query.parts if p.kind == "speech"] for id, query in queries.items()}
        return {id: _in_words(query, said) for id, query in queries.items()}, notes

    def _listener(self) -> Transcript:
        spec = str((self._store.record.get(f"feature/{_FEATURE}") or {}).get("spec", _FEATURE))
        if self._feature is None or self._feature[0] != spec:
            feature: Transcript = FEATURES.create(spec)
            feature.load()
            self._feature = spec, feature
        return self._feature[1]


def understand(feature: Transcript, file: str) -> Understood:
    """Listen to a spoken query.

    Raises
    ------
    InputError : the file cannot be read, or nothing is understood.
    """
    try:
        facts = feature.listen(Path(file))
    except MediaError as error:
        raise InputError(f"the query speech {file} cannot be used: {error.message}", hint=error.hint) from error
    said = feature.roll_up([Found("", tuple(facts))])
    if "transcript" not in said:
        hint = f"say it louder or longer; or type it: mmsearch search TEXT; or look for what sounds like it: mmsearch search --audio {file}"
        raise InputError(f"no speech is understood in {file}", hint=hint)
    return Understood(said["transcript"], said.get("spoken_language"))


def _in_words(query: Query, said: Mapping[str, Understood]) -> Query:
    parts = (replace(p, kind="text", content=said[p.content].text, heard=p.content) if p.kind == "speech" else p for p in query.parts)
    return replace(query, parts=tuple(parts))
