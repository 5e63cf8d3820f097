"""What a store holds, at a glance."""

from __future__ import annotations

from typing import Any

from mmsearch.catalog.ingest import unfinished
from mmsearch.features.chosen import recorded_features
from mmsearch.fusion import profile
from mmsearch.store import FACTS, INTERACTIONS, PRODUCTS, REVIEWS, SEARCHES, TRIPLES, USERS, Store
from mmsearch.store.facts import fact_names
from mmsearch.store.layout import survey
from mmsearch.store.sparse import count_names


def inventory(store: Store) -> dict[str, Any]:
    """Counts, attributes, encoders, features and profiles; and the ingest that was interrupted, if one was.

    `features` is name → spec, and the products that have each of its `facts`. `attributes` is name → `filled` (products that have
    it), `share` of the products, `types`, and whether it is `sparse` (kept in a table of its own); the most filled first.
    """
    record = store.record
    encoders = {}
    for key in record.keys("encoder/"):
        known = record.get(key) or {}
        encoders[key.removeprefix("encoder/")] = {
            "encoder": known["spec"],
            "dim": known["dim"],
            "vectors": store.count(known["table"]),
        }
    counts = count_names(store, FACTS)
    facts = fact_names(store)
    features = {
        name: {"spec": known["spec"], "facts": {fact: counts[fact] for fact, (owner, _) in sorted(facts.items()) if owner == name}}
        for name, known in recorded_features(store).items()
    }
    default = profile.default_name(store)
    profiles = {n: record.get(f"profile/{n}") or {} for n in profile.names(store)}
    return {
        "store": store.path,
        "products": store.count(PRODUCTS),
        **{kind: store.count(kind) for kind in (INTERACTIONS, REVIEWS, SEARCHES, USERS, TRIPLES)},
        "unfinished": unfinished(store),
        "attributes": survey(store),
        "encoders": encoders,
        "features": features,
        "profiles": {
            n: {"method": p["spec"], "version": p["version"], "default": n == default, "summary": p["summary"]} for n, p in profiles.items()
        },
    }
