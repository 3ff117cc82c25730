"""Frames and tables of how sure runs were and how often right, language by language; all numbers in percent.

Both frames have a row for a run and a language (and a threshold): recipe, variant, axis.NAME, seed, run, language, n,
temperature (null where the run has none), and

| frame | columns |
|---|---|
| calibration | accuracy; confidence, the mean probability of predicted labels, and ece; calibrated_confidence, … |
| coverage | threshold (0 to 1), coverage, accuracy (null where nothing is covered); at the temperature, if any |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isogloss.evaluation.calibration import coverage_curve, expected_calibration_error, label_probabilities, tempered
from isogloss.evaluation.frame import axis_columns, read_csv
from isogloss.evaluation.naming import with_cells
from isogloss.evaluation.tabular import Cell, Column, Table

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_ECE = (
    "ECE: expected calibration error over 15 bins of equal width (Guo et al. 2017), in percent: the gap between how "
    "sure and how often right, whatever its sign"
)
_ALL = "all rows"


def calibration_frame(predictions: pl.DataFrame, temperature: float | None) -> pl.DataFrame:
    """Return how sure one run was and how often right, by language.

    Args:
        predictions: of one run, as `Store.predictions` returns them.
        temperature: of the run.

    Raises:
        Mistakes: the predictions have no probabilities of labels.
    """
    rows = []
    for about, probabilities, right in _by_language(predictions):
        confidence = probabilities.max(axis=1)
        cooled = None if temperature is None else tempered(probabilities, temperature).max(axis=1)
        rows.append(
            {
                **about,
                "temperature": temperature,
                "accuracy": 100 * right.mean(),
                "confidence": 100 * confidence.mean(),
                "ece": 100 * expected_calibration_error(confidence, right),
                "calibrated_confidence": None if cooled is None else 100 * cooled.mean(),
                "calibrated_ece": None if cooled is None else 100 * expected_calibration_error(cooled, right),
            }
        )
    return _frame(rows, ("temperature", "calibrated_confidence", "calibrated_ece"))


def coverage_frame(
    predictions: pl.DataFrame, temperature: float | None, thresholds: Sequence[float] = THRESHOLDS
) -> pl.DataFrame:
    """Return coverage and accuracy of one run by language, where it abstains below thresholds.

    Args:
        predictions: of one run, as `Store.predictions` returns them.
        temperature: of the run; None: thresholds are of raw probabilities.
        thresholds: 0 to 1.

    Raises:
        Mistakes: the predictions have no probabilities of labels.
    """
    rows = []
    for about, probabilities, right in _by_language(predictions):
        confidence = tempered(probabilities, temperature).max(axis=1)
        for point in coverage_curve(confidence, right, thresholds):
            accuracy = None if point.accuracy is None else 100 * point.accuracy
            curve = {"threshold": point.threshold, "coverage": 100 * point.coverage, "accuracy": accuracy}
            rows.append({**about, "temperature": temperature, **curve})
    return _frame(rows, ("temperature", "accuracy"))


def calibration_tables(frame: pl.DataFrame) -> Iterator[Table]:
    """Yield a table for each variant and cell of a calibration frame: languages, as means over seeds."""
    numbers = ("accuracy", "confidence", "ece", "calibrated_confidence", "calibrated_ece")
    names = ("accuracy", "confidence", "ECE", "calibrated confidence", "calibrated ECE")
    for title, part in _arms(frame):
        means = part.group_by("language", maintain_order=True).agg(pl.col("n").max(), pl.col(numbers).mean())
        rows = [tuple(map(Cell, row)) for row in means.iter_rows()]
        mean = means.select(pl.col(numbers).mean()).row(0)
        rows.append((Cell("mean"), Cell(), *map(Cell, mean)))
        columns = (Column("language"), Column("n", "integer"), *(Column(name, "number") for name in names))
        yield Table(
            f"{title}: how sure and how often right", columns, tuple(rows), footnotes=(_temperature(part), _ECE)
        )


def coverage_tables(frame: pl.DataFrame) -> Iterator[Table]:
    """Yield a table for each variant and cell of a coverage frame: languages and thresholds, over all seeds' rows."""
    thresholds = frame["threshold"].unique(maintain_order=True).to_list()
    for title, part in _arms(frame):
        everything = part.with_columns(pl.lit(_ALL).alias("language"))
        curve = _pooled(pl.concat([part, everything]))
        rows = []
        for (language,), points in curve.group_by(["language"], maintain_order=True):
            cells = [Cell(points[name][at]) for at in range(len(thresholds)) for name in ("coverage", "accuracy")]
            rows.append((Cell(str(language)), *cells))
        heads = [(f"{threshold:g} answered", f"{threshold:g} right") for threshold in thresholds]
        columns = (Column("language"), *(Column(name, "number", many=True) for pair in heads for name in pair))
        note = "percent of rows whose probability is at least so high, and percent of those that are right"
        footnotes = (_temperature(part), note)
        yield Table(f"{title}: accuracy at coverage", columns, tuple(rows), footnotes=footnotes)


