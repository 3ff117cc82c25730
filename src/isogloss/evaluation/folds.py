"""Folds put together: every row is tested on once, by a model that was not trained on it, and counts as one run's."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from isogloss.evaluation.frame import DEVELOPMENT, Metrics, axis_columns, score_run, stack
from isogloss.evaluation.naming import with_cells

FOLD = "axis.fold"


def across_folds(
    scores: pl.DataFrame, predictions: pl.DataFrame, metrics: Metrics
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return scores and predictions with the folds of one variant, cell and seed as one run.

    A metric is that of all rows together, which is no mean over folds: F1 of a label is of all its rows. What is scored
    on development rows is left out.

    Args:
        scores: a score frame with the axis "fold"; a failed run keeps its row, which says of which fold it is.
        predictions: of the same runs, with all columns that `metrics` reads.
        metrics: of the kind.
    """
    of = ["recipe", "variant", *(name for name in axis_columns(scores) if name != FOLD), "seed"]
    frames = [_failed(scores.filter(pl.col("role") == "failed"))]
    scores = with_cells(scores.filter(~pl.col("metric").str.starts_with(DEVELOPMENT), pl.col("role") != "failed"))
    for values, part in scores.group_by(of, maintain_order=True):
        own = predictions.filter(pl.col("run").is_in(part["run"].unique().to_list()))
        frames.append(score_run(own, metrics=metrics, roles=_roles(part), facts=_facts(part, of, values)))
    return stack([frame for frame in frames if frame.height]), predictions.drop(FOLD)


def every_fold(unlabelled: pl.DataFrame) -> pl.DataFrame:
    """Return predictions of rows without labels, which the models of all folds have predicted, as one run's rows.

    Each row then stands there as often as there are folds, under one name as `row`: what is estimated is how such
    models do.
    """
    return unlabelled.with_columns(row="id", id=pl.format("{}:{}", FOLD, "id")).drop(FOLD)


def _roles(part: pl.DataFrame) -> dict[str, str]:
    return dict(part.select("language", "role").unique(maintain_order=True).iter_rows())


def _facts(part: pl.DataFrame, of: Sequence[str], values: Sequence[object]) -> dict[str, object]:
    """What the rows of a run share: costs are those of all its folds."""
    folds = part.unique("run", maintain_order=True)
    seeds = {name: folds[name][0] for name in folds.columns if name.startswith("seed.")}
    cost = {"examples_seen": folds["examples_seen"].sum(), "seconds": folds["seconds"].sum()}
    return {**dict(zip(of, values, strict=True)), **seeds, **cost, "run": "+".join(folds["run"])}


def _failed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.format("{} of fold {}", "seed", FOLD).alias("seed")).drop(FOLD)
