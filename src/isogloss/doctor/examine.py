"""All checks of a recipe, in the order in which they are told."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from isogloss.doctor import (
    coverage,
    duplicates,
    encoding,
    exchanged,
    identity,
    installed,
    intervals,
    labels,
    parallel,
    suspects,
)
from isogloss.doctor.columns import Column, read_columns
from isogloss.doctor.examination import SEVERITIES, Examination, Finding
from isogloss.errors import IsoglossWarning, Mistakes
from isogloss.recipe.plan import make_plan
from isogloss.run.preparation import Wanted, is_missing, once, wanted
from isogloss.run.resources import Resources

if TYPE_CHECKING:
    from isogloss.data.bag import Coverage
    from isogloss.recipe.model import Recipe
    from isogloss.recipe.planned import Plan
    from isogloss.store.store import Store

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What all checks came to.

    Attributes:
        recipe: its name; "" where only the installation was looked at.
        examinations: check by check.
    """

    recipe: str
    examinations: tuple[Examination, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of all checks."""
        return tuple(finding for one in self.examinations for finding in one.findings)

    @property
    def worst(self) -> Literal["error", "warning", "note"] | None:
        """The severity of the worst finding; None where there is none."""
        found = {finding.severity for finding in self.findings}
        return next((severity for severity in SEVERITIES if severity in found), None)


def examine_installation(store: Path) -> Report:
    """Return what is installed and what the machine has."""
    return Report("", (installed.examine(store),))


def examine_recipe(
    recipe: Recipe,
    store: Store,
    *,
    offline: bool = False,
    data: Mapping[str, Path] | None = None,
    probe: bool = True,
    tell: Tell = lambda check: None,
) -> Report:
    """Look at everything that a recipe reads, and at what it will take. Nothing is trained but the probe's few steps.

    Args:
        recipe: from `isogloss.recipe.load.load_recipe`.
        store: takes the token cache; says what is done already.
        offline: never reach for the hub.
        data: folder of a task's files, by task name.
        probe: whether time, memory and disk are measured.
        tell: told each check before it begins.

    Raises:
        Mistakes: files, the hub or the encoder are not there at all.
    """
    began = time.perf_counter()
    # A language that a run refuses is a finding here, and its rows are looked at all the same.
    resources = Resources(recipe.model_copy(update={"allow_unknown": 1.0}), store.bags, data or {}, offline=offline)
    plan = make_plan(recipe, resources)
    everything = once(wanted(plan, plan.cells))
    tell("rows")
    columns, rows = read_columns(everything, plan, resources.rows)
    prepared = time.perf_counter() - began
    unlabelled = [(cell.task, code, cell.split) for cell in plan.cells[:1] for code in cell.unlabelled]
    checks = [rows, *_checks(recipe, columns, unlabelled, resources, tell)]
    broken = any(finding.severity == "error" for finding in rows.findings)
    if probe and not broken:
        tell("cost")
        checks.append(_cost(plan, store, resources, prepared))
    return Report(recipe.name, tuple(checks))


def _checks(
    recipe: Recipe, columns: Sequence[Column], unlabelled: Sequence[Wanted], resources: Resources, tell: Tell
) -> Iterator[Examination]:
    from isogloss.doctor.states import mean_states

    covered = parallel.compared(columns)
    split = [column for column in columns if column.task.split is None]  # folds are cut so that groups stay together
    tell("encoding")
    encodings = encoding.examine(columns)
    yield encodings
    checks: dict[str, Callable[[], Examination]] = {
        "coverage": lambda: coverage.examine(
            _read(columns, unlabelled, resources),
            recipe.encoder,
            recipe.allow_unknown,
            recipe.languages.unlabelled or (),
        ),
        "labels": lambda: labels.examine(columns),
        "language": lambda: identity.examine(columns, encoding.garbled(encodings, columns)),
        "duplicates": lambda: duplicates.examine(columns),
        "translations across splits": lambda: parallel.examine_groups(split),
        "labels of translations": lambda: parallel.examine(columns),
        "suspicious labels": lambda: suspects.examine(columns, covered),
        "exchanged labels": lambda: exchanged.examine(columns, covered, mean_states(recipe, resources)),
        "intervals": lambda: intervals.examine(columns, recipe.evaluation.examples),
    }
    for name, check in checks.items():
        tell(name)
        yield check()


def _read(columns: Sequence[Column], unlabelled: Sequence[Wanted], resources: Resources) -> dict[str, list[Coverage]]:
    found: dict[str, list[Coverage]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsoglossWarning)  # about coverage, which is told here
        for column in columns:
            bag = resources.bag(column.task, column.language, column.split)
            found.setdefault(column.language, []).append(bag.coverage)
        for rows in unlabelled:
            found.setdefault(rows[1], []).append(resources.unlabelled_bag(*rows).coverage)
    return found


def _cost(plan: Plan, store: Store, resources: Resources, prepared: float) -> Examination:
    from isogloss.doctor import cost
    from isogloss.run.training import Trainer

    cells = [cell for cell in plan.cells if is_missing(cell, plan, store)]
    if not cells:
        return Examination("cost", "nothing: every run is finished")
    trainer = Trainer(plan, store, resources, lambda event: None)
    began = time.perf_counter()
    try:
        trainer.check([plan.phases[key] for key in dict.fromkeys(key for cell in cells for key in cell.phases)])
    except Mistakes as mistakes:
        findings = [Finding("error", one.where, one.what, one.remedy) for one in mistakes.mistakes]
        return Examination("cost", "nothing: the recipe cannot be carried out", tuple(findings))
    prepared += time.perf_counter() - began
    return cost.examine(cost.measure(plan, cells, store, resources, trainer, prepared), store.root)


__all__ = ["Report", "examine_installation", "examine_recipe"]
