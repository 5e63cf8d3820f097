"""Recommendation: interactions (and vectors) → ranked products. One file an algorithm; `base.py` is the contract."""

from mmsearch.spec import Registry

RECOMMENDERS = Registry("recommender", "mmsearch.recommenders")
