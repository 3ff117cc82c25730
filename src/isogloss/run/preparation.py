"""What of a plan is left to do, and whether data and encoder are such that it can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from isogloss.data.task import Task
from isogloss.errors import Mistake, Mistakes
from isogloss.recipe.planned import Cell, Plan, PlannedAnalysis, PlannedRows
from isogloss.run.resources import Resources
from isogloss.store.store import Store

if TYPE_CHECKING:
    from isogloss.run.training import Trainer
    from isogloss.training.progress import Observer

Wanted = tuple[Task, str, str]
"""Rows by task, language and split."""


def is_missing(cell: Cell, plan: Plan, store: Store) -> bool:
    """Whether a cell lacks scores or an analysis, or the recipe keeps all weights and some of the cell's are gone."""
    folder = store.run(cell.key)
    if not folder.done or missing_analyses(cell, store):
        return True
    if not {analysis.key for analysis in cell.analyses} <= set(folder.analyses):
        return True  # another run's, and not yet written down as this one's, too
    return plan.recipe.keep == "all" and not all(store.phase(key).usable for key in cell.phases)


def missing_analyses(cell: Cell, store: Store) -> list[PlannedAnalysis]:
    """Return the analyses of a cell that are still to be carried out."""
    return [analysis for analysis in cell.analyses if not store.analysis(analysis.key).done]


def adopt(plan: Plan, store: Store) -> None:
    """Have runs that were made under other settings, which are nothing to them, count as this recipe's, too."""
    settings = plan.recipe.model_dump(mode="json")
    for folder in (store.run(cell.key) for cell in plan.cells):
        if folder.done:
            folder.adopt(settings)


def checked(plan: Plan, cells: Sequence[Cell], store: Store, resources: Resources, observe: Observer) -> Trainer:
    """Return what trains the phases of cells, once data and encoder are what the recipe takes them for."""
    from isogloss.run.training import Trainer

    phases = {key: plan.phases[key] for cell in cells for key in cell.phases}
    _check_data(plan, cells, resources)
    trainer = Trainer(plan, store, resources, observe)
    trainer.check(phases.values())
    return trainer


def wanted(plan: Plan, cells: Sequence[Cell]) -> list[Wanted]:
    """Return task, language and split of everything that cells are trained and tested on, each once, in order."""
    phases = [*{key: plan.phases[key] for cell in cells for key in cell.phases}.values()]
    phases += [phase for cell in cells if cell.simple for phase in cell.simple.phases]
    found = {
        (task.name, repr(task), on.split, language): task
        for phase in phases
        for on, task, languages in (*phase.rows, PlannedRows(phase.phase.on, phase.task, phase.selection))
        for language in languages
    }
    for cell in cells:
        splits = [cell.split, *([cell.development.split] if cell.development else [])]
        found |= {(cell.task.name, repr(cell.task), split, code): cell.task for split in splits for code in cell.target}
    return [(task, language, split) for (_, _, split, language), task in sorted(found.items(), key=lambda one: one[0])]


def as_read(task: Task, split: str) -> tuple[Task, str]:
    """Return the task and split by which rows are looked at: those that are cut into folds are so all at once."""
    return (task, split) if task.split is None else (replace(task, fold=None), "train")


def once(wanted: Iterable[Wanted]) -> list[Wanted]:
    """Return what is to be looked at, each row once."""
    found = {}
    for asked, language, of in wanted:
        task, split = as_read(asked, of)
        found[repr(task), language, split] = task, language, split
    return list(found.values())


def _check_data(plan: Plan, cells: Sequence[Cell], resources: Resources) -> None:
    """Read and tokenise everything that will be needed."""
    reads = [partial(resources.bag, *rows) for rows in wanted(plan, cells)]
    reads += [
        partial(resources.unlabelled_bag, cell.task, code, cell.split) for cell in cells for code in cell.unlabelled
    ]
    all_read(reads)


def all_read(reads: Iterable[Callable[[], object]]) -> None:
    """Carry reads out.

    Raises:
        Mistakes: all of those that any of them raised, each once.
    """
    mistakes: dict[Mistake, None] = {}
    for read in reads:
        try:
            read()
        except Mistakes as found:
            mistakes |= dict.fromkeys(found.mistakes)
    if mistakes:
        raise Mistakes(mistakes)
