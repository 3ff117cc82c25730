"""Tables of a recipe's runs: scores by language, differences from a baseline, printed numbers beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from isogloss.evaluation.comparison import compare as compare_arms
from isogloss.evaluation.comparison_table import difference_tables
from isogloss.evaluation.frame import metrics_of
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.reference import load_reference, reference_of
from isogloss.evaluation.render import Format, Table, render
from isogloss.evaluation.score_table import score_tables


def table(
    scores: pl.DataFrame,
    outcomes: Outcomes | None = None,
    *,
    format: Format = "text",
    baseline: str | None = None,
    width: int = 120,
    **options: Any,
) -> str:
    """Return the tables of a score frame as text.

    Args:
        scores: a score frame.
        outcomes: what each arm got right; without it nothing is tested.
        format: "text", "md", "latex", "csv" or "json".
        baseline: the variant that the others are compared with; the first if not given.
        width: of the terminal, for "text".
        **options: as in `tables`.

    Raises:
        Mistakes: there is nothing to show, or the baseline, metric or printed table is unknown.
    """
    comparisons = None if outcomes is None else compare_arms(scores, outcomes, baseline=baseline)
    return render(tables(scores, comparisons, **options), format, width=width)


def tables(
    scores: pl.DataFrame,
    comparisons: pl.DataFrame | None = None,
    *,
    detail: bool = True,
    **options: Any,
) -> tuple[Table, ...]:
    """Build the tables of a score frame: the scores, then the differences on average and by language.

    Args:
        scores: a score frame.
        comparisons: a comparison frame of the same runs.
        detail: whether differences are shown by language too.
        **options: as in `of_scores`.

    Raises:
        Mistakes: there is nothing to show, the metric or printed table is unknown, or that prints another metric.
    """
    shown = of_scores(scores, comparisons, **options)
    if comparisons is None or comparisons.is_empty():
        return shown
    return (*shown, *difference_tables(comparisons, detail=detail))


def of_scores(
    scores: pl.DataFrame,
    comparisons: pl.DataFrame | None = None,
    *,
    metric: str | None = None,
    compare: str | None = None,
    settings: Mapping[str, Any] | None = None,
    source: bool = True,
) -> tuple[Table, ...]:
    """Build the tables of scores alone; there are several where most targets are cells of two languages.

    Args:
        scores: a score frame.
        comparisons: a comparison frame of the same runs, whose verdicts are marked.
        metric: the one that variants are compared in (accuracy, F1) if nothing else is given.
        compare: a printed table's name, whose rows are put below ours.
        settings: the recipe's effective setting, held against the printed one (`Recipe.model_dump()`).
        source: whether the source languages have columns.

    Raises:
        Mistakes: as in `tables`.
    """
    recipes = scores["recipe"].unique(maintain_order=True).to_list()
    shown = metric or next(iter(metrics_of(scores)), None)
    printed = load_reference(compare, shown) if compare else None
    paper = printed or (reference_of(recipes[0]) if len(recipes) == 1 else None)
    return score_tables(
        scores,
        comparisons,
        metric=metric,
        average=paper.average if paper else (),
        printed=printed,
        settings=settings,
        source=source,
    )
