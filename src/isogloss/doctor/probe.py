"""A few real steps of each kind of phase, and a few predictions: what a token costs on this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors.torch import save_file

from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.methods.base import Episode, Method, Schedule
from isogloss.store.phase import PhaseFolder
from isogloss.training.loop import TrainingPhase, peak_memory, train

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.training.progress import Progress

SECONDS, STEPS = 6.0, 24
"""A probe ends after so many seconds or steps, whichever comes first, two steps at least beside the first."""

_SAMPLED = 40  # steps of a phase whose tokens are counted
_WARM = 2  # steps that a machine takes to get going: memory, kernels compiled for new shapes
_BATCHES = 4  # of a side of an episode that are carried out; the rest is taken to cost as much a token
_ROWS, _LANGUAGES = 96, 8  # predicted


class PhaseSpeed(NamedTuple):
    """What a phase costs.

    Attributes:
        seconds: a step of mean size.
        weights: bytes of the parameters that move.
    """

    seconds: float
    weights: int


def probe_phase(learner: Learner, phase: TrainingPhase) -> PhaseSpeed:
    """Carry a few steps of a phase out, spread over it, in the loop itself; the learner moves.

    What the loop does beside (held-out rows, checkpoints) is left out.
    """
    schedule = phase.method.schedule(
        phase.bags, support=phase.support, batch_size=phase.batch_size, length=phase.length, key=phase.key
    )
    sampled = np.unique(np.linspace(0, schedule.steps - 1, min(schedule.steps, _SAMPLED)).astype(int)).tolist()
    tokens = {step: _tokens(schedule[step]) for step in sampled}
    order = [
        max(sampled, key=tokens.__getitem__),
        *_spread(sampled),
    ]  # the longest first, for memory
    order = [order[k % len(order)] for k in range(max(STEPS, _WARM + 2))]
    shortened = replace(phase, method=_Shortened(phase.method, order), selection=None)  # type: ignore[arg-type]
    times = _timed(learner, shortened)[_WARM:]
    done = [_tokens(_cut(schedule[step])) for step in order[_WARM : _WARM + len(times)]]
    mean = sum(tokens.values()) / len(tokens)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in learner.moving(phase.rates).values())
    return PhaseSpeed(sum(times) / sum(done) * mean, weights)


def probe_testing(learner: Learner, bags: Sequence[Bag]) -> float:
    """Return the seconds that a token of an example takes to be predicted, special ones included, padding not."""
    some = bags[:: -(-len(bags) // _LANGUAGES)]
    few = [bag.subset(examples=min(len(bag), _ROWS), key=Key(0, "doctor")) for bag in some]
    for part in few:
        learner.predict(part)  # kernels are compiled for each shape once
    began = time.perf_counter()
    for part in few:
        learner.predict(part)
    return (time.perf_counter() - began) / sum(int(part.lengths.sum()) for part in few)


def probe_saving(learner: Learner, phase: TrainingPhase, folder: Path) -> float:
    """Return the seconds that writing the parameters of a phase takes."""
    moved = {name: tensor.cpu().contiguous() for name, tensor in learner.moving(phase.rates).items()}
    with _beside(folder) as place:
        began = time.perf_counter()
        save_file(moved, place / "weights.safetensors")
        return time.perf_counter() - began


def held() -> int:
    """Return the most memory that this process has held so far, in bytes: of the GPU where there is one."""
    return peak_memory()


class _Enough(Exception):
    """The probe has seen what it needs."""


class _Some:
    """Some steps of a schedule, each with a few batches of its episodes."""

    def __init__(self, whole: Schedule, order: Sequence[int]) -> None:
        self._whole, self._order, self.steps = whole, order, len(order)

    def __getitem__(self, step: int) -> tuple[Episode, ...]:
        return _cut(self._whole[self._order[step]])

    def examples(self, step: int) -> int:
        return self._whole.examples(self._order[step])


class _Shortened:
    """A method that takes some steps of its schedule; otherwise the method itself."""

    def __init__(self, method: Method, order: Sequence[int]) -> None:
        self._method, self._order = method, order

    def schedule(self, bags: Mapping[str, Bag], **settings: Any) -> _Some:
        return _Some(self._method.schedule(bags, **settings), self._order)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._method, name)


def _timed(learner: Learner, phase: TrainingPhase) -> list[float]:
    """Return the seconds of each step, until there are enough."""
    ends: list[float] = [0.0]

    def watch(progress: Progress) -> None:
        ends.append(progress.seconds)
        if len(ends) > _WARM + 2 and ends[-1] > SECONDS:
            raise _Enough

    with _beside(None) as place:
        folder = PhaseFolder(place / "phase")
        folder.begin({})
        with suppress(_Enough):
            train(learner, phase, folder, observe=watch, checkpoint_seconds=float("inf"))
    times: list[float] = np.diff(ends).tolist()
    return times


@contextmanager
def _beside(folder: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".isogloss-probe-", dir=folder) as place:
        yield Path(place)


def _cut(episodes: Sequence[Episode]) -> tuple[Episode, ...]:
    return tuple(one._replace(support=one.support[:_BATCHES], query=one.query[:_BATCHES]) for one in episodes)


def _tokens(episodes: Sequence[Episode]) -> int:
    """Return the tokens of episodes, padding included."""
    batches = chain.from_iterable((*one.support, *one.query) for one in episodes)
    return sum(batch.inputs["input_ids"].numel() for batch in batches)


def _spread(steps: Sequence[int]) -> list[int]:
    """Return steps in an order whose beginnings are spread over all of them."""
    order: list[int] = Key(0, "doctor").generator().permutation(np.array(steps)).tolist()
    return order
