"""Which runs of a store say how auxiliary languages do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from isogloss.analysis.selection.observed import AXES, Observed, axis_of, observed
from isogloss.errors import mistake, nearest
from isogloss.store import RunInfo, Store
from isogloss.store.runs import newest


@dataclass(frozen=True)
class Measured:
    """Runs of one variant of one recipe, over an axis of languages.

    Attributes:
        axis: "auxiliary" or "source".
        runs: those that are done, one or more for each value of the axis.
        reference: runs of the variant without an auxiliary; none if it was not asked for.
        pending: how many of the variant's runs are not done.
    """

    axis: str
    runs: tuple[RunInfo, ...]
    reference: tuple[RunInfo, ...] = ()
    pending: int = 0

    @property
    def address(self) -> str:
        """The runs as NAME/VARIANT."""
        return f"{self.runs[0].recipe}/{self.runs[0].variant}"

    @property
    def settings(self) -> Mapping[str, Any]:
        """The effective recipe."""
        return self.runs[0].settings

    def observed(self, store: Store, metric: str | None) -> Observed:
        """Return what the runs say.

        Raises:
            Mistakes: they have no such metric, or the axis has too few single languages.
        """
        reference = store.scores(self.reference) if self.reference else None
        found = observed(store.scores(self.runs), self.axis, metric=metric, reference=reference)
        lost = f"{self.pending} of {self.pending + len(self.runs)} runs failed or have not finished, and are left out."
        return replace(found, notes=(lost, *found.notes)) if self.pending else found


def measured(store: Store, runs: Sequence[RunInfo], against: str | None = None) -> Measured:
    """Return runs as those of one variant.

    Args:
        store: where they are.
        runs: of one recipe, and of one variant beside `against`.
        against: the variant without an auxiliary.

    Raises:
        Mistakes: they are of several recipes, settings or variants, have no axis of languages or two of them, or the
            recipe has no such variant.
    """
    done = [run for run in runs if run.state == "done"]
    names = sorted({f"{run.recipe}#{run.edition}" for run in done})
    if len(names) > 1:
        raise mistake(f"runs of several settings: {', '.join(names)}", where="RUNS", remedy="name one of them")
    mine = tuple(run for run in done if run.variant != against)
    variants = list(dict.fromkeys(run.variant for run in mine))
    if not variants:
        raise mistake(f'only runs of "{against}"', where="--against", remedy="name runs of another variant, too")
    if len(variants) > 1:
        what = f"runs of {len(variants)} variants: {', '.join(variants)}"
        raise mistake(what, where="RUNS", remedy="name one, as NAME/VARIANT")
    axis = _axis(mine)
    if axis is None:
        both = all(_values(mine, name) > 1 for name in AXES)
        what = "runs over both auxiliary and source" if both else "no two of one auxiliary or source language each"
        remedy = "fix one of the two" if both else "name runs of a recipe with such an axis, or leave RUNS out"
        raise mistake(what, where="RUNS", remedy=remedy)
    pending = sum(run.variant == mine[0].variant and run.state != "done" for run in runs)
    return Measured(axis, mine, _reference(store, mine[0], against), pending)


def suitable(runs: Iterable[RunInfo], *, task: str | None, recipe: str | None, encoder: str | None) -> list[Measured]:
    """Return what a store has that can be learned from: for each variant of each recipe, its newest runs.

    Args:
        runs: all of the store.
        task: only runs of this task, by name.
        recipe: only runs of this recipe, by name.
        encoder: only runs of this encoder.
    """
    found = []
    by_recipe = groupby(sorted(runs, key=lambda run: run.recipe), key=lambda run: run.recipe)
    for name, group in by_recipe:
        latest = newest(list(group))
        for variant in dict.fromkeys(run.variant for run in latest):
            every = [run for run in latest if run.variant == variant]
            mine = tuple(run for run in every if run.state == "done")
            axis, settings = _axis(mine), every[0].settings
            fits = recipe in (None, name) and encoder in (None, settings["encoder"])
            if axis is not None and fits and task in (None, task_name(settings)):
                found.append(Measured(axis, mine, pending=len(every) - len(mine)))
    return found


def reference_of(settings: Mapping[str, Any]) -> Any:
    """Return what names the task that a recipe is evaluated on: a name, a path, or a table."""
    return settings["evaluation"]["task"] or settings["task"]


def task_name(settings: Mapping[str, Any]) -> str:
    """Return the name of the task that a recipe is evaluated on."""
    named = reference_of(settings)
    return str(named["name"] if isinstance(named, Mapping) else named)


def _axis(runs: Sequence[RunInfo]) -> str | None:
    """Return the axis whose languages runs differ in; None where it is both, or makes no difference to the training."""
    trained: dict[str, set[tuple[str, ...]]] = {}
    for run in runs:
        trained.setdefault(run.seed, set()).add(run.phases)
    if all(len(phases) == 1 for phases in trained.values()):
        return None
    return axis_of([name for name in AXES if _values(runs, name) > 1])


def _values(runs: Sequence[RunInfo], axis: str) -> int:
    """Return how many values of an axis are single languages."""
    return len({run.axes[axis] for run in runs if len(run.axes.get(axis, ())) == 1})


def _reference(store: Store, run: RunInfo, against: str | None) -> tuple[RunInfo, ...]:
    """Return the done runs of the variant without an auxiliary, in the same settings."""
    if against is None:
        return ()
    same = newest([one for one in store.runs() if (one.recipe, one.edition) == (run.recipe, run.edition)])
    found = tuple(one for one in same if one.variant == against and one.state == "done")
    if not found:
        known = sorted({one.variant for one in same if one.state == "done"})
        raise mistake(f'no runs of a variant "{against}"', where="--against", remedy=nearest(against, known))
    return found
