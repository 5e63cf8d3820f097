"""The pluggable core of ranking: similarities, the combination of scores, and what reorders a list. numpy only, no I/O."""

from mmsearch.spec import Registry

SIMILARITIES = Registry("similarity", "mmsearch.similarities")
COMBINERS = Registry("combiner", "mmsearch.combiners")
RERANKERS = Registry("reranker", "mmsearch.rerankers")
