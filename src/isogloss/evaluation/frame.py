"""The score frame: one row for a run, a language and a metric. Everything a table shows comes from it.

| column | holds |
|---|---|
| recipe, variant | names |
| axis.NAME | the cell of each axis, its languages joined by "+"; null where a recipe has no such axis |
| seed | "0", or "source=0,adapt=3" where phases have seeds of their own |
| seed.PHASE | the same by phase, as numbers |
| language, second_language | tested on; the second is null unless an example's texts are in two languages |
| role | "source", "auxiliary" or "unseen"; "failed" in the one row of a run that failed |
| metric, value | name ("development accuracy" where it is of development rows), and value in percent |
| n | number of examples |
| examples_seen, seconds | what the run cost, its earlier phases included |
| run | the run's key |
| chosen | only where an axis was chosen by language: the value of that axis that these scores come from |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from numpy.typing import NDArray

from isogloss.errors import Mistake, Mistakes, mistake
from isogloss.languages import cell
from isogloss.store.files import whole_file

DEVELOPMENT = "development "
"""Before a metric's name: scored on development rows, on which something may be chosen."""
ROLES = ("source", "auxiliary", "unseen", "failed")
SCORES: dict[str, type[pl.DataType]] = {
    "recipe": pl.String,
    "variant": pl.String,
    "seed": pl.String,
    "language": pl.String,
    "second_language": pl.String,
    "role": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "n": pl.Int64,
    "examples_seen": pl.Int64,
    "seconds": pl.Float64,
    "run": pl.String,
}

Metrics = Callable[[Mapping[str, NDArray[Any]]], Mapping[str, float]]


class Arm(NamedTuple):
    """One row of a table: a variant in one cell of the axes, over its seeds.

    Attributes:
        variant: its name, with the recipe's before it where a frame holds several.
        cell: axis name → value, as pairs.
    """

    variant: str
    cell: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        cell = ", ".join(f"{name} {value}" for name, value in self.cell if value)
        return f"{self.variant} ({cell})" if cell else self.variant


def score_run(
    predictions: pl.DataFrame,
    *,
    metrics: Metrics,
    roles: Mapping[str, str],
    facts: Mapping[str, object],
) -> pl.DataFrame:
    """Score one run's predictions, language by language.

    Args:
        predictions: columns language ("de/en" where the texts of an example are in two), and what `metrics` reads. None
            of a model that is trained on all rows: the frame has no rows then.
        metrics: numeric columns by name → name → percent: a kind's `metrics`.
        roles: language → role.
        facts: what all rows share: recipe, variant, axis.*, seed, seed.*, examples_seen, seconds, run.

    Returns:
        A score frame.
    """
    if predictions.is_empty():
        return check_scores(_complete(pl.DataFrame([facts]).clear()))
    rows: list[dict[str, object]] = []
    for (language,), part in predictions.group_by(["language"], maintain_order=True):
        values = metrics({column.name: column.to_numpy() for column in part if column.dtype.is_numeric()})
        first, second = cell(str(language))
        about = {"language": first, "second_language": second, "n": part.height}
        about["role"] = roles[str(language)]
        rows += [{**facts, **about, "metric": metric, "value": value} for metric, value in values.items()]
    return check_scores(_complete(pl.DataFrame(rows, infer_schema_length=None)))


def failed_run(facts: Mapping[str, object]) -> pl.DataFrame:
    """Return the one row by which a failed run stays in sight; `facts` as in `score_run`."""
    row = {**facts, "language": "", "role": "failed", "metric": "", "n": 0}
    return check_scores(_complete(pl.DataFrame([row])))


