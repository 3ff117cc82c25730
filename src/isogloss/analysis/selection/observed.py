"""What was measured: the score of each candidate for each target.

A candidate is a language that a model was trained on beside, or instead of, the source; a target one that it was not
trained on. Both stand in a row of `isogloss.evaluation.frame`: the axis `auxiliary` or `source`, and the language.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from isogloss.analysis.statistics.pairs import Floats, Matrix
from isogloss.errors import mistake
from isogloss.evaluation.frame import DEVELOPMENT, primary_metric, span

AXES = ("auxiliary", "source")


@dataclass(frozen=True, eq=False)
class Observed:
    """Scores of C candidates for T targets.

    Attributes:
        candidates: C keys of languages.
        targets: T keys of languages.
        values: in points (percent), [C, T]; NaN where nothing was measured, and of a language for itself.
        reference: in points, [T]: the score of the same recipe without an auxiliary; None where there is none.
        notes: what a reader should know, a sentence each.
    """

    candidates: tuple[str, ...]
    targets: tuple[str, ...]
    values: Floats
    reference: Floats | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, matrix: Matrix, *, points: float = 1.0) -> Observed:
        """Return a transfer matrix, source × target, without its same-language pairs.

        Args:
            matrix: of scores.
            points: what its values are multiplied by, 100 where they are shares.
        """
        values = points * matrix.values
        np.fill_diagonal(values, np.nan)
        return cls(matrix.languages, matrix.languages, values)

    @property
    def informative(self) -> int:
        """The number of targets for which two candidates or more were measured: one alone compares nothing."""
        return int((np.isfinite(self.values).sum(axis=0) >= 2).sum())

    def without(self, *, candidates: Collection[str] = (), targets: Collection[str] = ()) -> Observed:
        """Return the scores that some candidates and some targets have no part in."""
        rows = [i for i, code in enumerate(self.candidates) if code not in candidates]
        columns = [i for i, code in enumerate(self.targets) if code not in targets]
        return replace(
            self,
            candidates=tuple(self.candidates[i] for i in rows),
            targets=tuple(self.targets[i] for i in columns),
            values=self.values[np.ix_(rows, columns)],
            reference=None if self.reference is None else self.reference[columns],
        )

    def without_language(self, *codes: str) -> Observed:
        """Return the scores that languages have no part in: as targets, or as what was trained on."""
        return self.without(candidates=codes, targets=codes)


def axis_of(axes: Collection[str]) -> str | None:
    """Return which axis holds the candidates, among those whose values differ; None where none or both do."""
    found = [axis for axis in AXES if axis in axes]
    return found[0] if len(found) == 1 else None


def observed(
    scores: pl.DataFrame, axis: str, *, metric: str | None = None, reference: pl.DataFrame | None = None
) -> Observed:
    """Return what runs of one variant say of each candidate for each target, as means over seeds and draws.

    A target counts where it is unseen. Development rows are asked where all runs have them: whoever reports test scores
    should not choose by them, in whatever language. Values of the axis that are several languages are left out.

    Args:
        scores: a score frame of one variant.
        axis: "auxiliary" or "source".
        metric: which; the primary one if not given.
        reference: the score frame of a variant without an auxiliary.

    Raises:
        Mistakes: there is no such metric, or fewer than two candidates are single languages.
    """
    column = f"axis.{axis}"
    metric, notes = _metric(scores, reference, metric or primary_metric(scores))
    rows = _unseen(scores, metric).filter(pl.col(column).is_not_null())
    several = pl.col(column).str.contains("+", literal=True)
    left_out = rows.filter(several)[column].unique(maintain_order=True).to_list()
    rows = rows.filter(~several)
    means = rows.group_by(column, "language", maintain_order=True).agg(pl.col("value").mean(), pl.len().alias("runs"))
    candidates = tuple(means[column].unique(maintain_order=True).to_list())
    if len(candidates) < 2:
        what = f"{len(candidates)} single languages on the axis {axis}"
        raise mistake(what, where="RUNS", remedy="at least 2 are needed to tell which is better")
    if left_out:
        notes.append(f"Of several languages at once, and left out: {', '.join(left_out)}.")
    if means["runs"].n_unique() > 1:
        notes.append(f"Cells rest on {span(means['runs'])} runs each.")
    targets = tuple(means["language"].unique(maintain_order=True).to_list())
    values = np.full((len(candidates), len(targets)), np.nan)
    for candidate, target, value in means.select(column, "language", "value").iter_rows():
        if candidate != target:
            values[candidates.index(candidate), targets.index(target)] = value
    level = None if reference is None else _levels(_unseen(reference, metric), targets)
    return Observed(candidates, targets, values, level, tuple(notes))


def _metric(scores: pl.DataFrame, reference: pl.DataFrame | None, metric: str) -> tuple[str, list[str]]:
    """Return the name of the metric in the frames, and which rows it is of."""
    frames = [scores] if reference is None else [scores, reference]
    known = set.intersection(*(set(frame["metric"].unique()) for frame in frames))
    every = all(
        frame.filter(metric=DEVELOPMENT + metric)["run"].n_unique() == frame["run"].n_unique() for frame in frames
    )
    if DEVELOPMENT + metric in known and every:
        return DEVELOPMENT + metric, [f"Measured: {metric} on development rows."]
    if metric not in known:
        names = ", ".join(sorted(name for name in known if not name.startswith(DEVELOPMENT)))
        raise mistake(f'the runs have no metric "{metric}"', where="--metric", remedy=f"known: {names}")
    return metric, [f"Measured: {metric} on test rows, there being no development scores of every run."]


def _unseen(scores: pl.DataFrame, metric: str) -> pl.DataFrame:
    found = scores.filter(role="unseen", metric=metric)
    return found.filter(pl.col("second_language").is_null()) if "second_language" in found.columns else found


def _levels(rows: pl.DataFrame, targets: Sequence[str]) -> Floats:
    """Return the mean score of each target, [T]; NaN where it has none."""
    means = dict(rows.group_by("language").agg(pl.col("value").mean()).iter_rows())
    return np.array([means.get(target, np.nan) for target in targets], dtype=float)
