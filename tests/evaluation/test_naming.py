"""Axes that make no rows: which examples were drawn, and targets that are each a cell's own."""

from __future__ import annotations

import statistics

import polars as pl
import pytest

from evaluation.make import facts, predictions, scores
from isogloss.evaluation.comparison import compare
from isogloss.evaluation.comparison_table import difference_tables
from isogloss.evaluation.describe import describe
from isogloss.evaluation.frame import failed_run, stack
from isogloss.evaluation.naming import factors, named
from isogloss.evaluation.outcomes import Outcomes, seed_units
from isogloss.evaluation.table import tables
from isogloss.evaluation.tabular import Table

RIGHT = {"finetune": 0.6, "maml": 0.8}
SEEN = {"en": "source", "el": "auxiliary", "sw": "auxiliary", "th": "auxiliary"}


def drawn(draws: int, seeds: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and predictions of each draw with each seed."""
    found = []
    for draw in range(draws):
        predicted = predictions(RIGHT, seeds=range(seeds), noise=draw)
        cell = {"axis.draw": str(draw)}
        found.append((scores(predicted, **cell), predicted.with_columns(pl.lit(str(draw)).alias("axis.draw"))))
    return stack([scored for scored, _ in found]), pl.concat([predicted for _, predicted in found])


def column(table: Table, name: str) -> list[object]:
    at = [column.name for column in table.columns].index(name)
    return [row[at].value for row in table.rows]


def test_a_draw_joins_the_seed() -> None:
    scored, _ = drawn(2, 2)
    assert set(named(scored)["seed"]) == {f"draw={d},seed={s}" for d in range(2) for s in range(2)}
    by_phase = scored.with_columns(seed=pl.lit("source=1,adapt=0"))
    assert set(named(by_phase)["seed"]) == {f"draw={d},source=1,adapt=0" for d in range(2)}
    beside = named(scored.with_columns(pl.lit(None, pl.String).alias("axis.draw")))
    assert set(beside["seed"]) == {"0", "1"}
    assert factors("draw=2,source=0") == {"draw": "2", "source": "0"}
    assert factors("3") == {"seed": "3"}


def test_spread_over_draws_is_told_apart_from_that_over_seeds() -> None:
    """Each is the spread of means over the other: red where all runs are thrown together."""
    scored, _ = drawn(4, 3)
    (table,) = tables(scored)
    assert column(table, "seeds") == [3, 3]
    assert column(table, "draws") == [4, 4]
    unseen = scored.filter((pl.col("variant") == "maml") & (pl.col("role") == "unseen"))
    for name, factor in (("sd", "seed"), ("sd of draws", "axis.draw")):
        means = [part["value"].mean() for _, part in unseen.group_by(factor)]
        assert column(table, name)[1] == pytest.approx(statistics.stdev(means))  # type: ignore[type-var]
    assert column(table, "sd")[1] != pytest.approx(column(table, "sd of draws")[1])


def test_runs_on_one_draw_are_no_independent_repetitions() -> None:
    units = seed_units([f"draw={d},seed={s}" for d in range(5) for s in range(3)])
    assert len(units.members) == 5
    assert (units.fixed, units.unit) == ((("seed", 3),), "draw")
    alone = seed_units([f"draw={d},seed=0" for d in range(5)])
    assert (len(alone.members), alone.fixed) == (5, (("seed", 1),))
    scored, predicted = drawn(5, 1)
    compared = compare(scored, Outcomes.from_predictions(predicted))
    assert set(compared["seeds"]) == {5}
    assert set(compared["conditional"]) == {"1 seed"}
    footnotes = " ".join(difference_tables(compared)[0].footnotes)
    assert "5 draws and" in footnotes
    assert "All is conditional on the one seed." in footnotes
    assert "5 draws (paired)" in describe(compared)


def by_target(languages: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and predictions of a cell for each target, trained on there."""
    found = []
    for language in languages:
        predicted = predictions(RIGHT, languages=[language])
        cell = {"axis.target": language}
        found.append(
            (scores(predicted, roles=SEEN, **cell), predicted.with_columns(pl.lit(language).alias("axis.target")))
        )
    return stack([scored for scored, _ in found]), pl.concat([predicted for _, predicted in found])


def test_targets_of_cells_of_their_own_are_columns() -> None:
    scored, predicted = by_target(("el", "sw", "th"))
    compared = compare(scored, Outcomes.from_predictions(predicted))
    first, mean, *_ = tables(scored, compared)
    assert column(first, "variant") == ["finetune", "maml"]
    own = scored.filter(pl.col("variant") == "maml")
    assert column(first, "sw")[1] == pytest.approx(own.filter(pl.col("language") == "sw")["value"].mean())
    assert column(first, "mean")[1] == pytest.approx(own["value"].mean())  # of seen targets: there are no others
    assert column(first, "sd")[1] is not None
    assert "mean over targets" in mean.title
    assert column(mean, "targets") == [3]
    assert "mean over 3 targets by" in describe(compared)


def test_targets_tested_in_two_cells_stay_rows() -> None:
    scored, _ = by_target(("el", "sw"))
    twice = stack([scored, scored.with_columns(pl.lit("el+sw").alias("axis.target"))])
    assert "axis.target" in named(twice).columns


def test_a_target_whose_run_failed_is_named_in_the_common_row() -> None:
    scored, _ = by_target(("el", "sw"))
    both = stack([scored, failed_run(facts("maml", 0, **{"axis.target": "th"}))])
    (table,) = tables(both)
    assert column(table, "failed") == [0, 1]
    assert any("maml, seed 0 of th" in line for line in table.footnotes)
