"""What each arm made of each example, over its seeds, from the predictions that runs have left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from isogloss.evaluation.evidence import alike
from isogloss.evaluation.frame import arm_of, axis_columns

if TYPE_CHECKING:
    from isogloss.report.material import Material
    from isogloss.store import RunInfo


def judged(material: Material) -> pl.DataFrame | None:
    """Return what each arm made of each example; None where no run is done.

    Returns:
        A row for an arm, a language and an id: arm, variant, cell (of the axes, as text), language, id, label (its
        name; null where rows have answers), right (share of the runs, 0 to 1), runs, said (what most runs said; null
        with answers) and sure (the mean probability of the label; null where nobody knows it).
    """
    if not material.done:
        return None
    runs = alike(material.done, material.store.scores(material.done))
    frame = pl.concat([_run(material, run) for run in runs], how="diagonal_relaxed")
    frame = material.named(frame)
    axes = axis_columns(frame)
    return (
        frame.join(
            _arms(frame.select("variant", *axes).unique(maintain_order=True)), on=["variant", *axes], nulls_equal=True
        )
        .group_by("arm", "variant", "cell", "language", "id", "label", maintain_order=True)
        .agg(
            right=pl.col("right").mean(),
            runs=pl.len(),
            said=pl.col("said").drop_nulls().mode().sort().first(),
            sure=pl.col("sure").mean(),
        )
    )


def _arms(cells: pl.DataFrame) -> pl.DataFrame:
    """Put beside a variant and its cell what they are called, together and the cell alone."""
    axes = axis_columns(cells)
    arms = [arm_of(axes, variant, values) for variant, *values in cells.iter_rows()]
    return cells.with_columns(
        arm=pl.Series([str(arm) for arm in arms], dtype=pl.String),
        cell=pl.Series([repr(arm.cell) for arm in arms], dtype=pl.String),
    )


def _run(material: Material, run: RunInfo) -> pl.DataFrame:
    """Return one run's examples: who it is, language, id, label, right, said, sure."""
    frame = material.store.predictions([run])
    facts = [name for name in run.facts if name != "run"]
    about = frame.select(*facts, "language", pl.col("id").cast(pl.String))
    if "label" not in frame.columns:
        nothing = {name: pl.lit(None, pl.String) for name in ("label", "said")}
        return about.with_columns(right=frame["value"] / 100, sure=pl.lit(None, pl.Float64), **nothing)
    names = dict(enumerate(material.labels))
    named = {
        name: frame[column].cast(pl.Int64).replace_strict(names, default=frame[column].cast(pl.String))
        for name, column in (("label", "label"), ("said", "prediction"))
    }
    return about.with_columns(
        **named,
        right=(frame["label"] == frame["prediction"]).cast(pl.Float64),
        sure=_of_label(frame),
    )


def _of_label(frame: pl.DataFrame) -> pl.Series:
    """Return the probability that a run gave to the right label."""
    labels = sorted(int(name[1:]) for name in frame.columns if name[:1] == "p" and name[1:].isdigit())
    if not labels:
        return pl.Series([None] * frame.height, dtype=pl.Float64)
    probabilities = frame.select(f"p{label}" for label in labels).to_numpy()
    return pl.Series(probabilities[np.arange(frame.height), frame["label"].to_numpy()].astype(np.float64))