def stack(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put score frames under one another; columns that one of them lacks are null there."""
    return check_scores(_complete(pl.concat(frames, how="diagonal_relaxed")))


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the missing columns as nulls, cast to the frame's types, and put the columns in order."""
    missing = [pl.lit(None).alias(name) for name in SCORES if name not in frame.columns]
    frame = frame.with_columns(missing)
    axes, seeds = axis_columns(frame), [name for name in frame.columns if name.startswith("seed.")]
    types = SCORES | dict.fromkeys([*axes, "chosen"], pl.String) | dict.fromkeys(seeds, pl.Int64)
    chosen = ["chosen"] if "chosen" in frame.columns else []
    first, rest = ["recipe", "variant", *axes, *chosen, "seed", *seeds], list(SCORES)[3:]
    return frame.select(pl.col(name).cast(types[name]) for name in first + rest)


def metrics_of(frame: pl.DataFrame) -> list[str]:
    """Return the metrics of test rows, the one that variants are compared in first."""
    names = frame["metric"].unique(maintain_order=True).to_list()
    return [name for name in names if name and not name.startswith(DEVELOPMENT)]


def primary_metric(frame: pl.DataFrame) -> str:
    """Return the metric that variants are compared in: a kind writes it first; "accuracy" where no run is done."""
    return next(iter(metrics_of(frame)), "accuracy")


def other_metric(frame: pl.DataFrame, shown: str | None) -> str:
    """Return the metric that variants are compared in where another one is shown; "" where it is that one."""
    primary = primary_metric(frame)
    return "" if shown in (None, primary) else primary


def axis_columns(frame: pl.DataFrame) -> list[str]:
    """Return the names of the axis columns, in the frame's order."""
    return [name for name in frame.columns if name.startswith("axis.")]


def check_scores(frame: pl.DataFrame, where: str = "score frame") -> pl.DataFrame:
    """Return the frame if it is one.

    Raises:
        Mistakes: a column is missing, a role is unknown, or a run has two values for one language and metric.
    """
    missing = [name for name in SCORES if name not in frame.columns]
    if missing:
        raise mistake(f"no column {', '.join(missing)}", where=where, remedy="write it with `write_frame`")
    mistakes = []
    unknown = frame.filter(~pl.col("role").is_in(ROLES))["role"].unique().to_list()
    if unknown:
        known = ", ".join(ROLES)
        mistakes.append(Mistake(f'role "{unknown[0]}" is unknown', where, f"known: {known}"))
    key = ["recipe", "variant", *axis_columns(frame), "seed", "language", "second_language", "metric"]
    twice = frame.filter(pl.struct(key).is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        what = f"two values for {row['variant']}, seed {row['seed']}, {row['language']}, {row['metric']}"
        mistakes.append(Mistake(what, where, "keep one of them"))
    if mistakes:
        raise Mistakes(mistakes)
    return frame


def arms(frame: pl.DataFrame) -> list[Arm]:
    """Return the arms of a frame, in the order of their first rows."""
    columns = axis_columns(frame)
    rows = frame.select("variant", *columns).unique(maintain_order=True).iter_rows()
    return [arm_of(columns, variant, values) for variant, *values in rows]


def arm_of(columns: Sequence[str], variant: str, values: Sequence[str | None]) -> Arm:
    """Return the arm of a row: its variant and the values in its axis `columns`."""
    names = [name.removeprefix("axis.") for name in columns]
    return Arm(variant, tuple((name, value or "") for name, value in zip(names, values, strict=True)))


def averaged(roles: Mapping[str, str]) -> tuple[str, ...]:
    """Return the languages of an arm's own mean: the targets unseen in training; if there are none, all but the source.

    Args:
        roles: language → role.
    """
    unseen = tuple(language for language, role in roles.items() if role == "unseen")
    return unseen or tuple(language for language, role in roles.items() if role not in ("source", "failed"))


def only(frame: pl.DataFrame, arm: Arm) -> pl.DataFrame:
    """Return the rows of one arm."""
    same = [pl.col(f"axis.{name}").fill_null("") == value for name, value in arm.cell]
    return frame.filter(pl.col("variant") == arm.variant, *same)


def span(values: pl.Series) -> str:
    """Return the least and the greatest of a column of whole numbers: "3", or "3 to 5"."""
    low, high = min(values.to_list()), max(values.to_list())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a score or comparison frame as CSV, the same bytes for the same frame.

    Values are rounded to six decimals; rows keep their order, which is that of variants in a table.
    """
    rounded = frame.with_columns(pl.col(pl.Float64).round(6))
    with whole_file(path) as temporary:
        rounded.write_csv(temporary, line_terminator="\n")


def read_frame(path: Path) -> pl.DataFrame:
    """Read a score frame that `write_frame` wrote.

    Raises:
        Mistakes: there is no such file, or it is no score frame.
    """
    frame = read_csv(path)
    check_scores(frame, str(path))
    return _complete(frame)


def read_csv(path: Path) -> pl.DataFrame:
    """Read a CSV file with every column as text and empty cells as null.

    Raises:
        Mistakes: there is no such file, or it is no table.
    """
    try:
        return pl.read_csv(path, infer_schema=False)
    except FileNotFoundError:
        raise mistake("no such file", where=str(path), remedy="write it with `write_frame`") from None
    except pl.exceptions.PolarsError as error:
        line = str(error).splitlines()[0]
        raise mistake(line, where=str(path), remedy="give a comma-separated table with a header") from None
