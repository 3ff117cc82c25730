"""Fine-tuning with low-rank adapters against fine-tuning of everything: the same batches and first weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.material import Material, describe

if TYPE_CHECKING:
    from isogloss.data.batch import Batch
    from isogloss.learner.learner import Learner
    from isogloss.learner.network import Params
    from isogloss.training.optimizer import TorchBaseOptimizer

TIME = Promise("lora.time", "a step of fine-tuning, everything moves / adapters and head, time", 1.3, "at least")
MEMORY = Promise("lora.memory", "the same, memory beyond the model's own", 2.0, "at least")
FROZEN_TIME = Promise(
    "lora.frozen.time", "the same, all but the embeddings moves / adapters and head, time", 1.0, "at least"
)
FROZEN_MEMORY = Promise("lora.frozen.memory", "the same, memory beyond the model's own", 1.2, "at least")
BATCH, LEARNING_RATE = 32, 1e-4


@dataclass
class Side:
    """A learner, what of it moves, and what moves it."""

    learner: Learner
    params: Params
    optimizer: TorchBaseOptimizer
    step: int = 0

    @classmethod
    def make(cls, material: Material, *, adapters: bool, freeze: Sequence[str] = ()) -> Side:
        """Load a learner and give it adapters of the default settings, or none."""
        from isogloss.keys import Key
        from isogloss.learner.adapters import Adapters
        from isogloss.learner.rates import resolve_rates
        from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer

        learner = material.learner()
        learner.adapt(Adapters() if adapters else None, Key(0, "bench", purpose="adapters"))
        params = learner.moving(resolve_rates(learner.groups.names, 1.0, freeze=freeze))
        settings = OptimizerSettings("adamw", LEARNING_RATE, {"weight_decay": 0.0}, clip=1.0)
        return cls(learner, params, TorchBaseOptimizer(settings, params, learner.groups.of))

    def train(self, batches: Sequence[Batch]) -> list[float]:
        """Take a step on each batch, and return the losses."""
        from isogloss.keys import Key
        from isogloss.objectives.cross_entropy import CrossEntropy

        objective, losses = CrossEntropy(self.learner.kind), []
        for batch in batches:
            key = Key(0, "bench", step=self.step, purpose="dropout")
            found = self.learner.gradient(self.params, [batch], objective, key)
            self.optimizer.step(found.values)
            losses.append(float(found.loss))
            self.step += 1
        return losses

    @property
    def moves(self) -> int:
        """How many numbers move."""
        return sum(value.numel() for value in self.params.values())


def batches_of(material: Material, steps: int, batch: int) -> list[Batch]:
    """Return the batches of some steps, the same for both sides."""
    from isogloss.data.stream import Stream
    from isogloss.keys import Key

    stream = Stream([material.training(steps * batch)], batch_size=batch, key=Key(0, "bench"))
    return [stream[step] for step in range(steps)]


def peak_of(adapters: bool, freeze: list[str], steps: int, batch: int, **material: str) -> dict[str, float]:
    """Take some steps; runs in a process of its own."""
    from bench.memory import peak, touch

    given = Material.read(**material)
    side, batches = Side.make(given, adapters=adapters, freeze=freeze), batches_of(given, steps, batch)
    model = touch(side.learner._network.masters.values())
    with peak() as measured:
        losses = side.train(batches)
    return {"beyond": measured.beyond, "model": model, "loss": losses[0]}


def measure(context: Context) -> Iterator[Measurement]:
    """Compare with everything moving, then with all but the embeddings, as the shipped recipes have it."""
    for freeze, time, memory in (([], TIME, MEMORY), (["embeddings"], FROZEN_TIME, FROZEN_MEMORY)):
        yield _time(context, time, freeze)
        yield _memory(context, memory, freeze)


def _time(context: Context, promise: Promise, freeze: list[str]) -> Measurement:
    material = Material.of(context)
    steps, batch = context.size(10, 1), context.size(BATCH, 4)
    batches = batches_of(material, steps, batch)
    ours, theirs = (Side.make(material, adapters=adapters, freeze=freeze) for adapters in (True, False))
    first = [side.train(batches[:1]) for side in (ours, theirs)]
    assert first[0] == first[1], "adapters that have not moved change nothing"
    found = alternate(
        lambda: seconds(lambda: ours.train(batches)) / steps,
        lambda: seconds(lambda: theirs.train(batches)) / steps,
        pairs=context.size(5, 2),
        warm_up=lambda: (ours.train(batches), theirs.train(batches)),
    )
    return Measurement(
        promise,
        found.theirs_by_ours(),
        found.ours,
        found.theirs,
        "s a step",
        f"the same {steps} batches of {batch}, AdamW, clipping; the first losses are equal to the last bit",
        {
            "rows": describe(material.training(steps * batch)),
            "numbers that move": f"{ours.moves:,} and {theirs.moves:,}",
            "adapters": str(ours.learner.adapters),
            "precision": ours.learner.precision.name,
        },
    )


def _memory(context: Context, promise: Promise, freeze: list[str]) -> Measurement:
    material = Material.of(context)
    work = {"freeze": freeze, "steps": context.size(4, 2), "batch": context.size(BATCH, 4), **material.arguments()}
    losses: set[float] = set()
    model: set[float] = set()

    def beyond(adapters: bool) -> float:
        found = in_child("bench.lora:peak_of", give_back=True, adapters=adapters, **work)
        losses.add(found["loss"])
        model.add(round(found["model"] / 1e6))
        return float(found["beyond"]) / 1e6

    found = alternate(lambda: beyond(True), lambda: beyond(False), pairs=2)
    assert len(losses) == 1, "adapters that have not moved change nothing"
    return Measurement(
        promise,
        found.theirs_by_ours(),
        found.ours,
        found.theirs,
        "MB",
        f"the same {work['steps']} batches of {work['batch']}; the first losses are equal to the last bit",
        {"rows": material.name, "the model's own weights in float32, MB": sorted(model)},
    )


BENCHMARK = Benchmark("lora", (TIME, MEMORY, FROZEN_TIME, FROZEN_MEMORY), measure)
