"""What is said of a table of scores: whose printed numbers are in it, in what our runs are others, what marks mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from isogloss.evaluation.frame import arms, only, span
from isogloss.evaluation.naming import factors
from isogloss.evaluation.reference import Reference, deviations
from isogloss.evaluation.tabular import MARKS, Cell


def notes(printed: Reference, settings: Mapping[str, Any] | None, scores: pl.DataFrame) -> tuple[str, ...]:
    """Return the printed table's source, and every difference that the paper lets one see.

    Args:
        printed: the table.
        settings: the recipe's effective setting; without it, only the rows tested on are compared.
        scores: the rows of a score frame that the table shows, under the names of tables.
    """
    differing = _other_rows(printed, scores)
    if settings is not None:
        differing = [*map(str, deviations(_as_run(settings, scores), printed.setting)), *differing]
        differing = differing or ["No difference from the setting that the paper states."]
    return (f"Printed: {printed.citation}. {printed.about}", *differing)


def _as_run(settings: Mapping[str, Any], scores: pl.DataFrame) -> Mapping[str, Any]:
    """A recipe's settings with the seeds that there are: rows may be of several calls, each with more of them."""
    done = scores.filter(pl.col("role") != "failed")
    if done.is_empty() or settings.get("seeds", {}).get("by_phase"):
        return settings
    counts = sorted({_seeds(only(done, arm)) for arm in arms(done)})
    return {**settings, "seeds": counts[0] if len(counts) == 1 else " or ".join(map(str, counts))}


def _seeds(of_arm: pl.DataFrame) -> int:
    return len({factors(seed)["seed"] for seed in of_arm["seed"]})


def _other_rows(printed: Reference, scores: pl.DataFrame) -> list[str]:
    """Say where we did not test on as many rows: then they are not the paper's, whatever the split is called."""
    there = scores.filter(pl.col("language").is_in(list(printed.test_rows)), pl.col("n").is_not_null())
    ours = {str(language): span(part["n"]) for (language,), part in there.group_by("language", maintain_order=True)}
    theirs = {language: f"{printed.test_rows[language]:,}" for language in ours}
    differing = [language for language in ours if ours[language] != theirs[language]]
    if not differing:
        return []
    here, said = (", ".join(f"{each} {rows[each]}" for each in differing) for rows in (ours, theirs))
    return [f"rows tested on: {here} here; {said} printed"]


def legend(rows: Sequence[Sequence[Cell]], comparisons: pl.DataFrame | None, *, by: str = "row") -> list[str]:
    """Say what the marks in a table's rows mean; an arm is a row, or what `by` says."""
    used = {mark for row in rows for cell in row for mark in cell.marks}
    lines = [f"{MARKS['seen']} trained on in that {by}."] if "seen" in used else []
    if "oracle" in used:
        lines.append(f"{MARKS['oracle']} oracle: chosen on the targets' own test scores.")
    if comparisons is not None and used & {"better", "worse"}:
        baseline = comparisons["baseline"][0]
        lines.append(
            f"{MARKS['better']} better, {MARKS['worse']} worse than {baseline} by the paired test (level "
            "5 %, Holm over languages); without a mark the test did not decide."
        )
    return lines
