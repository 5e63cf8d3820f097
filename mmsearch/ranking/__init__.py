"""The pluggable core of ranking: similarities and the combination of scores. numpy only, no I/O."""

from mmsearch.spec import Registry

SIMILARITIES = Registry("similarity", "mmsearch.similarities")
COMBINERS = Registry("combiner", "mmsearch.combiners")
