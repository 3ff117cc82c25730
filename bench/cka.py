"""CKA in feature space against the form with N × N kernels, and impact on top of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from bench.child import in_child
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.material import Material, subset

if TYPE_CHECKING:
    from torch import Tensor

TIME = Promise("cka.time", "CKA of 12 layers, 5,010 × 768, kernels of examples / ours", 3.0, "at least")
MEMORY = Promise("cka.memory", "the same, layer by layer, memory beyond the hidden states", 20.0, "at least")
IMPACT = Promise("impact.time", "evaluating with impact at every layer / evaluating alone", 1.3, "at most")
LAYERS, WIDTH, BATCH = 12, 768, 128


def sides(examples: int) -> tuple[Tensor, Tensor]:
    """Return hidden states of one layer before and after some change, float32 [1, N, 768]."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, examples, WIDTH, generator=generator)
    return x, x + torch.randn(1, examples, WIDTH, generator=generator)


def ours(x: Tensor, y: Tensor) -> float:
    """CKA of a layer, batch by batch."""
    from isogloss.analysis.cka import Cka

    cka = Cka()
    for a, b in zip(x.split(BATCH, dim=1), y.split(BATCH, dim=1), strict=True):
        cka.add(a, b)
    return cka.biased().item()


def theirs(x: Tensor, y: Tensor) -> float:
    """CKA of a layer from centred N × N kernels, in float64 as ours; nothing is computed or held twice."""
    kernels = []
    for side in (x, y):
        centred = side[0].double()
        centred -= centred.mean(0)
        kernels.append((centred @ centred.T).flatten())
    k, l = kernels  # noqa: E741
    return ((k @ l) / (k.norm() * l.norm())).item()


def peak_of(side: str, examples: int) -> dict[str, float]:
    """Return the peak memory of one side's CKA of a layer; runs in a process of its own."""
    from bench.memory import peak

    work = {"ours": ours, "theirs": theirs}[side]
    x, y = sides(examples)
    work(x[:, :200], y[:, :200])
    with peak() as measured:
        found = work(x, y)
    return {"beyond": measured.beyond, "cka": found}


def measure(context: Context) -> Iterator[Measurement]:
    """Measure time and memory of CKA, and the time of impact."""
    examples = context.size(5010, 60)
    x, y = sides(examples)
    same = f"CKA {ours(x, y):.12f} and {theirs(x, y):.12f}"

    def twelve(form: Callable[[Tensor, Tensor], float]) -> float:
        return seconds(lambda: [form(x, y) for _ in range(context.size(LAYERS, 1))])

    timed = alternate(lambda: twelve(ours), lambda: twelve(theirs), pairs=5)
    yield Measurement(TIME, timed.theirs_by_ours(), timed.ours, timed.theirs, same=same)

    def beyond(side: str) -> float:
        return float(in_child("bench.cka:peak_of", side=side, examples=examples)["beyond"]) / 1e6

    held = alternate(lambda: beyond("ours"), lambda: beyond("theirs"), pairs=2)
    yield Measurement(MEMORY, held.theirs_by_ours(), held.ours, held.theirs, "MB", same=same)
    yield impact(context)


def impact(context: Context) -> Measurement:
    """Evaluate with and without impact against the encoder's own hidden states, which are at hand."""
    from isogloss.analysis.impact import States, evaluate_with_impact

    material = Material.of(context)
    learner = material.learner()
    bag = subset(material.bag("en", "test"), context.size(1002, 12))
    before = States.of(learner, bag)
    alone = learner.predict(bag)
    beside, _ = evaluate_with_impact(before, learner, bag)
    timed = alternate(
        lambda: seconds(lambda: evaluate_with_impact(before, learner, bag)),
        lambda: seconds(lambda: learner.predict(bag)),
        pairs=context.size(5, 2),
    )
    agree = np.abs(alone.logits - beside.logits).max()
    return Measurement(
        IMPACT,
        timed.ours_by_theirs(),
        timed.ours,
        timed.theirs,
        same=f"logits differ by {agree:.1e} at most",
        details={"rows": f"{material.name}, English test", "n": len(bag)},
    )


BENCHMARK = Benchmark("cka", (TIME, MEMORY, IMPACT), measure)
