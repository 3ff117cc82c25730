"""Languages without labels: predicted, estimated where that can be done, and in no mean. Frame and table.

The frame has a row for a variant, a cell and a language, over all seeds; shares in percent: recipe, variant, axis.NAME,
language, n, seeds, estimate, error (mean absolute error of such estimates of the labelled languages, each left out in
turn), labelled (how many these are) and reason, which says why there is no estimate.
"""

from __future__ import annotations

import polars as pl

from isogloss.evaluation.estimates import Unknown, answered, roles
from isogloss.evaluation.frame import axis_columns
from isogloss.evaluation.naming import named
from isogloss.evaluation.render import Cell, Column, Table
from isogloss.evaluation.unlabelled import estimate


def not_measured(
    predictions: pl.DataFrame, unlabelled: pl.DataFrame, scores: pl.DataFrame, unknown: Unknown
) -> pl.DataFrame:
    """Return what can be said of languages without labels.

    Args:
        predictions: of labelled rows, as `estimates.confidences` returns them.
        unlabelled: the same of rows without labels, of the same runs.
        scores: of the same runs: which languages were trained on.
        unknown: shares of unknown tokens.
    """
    labelled, others, role = named(predictions), named(unlabelled), roles(scores)
    arm = ["variant", *axis_columns(others)]
    rows = []
    for values, part in others.group_by(arm, maintain_order=True):
        facts = {"recipe": part["recipe"][0], **dict(zip(arm, values, strict=True))}
        mine = labelled.filter(*(pl.col(name).eq_missing(value) for name, value in zip(arm, values, strict=True)))
        told = {
            str(code): answered(own, role, unknown) for (code,), own in mine.group_by("language", maintain_order=True)
        }
        for (language,), own in part.group_by("language", maintain_order=True):
            target = answered(own, role, unknown)
            found = estimate(told, target)
            seeds, n = len(target.predictions), own["row" if "row" in own.columns else "id"].n_unique()
            percent = [None if one is None else 100 * one for one in (found.accuracy, found.mean_absolute_error)]
            about = {"language": language, "n": n, "seeds": seeds, "estimate": percent[0], "error": percent[1]}
            rows.append({**facts, **about, "labelled": found.languages, "reason": found.reason})
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("estimate", "error").cast(pl.Float64))


def not_measured_table(frame: pl.DataFrame) -> Table:
    """Return the frame as a table; what is no measurement says so."""
    axes = axis_columns(frame)
    columns = (
        Column("variant"),
        *(Column(name.removeprefix("axis.")) for name in axes),
        Column("language"),
        Column("n", "integer"),
        Column("estimate", "number"),
        Column("± error", "number"),
    )
    rows = [
        tuple(map(Cell, (row["variant"], *(row[name] for name in axes), row["language"], row["n"], *_numbers(row))))
        for row in frame.iter_rows(named=True)
    ]
    reasons = (
        frame.filter(pl.col("reason") != "").group_by("reason", maintain_order=True).agg(pl.col("language").unique())
    )
    notes = [f"no estimate for {', '.join(sorted(languages))}: {why}" for why, languages in reasons.iter_rows()]
    if frame["estimate"].is_not_null().any():
        notes.append(
            "± error: the mean absolute error of such estimates of the labelled languages, each left out in turn"
        )
    return Table(
        "not measured: rows without labels, and what accuracy is estimated there",
        columns,
        tuple(rows),
        footnotes=tuple(notes),
    )


def _numbers(row: dict[str, float | None]) -> tuple[float | None, float | None]:
    return row["estimate"], row["error"]
