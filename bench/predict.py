"""Evaluating fifteen languages against `Trainer.predict`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench import trainer
from bench.finetune import Sides
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.material import MAX_LENGTH, Material, as_rows, subset

if TYPE_CHECKING:
    from isogloss.data.bag import Bag

BEST = Promise(
    "predict.best", "evaluating 15 languages, examples a second, ours / Trainer at its best", 1.5, "at least"
)
DEFAULTS = Promise("predict.defaults", "the same, ours / Trainer at its defaults, padded to 128", 6.0, "at least")
SORTED = Promise(
    "predict.sorted", "the same, ours / Trainer at its best on rows that were sorted by hand", 1.0, "at least"
)
# What is tried for the Trainer's best; the fastest on a part of the rows is taken.
CANDIDATES = tuple(
    {"per_device_eval_batch_size": size, "train_sampling_strategy": order, **precision}
    for precision in ({"bf16": True}, {"bf16": True, "bf16_full_eval": True})
    for order in ("random", "group_by_length")  # of rows to predict, "random" leaves the order as it is
    for size in (32, 64)
)


def measure(
    context: Context, best: Promise = BEST, by_hand: Promise = SORTED, defaults: Promise = DEFAULTS
) -> Iterator[Measurement]:
    """Compare with the Trainer at its best, at its best on sorted rows, and at its defaults."""
    material, sides = Material.of(context), Sides.make(context)
    languages = material.fifteen[: context.size(15, 2)]

    def bags(examples: int) -> list[Bag]:
        return [subset(material.bag(language, "test"), examples) for language in languages]

    speeds = candidates(sides, bags(context.size(40, 8)))
    chosen = max(speeds, key=lambda speed: speed[1])[0]
    tried = {"tried for the Trainer, examples/s": "; ".join(f"{text} {speed:.0f}" for text, speed in speeds)}
    many, few = bags(context.size(200, 8)), bags(context.size(60, 8))
    pairs, name = context.size(5, 2), material.name
    measured = _against(sides, best, AtItsBest(sides, chosen, many), many, pairs, name)
    yield replace(measured, details={**measured.details, **tried})
    yield _against(sides, by_hand, SortedByHand(sides, chosen, many), many, pairs, name)
    yield _against(sides, defaults, AtDefaults(sides, few), few, pairs, name)


class AtItsBest:
    """A call for each language, with the best of the Trainer's own settings, each batch padded to its longest."""

    def __init__(self, sides: Sides, settings: dict[str, Any], bags: Sequence[Bag]) -> None:
        self.data = [trainer.data_set(as_rows(bag)) for bag in bags]
        self.about = f"{settings}, a call for each language"
        self._trainer = trainer.make(sides.model.fresh(freeze=False), settings, sides.folder, sides.learner.tokenizer)

    def __call__(self) -> NDArray[np.float64]:
        """Return the logits of all examples; grouped by length, those of a language come in the sampler's order."""
        return np.concatenate([self._trainer.predict(part).predictions for part in self.data]).astype(np.float64)


class SortedByHand:
    """What its settings do not offer: rows of all languages sorted by length beforehand, in one call."""

    def __init__(self, sides: Sides, settings: dict[str, Any], bags: Sequence[Bag]) -> None:
        rows = [row for bag in bags for row in as_rows(bag)]
        self.data = trainer.data_set(sorted(rows, key=lambda row: -len(row["input_ids"])))
        settings = settings | {"train_sampling_strategy": "random"}
        self.about = f"{settings}, rows of all languages sorted by length by hand, one call"
        self._trainer = trainer.make(sides.model.fresh(freeze=False), settings, sides.folder, sides.learner.tokenizer)

    def __call__(self) -> NDArray[np.float64]:
        """Return the logits of all examples, longest first."""
        return np.asarray(self._trainer.predict(self.data).predictions, dtype=np.float64)


class AtDefaults:
    """A call for each language, batches of 8, in float32, everything padded to 128."""

    def __init__(self, sides: Sides, bags: Sequence[Bag]) -> None:
        self.data = [trainer.data_set(as_rows(bag, pad_to=MAX_LENGTH)) for bag in bags]
        self.about = "its defaults (batches of 8, float32), padded to 128, a call for each language"
        self._trainer = trainer.make(sides.model.fresh(freeze=False), {}, sides.folder, sides.learner.tokenizer)

    def __call__(self) -> NDArray[np.float64]:
        """Return the logits of all examples, in the order of the bags."""
        return np.concatenate([self._trainer.predict(part).predictions for part in self.data]).astype(np.float64)


def candidates(sides: Sides, bags: Sequence[Bag]) -> list[tuple[dict[str, Any], float]]:
    """Return each candidate with its examples a second on some bags, the better of two tries."""
    found = []
    for settings in CANDIDATES:
        theirs = AtItsBest(sides, settings, bags)
        theirs()
        found.append((settings, sum(map(len, bags)) / min(seconds(theirs), seconds(theirs))))
    return found


def _against(
    sides: Sides,
    promise: Promise,
    theirs: AtItsBest | SortedByHand | AtDefaults,
    bags: Sequence[Bag],
    pairs: int,
    name: str,
) -> Measurement:
    def ours() -> NDArray[np.float64]:
        return np.concatenate([sides.learner.predict(bag).logits for bag in bags]).astype(np.float64)

    same = agreement(ours(), theirs())
    found = alternate(lambda: seconds(ours), lambda: seconds(theirs), pairs=pairs)
    total = sum(map(len, bags))
    lengths = np.concatenate([bag.lengths for bag in bags])
    return Measurement(
        promise,
        found.theirs_by_ours(),
        [total / cost for cost in found.ours],
        [total / cost for cost in found.theirs],
        "examples/s",
        same,
        {
            "rows": f"{name}: {total} test rows, {len(bags)} languages, {lengths.mean():.0f} tokens on average",
            "ours": f"precision {sides.learner.precision.name}",
            "Trainer": theirs.about,
        },
    )


def agreement(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    """Say how far the logits of both sides are apart, measured by their spread; the order of examples may differ."""
    apart = np.abs(np.sort(ours, axis=0) - np.sort(theirs, axis=0)).max() / theirs.std(axis=0).mean()
    return f"the same rows and weights; logits differ by at most {apart:.2g} of their spread over examples"


BENCHMARK = Benchmark("predict", (BEST, SORTED, DEFAULTS), measure)
