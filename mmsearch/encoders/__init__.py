"""Encoders: media → vectors. One file an encoder; `base.py` is the contract."""

from mmsearch.spec import Registry

ENCODERS = Registry("encoder", "mmsearch.encoders")
