"""Features: media and text → facts with a name, to be filtered by, shown and searched. One file a feature; `base.py` is the contract."""

from mmsearch.spec import Registry

FEATURES = Registry("feature", "mmsearch.features")
