"""Evaluation: TREC files, splits, evaluating search and recommendation."""
