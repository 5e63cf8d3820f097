"""Measures of ranking quality, equal to trec_eval's, and of all lists together. One small file a measure; `base.py` and `lists.py` are
the contracts."""

from mmsearch.measures.base import MEASURES, Measure, parse_any_measure, parse_measure
from mmsearch.measures.lists import LIST_MEASURES, ListMeasure, Lists

__all__ = ["LIST_MEASURES", "MEASURES", "ListMeasure", "Lists", "Measure", "parse_any_measure", "parse_measure"]
