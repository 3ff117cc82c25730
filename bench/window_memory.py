"""Peak memory of a window of 60 inner steps against windows of 1: no graph over the window is held."""

from __future__ import annotations

from collections.abc import Iterator

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Promise, alternate
from bench.material import Material

PROMISE = Promise("window.memory", "peak memory beyond the model's own, a window of 60 / windows of 1", 1.02, "at most")


def peak_of(window: int, steps: int, batch: int, **material: str) -> dict[str, float]:
    """Make `steps` inner steps in windows of `window`, each with the same query; runs in a process of its own.

    The same support batches in the same order whatever the window, so that the longest is the same too.
    """
    from bench.memory import peak, touch
    from isogloss.data.stream import Stream
    from isogloss.keys import Key
    from isogloss.methods.base import Episode, Pair, Setup
    from isogloss.methods.meta_optimizer import MetaOptimizer
    from isogloss.objectives.cross_entropy import CrossEntropy
    from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer

    given, key = Material.read(**material), Key(0, "bench")
    learner = given.learner()
    stream = Stream(list(given.adaptation(batch * (steps + 1)).values()), batch_size=batch, key=key)
    pair = Pair(("en", "el"), ("ur",))
    rates = dict.fromkeys(learner.groups.names, 1.0)
    settings = OptimizerSettings("adam", 1e-4, {})

    def make_optimizer() -> TorchBaseOptimizer:
        return TorchBaseOptimizer(settings, learner.moving(rates), learner.groups.of)

    method = MetaOptimizer(MetaOptimizer.Settings(window=window))
    setup = Setup(rates, CrossEntropy(learner.kind), make_optimizer, lambda step, steps: 1.0)
    model = touch(learner.params.values())
    with peak() as measured:
        state = method.begin(learner, setup, key)
        for start in range(0, steps, window):
            support = tuple(stream[step] for step in range(start, start + window))
            extra = {"round": 0, "round_begins": start == 0, "step": start, "steps": steps, "pair": pair}
            method.step(learner, state, [Episode(support, (stream[steps],), extra)], key._replace(step=start))
    return {"beyond": measured.beyond, "highest": measured.highest, "model": model}


def measure(context: Context) -> Iterator[Measurement]:
    """Measure each window in a process of its own."""
    material = Material.of(context)
    long, batch = context.size(60, 4), context.size(32, 4)
    process: dict[int, list[float]] = {long: [], 1: []}

    def beyond(window: int) -> float:
        work = {"window": window, "steps": long, "batch": batch, **material.arguments()}
        found = in_child("bench.window_memory:peak_of", give_back=True, **work)
        process[window].append(round(found["highest"] / 1e6))
        return found["beyond"] / 1e6

    found = alternate(lambda: beyond(long), lambda: beyond(1), pairs=2)
    yield Measurement(
        PROMISE,
        found.ours_by_theirs(),
        found.ours,
        found.theirs,
        "MB",
        same=f"the same {long} support batches of {batch} and the same query in both",
        details={
            "rows": material.name,
            f"whole process, window {long}, MB": process[long],
            "whole process, window 1, MB": process[1],
        },
    )


BENCHMARK = Benchmark("window-memory", (PROMISE,), measure)
