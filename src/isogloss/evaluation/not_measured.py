"""Languages without labels: predicted, estimated where that can be done, and in no mean. Frame and table.

The frame has a row for a variant, a cell and a language, over all seeds; shares in percent: recipe, variant, axis.NAME,
language, n, seeds, estimate, error (mean absolute error of such estimates of the labelled languages, each left out in
turn; or as it was measured elsewhere), labelled (how many these are), elsewhere (the data sets that the slope of the
estimate is from, null where it is fitted here), elsewhere_error (of such estimates between these data sets) and reason,
which says why there is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from isogloss.evaluation.estimates import Unknown, answered, roles
from isogloss.evaluation.frame import axis_columns
from isogloss.evaluation.naming import named_among
from isogloss.evaluation.slopes import Slope
from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.evaluation.unlabelled import estimate


def not_measured(
    predictions: pl.DataFrame,
    unlabelled: pl.DataFrame,
    scores: pl.DataFrame,
    unknown: Unknown,
    slopes: Mapping[str, Slope | None] | None = None,
) -> pl.DataFrame:
    """Return what can be said of languages without labels.

    Args:
        predictions: of labelled rows, as `estimates.confidences` returns them.
        unlabelled: the same of rows without labels, of the same runs.
        scores: of the same runs: which languages were trained on.
        unknown: shares of unknown tokens.
        slopes: by run, from other data sets, for where too few languages have labels.
    """
    labelled, others = named_among(predictions, unlabelled), named_among(unlabelled, predictions)
    role = roles(scores)
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
            found = estimate(told, target, (slopes or {}).get(own["run"][0]))
            seeds, n = len(target.predictions), own["row" if "row" in own.columns else "id"].n_unique()
            percent = [None if one is None else 100 * one for one in (found.accuracy, found.mean_absolute_error)]
            about = {"language": language, "n": n, "seeds": seeds, "estimate": percent[0], "error": percent[1]}
            about |= {"labelled": found.languages, "elsewhere": None, "elsewhere_error": None, "reason": found.reason}
            if found.slope is not None:
                about["elsewhere"] = " and ".join(found.slope.data_sets)
                about["elsewhere_error"] = found.slope.error(found.languages)
            rows.append({**facts, **about})
    numbers = pl.col("estimate", "error", "elsewhere_error").cast(pl.Float64)
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(numbers, pl.col("elsewhere").cast(pl.String))


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
    return Table(
        "not measured: rows without labels, and what accuracy is estimated there",
        columns,
        tuple(rows),
        footnotes=(*notes, *_estimates(frame.filter(pl.col("estimate").is_not_null()))),
    )


def _estimates(frame: pl.DataFrame) -> Iterator[str]:
    """Say how numbers were come by."""
    if frame["elsewhere"].is_null().any():
        yield "± error: the mean absolute error of such estimates of the labelled languages, each left out in turn"
    borrowed = frame.filter(pl.col("elsewhere").is_not_null())
    for (elsewhere,), own in borrowed.group_by("elsewhere", maintain_order=True):
        worst = float(own["elsewhere_error"].to_numpy().max())
        yield (
            f"{', '.join(sorted(set(own['language'])))}: too few languages have labels to fit a line, so its slope is "
            f"that of {elsewhere} with the same encoder; from one of these to another such estimates erred by "
            f"{worst:.1f} points on average; ± error: that, widened by how few "
            "labelled rows there are here; another task may err by more"
        )


def _numbers(row: dict[str, float | None]) -> tuple[float | None, float | None]:
    return row["estimate"], row["error"]
