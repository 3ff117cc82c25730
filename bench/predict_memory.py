"""Peak memory of evaluating: flat in the number of examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Promise, alternate
from bench.material import Material, subset

PROMISE = Promise(
    "predict.memory", "evaluating, memory beyond the model's own, 4 n examples / n examples", 1.05, "at most"
)


def measure(context: Context) -> Iterator[Measurement]:
    """Measure n and 4 n examples, each in a process of its own."""
    material = Material.of(context)
    rows = context.size(1200, 40)

    def beyond(factor: int) -> float:
        found = in_child(
            "bench.predict_memory:peak_of", give_back=True, rows=4 * rows, factor=factor, **material.arguments()
        )
        return float(found["beyond"]) / 1e6

    found = alternate(lambda: beyond(4), lambda: beyond(1), pairs=context.size(9, 2))
    yield Measurement(
        PROMISE,
        found.ours_by_theirs(),
        found.ours,
        found.theirs,
        "MB",
        same="of the longer bag's rows, sorted by length, the shorter has every fourth, the longest included",
        details={"rows": f"{material.name}, English test", "n": rows},
    )


def peak_of(rows: int, factor: int, **material: str) -> dict[str, float]:
    """Predict a bag of `rows` / 4 · `factor` examples; runs in a process of its own."""
    from bench.memory import peak, touch

    given = Material.read(**material)
    learner, bag = given.learner(), subset(given.bag("en", "test"), rows)
    longest_first = np.argsort(-bag.lengths, kind="stable")
    part = bag.subset(ids=bag.ids[longest_first[:: 4 // factor]].tolist())
    touch(learner.params.values())
    with peak() as measured:
        learner.predict(part)
    return {"beyond": measured.beyond, "rows": len(part)}


BENCHMARK = Benchmark("predict-memory", (PROMISE,), measure)
