"""An inner step of the meta-optimizer against a plain step of fused Adam: the same work, so nearly the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.harness import Benchmark, Context, Measurement, Pairs, Promise, alternate, now
from bench.material import Material

if TYPE_CHECKING:
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.methods.base import Episode, Setup

TIME = Promise("inner-step.time", "meta-optimizer's inner step / a plain step of fused Adam, time", 1.05, "at most")
WORK = Promise("inner-step.work", "the same, work counted: the largest ratio of all counts", 1.0, "at most")
LEARNING_RATE = 1e-4
BATCH = 32

Mark = Callable[[], object]


class Watched:
    """A learner that tells when a window's inner steps begin (the first gradient) and end (the query's is next)."""

    def __init__(self, learner: Learner, begin: Mark, end: Mark) -> None:
        self._learner, self._begin, self._end = learner, begin, end
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._learner, name)

    def gradient(self, *args: Any, train: bool = True, **kwargs: Any) -> Any:
        """Return what the learner returns."""
        if not self._begun:
            self._begin()
        elif not train:
            self._end()
        self._begun = True
        return self._learner.gradient(*args, train=train, **kwargs)


@dataclass(frozen=True)
class Window:
    """Steps that both sides make, from the same weights, on the same batches, with the same dropout masks."""

    learner: Learner
    episode: Episode
    start: dict[str, Any]

    def ours(self, begin: Mark, end: Mark) -> None:
        """Make the steps as a part of the meta-optimizer's own; all rates are σ(0) = ½.

        What it does once a window beside its inner steps is not marked: a copy of the weights at the start, the
        query's gradient and φ's update at the end.
        """
        from isogloss.methods.meta_optimizer import MetaOptimizer

        self.learner.update(self.start)
        method = MetaOptimizer(MetaOptimizer.Settings(window=len(self.episode.support)))
        state = method.begin(self.learner, self._setup(), _key())
        watched: Any = Watched(self.learner, begin, end)
        method.step(watched, state, [self.episode], _key())

    def theirs(self, begin: Mark, end: Mark) -> None:
        """Make the steps with torch's Adam, all weights in one parameter group, at half the learning rate."""
        import torch

        from isogloss.methods.meta_optimizer import inner_key

        self.learner.update(self.start)
        setup = self._setup()
        params = self.learner.moving(setup.rates)
        optimizer = torch.optim.Adam(list(params.values()), lr=0.5 * LEARNING_RATE, fused=True)
        begin()
        for step, batch in enumerate(self.episode.support):
            found = self.learner.gradient(params, [batch], setup.objective, inner_key(_key(), step))
            for name, tensor in params.items():
                tensor.grad = found.values[name]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            float(found.loss)
        end()

    def _setup(self) -> Setup:
        from isogloss.methods.base import Setup
        from isogloss.objectives.cross_entropy import CrossEntropy
        from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer

        rates = dict.fromkeys(self.learner.groups.names, 1.0)
        params = self.learner.moving(rates)
        settings = OptimizerSettings("adam", LEARNING_RATE, {})
        return Setup(
            rates,
            CrossEntropy(self.learner.kind),
            lambda: TorchBaseOptimizer(settings, params, self.learner.groups.of),
            lambda step, steps: 1.0,
        )


def open_window(context: Context, inner_steps: int) -> Window:
    """Return a window over validation rows of three languages."""
    from isogloss.data.stream import Stream
    from isogloss.methods.base import Episode, Pair

    material = Material.of(context)
    learner = material.learner()
    size = context.size(BATCH, 4)
    bags = material.adaptation(size * (inner_steps + 1))
    stream = Stream(list(bags.values()), batch_size=size, key=_key())
    batches = tuple(stream[step] for step in range(inner_steps + 1))
    extra = {"round": 0, "round_begins": True, "step": 0, "steps": inner_steps, "pair": Pair(("en", "el"), ("ur",))}
    start = {name: value.clone() for name, value in learner.params.items()}
    return Window(learner, Episode(batches[:-1], batches[-1:], extra), start)


def timed(side: Callable[[Mark, Mark], None]) -> float:
    """Return the seconds between a side's two marks."""
    marks: list[float] = []
    side(lambda: marks.append(now()), lambda: marks.append(now()))
    return marks[1] - marks[0]


def work_of(side: Callable[[Mark, Mark], None]) -> dict[str, int]:
    """Return what a side does between its two marks."""
    from bench.work import counted

    marks: list[dict[str, int]] = []
    with counted() as work:
        side(lambda: marks.append(work.figures()), lambda: marks.append(work.figures()))
    return {name: count - marks[0].get(name, 0) for name, count in marks[1].items()}


def same_weights(window: Window) -> bool:
    """Return whether both sides' steps end at the same weights, to the last bit."""
    import torch

    ends: list[dict[str, Any]] = []

    def keep() -> None:
        ends.append({name: value.clone() for name, value in window.learner.params.items()})

    window.ours(lambda: None, keep)
    window.theirs(lambda: None, keep)
    return all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def largest_ratio(ours: dict[str, int], theirs: dict[str, int]) -> float:
    """Return the largest ratio of counts; infinite where one side does something that the other does not at all."""
    if set(ours) != set(theirs):
        return float("inf")
    return max(ours[name] / theirs[name] if theirs[name] else float(ours[name] == 0) for name in ours)


def measure(context: Context, time: Promise = TIME, work: Promise = WORK) -> Iterator[Measurement]:
    """Count on a window of 2 steps, time windows of 15."""
    window = open_window(context, 2)
    equal = "equal to the last bit" if same_weights(window) else "NOT EQUAL"
    ours, theirs = work_of(window.ours), work_of(window.theirs)
    same = f"weights after the steps are {equal}"
    yield Measurement(work, [largest_ratio(ours, theirs)], same=same, details={"ours": ours, "theirs": theirs})

    steps = context.size(15, 2)
    window = open_window(context, steps)
    found = alternate(
        lambda: timed(window.ours) / steps,
        lambda: timed(window.theirs) / steps,
        pairs=context.size(7, 2),
        warm_up=lambda: (timed(window.ours), timed(window.theirs)),
    )
    yield Measurement(
        time,
        Pairs(*found).ours_by_theirs(),
        found.ours,
        found.theirs,
        "s a step",
        same=f"the same batches, masks and first weights; {same}",
        details={
            "rows": f"{Material.of(context).name}, en + el + ur",
            "inner steps a window": steps,
            "batch": len(window.episode.support[0]),
            "precision": window.learner.precision.name,
        },
    )


def _key() -> Key:
    from isogloss.keys import Key

    return Key(0, "bench")


BENCHMARK = Benchmark("inner-step", (WORK, TIME), measure)
