"""The one loop: from a learner and a phase to weights or rates, resumable at every step."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from isogloss.data.bag import Bag
from isogloss.errors import Interrupted, mistake
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.learner.objective import Objective
from isogloss.methods.base import Length, Method, Schedule, Setup, State, StepLog
from isogloss.store.phase import PhaseFolder
from isogloss.training.interrupt import StopBetweenSteps
from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from isogloss.training.progress import Observer, Progress
from isogloss.training.schedule import LearningRateSchedule
from isogloss.training.selection import Best, Selection

if TYPE_CHECKING:
    from isogloss.learner.rates import Rates


@dataclass(frozen=True)
class TrainingPhase:
    """One stretch of training, with everything resolved that a recipe leaves to names.

    Attributes:
        name: of the phase, for messages.
        key: seed and stream, which all draws of the phase follow.
        method: how episodes change the learner.
        objective: what is minimised on a batch.
        bags: what it is trained on, by language.
        batch_size: examples a batch.
        length: how long, unless the method's settings say so.
        optimizer: f_opt.
        schedule: of the learning rate.
        rates: of every layer group; 0 is frozen.
        support: what supports are drawn from, by language; `bags` if not given.
        accumulation: in how many parts the gradient of a batch is computed.
        selection: which step is kept; the last if not given.
    """

    name: str
    key: Key
    method: Method
    objective: Objective
    bags: Mapping[str, Bag]
    batch_size: int
    length: Length | None
    optimizer: OptimizerSettings
    schedule: LearningRateSchedule
    rates: Rates
    support: Mapping[str, Bag] | None = None
    accumulation: int = 1
    selection: Selection | None = None


class Outcome(NamedTuple):
    """What a phase cost, and which step was kept."""

    steps: int
    examples: int
    seconds: float
    peak_memory: int
    selected_step: int


def train(
    learner: Learner,
    phase: TrainingPhase,
    folder: PhaseFolder,
    *,
    observe: Observer,
    guard: Callable[[], None] = lambda: None,
    checkpoint_seconds: float = 60.0,
) -> tuple[Outcome, State]:
    """Carry a phase out from where its folder's checkpoint left it, and leave the learner at the kept step.

    Args:
        learner: standing where the phase starts.
        phase: what to do.
        folder: takes the log and the checkpoints.
        observe: told after every step.
        guard: called before a checkpoint is written; raises where another process has taken the phase over.
        checkpoint_seconds: seconds of training between two checkpoints.

    Returns:
        The phase's cost, and the method's state at its end.

    Raises:
        Interrupted: a signal asked to stop; the checkpoint holds the last finished step.
        Mistakes: a loss is not finite.
    """
    key = phase.key
    learner.accumulation = phase.accumulation
    schedule = phase.method.schedule(
        phase.bags, support=phase.support, batch_size=phase.batch_size, length=phase.length, key=key
    )
    state = phase.method.begin(learner, _setup(learner, phase), key)
    position = _Position(learner, phase, state)
    position.resume(folder)
    with StopBetweenSteps() as stop:
        due = time.monotonic() + checkpoint_seconds
        while position.step < schedule.steps:
            began = time.monotonic()
            log = _one_step(learner, phase, state, schedule, key._replace(step=position.step))
            position.advance(schedule, log, time.monotonic() - began)
            cost = {"examples": position.examples, "seconds": position.seconds, "peak_memory": peak_memory()}
            folder.log(position.step, **cost, **log)
            observe(Progress(phase.name, position.step, schedule.steps, position.examples, position.seconds, log))
            if stop.asked or time.monotonic() > due:
                guard()
                due = position.save(folder) + checkpoint_seconds
            if stop.asked:
                raise Interrupted(f"phase {phase.name} stopped after step {position.step}; the same command resumes it")
    return position.close(schedule), state


class _Position:
    """How far a phase has come: everything, beside the learner, that the next step depends on."""

    def __init__(self, learner: Learner, phase: TrainingPhase, state: State) -> None:
        self.step, self.examples, self.seconds = 0, 0, 0.0
        self._learner, self._phase, self._state = learner, phase, state
        self._best = Best()

    def advance(self, schedule: Schedule, log: StepLog, seconds: float) -> None:
        """Count a step that is done, and look at the held-out rows if it is time to."""
        began = time.monotonic()
        selection = self._phase.selection
        if selection is not None and selection.due(self.step, schedule.steps):
            log[f"held_out_{self._learner.kind.primary}"] = score = selection.score(self._learner)
            self._best.offer(score, self.step, self._learner.moving(self._phase.rates))
        self.examples += schedule.examples(self.step)
        self.seconds += seconds + time.monotonic() - began
        self.step += 1

    def close(self, schedule: Schedule) -> Outcome:
        """Leave the learner at the kept step."""
        kept = schedule.steps - 1
        if self._phase.selection is not None:
            self._learner.update(self._best.params)
            kept = self._best.step
        return Outcome(self.step, self.examples, self.seconds, peak_memory(), kept)

    def save(self, folder: PhaseFolder) -> float:
        """Write a checkpoint and return the earliest time of the next: saving takes at most a twentieth of the time."""
        began = time.monotonic()
        tensors = {
            "params": self._learner.moving(self._phase.rates),
            "state": self._state.tensors(),
            "best": self._best.tensors(),
        }
        flat = {f"{part}:{name}": t.contiguous() for part, named in tensors.items() for name, t in named.items()}

        def write(path: Path) -> None:
            save_file(_unshared(flat), path / "state.safetensors")

        folder.save_checkpoint(self.step, write, {"examples": self.examples, "seconds": self.seconds})
        return began + 20 * (time.monotonic() - began)

    def resume(self, folder: PhaseFolder) -> None:
        """Go to where the folder's checkpoint stands, if it has one."""
        checkpoint = folder.resume()
        if checkpoint is None:
            return
        parts: dict[str, dict[str, Tensor]] = {"params": {}, "state": {}, "best": {}}
        for key, tensor in load_file(checkpoint.folder / "state.safetensors", str(self._learner.device)).items():
            part, name = key.split(":", 1)
            parts[part][name] = tensor
        self._learner.update(parts["params"])
        self._state.load(parts["state"])
        self._best.load(parts["best"])
        self.step = checkpoint.step
        self.examples, self.seconds = checkpoint.meta["examples"], checkpoint.meta["seconds"]


def _setup(learner: Learner, phase: TrainingPhase) -> Setup:
    def make_optimizer() -> TorchBaseOptimizer:
        return TorchBaseOptimizer(phase.optimizer, learner.moving(phase.rates), learner.groups.of)

    return Setup(phase.rates, phase.objective, make_optimizer, phase.schedule)


def _one_step(learner: Learner, phase: TrainingPhase, state: State, schedule: Schedule, key: Key) -> StepLog:
    log = phase.method.step(learner, state, schedule[key.step], key)
    for name, value in log.items():
        if not isinstance(value, str) and not math.isfinite(value):
            raise mistake(
                f"{name} is {value} after {key.step} steps",
                where=f"phase {phase.name}, step {key.step + 1}",
                remedy="lower optimizer.learning_rate, set clip = 1.0, or use precision = 'fp32'",
            )
    return log


def _unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies where two names share memory, which safetensors refuses."""
    seen: set[int] = set()
    unshared = {}
    for name, tensor in tensors.items():
        unshared[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return unshared


def peak_memory() -> int:
    """Return the most memory held since the process began, in bytes: of the GPU where there is one."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
