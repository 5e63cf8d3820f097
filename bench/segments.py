"""Who has no events: popularity with all against popularity by segments, on the users of MovieLens-100k that a split leaves unseen.

    python -m bench.segments STORE [--choose]

STORE holds users with attributes and their events (`examples/recommend.sh` says how it is made). Prints the test part; with --choose the
validation part for every setting tried.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np

from mmsearch.evaluation.bootstrap import interval
from mmsearch.evaluation.recommend import RecommenderEvaluation, ask, judge
from mmsearch.evaluation.splits.cold_users import ColdUsers
from mmsearch.measures import parse_measure
from mmsearch.recommend.base import Interactions, Products, top
from mmsearch.recommend.evidence import catalogue, read_evidence
from mmsearch.recommend.segments import Attributes, Segments, read_attributes
from mmsearch.store import Store

MEASURES = [parse_measure(name) for name in ("HR@20", "nDCG@20", "R@20")]
SHARE, LAST = 0.3, 10
TRIED = [
    *[((name,), 1000.0) for name in ("age", "gender", "occupation", "zip_code")],
    (("age", "gender"), 1000.0),
    *[(("age", "gender", "occupation"), shrink) for shrink in (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)],
    (None, 1000.0),
]


def measured(
    interactions: Interactions, attributes: Mapping[str, Attributes], part: str, segments: Segments | None
) -> RecommenderEvaluation:
    """Users of whom nothing is known but their attributes; None: not even these."""
    split = ColdUsers(share=SHARE, last=LAST, known=0, part=part)
    asked = ask(split.split(interactions))
    model = segments or Segments()
    model.fit(asked.split.train, attributes)
    found = []
    for user in asked.users.tolist():
        own = attributes.get(interactions.user_ids[user], {}) if segments else {}
        found.append(top(np.sum([scores for _, scores in model.score(own)], axis=0), 20))
    return judge(asked, found, Products(interactions.product_ids), MEASURES, split.spec)


def main() -> None:
    store = Store(sys.argv[1])
    interactions = read_evidence(store, catalogue(store)).interactions
    attributes = read_attributes(store)
    choose = "--choose" in sys.argv
    part = "validation" if choose else "test"
    plain = measured(interactions, attributes, part, None)
    rows = [("popular with all", plain), ("by all segments, as recommend does", measured(interactions, attributes, part, Segments()))]
    for by, shrink in TRIED if choose else []:
        label = f"{', '.join(by or ['all'])}; shrink {shrink:g}"
        rows.append((label, measured(interactions, attributes, part, Segments(by, shrink))))
    print(f"{plain.split}, {plain.evaluation.queries} users")
    for label, found in rows:
        means = "  ".join(f"{name} {value:.4f}" for name, value in found.evaluation.means.items())
        old, new = (one.evaluation.per_query for one in (plain, found))
        gain = interval([new[user]["nDCG@20"] - old[user]["nDCG@20"] for user in old])
        print(f"  {label:<42}  {means}  nDCG gain {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})")


if __name__ == "__main__":
    main()
