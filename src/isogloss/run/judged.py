"""A cell judged: its weights, or the simple model in their place, tested, calibrated, and everything written down."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from isogloss.recipe.planned import Cell, Plan
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.calibration import calibrate, calibrate_out_of_folds
from isogloss.run.called import facts_of, words_of
from isogloss.run.resources import Resources
from isogloss.run.scoring import (
    Predict,
    collapsed,
    predict_cell,
    predict_development,
    predict_unlabelled,
    score_cell,
    unknown_shares,
)
from isogloss.run.simple import fitted
from isogloss.store.store import Store

if TYPE_CHECKING:
    from isogloss.run.analyses import ImpactOf
    from isogloss.run.training import Trainer


class _Judged(NamedTuple):
    """What was found of a cell on the rows that it is tested on, and what predicts the others."""

    predictions: pl.DataFrame
    predict: Predict
    cost: dict[str, float]
    warnings: list[str]
    calibration: dict[str, Any] | None


def judge(
    cell: Cell, beside: ImpactOf | None, *, plan: Plan, store: Store, resources: Resources, trainer: Trainer
) -> list[str]:
    """Score a cell whose phases are carried out, and finish its run.

    Args:
        cell: which.
        beside: an analysis of the same weights that watches the same pass.
        plan: that it is of.
        store: that has its phases.
        resources: the data.
        trainer: gives the learner.

    Returns:
        What to warn of.
    """
    began = time.monotonic()
    found = (
        _simple(cell, resources)
        if cell.simple
        else _trained(cell, beside, plan=plan, store=store, resources=resources, trainer=trainer)
    )
    development = predict_development(cell, found.predict, resources)
    unlabelled = predict_unlabelled(cell, found.predict, resources)
    store.run(cell.key).finish(
        score_cell(cell, found.predictions, development, facts_of(plan, cell) | found.cost),
        found.predictions,
        {
            "warnings": found.warnings,
            "evaluation_seconds": time.monotonic() - began,
            "unknown": unknown_shares(cell, resources),
        },
        development=development,
        unlabelled=unlabelled,
        calibration=found.calibration,
    )
    return found.warnings


def _trained(
    cell: Cell, beside: ImpactOf | None, *, plan: Plan, store: Store, resources: Resources, trainer: Trainer
) -> _Judged:
    learner = trainer.learner_after(cell.final, precision=cell.precision)
    learner.kind = kind_of_task(cell.task)
    predict = learner.predict if beside is None else partial(beside.predict, learner)
    predictions = predict_cell(cell, predict, resources)
    if beside is not None:
        beside.write(store)
    if cell.effective.final:
        calibration = calibrate_out_of_folds(cell, store)
    else:
        calibration = calibrate(cell, plan, learner.predict, resources)
    phases = [store.phase(key).summary for key in cell.phases]
    cost = {
        "examples_seen": sum(phase["examples"] for phase in phases),
        "seconds": sum(phase["seconds"] for phase in phases),
    }
    found = collapsed(learner.kind, predictions, learner.labels)
    languages, same = ", ".join(found), ", ".join(sorted(set(found.values())))
    warning = (
        f"{cell.variant} {words_of(cell)}, after {phases[-1]['steps']} steps of {plan.phases[cell.final].name}: every "
        f"prediction in {languages} is {same}; a lower learning rate is the likely cure"
    )
    return _Judged(predictions, learner.predict, cost, [warning] if found else [], calibration.plain())


def _simple(cell: Cell, resources: Resources) -> _Judged:
    began = time.monotonic()
    predict, examples = fitted(cell, resources)
    cost = {"examples_seen": examples, "seconds": time.monotonic() - began}
    return _Judged(predict_cell(cell, predict, resources), predict, cost, [], None)
