"""Measures of ranking quality, equal to trec_eval's. One small file a measure; `base.py` is the contract."""

from mmsearch.measures.base import MEASURES, Measure, parse_measure

__all__ = ["MEASURES", "Measure", "parse_measure"]