def read_percents(path: Path) -> pl.DataFrame:
    """Read a frame of this module or of `isogloss.evaluation.estimates` as it was kept.

    Raises:
        Mistakes: there is no such file, or it is no table.
    """
    frame = read_csv(path)
    texts = ("recipe", "variant", "seed", "run", "language", "role", "reason", *axis_columns(frame))
    whole = ("n", "seeds", "labelled")
    numbers = [name for name in frame.columns if name not in (*texts, *whole)]
    kept = frame.with_columns(
        pl.col(numbers).cast(pl.Float64), pl.col(name for name in whole if name in frame.columns).cast(pl.Int64)
    )
    return kept.with_columns(pl.col("reason").fill_null("")) if "reason" in kept.columns else kept


def _pooled(frame: pl.DataFrame) -> pl.DataFrame:
    """Coverage and accuracy of several runs' rows together."""
    answered = pl.col("n") * pl.col("coverage")
    right = (answered * pl.col("accuracy").fill_null(0)).sum()
    return frame.group_by("language", "threshold", maintain_order=True).agg(
        (answered.sum() / pl.col("n").sum()).alias("coverage"),
        pl.when(answered.sum() > 0).then(right / answered.sum()).alias("accuracy"),
    )


def _by_language(
    predictions: pl.DataFrame,
) -> Iterator[tuple[dict[str, object], NDArray[np.float64], NDArray[np.bool_]]]:
    """Yield what a row says of itself, probabilities [N, C] and whether the likeliest label is right [N]."""
    frame = with_cells(predictions)
    facts = [name for name in frame.columns if name in ("recipe", "variant", "seed", "run") or name.startswith("axis.")]
    for (language,), part in frame.group_by(["language"], maintain_order=True):
        probabilities = label_probabilities(part.to_dict(), str(part["run"][0]))
        about = {**part.select(facts).row(0, named=True), "language": str(language), "n": part.height}
        yield about, probabilities, (part["label"] == part["prediction"]).to_numpy()


def _frame(rows: Sequence[dict[str, object]], nullable: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(nullable).cast(pl.Float64))


def _arms(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the title and the rows of each recipe, variant and cell."""
    axes = [name for name in frame.columns if name.startswith("axis.")]
    for values, part in frame.group_by(["recipe", "variant", *axes], maintain_order=True):
        recipe, variant, *cell = values
        told = "".join(f", {axis[5:]} {value}" for axis, value in zip(axes, cell, strict=True) if value is not None)
        seeds = part["seed"].n_unique()
        yield f"{recipe}/{variant}{told} ({seeds} seed{'s' * (seeds != 1)})", part


def _temperature(part: pl.DataFrame) -> str:
    by_run = part.select("run", "temperature").unique(maintain_order=True)["temperature"]
    known = by_run.drop_nulls().to_list()
    if not known:
        return "probabilities are raw: no run has a temperature (see `isogloss show KEY`)"
    told = ", ".join(f"{value:.3f}" for value in known)
    raw = f"; {by_run.null_count()} of {len(by_run)} runs have none" if by_run.null_count() else ""
    return f"temperature, fitted on development rows of the source languages alone, run by run: {told}{raw}"
