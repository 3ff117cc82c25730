"""Estimated against true accuracy of finished runs, each language taken for unlabelled in turn: frame and tables.

The frame has a row for a variant, a cell and a language, over all seeds; numbers in percent: recipe, variant,
axis.NAME, language, role, n, seeds, labelled (how many labelled languages the errors are over), accuracy, estimate,
difference (estimate − accuracy), each estimator's own number (atc, agreement, confidence, mean) and reason, which says
why there is no estimate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from isogloss.evaluation.calibration import label_probabilities
from isogloss.evaluation.frame import axis_columns
from isogloss.evaluation.naming import named, with_cells
from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.evaluation.unlabelled import ESTIMATORS, Answered, left_out

Unknown = Mapping[tuple[str, str], float | None]
"""A run's key and a language → its share of unknown tokens; None where nobody knows."""


def confidences(predictions: pl.DataFrame) -> pl.DataFrame:
    """Return one run's predictions with the greatest probability as `confidence`, in place of all of them.

    Raises:
        Mistakes: the predictions have no probabilities of labels.
    """
    probabilities = label_probabilities(predictions.to_dict(), str(predictions["run"][0]))
    kept = [name for name in predictions.columns if not (name[:1] == "p" and name[1:].isdigit())]
    return predictions.select(kept).with_columns(confidence=probabilities.max(axis=1))


def estimate_frame(predictions: pl.DataFrame, scores: pl.DataFrame, unknown: Unknown) -> pl.DataFrame:
    """Return estimated and true accuracy by variant, cell and language.

    Args:
        predictions: of all runs, as `confidences` returns them.
        scores: of the same runs: which languages were trained on.
        unknown: shares of unknown tokens.
    """
    frame = named(predictions)
    role = roles(scores)
    rows = []
    arm = ["variant", *axis_columns(frame)]
    for values, part in frame.group_by(arm, maintain_order=True):
        facts = {"recipe": part["recipe"][0], **dict(zip(arm, values, strict=True))}
        told = {str(language): answered(own, role, unknown) for (language,), own in _languages(part)}
        for language, found in left_out(told).items():
            one, run = told[language], part.filter(language=language)["run"][0]
            parts = {name: _percent(found.parts.get(name)) for name in ESTIMATORS}
            seeds, n = one.predictions.shape
            about = {"language": language, "role": role[run, language], "n": n, "seeds": seeds}
            whole, accuracy = _percent(found.accuracy), 100 * one.accuracy
            difference = None if whole is None else whole - accuracy
            numbers = {"accuracy": accuracy, "estimate": whole, "difference": difference, **parts}
            rows.append({**facts, **about, "labelled": found.languages, **numbers, "reason": found.reason})
    percents = ["accuracy", "estimate", "difference", *ESTIMATORS]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(percents).cast(pl.Float64))


