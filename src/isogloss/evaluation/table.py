"""Tables of a recipe's runs: scores by language, differences from a baseline, printed numbers beside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from isogloss.evaluation.comparison import MEANS
from isogloss.evaluation.comparison import compare as compare_arms
from isogloss.evaluation.comparison_table import difference_tables
from isogloss.evaluation.frame import metrics_of, other_metric
from isogloss.evaluation.layout.apply import laid_out
from isogloss.evaluation.layout.read import LayoutFile
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.reference import load_reference, reference_of
from isogloss.evaluation.render import Format, render
from isogloss.evaluation.score_table import score_tables
from isogloss.evaluation.tabular import Table


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
    layout: LayoutFile | None = options.get("layout")
    style = None if layout is None else layout.style
    return render(tables(scores, comparisons, **options), format, width=width, style=style)


def tables(
    scores: pl.DataFrame,
    comparisons: pl.DataFrame | None = None,
    *,
    detail: bool = True,
    layout: LayoutFile | None = None,
    **options: Any,
) -> tuple[Table, ...]:
    """Build the tables of a score frame: the scores, then the differences on average and by language.

    Args:
        scores: a score frame.
        comparisons: a comparison frame of the same runs.
        detail: whether differences are shown by language too, where there is no layout.
        layout: which of these are shown, and how (`isogloss.evaluation.layout`).
        **options: as in `of_scores`.

    Raises:
        Mistakes: there is nothing to show, the metric or printed table is unknown, that prints another metric, or the
            layout names what there is not.
    """
    if layout is not None:
        options["compare"] = options.get("compare") or layout.layout.compare
    shown = of_scores(scores, comparisons, **options)
    if comparisons is None or comparisons.is_empty():
        comparisons = None
    tested = other_metric(scores, options.get("metric"))
    if layout is None:
        return shown if comparisons is None else (*shown, *difference_tables(comparisons, detail=detail, of=tested))
    parts = {
        "scores": shown,
        "mean": _differences(comparisons, MEANS, tested),
        "languages": _differences(comparisons, ["language"], tested),
    }
    return laid_out(parts, layout, _variants(options.get("settings")))


def _differences(comparisons: pl.DataFrame | None, scopes: Collection[str], tested: str) -> tuple[Table, ...]:
    if comparisons is None:
        return ()
    return difference_tables(comparisons.filter(pl.col("scope").is_in(list(scopes))), of=tested)


def _variants(settings: Mapping[str, Any] | None) -> set[str]:
    """The names of a recipe's variants, as far as its setting is known."""
    return {str(each["name"]) for each in (settings or {}).get("variants", ())}


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
