"""What a comparison of variants means for somebody who has to choose one."""

from __future__ import annotations

from typing import Any

import polars as pl

from isogloss.evaluation.comparison import MEANS, comparison_arms
from isogloss.evaluation.naming import how_many
from isogloss.evaluation.paired import UNCONDITIONAL_SEEDS

_OVER = {"unseen": "languages without any labels", "targets": "languages"}


def meaning(comparisons: pl.DataFrame) -> str:
    """Return in two lines what came of a comparison on average, and which variant to use.

    Args:
        comparisons: a comparison frame. Where arms have means over different languages, only those over the most
            telling ones count: unseen languages, if there are any.
    """
    found = _means(comparisons)
    if not found:
        return advice(comparisons)
    counts = sorted({how_many(row["language"]) for _, row in found})
    over = f"{' or '.join(map(str, counts))} {_OVER[found[0][1]['scope']]}"
    findings = "; ".join(f"{arm} {_finding(row)}" for arm, row in found)
    return f'Against "{found[0][1]["baseline"]}", on the mean over {over}: {findings}.\n{advice(comparisons)}'


def advice(comparisons: pl.DataFrame) -> str:
    """Return in a sentence which variant to use by a comparison frame, and what could not have shown."""
    found = _means(comparisons)
    if not found:
        return "There is no mean over unseen languages to compare: one variant or one such language is left."
    baseline, seeds = found[0][1]["baseline"], found[0][1]["seeds"]
    little = f"; with {seeds} seed{'s' * (seeds != 1)} this says little about other seeds"
    end = f"{little}." if seeds < UNCONDITIONAL_SEEDS else "."
    better = [arm for arm, row in found if row["verdict"] == "better"]
    if better:
        return f'"{better[0]}" is the one to use for data like these{end}'
    minima = sorted({f"{row['minimum']:.1f}" for _, row in found if row["minimum"] is not None}, key=float)
    span = " to ".join(dict.fromkeys([minima[0], minima[-1]])) if minima else ""
    by_variant = ", by variant," if len(minima) > 1 else ""
    hidden = f", and a difference below {span} points{by_variant} would not have shown" if minima else ""
    return f'Nothing here beats "{baseline}", so the simple thing is the one to use{hidden}{end}'


def caution(comparisons: pl.DataFrame) -> str:
    """Return what few seeds leave open; "" where there are enough, or nothing was compared."""
    few = comparisons.filter(pl.col("seeds") < UNCONDITIONAL_SEEDS)
    if few.is_empty():
        return ""
    number, unit = min(few["seeds"].to_list()), few["unit"][0]
    return (
        f"With {number} {unit}{'s' * (number != 1)}, intervals are conditional on {'it' if number == 1 else 'these'}: "
        f"they say how much other test examples would change, and little about other {unit}s."
    )


def _means(comparisons: pl.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """Return the arms with the rows of their means in the first scope that there is, the greatest difference first."""
    means = comparisons.filter(pl.col("scope").is_in(list(MEANS)))
    scope = next((scope for scope in MEANS if scope in means["scope"]), None)
    if scope is None:
        return []
    rows = means.filter(pl.col("scope") == scope).sort("difference", descending=True)
    return [(str(comparison_arms(row)[0]), row.row(0, named=True)) for row in rows.iter_slices(1)]


def _finding(row: dict[str, Any]) -> str:
    if row["verdict"] == "identical":
        return "predicts the same"
    interval = f" [{row['low']:+.2f}, {row['high']:+.2f}]" if row["low"] is not None else ""
    hidden = ""
    if row["verdict"] == "undecided" and row["minimum"] is not None:
        hidden = f"; from {row['minimum']:.1f} on it would probably have shown"
    return f"is {row['verdict']} ({row['difference']:+.2f} points{interval}{hidden})"
