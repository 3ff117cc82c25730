"""Scores, paired comparisons and tables. Nothing here imports torch."""
