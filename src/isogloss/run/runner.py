"""The order of work: check, plan, then cell by cell the phases that are still missing and the scores."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from isogloss.errors import Interrupted, Mistakes
from isogloss.recipe.plan import make_plan
from isogloss.recipe.planned import Cell, Plan
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.called import seed_of, words_of
from isogloss.run.events import CellDone, PhaseBegins, Warned, Watch
from isogloss.run.preparation import adopt, checked, is_missing, missing_analyses
from isogloss.run.provenance import provenance, threads_as_begun
from isogloss.run.resources import Resources
from isogloss.store.claim import Claim, claim
from isogloss.store.phase import PhaseFolder
from isogloss.store.run import RunSpec
from isogloss.store.store import Store

if TYPE_CHECKING:
    from isogloss.recipe.model import Recipe
    from isogloss.run.analyses import ImpactOf
    from isogloss.run.training import Trainer

_LOOK_AGAIN_SECONDS = 2.0  # between looks at phases that another process is training


@dataclass(frozen=True)
class Failure:
    """A run that came to no score; `ours` tells a fault of the library from a mistake in what was asked."""

    run: str
    variant: str
    cell: str
    phase: str
    error: str
    ours: bool


@dataclass
class RunReport:
    """What came of a recipe.

    Attributes:
        recipe: its name.
        done: runs that were carried out now.
        found: runs that the store held already.
        failed: runs that failed.
        warnings: what a reader of the table should know.
        seconds: that this call took.
    """

    recipe: str
    done: int = 0
    found: int = 0
    failed: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0


class _Busy(Exception):
    """Another process holds the claim on what a cell needs."""


def run(
    recipe: Recipe,
    store: Store,
    *,
    offline: bool = False,
    data: Mapping[str, Path] | None = None,
    progress: Watch = lambda event: None,
) -> RunReport:
    """Carry a recipe out; what the store holds already is found, and what was interrupted goes on.

    Args:
        recipe: from `isogloss.recipe.load.load_recipe`.
        store: where everything is kept.
        offline: never reach for the hub.
        data: folder of a task's files, by task name.
        progress: told what happens.

    Raises:
        Mistakes: encoder or data are not what the recipe says; found before anything is trained.
        Interrupted: a signal asked to stop; the same call goes on.
    """
    began = time.monotonic()
    resources = Resources(recipe, store.bags, data or {}, offline=offline)
    plan = make_plan(recipe, resources)
    report = RunReport(recipe.name)
    missing = [cell for cell in plan.cells if is_missing(cell, plan, store)]
    report.found = len(plan.cells) - len(missing)
    adopt(plan, store)
    if missing:
        trainer = checked(plan, missing, store, resources, progress)
        _Runner(plan, store, resources, trainer, watch=progress, report=report).carry_out(missing)
    report.seconds = time.monotonic() - began
    return report


class _Runner:
    """Works through the cells that are missing."""

    def __init__(
        self, plan: Plan, store: Store, resources: Resources, trainer: Trainer, *, watch: Watch, report: RunReport
    ) -> None:
        self._plan, self._store, self._resources, self._trainer = plan, store, resources, trainer
        self._watch, self._report = watch, report

    def carry_out(self, cells: Sequence[Cell]) -> None:
        """Settle every cell; those that another process works on are looked at again until it is done with them."""
        waiting = sorted(cells, key=self._order)
        while waiting:
            busy = [cell for cell in waiting if not self._settled(cell)]
            if len(busy) == len(waiting):
                time.sleep(_LOOK_AGAIN_SECONDS)
            waiting = busy
            self._release(waiting)

    def _order(self, cell: Cell) -> tuple[int, ...]:
        """Seed by seed, so that a first comparison of all variants is there early and shared learners stay at hand."""
        return tuple(cell.seeds.values())[:1]

    def _release(self, waiting: Sequence[Cell]) -> None:
        """Delete the weights that the recipe does not keep and no cell to come needs."""
        needed = {key for cell in waiting for key in cell.phases}
        self._store.release(self._plan.phases, keep=self._plan.recipe.keep, needed=needed)

    def _settled(self, cell: Cell) -> bool:
        """Carry a cell out unless another process is at it; return whether it is done or failed."""
        held = claim(self._store.run(cell.key).path)
        if held is None:
            return False
        try:
            self._carry_out(cell)
            self._tell(cell, "done")
        except _Busy:
            return False
        except Interrupted:
            raise
        except Exception as fault:  # noqa: BLE001 (whatever fails in one cell must not stop the others)
            self._failed(cell, fault)
        finally:
            held.release()
        return True

    def _carry_out(self, cell: Cell) -> None:
        """Have every phase of a cell, its analyses and scores as far as missing; nothing if another process had them.

        Scores come last: a run that is not done keeps its weights.
        """
        folder = self._store.run(cell.key)
        if not folder.done:
            folder.begin(_run_spec(self._plan, cell))
        folder.link([analysis.key for analysis in cell.analyses])  # first: it keeps weights from being released
        if not is_missing(cell, self._plan, self._store):
            return
        for key in self._needed(cell):
            self._ensure(key)
        watches = self._watches(cell)
        beside = watches.pop(0) if watches and not folder.done and watches[0].analysis.of == cell.final else None
        for watch in watches:
            self._analyse(watch, cell)
        if not folder.done:
            self._score(cell, beside)

    def _needed(self, cell: Cell) -> Sequence[str]:
        """The phases whose products are needed: all, but for a run that only lacks analyses."""
        if not self._store.run(cell.key).done or self._plan.recipe.keep == "all":
            return cell.phases
        ends = [key for one in missing_analyses(cell, self._store) for key in (one.of, one.against)]
        needed: set[str | None] = set()
        while ends:
            if (key := ends.pop()) is not None and key not in needed:
                needed.add(key)
                ends += [self._plan.phases[key].after, self._plan.phases[key].rates_from]
        return [key for key in cell.phases if key in needed]

    def _watches(self, cell: Cell) -> list[ImpactOf]:
        """What carries the missing analyses of a cell out, that of the evaluated weights first."""
        from isogloss.run.analyses import ImpactOf, StatesCache

        return [
            ImpactOf(analysis, StatesCache(analysis, cell, self._plan, self._store, self._resources))
            for analysis in sorted(missing_analyses(cell, self._store), key=lambda one: one.of != cell.final)
        ]

    def _analyse(self, watch: ImpactOf, cell: Cell) -> None:
        from isogloss.run.scoring import test_bags

        learner = self._trainer.learner_after(watch.analysis.of, precision=cell.precision)
        learner.kind = kind_of_task(cell.task)
        for bag in test_bags(cell, self._resources):
            watch.predict(learner, bag)
        watch.write(self._store)

    def _ensure(self, key: str) -> None:
        """Have a phase's product in the store.

        A product that is there counts once it is seen under the claim: from then on whoever wants to delete weights
        (`Store.release`) sees this run, which is begun and needs them.
        """
        folder, planned = self._store.phase(key), self._plan.phases[key]
        held = claim(folder.path)
        if held is None:
            raise _Busy
        with held:
            if folder.usable:
                return
            self._watch(PhaseBegins(planned.name, planned.trained, planned.seed, key))
            with threads_as_begun(folder) as doubt:
                if doubt:
                    self._warn(f"phase {planned.name}, seed {planned.seed}: {doubt}")
                self._train(key, folder, held)

    def _train(self, key: str, folder: PhaseFolder, held: Claim) -> None:
        try:
            self._trainer.train(key, held.check)
        except Interrupted:
            raise
        except Exception as fault:
            folder.fail(_one_line(fault), _traceback(fault))
            raise _InPhase(self._plan.phases[key].name, fault) from fault

    def _score(self, cell: Cell, beside: ImpactOf | None) -> None:
        from isogloss.run.judged import judge

        found = judge(
            cell, beside, plan=self._plan, store=self._store, resources=self._resources, trainer=self._trainer
        )
        for warning in found:
            self._warn(warning)

    def _warn(self, warning: str) -> None:
        self._report.warnings.append(warning)
        self._watch(Warned(warning))

    def _failed(self, cell: Cell, fault: Exception) -> None:
        phase, cause = (fault.phase, fault.fault) if isinstance(fault, _InPhase) else ("", fault)
        error = _one_line(cause)
        self._store.run(cell.key).fail(error, phase, _traceback(cause))
        ours = not isinstance(cause, Mistakes)
        self._report.failed.append(Failure(cell.key, cell.variant, words_of(cell), phase, error, ours))
        self._tell(cell, "failed", error)

    def _tell(self, cell: Cell, state: str, error: str = "") -> None:
        self._report.done += state == "done"
        settled = self._report.done + self._report.found + len(self._report.failed)
        self._watch(CellDone(cell.variant, words_of(cell), settled, len(self._plan.cells), state, error))


class _InPhase(Exception):
    """A fault, and the phase that it came up in."""

    def __init__(self, phase: str, fault: Exception) -> None:
        super().__init__(str(fault))
        self.phase, self.fault = phase, fault


def _one_line(fault: Exception) -> str:
    text = " ".join(str(fault).split())
    return text if isinstance(fault, Mistakes) else f"{type(fault).__name__}: {text}"


def _traceback(fault: Exception) -> str:
    """Where in the code, for a fault of ours; a mistake in what was asked needs none."""
    return "" if isinstance(fault, Mistakes) else "".join(traceback.format_exception(fault))


def _run_spec(plan: Plan, cell: Cell) -> RunSpec:
    return RunSpec(
        recipe=plan.recipe.name,
        variant=cell.variant,
        axes=cell.axes,
        seeds=cell.seeds,
        seed=seed_of(cell),
        phases=cell.phases,
        settings=plan.recipe.model_dump(mode="json"),
        provenance=provenance(),
    )
