"""Fusion: per-modality vectors → one space. One file a method; `base.py` is the contract; `profile.py` keeps what was fitted."""

from mmsearch.spec import Registry

FUSERS = Registry("fusion method", "mmsearch.fusers")
