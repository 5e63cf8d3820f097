"""Parts of queries → vectors, by the encoders that made those of the products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from mmsearch import settings
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.recorded import Meeting, load_encoder, load_tower, meetings, recorded_encoder
from mmsearch.errors import InputError, UsageError, did_you_mean
from mmsearch.fusion.batch import mean_by_product
from mmsearch.fusion.contents import contents_by_product
from mmsearch.search.index import Index
from mmsearch.search.query import Part, Query, of_query
from mmsearch.search.targets import views_of
from mmsearch.store import PRODUCTS
from mmsearch.store.vectors import read_vectors
from mmsearch.store.where import id_list

_SHOWN = 200  # characters of a query part that an error names
_AT_ONCE = 64  # query photos, sounds or clips decoded at a time: a queries file may hold any number
_TEXTS_AT_ONCE = 1_024  # texts are small, and an encoder cuts them into pieces for its threads


class QueryVectors:
    """Encodes queries to one store. Models are loaded when a query first needs them and kept."""

    def __init__(self, index: Index):
        self._index, self._store = index, index.store
        self._encoders: dict[str, tuple[str, Encoder]] = {}

    def encode(self, queries: Mapping[str, Query]) -> dict[Part, dict[str, Matrix]]:
        """Part → modality → vector, of queries by their ids.

        A `like` part has a vector for each modality that the product has, and its text is asked as a query is.

        Under a kind ('text>image') stands the vector that meets another modality's vectors in their own space (see `Meeting`).

        Raises UsageError : no such product. InputError : a text, photo, sound or clip that cannot be used, a product without vectors.
        """
        asked_by = {part: id for id, query in reversed(list(queries.items())) for part in query.parts}  # the first query with each
        parts = list(dict.fromkeys(p for q in queries.values() for p in q.parts))
        within = {q.within for q in queries.values()}
        met = [m for m in meetings(self._store).values() if not m.own and within & {None, m.product}]
        vectors: dict[Part, dict[str, Matrix]] = {}
        for modality in settings.DEFAULT_ENCODERS:
            mine = [p for p in parts if p.kind == modality]
            if not mine:
                continue
            encoders = {m.kind: self._tower(m) for m in met if m.query == modality}
            if not encoders or recorded_encoder(self._store, modality):
                encoders[modality] = self._encoder(modality)
            contents = [p.content if modality == "text" else Path(p.content) for p in mine]
            at_once = _TEXTS_AT_ONCE if modality == "text" else _AT_ONCE
            for start in range(0, len(mine), at_once):
                for name, encoder in encoders.items():
                    encoded = encoder.encode(contents[start : start + at_once], query=True)
                    for index, reason in encoded.failures:
                        part = mine[start + index]
                        error = InputError(f"the query {modality} {part.content[:_SHOWN]} cannot be used: {reason}")
                        raise of_query(error, asked_by[part], queries[asked_by[part]])
                    for i, vector in zip(encoded.kept, encoded.vectors, strict=True):
                        vectors.setdefault(mine[start + i], {})[name] = vector
                    if encoded.views is not None:
                        for i, views in zip(encoded.kept, encoded.views, strict=True):
                            vectors[mine[start + i]][views_of(name)] = views
        liked = list(dict.fromkeys(p.content for p in parts if p.kind == "like"))
        asked = self._texts_of_products(liked, [m for m in met if m.query == "text"]) if liked else {}
        of_product = {}
        for id in liked:
            try:
                of_product[id] = self._product_vectors(id, asked.get(id, {}))
            except (InputError, UsageError) as error:
                query = next(asked_by[part] for part in parts if part.kind == "like" and part.content == id)
                if not query:
                    raise
                raise of_query(error, query, queries[query]) from error
        return vectors | {part: of_product[part.content] for part in parts if part.kind == "like"}

    def _encoder(self, modality: str) -> Encoder:
        known = recorded_encoder(self._store, modality)
        cached = self._encoders.get(modality)
        if cached is None or known is None or cached[0] != known["fingerprint"]:
            encoder = load_encoder(self._store, modality)
            cached = (known or {})["fingerprint"], encoder
            self._encoders[modality] = cached
        return cached[1]

    def _tower(self, meeting: Meeting) -> Encoder:
        fingerprint = (recorded_encoder(self._store, meeting.product) or {}).get("fingerprint", "")
        cached = self._encoders.get(meeting.kind)
        if cached is None or cached[0] != fingerprint:
            cached = fingerprint, load_tower(self._store, meeting)
            self._encoders[meeting.kind] = cached
        return cached[1]

    def _texts_of_products(self, ids: Sequence[str], met: Sequence[Meeting]) -> dict[str, dict[str, Matrix]]:
        """Id → kind → what a product's text is asked by where texts meet other vectors in their own space, as a text query is.

        Only texts, which the store has: the vectors of clips and photos lie in it themselves where they meet others.
        """
        found: dict[str, dict[str, Matrix]] = {}
        if not met:
            return found
        mine = [(id, text) for id, text in zip(ids, contents_by_product(self._store, "text", ids), strict=True) if text is not None]
        for meeting in met if mine else ():
            encoded = self._tower(meeting).encode([text for _, text in mine], query=True)
            for i, vector in zip(encoded.kept, encoded.vectors, strict=True):
                found.setdefault(mine[i][0], {})[meeting.kind] = vector
        return found

    def _product_vectors(self, id: str, asked: Mapping[str, Matrix]) -> dict[str, Matrix]:
        """Modality → mean vector of a product's own, beside what it is asked by; see `encode`."""
        found = dict(asked)
        for modality in settings.MODALITIES:
            known = recorded_encoder(self._store, modality)
            if known and self._store.has(known["table"]) and len(rows := read_vectors(self._store, known["table"], [id], views=True)):
                means, present = mean_by_product(rows, pa.array([id], pa.string()), rows.vectors.shape[1])
                if present[0]:
                    found[modality] = means[0]
                    if rows.views is not None:
                        found[views_of(modality)] = rows.views.mean(axis=0)
        if not found:
            if not self._store.count(PRODUCTS, id_list("id", [id])):
                near = did_you_mean(id, self._index.products().to_pylist()[:100_000])
                raise UsageError(f"there is no product {id}{near}")
            raise InputError(f"the product {id} has no vectors", hint="make them: mmsearch embed")
        return found
