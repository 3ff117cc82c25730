"""The names in a recipe as what they stand for: a task, a phase's languages, a method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from isogloss import registry
from isogloss.data.task import Task, load_task
from isogloss.errors import mistake
from isogloss.kinds.base import kind_of
from isogloss.languages import cells
from isogloss.recipe.model import ROLES, Recipe
from isogloss.recipe.phase import MethodChoice, On, Phase

if TYPE_CHECKING:
    from isogloss.kinds.base import Kind
    from isogloss.methods.base import Method


def task_of(recipe: Recipe, reference: Any) -> Task:
    """Return the task that a reference names (None: the recipe's), with its folder from the recipe's `data`.

    Raises:
        Mistakes: there is no such task, or its table is wrong.
    """
    task = load_task(_with_lists(recipe.task if reference is None else reference))
    folder = recipe.data.get(task.name)
    return replace(task, path=Path(folder)) if folder is not None and task.path is None else task


def kind_of_task(task: Task) -> Kind:
    """Return a task's kind, made with its settings.

    Raises:
        Mistakes: no kind has that name, its settings are wrong, or the task's rows are not of its sort.
    """
    kind = kind_of(task.kind, task.settings, where=f"task {task.name}")
    if getattr(task, kind.gold) is None:
        what = f'the kind "{task.kind}" is of rows with {kind.gold}, and the task has none'
        raise mistake(what, where=f"task {task.name}", remedy=f"name their column: {kind.gold} = …")
    return kind


def evaluation_task(recipe: Recipe) -> Task:
    """Return the task that the recipe is evaluated on; its labels are those of the head."""
    return task_of(recipe, recipe.evaluation.task)


def targets_of(recipe: Recipe) -> tuple[str, ...]:
    """Return the languages that are tested on; for "all" and "grid", those of the evaluation's task, though its source
    may lack some of them.
    """
    target = recipe.languages.target
    return among(recipe, evaluation_task(recipe).languages) if target in EVERY else target


EVERY = (("all",), ("grid",))


def among(recipe: Recipe, there: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a recipe's target "all" or "grid" means where some languages are there: those that have labels."""
    labelled = tuple(code for code in there if code not in (recipe.languages.unlabelled or ()))
    return labelled if recipe.languages.target == ("all",) else cells(labelled)


def languages_of(recipe: Recipe, *rows: On, targets: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return the languages of some rows of a phase, sorted: their order in the recipe has no effect.

    Args:
        recipe: with its roles.
        rows: what a phase's queries or supports are drawn from.
        targets: who plays "target"; what the recipe alone can tell of it (`targets_of`) if not given.
    """
    found: set[str] = set()
    for entry in (entry for on in rows for entry in on.languages):
        if entry == "target":
            found.update(targets_of(recipe) if targets is None else targets)
        else:
            found.update(getattr(recipe.languages, entry) if entry in ROLES else (entry,))
    return tuple(sorted(found))


def selection_languages(recipe: Recipe, phase: Phase) -> tuple[str, ...]:
    """Return the languages on whose held-out rows a step is chosen, sorted; none where the last is kept."""
    if phase.select.on == "last":
        return ()
    return tuple(sorted(getattr(recipe.languages, phase.select.on)))


def method_of(choice: MethodChoice) -> Method:
    """Return the method with its settings.

    Raises:
        Mistakes: no method has that name.
        pydantic.ValidationError: its settings are wrong.
    """
    method = registry.load("methods", choice.name)
    return cast("Method", method(method.Settings.model_validate(dict(choice.settings), strict=True)))


def _with_lists(value: Any) -> Any:
    """TOML's own lists, where the recipe holds tuples."""
    if isinstance(value, Mapping):
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, tuple) else value
