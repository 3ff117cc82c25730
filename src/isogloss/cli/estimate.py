"""How long a recipe will take here: its examples, by the speed of a short trial with encoder and data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.learner.learner import Learner
    from isogloss.recipe.model import Recipe
    from isogloss.recipe.phase import Phase

_TRIAL_BATCHES = 4
_TRIAL_LANGUAGES, _TRIAL_ROWS = 8, 64  # tested on; rows of each


class Speed(NamedTuple):
    """Examples a second, trained on and tested on."""

    training: float
    testing: float


class Expected(NamedTuple):
    """What is still to do: phases, and seconds at the speed of the trial; no speed where there was no need of one."""

    phases: int
    seconds: float
    speed: Speed | None


def estimate(recipe: Recipe, store: Path, *, speed: Speed | None = None) -> Expected:
    """Return how long the phases to come will take, and the tests and calibrations after them.

    Args:
        recipe: what is to be carried out, tested on so many `evaluation.examples` of a language.
        store: whose finished phases and runs are not counted.
        speed: of an earlier trial; tried out if not given.

    Raises:
        Mistakes: as `isogloss.run.rehearse`.
    """
    from isogloss.run import rehearse
    from isogloss.run.calibration import ENOUGH
    from isogloss.store import Store

    found = rehearse(recipe, Store(store), offline=True)
    if not found.phases:
        return Expected(0, 0.0, speed)
    speed = speed or _try_out(recipe, store)
    trained = sum(phase.examples for phase in found.phases)
    examples = recipe.evaluation.examples or 0
    tested = len(recipe.languages.target) * examples + len(recipe.languages.source) * max(examples, ENOUGH)
    seconds = trained / speed.training + found.cells * tested / speed.testing
    return Expected(len(found.phases), seconds, speed)


def _try_out(recipe: Recipe, store: Path) -> Speed:
    """Train on a few batches of the first phase's data and test on a few rows of several targets; nothing is kept."""
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.recipe.resolve import evaluation_task, kind_of_task, targets_of, task_of
    from isogloss.run.resources import Resources

    phase, tested = recipe.phases[0], evaluation_task(recipe)
    resources = Resources(recipe, store / "bags", {}, offline=True)
    bag = resources.bag(task_of(recipe, phase.on.task), recipe.languages.source[0], phase.on.split)
    learner = Learner.load(
        recipe.encoder,
        labels=resources.labels,
        kind=kind_of_task(tested),
        head_key=Key(0, "estimate"),
        max_length=recipe.max_length,
        precision=recipe.precision,
        offline=True,
    )
    targets = targets_of(recipe)
    some = targets[:: -(-len(targets) // _TRIAL_LANGUAGES)]
    few = [resources.bag(tested, language, recipe.evaluation.split) for language in some]
    return Speed(_training(learner, phase, bag), _testing(learner, few))


def _training(learner: Learner, phase: Phase, bag: Bag) -> float:
    from isogloss import registry
    from isogloss.data.stream import Stream
    from isogloss.keys import Key
    from isogloss.learner.rates import resolve_rates
    from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer

    key = Key(0, "estimate")
    rates = resolve_rates(
        learner.groups.names, 1.0, freeze=phase.freeze, freeze_bottom=phase.freeze_bottom, layer_decay=None
    )
    objective = registry.load("objectives", phase.objective)(learner.kind)
    stream = Stream([bag], batch_size=phase.batch_size, key=key)
    moving = learner.moving(rates)
    settings = OptimizerSettings(phase.optimizer.name, phase.optimizer.learning_rate, phase.optimizer.arguments())
    optimizer = TorchBaseOptimizer(settings, moving, learner.groups.of)
    began = time.perf_counter()
    for step in range(_TRIAL_BATCHES + 1):
        if step == 1:  # the first one warms up
            began = time.perf_counter()
        found = learner.gradient(moving, [stream[step]], objective, key._replace(step=step))
        optimizer.step(found.values, scale=1.0, rates=rates)
    return _TRIAL_BATCHES * phase.batch_size / (time.perf_counter() - began)


def _testing(learner: Learner, bags: Sequence[Bag]) -> float:
    from isogloss.keys import Key

    few = [bag.subset(examples=min(len(bag), _TRIAL_ROWS), key=Key(0, "estimate")) for bag in bags]
    learner.predict(few[0])  # to warm up
    began = time.perf_counter()
    for part in few:
        learner.predict(part)
    return sum(map(len, few)) / (time.perf_counter() - began)
