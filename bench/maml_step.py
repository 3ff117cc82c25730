"""A first-order meta step against its two plain gradients, and what drawing its episode costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds, summary
from bench.material import Material
from bench.meta_step import largest_ratio

if TYPE_CHECKING:
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.methods.base import Episode, Schedule, Setup
    from isogloss.methods.maml import Maml

WORK = Promise("maml.first.work", "first-order meta step / two plain gradients: the largest ratio of all counts", 1.0,
               "at most")  # fmt: skip
TIME = Promise("maml.first.time", "the same, time", 1.1, "at most")
DRAW = Promise("maml.episode.time", "drawing an episode / the shortest meta step on it", 0.01, "at most")
BATCH = 32
# What the inner step itself and the logged norms add, tensor by tensor; given beside, not compared.
ELEMENTWISE = "tensor operations besides the optimizer's"


@dataclass(frozen=True)
class Steps:
    """A meta step and its parts, from the same weights, on the same batches, with the same dropout masks."""

    learner: Learner
    method: Maml
    episode: Episode
    start: dict[str, Any]

    def ours(self) -> None:
        """Make a meta step."""
        self.learner.update(self.start)
        state = self.method.begin(self.learner, self._setup(), _key())
        self.method.step(self.learner, state, [self.episode], _key())

    def theirs(self) -> None:
        """Take the gradients of support and query, both at θ, and make an outer step along the second."""
        from isogloss.methods.meta_gradient import query_key, support_key

        self.learner.update(self.start)
        setup = self._setup()
        params, optimizer = self.learner.moving(setup.rates), setup.make_optimizer()
        support = self.learner.gradient(params, self.episode.support, setup.objective, support_key(_key(), 0, 0))
        query = self.learner.gradient(params, self.episode.query, setup.objective, query_key(_key(), 0))
        optimizer.step(query.values)
        float(support.loss), float(query.loss)

    def _setup(self) -> Setup:
        from isogloss.methods.base import Setup
        from isogloss.objectives.cross_entropy import CrossEntropy
        from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer

        rates = dict.fromkeys(self.learner.groups.names, 1.0) | {"embeddings": 0.0}
        params = self.learner.moving(rates)
        settings = OptimizerSettings("adam", 1e-5, {})
        return Setup(
            rates,
            CrossEntropy(self.learner.kind),
            lambda: TorchBaseOptimizer(settings, params, self.learner.groups.of),
            lambda step, steps: 1.0,
        )


def open_steps(context: Context, batch: int) -> tuple[Steps, Schedule]:
    """Return a meta step, and the schedule that it is from: all ordered pairs of three languages, every row in turn."""
    from isogloss.methods.base import Length
    from isogloss.methods.maml import Maml

    material = Material.of(context)
    learner = material.learner()
    method = Maml(Maml.Settings(order="first", pairing="across", episodes=1, coverage="cover"))
    bags = {language: material.bag(language, "validation") for language in ("en", "el", "ur")}
    schedule = method.schedule(bags, batch_size=batch, length=Length("steps", 10_000), key=_key())
    start = {name: value.clone() for name, value in learner.params.items()}
    return Steps(learner, method, schedule[0][0], start), schedule


def work_of(side: Callable[[], None]) -> dict[str, int]:
    """Return what a side does."""
    from bench.work import counted

    with counted() as work:
        side()
    return work.figures()


def measure(context: Context) -> Iterator[Measurement]:
    """Count once; time in alternation; draw many episodes in their order."""
    steps, _ = open_steps(context, context.size(BATCH, 4))
    ours, theirs = work_of(steps.ours), work_of(steps.theirs)
    compared = [{name: count for name, count in side.items() if name != ELEMENTWISE} for side in (ours, theirs)]
    same = "the same batches, masks and first weights, and one outer step of fused Adam on both sides"
    yield Measurement(WORK, [largest_ratio(*compared)], same=same, details={"ours": ours, "theirs": theirs})

    details = {
        "rows": f"{Material.of(context).name}, en + el + ur",
        "batch": len(steps.episode.query[0]),
        "precision": steps.learner.precision.name,
    }
    found = alternate(
        lambda: seconds(steps.ours),
        lambda: seconds(steps.theirs),
        pairs=context.size(9, 2),
        warm_up=lambda: (steps.ours(), steps.theirs()),
    )
    yield Measurement(TIME, found.ours_by_theirs(), found.ours, found.theirs, "s", same, details)
    yield _drawing(context)


def _drawing(context: Context) -> Measurement:
    steps, schedule = open_steps(context, context.size(8, 4))
    count, number = context.size(200, 5), iter(range(schedule.steps))
    found = alternate(
        lambda: seconds(lambda: [schedule[next(number)] for _ in range(count)]) / count,  # each for the first time
        lambda: seconds(steps.ours),
        pairs=context.size(5, 2),
        warm_up=lambda: (steps.ours(), schedule[next(number)]),
    )
    details = {
        "the meta step": "first order, one inner step, one episode",
        "batch": len(steps.episode.query[0]),
        "median of drawing, ms": round(1e3 * summary(found.ours).median, 3),
    }
    return Measurement(DRAW, found.ours_by_theirs(), found.ours, found.theirs, "s", "", details)


def _key() -> Key:
    from isogloss.keys import Key

    return Key(0, "bench")


BENCHMARK = Benchmark("maml-step", (WORK, TIME, DRAW), measure)
