"""The format that `precision = "auto"` takes here against the other one: the same gradients of the same batches."""

from __future__ import annotations

from collections.abc import Iterator

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.lora import batches_of
from bench.material import Material, describe

TIME = Promise(
    "precision.auto", "a gradient in the other one of fp32 and bf16 / in the one of auto, time", 1.0, "at least"
)
BATCH = 32


def measure(context: Context) -> Iterator[Measurement]:
    """Take gradients with all but the embeddings moving, as the shipped recipes have it."""
    from isogloss.keys import Key
    from isogloss.learner.rates import resolve_rates
    from isogloss.objectives.cross_entropy import CrossEntropy

    material = Material.of(context)
    steps, size = context.size(6, 1), context.size(BATCH, 4)
    batches = batches_of(material, steps, size)
    auto = material.learner()
    other = material.learner(precision="fp32" if auto.precision.name == "bf16" else "bf16")
    losses: dict[str, float] = {}

    def take(ours: bool) -> None:
        learner = auto if ours else other
        params = learner.moving(resolve_rates(learner.groups.names, 1.0, freeze=["embeddings"]))
        for batch in batches:
            found = learner.gradient(params, [batch], CrossEntropy(learner.kind), Key(0, "bench", purpose="dropout"))
        losses[learner.precision.name] = float(found.loss)

    found = alternate(
        lambda: seconds(lambda: take(True)) / steps,
        lambda: seconds(lambda: take(False)) / steps,
        pairs=context.size(5, 2),
        warm_up=lambda: (take(True), take(False)),
    )
    assert abs(losses["fp32"] - losses["bf16"]) < 0.05, "both compute the same loss, but for rounding"
    yield Measurement(
        TIME,
        found.theirs_by_ours(),
        found.ours,
        found.theirs,
        "s a gradient",
        f"the same {steps} batches of {size}; last losses {losses['fp32']:.4f} (fp32), {losses['bf16']:.4f} (bf16)",
        {"rows": describe(material.training(steps * size)), "auto": auto.precision.name},
    )


BENCHMARK = Benchmark("precision", (TIME,), measure)
