"""Loss curves of both sides of `finetune`, over three seeds: as far apart as two sets of seeds, no farther."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import trainer
from bench.finetune import BATCH, Sides
from bench.harness import Benchmark, Context, Measurement, Promise
from bench.material import Material, as_rows, describe

PROMISE = Promise(
    "finetune.curves", "loss curves: distance between the sides / between the other halves of all runs", 2.0, "at most"
)
LEARNING_RATE = 2e-4


def measure(context: Context) -> Iterator[Measurement]:
    """Train each seed with both sides, from the same weights and head."""
    steps, block = context.size(300, 4), context.size(25, 2)
    bag = Material.of(context).training(BATCH * steps)
    curves: dict[str, list[NDArray[np.float64]]] = {"ours": [], "theirs": []}
    for seed in range(3):
        sides = Sides.make(context, seed=seed)
        phase = sides.phase(bag, seed=seed, learning_rate=LEARNING_RATE)
        curves["ours"].append(blocks(sides.ours(phase), block))
        curves["theirs"].append(blocks(_losses(sides, as_rows(bag), seed), block))
    ratio, chance = beyond_seed_noise(curves["ours"], curves["theirs"])
    yield Measurement(
        PROMISE,
        [ratio],
        unit="nats",
        same="the same rows, first weights and heads; each side with its own order and its own dropout",
        details={
            "rows": describe(bag),
            "share of all splits of the runs into two that are at least as far apart": chance,
            f"mean loss in blocks of {block} steps, ours": _means(curves["ours"]),
            f"mean loss in blocks of {block} steps, Trainer at its best": _means(curves["theirs"]),
            "spread over seeds (standard deviation, mean over blocks), ours": _spread(curves["ours"]),
            "spread over seeds (standard deviation, mean over blocks), Trainer": _spread(curves["theirs"]),
        },
    )


def blocks(losses: Sequence[float], block: int) -> NDArray[np.float64]:
    """Return the mean loss of each stretch of `block` steps; a shorter last one is left out."""
    whole = len(losses) // block * block
    return np.asarray(losses[:whole], dtype=np.float64).reshape(-1, block).mean(axis=1)


def beyond_seed_noise(
    ours: Sequence[NDArray[np.float64]], theirs: Sequence[NDArray[np.float64]]
) -> tuple[float, float]:
    """Return how far apart two sets of curves are, measured by how far apart any two halves of all of them are.

    The distance of two sets is the mean over the curve of the absolute difference of their means.

    Returns:
        The distance of the two sets / the mean distance of all other splits into halves (about 1 where the sides differ
        by their seeds alone), and the share of all splits that are at least as far apart (a permutation test's p).
    """
    runs = np.stack([*ours, *theirs])
    n = len(ours)
    halves = [half for half in combinations(range(2 * n), n) if 0 in half]
    apart = [_apart(runs, half) for half in halves]
    between, others = apart[0], apart[1:]
    return float(between / np.mean(others)), float(np.mean([distance >= between for distance in apart]))


def _apart(runs: NDArray[np.float64], half: Sequence[int]) -> float:
    others = [run for run in range(len(runs)) if run not in half]
    return float(np.abs(runs[list(half)].mean(axis=0) - runs[others].mean(axis=0)).mean())


def _losses(sides: Sides, rows: trainer.Rows, seed: int) -> list[float]:
    settings: dict[str, Any] = trainer.best(BATCH) | {
        "seed": seed,
        "learning_rate": LEARNING_RATE,
        "logging_strategy": "steps",
        "logging_steps": 1,
    }
    made = trainer.make(sides.model.fresh(), settings, sides.folder / "out", sides.learner.tokenizer, rows)
    trainer.train_seconds(made)
    return [row["loss"] for row in made.state.log_history if "loss" in row]


def _means(curves: Sequence[NDArray[np.float64]]) -> list[float]:
    return [round(float(value), 3) for value in np.mean(curves, axis=0)]


def _spread(curves: Sequence[NDArray[np.float64]]) -> float:
    return round(float(np.std(curves, axis=0, ddof=1).mean()), 3)


BENCHMARK = Benchmark("curves", (PROMISE,), measure, by_default=False)
