"""Intervals of scores: those of a mean over clusters, and honest about how many there are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from evaluation.make import predictions
from isogloss.evaluation.frame import Arm
from isogloss.evaluation.intervals import score_intervals
from isogloss.evaluation.outcomes import Outcomes


def test_with_one_seed_it_is_the_interval_of_a_mean_over_clusters() -> None:
    frame = predictions({"pooled": 0.7}, seeds=(0,), languages=("sw",), premises=200)
    low, high = score_intervals(Outcomes.from_predictions(frame), Arm("pooled"))["sw"]
    right = frame.group_by("group").agg(100 * (pl.col("label") == pl.col("prediction")).mean())
    by_cluster = right[right.columns[1]].to_numpy()  # clusters of three rows each: their mean is the score
    half = stats.t.isf(0.025, 199) * by_cluster.std(ddof=1) / np.sqrt(200)
    assert (low + high) / 2 == pytest.approx(by_cluster.mean())
    assert half <= (high - low) / 2 < 1.05 * half  # the comparison adds a cluster that shows nothing


def test_rows_of_a_cluster_do_not_count_as_many() -> None:
    """Red where every row is taken for itself: the same answers three times over say no more than once."""
    every = predictions({"pooled": 0.6}, seeds=(0,), languages=("sw",), premises=100)
    once = every.filter(pl.col("id").cast(int) % 3 == 0)
    thrice = pl.concat([once.with_columns(id=pl.format("{}-{}", "id", pl.lit(copy))) for copy in range(3)])
    one, three = (score_intervals(Outcomes.from_predictions(frame), Arm("pooled"))["sw"] for frame in (once, thrice))
    assert one == pytest.approx(three)


def test_it_stays_within_percent_and_is_empty_for_an_arm_without_predictions() -> None:
    frame = predictions({"pooled": 0.99}, seeds=(0,), languages=("sw",), premises=5)
    outcomes = Outcomes.from_predictions(frame)
    low, high = score_intervals(outcomes, Arm("pooled"))["sw"]
    assert 0 <= low < high <= 100
    assert score_intervals(outcomes, Arm("other")) == {}


def test_with_many_seeds_it_covers_the_seeds_too() -> None:
    """Red where an interval is always conditional on the seeds: these differ far more than their examples do."""
    parts = [
        predictions({"pooled": 0.3 + 0.1 * seed}, seeds=(seed,), languages=("sw",), premises=300) for seed in range(6)
    ]
    low, high = score_intervals(Outcomes.from_predictions(pl.concat(parts)), Arm("pooled"))["sw"]
    by_seed = np.array([100 * (part["label"] == part["prediction"]).mean() for part in parts])
    half = stats.t.isf(0.025, 5) * by_seed.std(ddof=1) / np.sqrt(6)
    assert high - low > 2 * 0.95 * half
