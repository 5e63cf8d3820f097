"""Splits: what a recommender learns from and what it is asked to foresee. One small file a split; `base.py` is the contract."""

from mmsearch.evaluation.splits.base import SPLITS, Split, Splitter
from mmsearch.evaluation.splits.leave_last_out import LeaveLastOut

__all__ = ["SPLITS", "LeaveLastOut", "Split", "Splitter"]
