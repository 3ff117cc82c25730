"""From a recipe's words to a table's: what makes a row, what a column, and what only repeats a measurement."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl
from polars import selectors as cs


def named(frame: pl.DataFrame) -> pl.DataFrame:
    """Give scores or predictions the names that tables go by.

    A second language joins the first; where there are several recipes, the recipe joins the variant. Two axes make no
    rows: which examples were drawn joins the seed ("draw=2,seed=0"), and where each cell has targets of its own, these
    are columns of one row.
    """
    frame = with_cells(frame)
    if frame["recipe"].n_unique() > 1:
        frame = frame.with_columns(pl.concat_str(["recipe", "variant"], separator="/").alias("variant"))
    return _targets_as_columns(_draws_as_repetitions(frame))


def named_among(frame: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Give scores or predictions the names that they have together with those of other runs, or of the same and others.

    Named by themselves they might be called otherwise: the runs of a second recipe may all have failed, say.
    """
    own = "its own"
    about = ("recipe", "variant", "seed", "language", "second_language")
    about_others = others.select(cs.by_name(*about, require_all=False) | cs.starts_with("axis."))
    both = pl.concat([frame.with_columns(pl.lit(value=True).alias(own)), about_others], how="diagonal_relaxed")
    return named(both).filter(own).drop(own)


def with_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Join a second language to the first, as in `de/en`: a German context with a question in English."""
    if "second_language" not in frame.columns:
        return frame
    pair = pl.concat_str(["language", "second_language"], separator="/", ignore_nulls=True)
    return frame.with_columns(pair.alias("language"), pl.lit(None, pl.String).alias("second_language"))


def together(languages: Iterable[str]) -> str:
    """Return languages joined by "+"; one that is itself of two ("en+sw": both in one text) stands in parentheses."""
    return "+".join(f"({language})" if "+" in language else language for language in languages)


def how_many(joined: str) -> int:
    """Return how many languages `together` has joined."""
    return re.sub(r"\([^)]*\)", "", joined).count("+") + 1


def factors(seed: str) -> dict[str, str]:
    """Return what varies between the runs of an arm, by name: {"seed": "0"}, or {"draw": "2", "source": "0"}."""
    return dict(pair.split("=", 1) for pair in seed.split(",")) if "=" in seed else {"seed": seed}


def _draws_as_repetitions(frame: pl.DataFrame) -> pl.DataFrame:
    if "axis.draw" not in frame.columns:
        return frame
    by_phase = pl.col("seed").str.contains("=", literal=True)
    seed = pl.when(by_phase).then("seed").otherwise(pl.format("seed={}", "seed"))
    drawn = pl.format("draw={},{}", "axis.draw", seed)  # null where the axis is
    return frame.with_columns(pl.coalesce(drawn, "seed").alias("seed")).drop("axis.draw")


def _targets_as_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """Drop the axis of targets unless a language is tested in two of its cells; a failed run says which cell it was."""
    if "axis.target" not in frame.columns:
        return frame
    tested = frame.filter(pl.col("language") != "")
    if tested.select("language", "axis.target").unique().height > tested["language"].n_unique():
        return frame
    cell = pl.when(pl.col("language") == "").then(pl.format("{} of {}", "seed", "axis.target"))
    return frame.with_columns(pl.coalesce(cell, "seed").alias("seed")).drop("axis.target")
