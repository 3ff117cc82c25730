"""Correction over the layers and distances that were tested together."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from scipy import stats


def adjust(frame: pl.DataFrame, family: Sequence[str], *, p: str = "p", name: str = "p_bh") -> pl.DataFrame:
    """Add p-values adjusted for the false discovery rate (Benjamini & Hochberg 1995), within each family of tests.

    A row without a p-value belongs to no family. Benjamini-Hochberg holds for tests that depend positively on each
    other, as those of neighbouring layers do.

    Args:
        frame: one row a test.
        family: the columns whose values a family has in common; layers and distances are not among them.
        p: the column of p-values.
        name: the column to add.
    """
    adjusted = pl.col(p).map_batches(_benjamini_hochberg, return_dtype=pl.Float64)
    return frame.with_columns(adjusted.over(list(family)).alias(name))


def _benjamini_hochberg(p: pl.Series) -> pl.Series:
    known = p.is_not_null()
    found: list[float | None] = [None] * len(p)
    if known.any():
        for position, value in zip(
            known.arg_true(), stats.false_discovery_control(p.filter(known).to_numpy()), strict=True
        ):
            found[position] = float(value)
    return pl.Series(found, dtype=pl.Float64)
