"""What the doctor says a recipe will take, against what it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from isogloss.doctor import cost as costs
from isogloss.doctor import probe
from isogloss.doctor.cost import Cost, PhaseCost
from isogloss.recipe.plan import make_plan
from isogloss.run import run
from isogloss.run import training as trainers
from isogloss.run.resources import Resources
from isogloss.run.training import Trainer
from isogloss.store.store import Store

Load = Callable[..., Any]


def measured(recipe: Any, store: Store, monkeypatch: pytest.MonkeyPatch | None = None) -> tuple[Cost, Any, Trainer]:
    resources = Resources(recipe, store.bags, {}, offline=True)
    plan = make_plan(recipe, resources)
    trainer = Trainer(plan, store, resources, lambda event: None)
    return costs.measure(plan, plan.cells, store, resources, trainer, 0.0), plan, trainer


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.05)


def test_it_counts_the_phases_and_steps_of_a_run(recipe: Load, tmp_path: Path, quick: None) -> None:
    store = Store(tmp_path / "store")
    expected, plan, trainer = measured(recipe(), store)
    assert sum(one.times for one in expected.phases) == len(plan.phases)
    told = {(one.name, one.method): one for one in expected.phases}
    for planned in plan.phases.values():
        one = told[planned.name, planned.phase.method.name]
        assert one.steps == trainer.size(planned).steps
    assert all(one.seconds > 0 for one in expected.phases)
    assert [path.name for path in store.root.iterdir()] == ["bags"]


def test_disk_is_that_of_the_weights_that_stay(recipe: Load, tmp_path: Path, quick: None) -> None:
    for keep in ("all", "shared", "scores"):
        loaded = recipe(f'keep="{keep}"', "phases.source.epochs=1", "phases.meta.method.rounds=1")
        store = Store(tmp_path / keep)
        expected, plan, _ = measured(loaded, store)
        run(loaded, store, offline=True)
        files = [load_file(path) for path in store.root.glob("phases/*/weights.safetensors")]
        weights = sum(tensor.nbytes for file in files for tensor in file.values())
        rows = sum(60 * len(cell.target) for cell in plan.cells)
        most, stays = expected.disk
        assert stays - 40 * rows == weights
        assert most > stays


def test_encoders_are_loaded_as_often_as_it_says(recipe: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isogloss.run import learners

    loads: list[str] = []
    plain = learners.fresh_learner

    def counted(spec: Any, **settings: Any) -> Any:
        loads.append(spec["name"])
        return plain(spec, **settings)

    monkeypatch.setattr(learners, "fresh_learner", counted)
    monkeypatch.setattr(trainers, "fresh_learner", counted)
    loaded = recipe("phases.source.epochs=1", "phases.meta.method.rounds=1")
    store = Store(tmp_path / "store")
    plan = make_plan(loaded, Resources(loaded, store.bags, {}, offline=True))
    run(loaded, store, offline=True)
    checked = 1  # `Trainer.check` loads each encoder once before anything is trained
    assert len(loads) - checked == costs._loads(plan, plan.cells, set(plan.phases))


def test_steps_that_are_not_tried_are_taken_to_cost_by_their_tokens(
    recipe: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine on which a token takes a second and nothing else any time."""

    def of_tokens(learner: Any, phase: Any) -> list[float]:
        schedule = phase.method.schedule(
            phase.bags, support=phase.support, batch_size=phase.batch_size, length=phase.length, key=phase.key
        )
        return [float(probe._tokens(schedule[step])) for step in range(probe._WARM + 3)]

    monkeypatch.setattr(probe, "_timed", of_tokens)
    monkeypatch.setattr(probe, "_BATCHES", 1)  # of a window of two, and of a query of several
    store = Store(tmp_path / "store")
    expected, plan, trainer = measured(recipe(), store)
    for one in expected.phases:
        planned = next(p for p in plan.phases.values() if (p.name, p.phase.method.name) == (one.name, one.method))
        schedule = trainer._schedule(planned, trainer._length(planned))
        tokens = [probe._tokens(schedule[step]) for step in range(schedule.steps)]
        assert one.seconds == pytest.approx(sum(tokens), rel=0.06)


def test_too_little_disk_and_memory_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed = Cost((PhaseCost("source", "finetune", 2, 10, 30.0, 10**9),), 60.0, 20.0, 10**10, (4 * 10**9, 10**9))
    assert needed.seconds == 140
    monkeypatch.setattr(costs, "total_memory", lambda: 64 * 10**9)
    monkeypatch.setattr(costs, "free_disk", lambda path: 5 * 10**9)
    assert costs.examine(needed, tmp_path).findings == ()
    monkeypatch.setattr(costs, "total_memory", lambda: 10**10)
    monkeypatch.setattr(costs, "free_disk", lambda path: 3 * 10**9)
    disk, memory = costs.examine(needed, tmp_path).findings
    assert "4.0 GB are needed at most, 3.0 GB are free" in disk.what
    assert "10.0 GB of 10.0 GB were held" in memory.what


@pytest.mark.slow
def test_time_is_within_30_percent(tmp_path: Path) -> None:
    """On the embedded encoder; a second time where the machine was busy with something else."""
    from isogloss.recipe.load import load_recipe

    sets = ["seeds=1", "phases.source.on.examples=2000", "phases.source.epochs=1", "evaluation.examples=60"]
    loaded = load_recipe("massive-quickstart", sets=[*sets, 'variants=["pooled", "meta_optimizer"]'])
    ratios = []
    for attempt in range(2):
        store = Store(tmp_path / str(attempt))
        expected = measured(loaded, store)[0].seconds
        began = time.perf_counter()
        run(loaded, store, offline=True)
        ratios.append(expected / (time.perf_counter() - began))
        if 0.7 < ratios[-1] < 1.3:
            return
    pytest.fail(f"expected by taken: {ratios}")
