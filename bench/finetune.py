"""Fine-tuning against `transformers.Trainer`: the same rows, once each, with the same optimizer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import trainer
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.material import MAX_LENGTH, Material, as_rows, describe

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.learner.learner import Learner
    from isogloss.training.loop import TrainingPhase

BEST = Promise("finetune.best", "fine-tuning, examples a second, ours / Trainer at its best", 1.5, "at least")
DEFAULTS = Promise("finetune.defaults", "the same, ours / Trainer at its defaults, padded to 128", 5.0, "at least")
BATCH = 32
# What both sides set: the Trainer's own defaults.
LEARNING_RATE, CLIP = 5e-5, 1.0
SAME = (
    f"every row once, batches of {BATCH}, the same first weights and head, AdamW (fused), linear decay, clipping at 1, "
    "embeddings frozen; each side in its own order"
)


@dataclass(frozen=True)
class Sides:
    """A learner and a network of transformers that stand at the same weights, and where to write."""

    learner: Learner
    model: trainer.Model
    start: dict[str, Any]
    folder: Path

    @classmethod
    def make(cls, context: Context, *, seed: int = 0) -> Sides:
        """Load both, with the head of a seed."""
        folder = Path(tempfile.mkdtemp(dir=context.scratch))
        learner = Material.of(context).learner(seed=seed)
        start = {name: value.clone() for name, value in learner.params.items()}
        return cls(learner, trainer.Model(learner, folder / "model"), start, folder)

    def phase(self, bag: Bag, *, seed: int = 0, learning_rate: float = LEARNING_RATE) -> TrainingPhase:
        """Return one pass over a bag."""
        from isogloss.keys import Key
        from isogloss.learner.rates import resolve_rates
        from isogloss.methods.base import Length
        from isogloss.methods.finetune import Finetune
        from isogloss.objectives.cross_entropy import CrossEntropy
        from isogloss.training.loop import TrainingPhase
        from isogloss.training.optimizer import OptimizerSettings
        from isogloss.training.schedule import LearningRateSchedule

        return TrainingPhase(
            name="bench",
            key=Key(seed, "bench"),
            method=Finetune(Finetune.Settings()),
            objective=CrossEntropy(self.learner.kind),
            bags={bag.language: bag},
            batch_size=BATCH,
            length=Length("epochs", 1),
            optimizer=OptimizerSettings("adamw", learning_rate, {"weight_decay": 0.0}, clip=CLIP),
            schedule=LearningRateSchedule("linear"),
            rates=resolve_rates(self.learner.groups.names, 1.0, freeze=["embeddings"]),
        )

    def ours(self, phase: TrainingPhase) -> list[float]:
        """Carry a phase out with the library's loop, log included, from the first weights; return its losses."""
        from isogloss.store.phase import PhaseFolder
        from isogloss.training.loop import train

        self.learner.update(self.start)
        folder = PhaseFolder(Path(tempfile.mkdtemp(dir=self.folder)))
        folder.begin({})
        train(self.learner, phase, folder, observe=lambda progress: None, checkpoint_seconds=float("inf"))
        return [row["loss"] for row in folder.read_log()]

    def theirs(self, settings: dict[str, Any], rows: trainer.Rows) -> float:
        """Train a fresh network with the Trainer; return the seconds of its steps."""
        made = trainer.make(self.model.fresh(), settings, self.folder / "out", self.learner.tokenizer, rows)
        return trainer.train_seconds(made)


def measure(context: Context, best: Promise = BEST, defaults: Promise = DEFAULTS) -> Iterator[Measurement]:
    """Compare with the Trainer at its best, then at its defaults."""
    sides = Sides.make(context)
    for promise, settings, pad_to, steps in (
        (best, trainer.best(BATCH), None, context.size(24, 2)),
        (defaults, trainer.defaults(BATCH), MAX_LENGTH, context.size(12, 1)),
    ):
        bag = Material.of(context).training(BATCH * steps)
        yield _against(sides, promise, settings, bag, pad_to, pairs=context.size(5, 2))


def _against(
    sides: Sides, promise: Promise, settings: dict[str, Any], bag: Bag, pad_to: int | None, pairs: int
) -> Measurement:
    phase, rows = sides.phase(bag), as_rows(bag, pad_to=pad_to)
    few = bag.subset(ids=bag.ids[: 2 * BATCH].tolist())
    found = alternate(
        lambda: seconds(lambda: sides.ours(phase)),
        lambda: sides.theirs(settings, rows),
        pairs=pairs,
        warm_up=lambda: (sides.ours(sides.phase(few)), sides.theirs(settings, rows[: 2 * BATCH])),
    )
    return Measurement(
        promise,
        found.theirs_by_ours(),
        [len(bag) / cost for cost in found.ours],
        [len(bag) / cost for cost in found.theirs],
        "examples/s",
        SAME,
        {
            "rows": describe(bag),
            "ours": f"precision {sides.learner.precision.name}; the whole of `train`, its log included",
            "Trainer": f"{settings}; padded to {pad_to or 'the longest of a batch'}; its steps alone",
        },
    )


BENCHMARK = Benchmark("finetune", (BEST, DEFAULTS), measure)
