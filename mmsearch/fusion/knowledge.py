"""Knowledge-level fusion: another method's vectors, each mixed with what a knowledge graph says is related."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, FitReport, Fuser, Matrix, Side
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.bought import among, bought_together, read_purchases, rows_of
from mmsearch.fusion.graph import BETWEEN, TYPES, VALUES, Known, astray, belongs, joined, matrix, read_knowledge, shared
from mmsearch.fusion.graph_evidence import Evidence, evidence_of, summary
from mmsearch.fusion.propagation import ROWS, Layer, Relation, Sent, directions, message, mixed, normalised, propagate, rarities
from mmsearch.fusion.sparse import Sparse, csr
from mmsearch.spec import parse
from mmsearch.store import INTERACTIONS, PRODUCTS, TRIPLES, Store

_PIECE = 2_048  # products whose neighbours' vectors are in memory at a time
_MOST_VALUES = 10_000
_STATE = 64 << 20  # bytes of means that a profile keeps at most: they are read whenever it is used

# On the validation queries of the electronics data, whose edges are brand and kind, a tenth costs nothing (nDCG@10 .414) and a half costs
# a tenth; on the scientific data's it already helps recommendations (`python -m bench.knowledge`).
_UNTOLD = 0.1


class Knowledge(Fuser):
    """z = direction of (1 − α)·h + α·(weighted mean of what is related, minus the catalogue's mean), for each of `hops` hops.

    h is the base's fused vector; see `mmsearch.fusion.propagation` for the papers and the algebra, `mmsearch.fusion.graph` for the edges.
    Queries, and products compared across modalities, go through the base alone: only fused vectors take from their neighbours.

    A profile keeps the means of the values (the vectors of the graph's other nodes). What a product is joined to is read from the store
    when its vector is made, so that a new product takes from its neighbours at once; what it gives back, others see after a refit. A
    product without a vector of its own gets none: its neighbours say where it may lie, but nothing of it would be evidence.
    """

    def __init__(
        self,
        base: str = "concat",
        hops: int = 1,
        alpha: float | None = None,
        brand: float = 1.0,
        category: float = 1.0,
        attributes: float = 1.0,
        bought: float = 4.0,
        given: float = 1.0,
    ):
        """
        Parameters
        ----------
        base : the spec of the fusion method whose vectors are propagated, fitted inside.
        hops : how often; 0 is the base.
        alpha : share that a product takes from what is related, 0 (the base) to under 1; None chooses it: by held-out purchases where
            there are enough, else .1.
        brand, category, attributes, bought, given : weights of the types of edges, ≥ 0; they renormalise over those that a product has.
        """
        if parse(base, what="fusion method").name == "knowledge":
            raise ValueError("its base cannot be knowledge again: raise hops instead")
        if hops < 0:
            raise ValueError(f"hops must be at least 0, not {hops}")
        if alpha is not None and not 0 <= alpha < 1:
            raise ValueError(f"alpha must be at least 0 and below 1, not {alpha:g}")
        given_weights = dict(zip(TYPES, (brand, category, attributes, bought, given), strict=True))
        for name, weight in given_weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"the weight of {name} must be a number of at least 0, not {weight:g}")
        self._base: Fuser = FUSERS.create(base)
        self._weights = {name: weight for name, weight in given_weights.items() if weight}
        # What the base reads is known once it is. Events are read in any case: alpha is chosen by them, and what it changes is measured.
        self.reads, self.vectors_suffice = self._base.reads, self._base.vectors_suffice  # type: ignore[misc]
        self.sees_views = self._base.sees_views  # type: ignore[misc]
        further = [INTERACTIONS, *([TRIPLES] if given else []), *([PRODUCTS] if set(self._weights) - {"bought"} else [])]
        self.learns_from = tuple(dict.fromkeys((*self._base.learns_from, *further)))  # type: ignore[misc]
        self._hops, self._asked = hops, alpha
        self._alpha = 0.0
        self._nodes: dict[str, dict[str, int]] = {}  # type → node → its row among the type's means
        self._rarity: dict[str, Matrix] = {}  # type → (v,)
        self._means: list[dict[str, Matrix]] = []  # of each hop: type → (v, d)
        self._centres: list[Matrix] = []  # of each hop: (d,)
        self._attributes: tuple[str, ...] | None = None  # those that make edges, settled by the fit
        self._read: tuple[tuple[int, ...], Known, dict[str, int], Sparse] | None = None

    @property
    def dim(self) -> int:  # type: ignore[override]
        """That of the base: knowledge moves vectors within its space."""
        return self._base.dim

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Fit the base, build the graph, choose alpha, and keep the means of its values. See `Fuser.fit`."""
        told = self._base.fit(batch, encoders, seed)
        self._alpha, self._nodes, self._rarity, self._means, self._centres = 0.0, {}, {}, [], []
        self._attributes, self._read = None, None
        scores: dict[str, Any] = {"base": told.scores, "hops": self._hops}
        store = batch.store
        if store is None or not len(batch.ids) or not self._hops or not self._weights:
            why = "no hops" if not self._hops else "every edge has weight 0" if not self._weights else "no store to read edges from"
            return FitReport(f"the base alone ({why}): {told.summary}", scores | {"alpha": 0.0, "edges": {}})
        knowledge, _, _ = self._known(store)
        self._attributes = knowledge.attributes
        H = self._own(batch)
        relations = self._relations(store, batch.ids, H)
        scores["edges"] = {name: sum(int(r.belongs.nnz) for r in some) for name, some in _by_type(relations).items()}
        if len(knowledge.concepts):
            lost = astray(store, knowledge)
            scores["given"] = {"triples": store.count(TRIPLES), "concepts": len(knowledge.concepts)}
            scores["given"] |= {"astray": len(lost), "astray_such_as": lost[:5], "loops": knowledge.concepts.loops()[:5]}
        if not any(scores["edges"].values()):
            return FitReport(f"the base alone (the store knows of no edges): {told.summary}", scores | {"alpha": 0.0})
        found: Evidence = evidence_of(H, relations, read_purchases(store), batch.ids, self._hops, self._asked, _UNTOLD, seed)
        self._alpha = found.alpha
        if self._alpha:
            self._keep(propagate(H, [r for _, r in relations], self._alpha, self._hops)[1], relations)
        return FitReport(summary(found, scores, told.summary), scores | {"alpha": self._alpha, "held_out": found.to_json()})

    def held_out(self) -> NDArray[np.int64] | None:
        """See `Fuser.held_out`: those of the base, by which cross-modal evidence is compared."""
        return self._base.held_out()

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`: by the base."""
        return self._base.project(modality, side)

    def query(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.query`: by the base."""
        return self._base.query(modality, side)

    def items(self, batch: Batch) -> Matrix:
        """See `Fuser.items`. Without a store there are no edges, and the vectors are the base's."""
        H = self._base.items(batch)
        if batch.store is None or not len(batch.ids) or not self._alpha:
            return H
        return directions(self._after(self._hops, H, list(batch.ids), batch.store), H)

    def modalities(self) -> list[str]:
        """See `Fuser.modalities`."""
        return self._base.modalities()

    def compares(self, query: str, product: str) -> bool:
        """As the base does."""
        return self._base.compares(query, product)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        inner, told = self._base.state()
        arrays = {f"base.{name}": array for name, array in inner.items()}
        arrays |= {f"rarity.{type}": rarity for type, rarity in self._rarity.items()}
        arrays |= {f"centre.{hop}": centre for hop, centre in enumerate(self._centres)}
        arrays |= {f"means.{hop}.{type}": means for hop, all in enumerate(self._means) for type, means in all.items()}
        nodes = {type: list(nodes) for type, nodes in self._nodes.items()}
        values = {
            "base": told,
            "alpha": self._alpha,
            "hops": len(self._centres),
            "nodes": nodes,
            "attributes": list(self._attributes or ()),
        }
        return arrays, values

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        self._base.load_state({n.removeprefix("base."): a for n, a in arrays.items() if n.startswith("base.")}, values["base"])
        self._alpha, self._attributes, self._read = float(values["alpha"]), tuple(values["attributes"]), None
        self._nodes = {type: {node: i for i, node in enumerate(nodes)} for type, nodes in values["nodes"].items()}
        self._rarity = {type: arrays[f"rarity.{type}"] for type in self._nodes}
        self._centres = [arrays[f"centre.{hop}"] for hop in range(values["hops"])]
        self._means = [{type: arrays[f"means.{hop}.{type}"] for type in self._nodes} for hop in range(values["hops"])]

    def _own(self, batch: Batch) -> Matrix:
        """The base's vectors, made piece by piece: what a method needs while it makes them does not grow with the catalogue."""
        out = np.zeros((len(batch), self.dim), np.float32)
        for start in range(0, len(batch), ROWS):
            out[start : start + ROWS] = self._base.items(batch.take(np.arange(start, min(start + ROWS, len(batch)))))
        return out

    # -- the graph while it is learned -------------------------------------------------------------------------------

    def _relations(self, store: Store, ids: Sequence[str], H: Matrix) -> list[tuple[str, Relation]]:
        """All edges among the products that the fit sees, by type; also settles which values are nodes."""
        knowledge, places, neighbours = self._known(store)
        there = np.asarray(H.any(axis=1))
        rows = belongs(store, ids, knowledge, [t for t in VALUES if t in self._weights])
        most = min(_MOST_VALUES, max(1, _STATE // (4 * H.shape[1] * self._hops)))
        relations = []
        for type, mine in rows.items():
            nodes = shared(mine, there, most)
            self._nodes[type] = {node: i for i, node in enumerate(nodes)}
            edges = matrix(mine, self._nodes[type])
            self._rarity[type] = rarities(edges, len(ids))
            relations.append((type, Relation(self._weights[type], edges)))
        if "bought" in self._weights and places:
            relations.append(("bought", Relation(self._weights["bought"], among(neighbours, places, ids), values=False)))
        if "given" in self._weights and knowledge.joined:
            relations.append(("given", Relation(self._weights["given"], joined(knowledge, ids, ids), values=False)))
        return relations

    def _keep(self, layers: Sequence[Layer], relations: Sequence[tuple[str, Relation]]) -> None:
        self._centres = [layer.centre for layer in layers]
        self._means = [
            {type: sent for (type, relation), sent in zip(relations, layer.sent, strict=True) if relation.values} for layer in layers
        ]

    # -- products -----------------------------------------------------------------------------------------------------

    def _after(self, hops: int, H: Matrix, ids: Sequence[str], store: Store) -> Matrix:
        """Products' base vectors (n, d) → what they are after some hops, read from the store around them, piece by piece."""
        if not hops:
            return H
        out = np.empty_like(H)
        for start in range(0, len(ids), _PIECE):
            piece = slice(start, start + _PIECE)
            sent = self._sent(hops - 1, ids[piece], store)
            out[piece] = mixed(H[piece], *message(sent, self._centres[hops - 1], len(ids[piece])), self._alpha)
        return out

    def _sent(self, hop: int, ids: Sequence[str], store: Store) -> list[Sent]:
        """What reaches some products in one hop."""
        knowledge, places, neighbours = self._known(store)
        sent = []
        for type, rows in belongs(store, ids, knowledge, [t for t in VALUES if t in self._nodes]).items():
            shares = normalised(matrix(rows, self._nodes[type]), self._rarity[type])
            sent.append(Sent(self._weights[type], shares, self._means[hop][type]))
        for type in (t for t in BETWEEN if t in self._weights):
            if type == "bought":
                edges = rows_of(neighbours, places, ids)
                others = np.unique(edges.indices)
                known = list(places)
                names = [known[i] for i in others.tolist()]
            else:
                names = sorted({id for pair in knowledge.joined for id in pair})
                edges = joined(knowledge, ids, names)
                others = np.arange(len(names))
            if edges.nnz:
                Z = self._vectors(hop, names, store)
                sent.append(Sent(self._weights[type], normalised(edges[:, others], np.asarray(Z.any(axis=1), np.float32)), Z))
        return sent

    def _vectors(self, hops: int, ids: Sequence[str], store: Store) -> Matrix:
        """Products' vectors after some hops, from what the store has of them (n, d); zero rows for those without a vector."""
        out = np.zeros((len(ids), self.dim), np.float32)
        recorded = {m: recorded_encoder(store, m) for m in self.modalities()}
        tables = {m: known["table"] for m, known in recorded.items() if known}
        for start in range(0, len(ids), _PIECE):
            piece = slice(start, start + _PIECE)
            some, batch = load_batch(store, tables, ids[piece], self._base)
            if len(batch):  # else the store has no vectors at all
                out[piece] = self._after(hops, self._base.items(batch), some, store)
        return out

    def _known(self, store: Store) -> tuple[Known, dict[str, int], Sparse]:
        """What a store's triples and events say, read again when they changed. The attributes are those of the fit."""
        versions = tuple(store.version(table) for table in (PRODUCTS, TRIPLES, INTERACTIONS))
        if self._read is None or self._read[0] != versions:
            knowledge = read_knowledge(store, self._attributes)
            places, neighbours = {}, csr([], [], [], (0, 0))
            if "bought" in self._weights:
                purchases = read_purchases(store)
                places, neighbours = purchases.places(), bought_together(purchases)
            self._read = versions, knowledge, places, neighbours
        return self._read[1:]


def _by_type(relations: Sequence[tuple[str, Relation]]) -> dict[str, list[Relation]]:
    found: dict[str, list[Relation]] = {}
    for type, relation in relations:
        found.setdefault(type, []).append(relation)
    return found
