"""What a comparison of variants means for somebody who has to choose one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from isogloss.evaluation.comparison import MEANS, MOST, comparison_arms
from isogloss.evaluation.frame import Arm, span
from isogloss.evaluation.naming import how_many
from isogloss.evaluation.paired import UNCONDITIONAL_SEEDS

NO_TARGET = (
    "No target language beside the source was tested for both a variant and the baseline: nothing here tells which "
    "transfers better."
)
_OVER = {"unseen": "languages without any labels", "targets": "languages"}


class _Found(NamedTuple):
    """An arm and the row of its mean."""

    arm: Arm
    row: dict[str, Any]


def meaning(comparisons: pl.DataFrame) -> str:
    """Return in two lines what came of a comparison on average, and which variant to use.

    Args:
        comparisons: a comparison frame, best as `comparison.decisive` returns it. Where arms have means over different
            languages, only those over the most telling ones count: unseen languages, if there are any.
    """
    found = _means(comparisons)
    if not found:
        return NO_TARGET
    findings = "; ".join(f"{arm} {_finding(row)}" for arm, row in found)
    return f'Against "{found[0].row["baseline"]}", on {_over(found)}: {findings}.\n{advice(comparisons)}'


def advice(comparisons: pl.DataFrame) -> str:
    """Return in a sentence or two which variant to use by a comparison frame, and what could not have shown.

    Of several that are better none is named the best: they were not compared with each other. Nor is a value of an
    axis: to choose it by these scores is to choose it on the targets' labels.
    """
    found = _means(comparisons)
    if not found:
        return NO_TARGET
    baseline = found[0].row["baseline"]
    better = [one for one in found if one.row["verdict"] == "better"]
    axes = _differing(found)
    if not better:
        said = f'Nothing here was shown to beat "{baseline}", so this is no reason to leave it'
        return f"{said}{_power(found)}{_little(found)}."
    if len(better) == 1 and not axes:
        return f'"{better[0].arm}" is the one to use for data like these{_little(better)}.'
    named = ", ".join(f'"{one.arm}"' for one in better)
    apart = "; these were not compared with each other" if len(better) > 1 else ""
    return f'Better than "{baseline}": {named}{apart}{_little(better)}.{_oracle(axes)}'


def caution(comparisons: pl.DataFrame) -> str:
    """Return what few seeds leave open; "" where there are enough, or nothing was compared."""
    few = comparisons.filter(pl.col("seeds") < UNCONDITIONAL_SEEDS)
    if few.is_empty():
        return ""
    number, unit = span(few["seeds"]), few["unit"][0]
    plural, them = ("", "it") if number == "1" else ("s", "these")
    return (
        f"With {number} {unit}{plural}, intervals are conditional on {them}: "
        f"they say how much other test examples would change, and little about other {unit}s."
    )


def could_have_shown(minimum: float) -> str:
    """Return from which true difference on a test would probably have shown it."""
    return "nothing could have shown" if minimum > MOST else f"from {minimum:.1f} on it would probably have shown"


def _means(comparisons: pl.DataFrame) -> list[_Found]:
    """Return the arms with the rows of their means in the first scope that there is, the greatest difference first."""
    means = comparisons.filter(pl.col("scope").is_in(list(MEANS)))
    scope = next((scope for scope in MEANS if scope in means["scope"]), None)
    if scope is None:
        return []
    rows = means.filter(pl.col("scope") == scope).sort("difference", descending=True)
    return [_Found(comparison_arms(row)[0], row.row(0, named=True)) for row in rows.iter_slices(1)]


def _over(found: Sequence[_Found]) -> str:
    counts = sorted({how_many(one.row["language"]) for one in found})
    if counts == [1]:
        return " or ".join(dict.fromkeys(one.row["language"] for one in found))
    return f"the mean over {' or '.join(map(str, counts))} {_OVER[found[0].row['scope']]}"


def _differing(found: Sequence[_Found]) -> list[str]:
    """The axes on which arms differ."""
    cells = [dict(one.arm.cell) for one in found]
    return [axis for axis in cells[0] if len({cell[axis] for cell in cells}) > 1]


def _oracle(axes: Sequence[str]) -> str:
    if not axes:
        return ""
    chosen = " or ".join(f"`isogloss table --choose {axis}`" for axis in axes)
    what = " or ".join(axes)
    return (
        f" To choose the {what} by these scores would be an oracle, on the targets' own labels; {chosen} does without."
    )


def _power(found: Sequence[_Found]) -> str:
    """What would have shown where a test did not decide; "" where every test did, or no example differs."""
    open_ones = [one.row["minimum"] for one in found if one.row["verdict"] == "undecided"]
    minima = sorted(minimum for minimum in open_ones if minimum is not None)
    could = [f"{minimum:.1f}" for minimum in minima if minimum <= MOST]
    if not could:
        return "; nothing could have shown with these data" if minima else ""
    low_to_high = " to ".join(dict.fromkeys([could[0], could[-1]]))
    by_variant = ", by variant," if len(set(could)) > 1 else ""
    others = "; of others nothing could" if len(could) < len(minima) else ""
    return f"; from {low_to_high} points on{by_variant} a difference would probably have shown{others}"


def _little(found: Sequence[_Found]) -> str:
    """That few repetitions tell little of others, of the arms that are talked about."""
    least = min((one.row for one in found), key=lambda row: row["seeds"])
    seeds, unit = least["seeds"], least["unit"]
    if seeds >= UNCONDITIONAL_SEEDS:
        return ""
    return f"; with {seeds} {unit}{'s' * (seeds != 1)} this says little about other {unit}s"


def _finding(row: dict[str, Any]) -> str:
    if row["verdict"] == "identical":
        return "predicts the same"
    interval = f" [{row['low']:+.2f}, {row['high']:+.2f}]" if row["low"] is not None else ""
    undecided = row["verdict"] == "undecided" and row["minimum"] is not None
    hidden = f"; {could_have_shown(row['minimum'])}" if undecided else ""
    return f"is {row['verdict']} ({row['difference']:+.2f} points{interval}{hidden})"
