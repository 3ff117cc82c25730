"""The temperature of a run, fitted on its source languages' development rows: no target's label has a part in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl

from isogloss.data.bag import Bag
from isogloss.data.task import Task
from isogloss.errors import Mistakes
from isogloss.evaluation.calibration import LEAST_ROWS, Calibration, fit_temperature, label_probabilities
from isogloss.keys import Key
from isogloss.kinds.base import Calibrates, Predictions
from isogloss.recipe.planned import Cell, Plan, PlannedPhase
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.resources import Resources
from isogloss.run.training import phase_data
from isogloss.store.store import Store

SPLIT = "validation"
ENOUGH = 200
"""Rows of a language, for one number; a recipe that is tested on few rows is not to spend its time here."""


class DevelopmentTask(NamedTuple):
    """A task, and the source languages that its split `SPLIT` is asked for in."""

    task: Task
    languages: tuple[str, ...]


def calibrate(cell: Cell, plan: Plan, predict: Callable[[Bag], Predictions], resources: Resources) -> Calibration:
    """Return a cell's temperature, or why there is none.

    It is fitted on the validation split of the task that is tested on, or else of what a phase is trained on, in the
    source languages; without the groups (premises) that a phase is trained on in any language: what a model has seen
    it is too sure of. The rows are nowhere part of a content key: scores do not depend on them.
    """
    kind = kind_of_task(cell.task)
    if not isinstance(kind, Calibrates):
        return Calibration(None, f"the kind {kind.name} has no probabilities that one temperature would calibrate")
    reason = f"no {SPLIT} split in {', '.join(cell.source)}"
    for rows in candidates(cell, plan):
        try:
            bags = [_few(_untrained(bag, rows.task, cell, plan, resources), cell) for bag in _bags(rows, resources)]
            reason = _unfit(rows.task, bags, cell, plan)
            if not reason:
                frame = pl.concat([pl.DataFrame(dict(kind.outcome(bag, predict(bag)))) for bag in bags if len(bag)])
                return _fitted(rows, frame)
        except Mistakes as found:
            reason = f"its development rows cannot be read ({found.mistakes[0]})"
    return Calibration(None, reason)


def calibrate_out_of_folds(cell: Cell, store: Store) -> Calibration:
    """Return a final run's temperature: that of the models over folds, on rows of source languages each had not seen.

    Every row that the final model is trained on was predicted once by a model that was not.
    """
    [run] = [run for run in store.runs() if run.key == cell.key]
    runs = [other for other in run.folds(store.runs()) if other.seed == run.seed]
    if not runs:
        return Calibration(None, f"{run.measured_as} was not carried out over its folds with this seed before")
    frame = store.predictions(runs).filter(pl.col("language").is_in(cell.source))
    return _fitted(DevelopmentTask(cell.task, cell.source), frame, "out of fold")


def candidates(cell: Cell, plan: Plan) -> Iterator[DevelopmentTask]:
    """Yield the tasks that may have source development rows, each once, the one that is tested on first."""
    seen = set()
    for task in (cell.task, *(rows.task for phase in _phases(cell, plan) for rows in phase.rows)):
        languages = tuple(language for language in cell.source if language in task.languages)
        if task.name not in seen and SPLIT in task.splits and languages:
            yield DevelopmentTask(task, languages)
        seen.add(task.name)


def _phases(cell: Cell, plan: Plan) -> list[PlannedPhase]:
    return [plan.phases[key] for key in cell.phases]


def _bags(rows: DevelopmentTask, resources: Resources) -> list[Bag]:
    return [resources.bag(rows.task, language, SPLIT) for language in rows.languages]


def _untrained(bag: Bag, task: Task, cell: Cell, plan: Plan, resources: Resources) -> Bag:
    """Return a bag without the groups that a phase of the cell is trained on, in any language."""
    for phase in _phases(cell, plan):
        if any(_same(rows.task, task) and rows.on.split == SPLIT for rows in phase.rows):
            data = phase_data(phase, resources)
            for trained in (*data.train.values(), *(data.support or {}).values()):
                if (trained.task, trained.split) == (bag.task, bag.split):
                    bag = bag.without(trained.groups)
    return bag


def _few(bag: Bag, cell: Cell) -> Bag:
    most = max(cell.examples or len(bag), ENOUGH)
    return bag if len(bag) <= most else bag.subset(examples=most, key=Key(0, "calibration"))


def _unfit(task: Task, bags: list[Bag], cell: Cell, plan: Plan) -> str:
    """Return why these rows will not do; "" if they will."""
    trained = {rows.on.split for phase in _phases(cell, plan) for rows in phase.rows if _same(rows.task, task)}
    others = trained | ({cell.split} if _same(cell.task, task) else set())
    if shared := sorted(other for other in others - {SPLIT} if task.shares_rows(SPLIT, other)):
        return f"the {SPLIT} split of {task.name} may share rows with its {shared[0]} split"
    if cell.split == SPLIT and _same(cell.task, task):
        return f"the {SPLIT} split of {task.name} is what is tested on"
    count = sum(map(len, bags))
    if count < LEAST_ROWS:
        beside = " beside those trained on" if SPLIT in trained else ""
        return f"{count} {SPLIT} rows of {task.name} in the source languages{beside}, fewer than {LEAST_ROWS}"
    return ""


def _same(one: Task, other: Task) -> bool:
    """Whether two tasks may be the same rows: by name, since one may be read from another folder."""
    return one.name == other.name


def _fitted(rows: DevelopmentTask, frame: pl.DataFrame, split: str = SPLIT) -> Calibration:
    labels = frame["label"].to_numpy()
    about = Calibration(None, "", rows.task.name, split, rows.languages, frame.height)
    if np.all(labels == frame["prediction"].to_numpy()):
        return replace(about, reason=f"every one of {frame.height:,} development rows is right")
    fit = fit_temperature(label_probabilities(frame.to_dict(), rows.task.name), labels)
    return replace(about, temperature=fit.temperature, nll_before=fit.nll_before, nll_after=fit.nll_after)
