"""A comparison as sentences that can stand in a paper."""

from __future__ import annotations

import polars as pl

from isogloss.evaluation.comparison import MEANS, MOST, comparison_arms
from isogloss.evaluation.frame import Arm, only, span


def describe(comparisons: pl.DataFrame) -> str:
    """Say in sentences how the variants were compared with the baseline, and what came of it.

    Args:
        comparisons: a comparison frame.

    Returns:
        Two sentences on the method, then one for each arm, ending in a line break.
    """
    if comparisons.is_empty():
        return "Nothing was compared: no variant shares a run with the baseline.\n"
    return "\n".join([method(comparisons), *findings(comparisons)]) + "\n"


def findings(comparisons: pl.DataFrame) -> list[str]:
    """Return a sentence for each arm of a comparison frame: its mean, and how many languages were decided."""
    return [_finding(arm, only(comparisons, arm)) for arm in comparison_arms(comparisons)]


def method(comparisons: pl.DataFrame) -> str:
    """Return how the variants of a comparison frame with rows were compared, in sentences."""
    by_language = comparisons.filter(pl.col("scope") == "language")
    seeds, clusters = span(comparisons["seeds"]), span(by_language["clusters"])
    shared = f"{clusters} clusters of test examples that share a text"
    unit = "s or ".join(comparisons["unit"].unique(maintain_order=True))  # of several recipes each may have its own
    targets = " or ".join(what for scope, what in MEANS.items() if scope in comparisons["scope"]) or MEANS["unseen"]
    effects = f"{seeds} {unit}s (paired) and {shared} as crossed random effects"
    if (comparisons["seeds"] == 1).all():
        effects = f"{shared} as random effects, conditional on one {unit}"
    family = span(by_language["family"])
    conditions = [text for text in comparisons["conditional"].unique(maintain_order=True).to_list() if text]
    conditional = f", conditional on the {' or the '.join(conditions)}" if conditions else ""
    baseline = comparisons["baseline"][0]
    return (
        f"Variants are compared with {baseline} on the same test examples by two-sided paired t tests with "
        f"{effects} (Behrens-Fisher reference distribution), corrected over {family} languages after Holm "
        f"(family-wise level 5 %); the mean over {targets} is one further test, clustered over all its "
        f"languages jointly. Intervals are 95 % intervals{conditional}; an undecided test names the smallest "
        "true difference that it finds with a power of 80 %."
    )


def _finding(arm: Arm, rows: pl.DataFrame) -> str:
    languages = rows.filter(pl.col("scope") == "language")
    counts = [f"{(languages['verdict'] == verdict).sum()} {verdict}" for verdict in ("better", "worse")]
    open_ones = languages.height - int(languages["verdict"].is_in(["better", "worse"]).sum())
    by_language = f"by language {', '.join(counts)} and {open_ones} undecided of {languages.height}"
    mean = rows.filter(pl.col("scope").is_in(list(MEANS)))
    if mean.is_empty():
        return f"{arm}: {by_language}."
    return f"{arm} {_mean(mean.row(0, named=True))}; {by_language}."


def _mean(row: dict[str, object]) -> str:
    targets = f"{str(row['language']).count('+') + 1} {MEANS[str(row['scope'])]}"
    if row["verdict"] == "identical":
        return f"makes the same predictions on all {targets}"
    interval = f" [{_signed(row['low'])}, {_signed(row['high'])}]" if row["low"] is not None else ""
    open_end = ""
    if row["verdict"] == "undecided" and row["minimum"] is not None:
        minimum = row["minimum"]
        power = f"from {minimum:.1f} points on it would probably have shown"
        if isinstance(minimum, float) and minimum > MOST:
            power = "nothing could have shown"
        open_end = (
            f", undecided: {power}; equal within {row['equivalent_within']:.2f} points by two one-sided tests at 5 %"
        )
    p = row["p_adjusted"]
    p_text = "p < 0.001" if isinstance(p, float) and p < 0.001 else f"p = {p:.3f}"
    return f"changes the mean over {targets} by {_signed(row['difference'])} points{interval} ({p_text}{open_end})"


def _signed(value: object) -> str:
    return f"{value:+.2f}".replace("-", "−")
