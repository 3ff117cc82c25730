"""What a page and its figures are made of: everything that a store holds of some runs, each thing read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from isogloss.errors import mistake, nearest
from isogloss.evaluation.evidence import chosen, evidence
from isogloss.evaluation.frame import Arm
from isogloss.evaluation.left_out import left_out

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.outcomes import Outcomes
    from isogloss.evaluation.score_table import ArmScores
    from isogloss.store import RunInfo, Store


def gathered(
    store: Store, addresses: Sequence[str], *, against: str | None = None, metric: str | None = None
) -> Material:
    """Return the material of the runs that addresses name; arguments otherwise as attributes of `Material`.

    Raises:
        Mistakes: as `isogloss.evaluation.evidence.chosen`, or the runs are tested on different rows: an id then
            means another example in each, and a number another label.
    """
    everything = store.runs()
    runs = chosen(store, addresses, among=everything, against=against)
    if any(_rows(run) != _rows(runs[0]) for run in runs):
        told = dict.fromkeys(f"{run.recipe}: {_rows_told(run)}" for run in runs)
        remedy = f"make a page for each: isogloss report {runs[0].recipe} -o {runs[0].recipe}.html"
        raise mistake(f"tested on different rows ({', '.join(told)})", where=" ".join(addresses), remedy=remedy)
    return Material(store, runs, against, metric, tuple(left_out(everything, runs, addresses)))


def _rows(run: RunInfo) -> tuple[object, ...]:
    """What a run is tested on: equal for runs whose rows have the same ids and labels."""
    return run.tested_on, run.settings["evaluation"]["split"]


def _rows_told(run: RunInfo) -> str:
    return f"{run.settings['evaluation']['split']} of {task_name(run)}"


def task_name(run: RunInfo) -> str:
    """Return what the task of a run is called; of a file its name, since paths are nobody's business."""
    from isogloss.recipe.public import without_paths

    task = without_paths({"task": run.tested_on})["task"]
    return str(task.get("name", "") if isinstance(task, Mapping) else task)


@dataclass(frozen=True)
class Material:
    """Some runs of a store; frames are read when they are first asked for.

    Attributes:
        store: where the runs are.
        runs: which, as `isogloss.evaluation.evidence.chosen` returns them.
        against: the variant that others are compared with; the first if not given.
        metric: what is shown of a run; its primary metric if not given.
        notes: which runs are left out, a sentence each.
    """

    store: Store
    runs: Sequence[RunInfo]
    against: str | None = None
    metric: str | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def _evidence(self) -> tuple[pl.DataFrame, Outcomes | None]:
        return evidence(self.store, self.runs)

    @property
    def scores(self) -> pl.DataFrame:
        """The score frame (`isogloss.evaluation.frame`), with a row for each failed run."""
        return self._evidence[0]

    @property
    def outcomes(self) -> Outcomes | None:
        """What each run got right, example by example; None where every run failed."""
        return self._evidence[1]

    @cached_property
    def comparisons(self) -> pl.DataFrame | None:
        """Paired comparisons with the baseline, corrected over languages; None where every run failed."""
        from isogloss.evaluation.comparison import compare

        return None if self.outcomes is None else compare(self.scores, self.outcomes, baseline=self.against)

    @cached_property
    def shown_metric(self) -> str:
        """The name of the score that is shown.

        Raises:
            Mistakes: no run has the one that was asked for.
        """
        from isogloss.evaluation.frame import metrics_of, primary_metric

        known = metrics_of(self.scores)
        if self.metric is not None and known and self.metric not in known:
            raise mistake(
                f'no run has the metric "{self.metric}"', where="--metric", remedy=nearest(self.metric, known)
            )
        return self.metric or primary_metric(self.scores)

    @cached_property
    def arms(self) -> tuple[ArmScores, ...]:
        """What each arm scored, arms without a score left out; the baseline's come first."""
        from isogloss.evaluation.comparison import baseline_of
        from isogloss.evaluation.frame import arms
        from isogloss.evaluation.naming import named
        from isogloss.evaluation.score_table import ArmScores

        scores = named(self.scores)
        found = [ArmScores.of(scores, arm, self.shown_metric) for arm in arms(scores)]
        baseline = baseline_of(scores, self.against)
        return tuple(sorted((one for one in found if one.by_seed), key=lambda one: one.arm.variant != baseline))

    def called(self, arm: Arm) -> str:
        """Return an arm's name in a figure: axes on which all arms are alike are left out."""
        return str(Arm(arm.variant, tuple((axis, value) for axis, value in arm.cell if self.varies(axis))))

    def variant(self, run: RunInfo) -> str:
        """Return what tables call the variant of a run: where there are several recipes, the recipe stands before."""
        return f"{run.recipe}/{run.variant}" if self.scores["recipe"].n_unique() > 1 else run.variant

    def varies(self, axis: str) -> bool:
        """Whether arms differ on an axis."""
        return len({value for one in self.arms for name, value in one.arm.cell if name == axis}) > 1

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """What every run that is done predicted of every example: columns language, id, label, prediction or value.

        Named as tables name variants and languages, the folds of a run together; no column at all for
        nothing.
        """
        columns = ("language", "id", "label", "prediction", "value")
        return self.named(self.store.predictions(self.done, columns=columns))

    @property
    def answers(self) -> bool:
        """Whether what was predicted are answers, each scored by its F1 in percent, and no labels."""
        return "value" in self.predictions.columns

    @cached_property
    def impacts(self) -> pl.DataFrame:
        """Impact by language and layer, as `Store.impacts` has it, named as in tables; no column at all for none."""
        return self.named(self.store.impacts(self.done))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels, by index; empty where no phase says them, or the task has none."""
        phases = (self.store.phase(key) for run in self.done for key in run.phases[-1:])
        specs = (phase.spec for phase in phases if (phase.path / "phase.json").is_file())
        return next((tuple(spec["labels"]) for spec in specs if spec.get("labels")), ())

    @cached_property
    def done(self) -> tuple[RunInfo, ...]:
        """The runs that are done."""
        return tuple(run for run in self.runs if run.state == "done")

    @cached_property
    def cells(self) -> bool:
        """Whether runs of one variant differ in more than seeds and folds."""
        return any(set(run.axes) - {"fold"} for run in self.done)

    def named(self, found: pl.DataFrame) -> pl.DataFrame:
        """Return a frame of some of the runs as the table of all of them names them, folds put together."""
        from isogloss.evaluation.folds import FOLD
        from isogloss.evaluation.naming import named_among

        return found if found.is_empty() else named_among(found.drop(FOLD, strict=False), self.scores)