def errors(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the mean absolute error of the estimate and of each estimator, by variant and cell, in points.

    Over the languages that were not trained on; null where there is no estimate.
    """
    told = frame.filter(pl.col("role") == "unseen")
    names = ("estimate", *ESTIMATORS)
    return told.group_by("recipe", "variant", *axis_columns(frame), maintain_order=True).agg(
        pl.len().alias("languages"),
        pl.col("seeds").max(),
        pl.col("accuracy").std().alias("sd of accuracy"),
        *((pl.col(name) - pl.col("accuracy")).abs().mean().alias(name) for name in names),
    )


def estimate_tables(frame: pl.DataFrame) -> Iterator[Table]:
    """Yield a table of languages for each variant and cell, and last the mean absolute errors of them all."""
    axes = axis_columns(frame)
    columns = (
        Column("language"),
        Column("n", "integer"),
        Column("accuracy", "number"),
        Column("estimate", "number"),
        Column("difference", "signed"),
        *(Column(name, "number") for name in ESTIMATORS),
    )
    for values, part in frame.group_by("recipe", "variant", *axes, maintain_order=True):
        rows = []
        for row in part.iter_rows(named=True):
            marks = () if row["role"] == "unseen" else ("seen",)
            cells = [Cell(row[column.name]) for column in columns[1:]]
            rows.append((Cell(row["language"], marks), *cells))
        yield Table(_title(values, axes, part), columns, tuple(rows), footnotes=_footnotes(part))
    found = errors(frame)
    heads = ("recipe", "variant", *axes)
    columns = (
        *(Column(name.removeprefix("axis.")) for name in heads),
        Column("languages", "integer"),
        Column("seeds", "integer"),
        *(Column(name, "number") for name in ("sd of accuracy", "estimate", *ESTIMATORS)),
    )
    rows = [tuple(map(Cell, row)) for row in found.iter_rows()]
    title = "mean absolute error in points, each language in turn taken for unlabelled"
    note = "over languages that were not trained on; mean: the mean accuracy of the others, which knows nothing of it"
    yield Table(title, columns, tuple(rows), footnotes=(note,))


def _title(values: Sequence[Any], axes: Sequence[str], part: pl.DataFrame) -> str:
    recipe, variant, *cell = values
    told = "".join(f", {axis[5:]} {value}" for axis, value in zip(axes, cell, strict=True) if value is not None)
    seeds = max(part["seeds"].to_list())
    where = variant if variant.startswith(f"{recipe}/") else f"{recipe}/{variant}"
    return f"{where}{told} ({seeds} seed{'s' * (seeds != 1)}): accuracy in percent, and what it is taken for unlabelled"


def _footnotes(part: pl.DataFrame) -> tuple[str, ...]:
    reasons = part.filter(pl.col("reason") != "").select("language", "reason")
    notes = [f"no estimate for {', '.join(own['language'])}: {why}" for why, own in _by(reasons)]
    if part["estimate"].is_null().all():
        pass
    elif max(part["seeds"].to_list()) == 1:
        notes.append("one seed: nothing agrees with it, and the estimate is atc alone")
    elif len(notes) < part.height:
        notes.append("the estimate is the mean of atc (average thresholded confidence) and agreement (of seeds)")
    seen = ["† trained on: it bears no error"] if (part["role"] != "unseen").any() else []
    return (*notes, *seen)


def _by(reasons: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (why,), own in reasons.group_by(["reason"], maintain_order=True):
        yield str(why), own


def _languages(part: pl.DataFrame) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    yield from part.group_by(["language"], maintain_order=True)


def roles(scores: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Return the role of each run's languages."""
    told = with_cells(scores).select("run", "language", "role").unique().iter_rows()
    return {(run, language): role for run, language, role in told}


def answered(part: pl.DataFrame, role: Mapping[tuple[str, str], str], unknown: Unknown) -> Answered:
    """Return one language's predictions, on the examples that all seeds have.

    Args:
        part: predictions as `confidences` returns them, of one variant and cell; without `label` where there is none.
        role: as `roles` returns them; a language that is not scored was not trained on.
        unknown: shares of unknown tokens.
    """
    seeds = part["seed"].unique(maintain_order=True).to_list()
    counts = part.group_by("id").len().filter(pl.col("len") == len(seeds))
    shared = part.join(counts, on="id", how="semi").sort("id")
    runs = [shared.filter(seed=seed) for seed in seeds]
    keys = [(run, str(part["language"][0])) for run in part["run"].unique(maintain_order=True)]
    shares = [unknown.get(key) for key in keys]
    labelled = "label" in part.columns
    right = np.stack([(run["prediction"] == run["label"]).to_numpy() for run in runs]) if labelled else None
    return Answered(
        confidence=np.stack([run["confidence"].to_numpy() for run in runs]),
        predictions=np.stack([run["prediction"].to_numpy().astype(np.int64) for run in runs]),
        right=right,
        trained_on=any(role.get(key, "unseen") != "unseen" for key in keys),
        unknown_share=None if None in shares else max(share for share in shares if share is not None),
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
