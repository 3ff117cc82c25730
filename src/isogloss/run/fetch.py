"""Bring everything that a recipe takes from the hub into its cache, by the very calls that `run` makes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from isogloss.data.task import Task
from isogloss.errors import IsoglossWarning, Mistakes
from isogloss.learner.encoders import on_hub
from isogloss.recipe.model import Recipe
from isogloss.recipe.plan import make_plan
from isogloss.recipe.planned import Plan
from isogloss.run.calibration import SPLIT, candidates
from isogloss.run.preparation import all_read, wanted
from isogloss.run.resources import Resources

ENCODER, DATA = "encoder", "data set"
_KINDS = {"model": ENCODER, "dataset": DATA}  # as the hub's cache has them


class Part(NamedTuple):
    """Something that a recipe takes from the hub.

    Attributes:
        kind: "encoder" or "data set".
        name: on the hub.
        there: bytes of it in the hub's cache before.
        brought: bytes that were added.
    """

    kind: str
    name: str
    there: int
    brought: int


class Fetched(NamedTuple):
    """What a recipe takes from the hub, and what else it takes: "encoder mini", "task massive"."""

    parts: tuple[Part, ...]
    local: tuple[str, ...]


def fetch(recipe: Recipe, cache: Path, *, data: Mapping[str, Path] | None = None) -> Fetched:
    """Bring a recipe's encoders and rows, and all rows that its runs are calibrated on, into the hub's cache.

    Args:
        recipe: from `isogloss.recipe.load.load_recipe`.
        cache: folder of tokenised bags.
        data: folder of a task's files, by task name.

    Raises:
        Mistakes: something cannot be had, or is not what the recipe says; all at once.
    """
    before = _cached()
    resources = Resources(recipe, cache, data or {}, offline=False)
    plan = make_plan(recipe, resources)  # it asks for every encoder and commit already
    sources = _read(plan, resources)
    after = _cached()
    encoders = dict.fromkeys(cell.effective.encoder for cell in plan.cells)
    taken = [(ENCODER, name.partition("@")[0]) for name in encoders if on_hub(name)]
    taken += [(DATA, repository) for repository in sources.values() if repository is not None]
    local = [f"encoder {name}" for name in encoders if not on_hub(name)]
    local += [f"task {task}" for task, repository in sources.items() if repository is None]
    parts = [Part(*one, before.get(one, 0), after.get(one, 0) - before.get(one, 0)) for one in dict.fromkeys(taken)]
    return Fetched(tuple(parts), tuple(local))


def _read(plan: Plan, resources: Resources) -> dict[str, str | None]:
    """Read all rows once, and return by task the data set of the hub that they come from, or None.

    Raises:
        Mistakes: of all that cannot be read.
    """
    reads: list[tuple[Task, Callable[[], object]]] = [
        (rows[0], partial(resources.rows, *rows)) for rows in wanted(plan, plan.cells)
    ]
    for cell in plan.cells:
        reads += [
            (cell.task, partial(resources.unlabelled_bag, cell.task, code, cell.split)) for code in cell.unlabelled
        ]
    sources = {task.name: resources.repository(task) for task, _ in reads}
    all_read(read for _, read in reads)
    _read_for_calibration(plan, resources)
    return sources


def _read_for_calibration(plan: Plan, resources: Resources) -> None:
    """Read what runs fit their temperature on. A run goes without where that cannot be had, and so does this."""
    asked = {
        (repr(rows.task), language): (rows.task, language)
        for cell in plan.cells
        for rows in candidates(cell, plan)
        for language in rows.languages
    }
    for task, language in asked.values():
        try:
            resources.rows(task, language, SPLIT)
        except Mistakes as found:
            warnings.warn(f"probabilities will stay raw: {found.mistakes[0]}", IsoglossWarning, stacklevel=2)


def _cached() -> dict[tuple[str, str], int]:
    """Return how many bytes of each repository are in the hub's cache, by kind and name."""
    from huggingface_hub import constants, scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir(constants.HF_HUB_CACHE).repos
    except CacheNotFound:
        return {}
    return {(_KINDS.get(one.repo_type, one.repo_type), one.repo_id): one.size_on_disk for one in repositories}
