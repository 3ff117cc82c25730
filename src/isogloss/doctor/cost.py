"""What a recipe will take here: time, memory and disk, from a short probe."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from isogloss.doctor.examination import Examination, Finding
from isogloss.doctor.examination import cells as row_of
from isogloss.doctor.machine import free_disk, size, total_memory
from isogloss.doctor.probe import held, probe_phase, probe_saving, probe_testing
from isogloss.evaluation.tabular import Column, Table
from isogloss.recipe.resolve import kind_of_task
from isogloss.run.learners import fresh_learner, phase_spec
from isogloss.run.scoring import test_bags

if TYPE_CHECKING:
    from isogloss.learner.learner import Learner
    from isogloss.recipe.planned import Cell, Plan, PlannedPhase
    from isogloss.run.resources import Resources
    from isogloss.run.training import Trainer
    from isogloss.store.store import Store

_CHECKPOINT_SECONDS, _CHECKPOINT_SHARE = 60.0, 0.05  # of training between two; of the time at most
_STATES = 3  # parameters, and as a rule two moments: what a checkpoint holds
_ROW = 40  # bytes of a prediction that is kept


class PhaseCost(NamedTuple):
    """Phases of one kind: same settings, languages and data, other seeds or places.

    Attributes:
        name: of the phase.
        method: its method.
        times: how many are to be trained.
        steps: of each, on average.
        seconds: of each, with held-out rows and checkpoints.
        weights: bytes that each keeps while it is needed.
    """

    name: str
    method: str
    times: int
    steps: float
    seconds: float
    weights: int


class Cost(NamedTuple):
    """What is still to do.

    Attributes:
        phases: training, kind by kind.
        testing: seconds of tests.
        loading: seconds of loading encoders, writing weights, reading data.
        memory: bytes held at most.
        disk: bytes in the store at most, and bytes that stay.
    """

    phases: tuple[PhaseCost, ...]
    testing: float
    loading: float
    memory: int
    disk: tuple[int, int]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(phase.times * phase.seconds for phase in self.phases) + self.testing + self.loading


def measure(  # noqa: PLR0917
    plan: Plan, cells: Sequence[Cell], store: Store, resources: Resources, trainer: Trainer, prepared: float
) -> Cost:
    """Return what carrying out cells will take.

    Args:
        plan: all runs.
        cells: those that are missing.
        store: what of it is there already, and the disk.
        resources: the data.
        trainer: makes phases ready.
        prepared: seconds that planning and reading took.
    """
    todo = _todo(plan, cells, store)
    speeds: _Speeds = {}
    saving: dict[str, float] = {}
    loading = testing = 0.0
    for planned in todo.values():
        kind = _kind(planned)
        if kind not in speeds:
            began = time.perf_counter()
            learner = _fresh(planned, resources)
            loading = time.perf_counter() - began
            speeds[kind], saving[kind] = _probed(planned, learner, trainer, store)
            if not testing:
                learner.kind = kind_of_task(cells[0].task)
                testing = probe_testing(learner, list(test_bags(cells[0], resources)))
    phases = tuple(_phase_costs(todo.values(), speeds, saving, trainer))
    weights = {key: _weights(planned, speeds) for key, planned in todo.items()}
    loads = _loads(plan, cells, set(todo))
    written = sum(saving[_kind(planned)] for planned in todo.values() if planned.product == "weights")
    rows = sum(_tested(cell, resources)[0] for cell in cells)
    return Cost(
        phases,
        testing * sum(_tested(cell, resources)[1] * (1 + len(cell.analyses)) for cell in cells),
        loads * loading + written + prepared,
        held(),
        _disk(plan, cells, weights, rows * _ROW),
    )


def examine(cost: Cost, store: Path) -> Examination:
    """Return a cost as it is told, and whether the machine has what it takes."""
    findings = []
    free = free_disk(store)
    if cost.disk[0] > free:
        what = f"{size(cost.disk[0])} are needed at most, {size(free)} are free"
        findings.append(Finding("warning", f"disk of {store}", what, "free space, or give --store another disk"))
    memory = total_memory()
    if memory is not None and cost.memory > 0.9 * memory:
        what = f"{size(cost.memory)} of {size(memory)} were held in the probe"
        findings.append(Finding("warning", "memory", what, "take a smaller batch_size, or more accumulation"))
    looked = (
        "a few steps of each kind of phase and a few predictions, the rest by their tokens; what is done is left out"
    )
    return Examination("cost", looked, tuple(findings), (_table(cost),))


def _todo(plan: Plan, cells: Sequence[Cell], store: Store) -> dict[str, PlannedPhase]:
    needed = {key for cell in cells for key in cell.phases}
    return {key: plan.phases[key] for key in plan.phases if key in needed and not store.phase(key).usable}


def _fresh(planned: PlannedPhase, resources: Resources) -> Learner:
    recompute, spec = planned.phase.gradient_checkpointing, phase_spec(planned, resources.labels)
    return fresh_learner(spec, offline=resources.offline, recompute=recompute)


def _probed(
    planned: PlannedPhase, learner: Learner, trainer: Trainer, store: Store
) -> tuple[tuple[float, int, float], float]:
    """Return seconds a step, bytes that move, seconds for all looks at held-out rows; and seconds to write them."""
    learner.kind = kind_of_task(planned.task)
    phase = trainer.training_phase(planned, learner, base=None if planned.rates_from is None else 1.0)
    second, weights = probe_phase(learner, phase)
    store.root.mkdir(parents=True, exist_ok=True)
    saving = probe_saving(learner, phase, store.root)
    if phase.selection is None:
        return (second, weights, 0.0), saving
    bags = list(phase.selection.bags.values())
    looks = -(-trainer.size(planned).steps // phase.selection.every)
    held_out = looks * sum(int(bag.lengths.sum()) for bag in bags) * probe_testing(learner, bags)
    return (second, weights, held_out), saving


def _kind(planned: PlannedPhase) -> str:
    """Return what phases have in common that cost as much a step: all but seeds, names and places."""
    settings = planned.phase.model_dump(exclude={"name", "after", "rates", "epochs", "steps", "examples", "as_long_as"})
    rates = planned.phase.rates.groups or planned.phase.rates.value
    rows = [(on.model_dump(), task.name, languages) for on, task, languages in planned.rows]
    learned = planned.rates_from is not None
    return repr((settings, rates, learned, rows, planned.encoder, planned.precision, planned.product))


_Speeds = dict[str, tuple[float, int, float]]


def _phase_costs(
    todo: Iterable[PlannedPhase], speeds: _Speeds, saving: dict[str, float], trainer: Trainer
) -> Iterable[PhaseCost]:
    together: dict[tuple[str, str], list[PlannedPhase]] = {}
    for planned in todo:
        together.setdefault((planned.name, _kind(planned)), []).append(planned)
    for (name, kind), alike in together.items():
        second, weights, held_out = speeds[kind]
        steps = sum(trainer.size(planned).steps for planned in alike) / len(alike)
        trained = steps * second + held_out
        checkpoints = trained / _CHECKPOINT_SECONDS * _STATES * saving[kind]
        seconds = trained + min(checkpoints, _CHECKPOINT_SHARE * trained) * (trained > _CHECKPOINT_SECONDS)
        kept = weights if alike[0].product == "weights" else 0
        yield PhaseCost(name, alike[0].phase.method.name, len(alike), steps, seconds, kept)


def _weights(planned: PlannedPhase, speeds: _Speeds) -> int:
    return speeds[_kind(planned)][1] if planned.product == "weights" else 0


def _loads(plan: Plan, cells: Sequence[Cell], todo: set[str]) -> int:
    """Return how often an encoder is loaded: the last learner stays at hand (`isogloss.run.training.Trainer`)."""
    loads, standing = 0, None
    todo = set(todo)
    for cell in sorted(cells, key=lambda one: tuple(one.seeds.values())[:1]):
        for key in cell.phases:
            if key not in todo:
                continue
            todo.remove(key)
            planned = plan.phases[key]
            loads += planned.after is None or planned.after != standing
            standing = key  # of learned rates, too: nothing comes after these
        loads += cell.final != standing
        standing = cell.final
    return loads


def _tested(cell: Cell, resources: Resources) -> tuple[int, int]:
    """Return rows and tokens that a cell is tested on."""
    bags = list(test_bags(cell, resources))
    return sum(map(len, bags)), sum(int(bag.lengths.sum()) for bag in bags)


def _disk(plan: Plan, cells: Sequence[Cell], weights: dict[str, int], predictions: int) -> tuple[int, int]:
    """Return bytes at most and bytes that stay: weights are deleted once no run to come needs them."""
    keep, most = plan.recipe.keep, 0
    there: dict[str, int] = {}
    order = sorted(cells, key=lambda one: tuple(one.seeds.values())[:1])
    for number, cell in enumerate(order):
        there |= {key: weights.get(key, 0) for key in cell.phases}
        checkpoint = 2 * _STATES * max((weights.get(key, 0) for key in cell.phases), default=0)
        most = max(most, sum(there.values()) + checkpoint)
        if keep != "all":
            needed = {key for later in order[number + 1 :] for key in later.phases}
            shared = {key for key in there if keep == "shared" and len(plan.users(key)) > 1}
            there = {key: count for key, count in there.items() if key in needed | shared}
    return most + predictions, sum(there.values()) + predictions


def _table(cost: Cost) -> Table:
    columns = (
        Column("what"),
        Column("method"),
        Column("times", "integer"),
        Column("steps each", "number", 0),
        Column("seconds each", "number", 1),
        Column("minutes", "number", 1),
        Column("disk"),
    )
    rows = [
        (one.name, one.method, one.times, one.steps, one.seconds, one.times * one.seconds / 60, size(one.weights))
        for one in cost.phases
    ]
    body = [row_of(*row) for row in rows]
    body.append(row_of("tests", None, None, None, None, cost.testing / 60, None))
    body.append(row_of("loading and writing", None, None, None, None, cost.loading / 60, None))
    body.append(row_of("all", None, None, None, None, cost.seconds / 60, size(cost.disk[0])))
    most, stays = map(size, cost.disk)
    told = f"memory: {size(cost.memory)} held in the probe; disk: {most} at most, {stays} stay"
    return Table("what it will take on this machine", columns, tuple(body), footnotes=(told,))
