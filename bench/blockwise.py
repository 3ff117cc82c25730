"""Learning from long questions with attention in blocks, against the same with attention written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from unittest.mock import patch

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.memory import MB, tensor_peak
from bench.questions import MAX_LENGTH, Questions, name_of

if TYPE_CHECKING:
    from torch import Tensor

GRADIENT = Promise("blockwise.gradient", "a gradient of 3 long questions, attention written out / in blocks, time", 1.1,
                   "at least")  # fmt: skip
PRODUCT = Promise("blockwise.product", "their gradient and a product with their Hessian, time", 1.1, "at least")
MEMORY = Promise("blockwise.memory", "the same, most bytes held by tensors", 1.5, "at least")
BATCH = 3
Values = dict[str, "Tensor"]


def measure(context: Context) -> Iterator[Measurement]:
    """Take gradients, then Hessian-vector products, of the same batch; its windows have 384 tokens, most of them."""
    from isogloss.data.encode import encode
    from isogloss.data.stream import Stream
    from isogloss.data.task import load_task
    from isogloss.keys import Key
    from isogloss.kinds.question_answering import QuestionAnswering
    from isogloss.learner import blockwise
    from isogloss.learner.learner import Learner
    from isogloss.learner.rates import resolve_rates
    from isogloss.objectives.cross_entropy import CrossEntropy

    kind, key = QuestionAnswering(rule="squad"), Key(0, "bench")
    learner = Learner.load(context.encoder, labels=(), kind=kind, head_key=Key(0), max_length=MAX_LENGTH, offline=True)
    rows = Questions.of(context).long(context.size(BATCH, 1))
    bag = encode(
        rows, load_task("squad"), "en", "train", learner.tokenizer, kind,
        max_length=MAX_LENGTH, cache=context.scratch / "bags",
    )  # fmt: skip
    batch = Stream([bag], batch_size=len(bag), key=key)[0]
    params = learner.moving(resolve_rates(learner.groups.names, 1.0, freeze=["embeddings"]))

    def gradient() -> Values:
        return learner.gradient(params, [batch], CrossEntropy(kind), key).values

    def product() -> Values:
        line = learner.linearize(params, [batch], CrossEntropy(kind), key)
        return line(line.gradient, last=True)

    with patch.object(blockwise, "attention", wraps=blockwise.attention) as in_blocks, _attention(context, blocks=True):
        gradient()
    assert in_blocks.called, "the batch is large enough"
    windows, tokens = batch.inputs["input_ids"].shape
    details = {
        "questions": name_of(context),
        "windows": f"{windows} of {tokens} tokens",
        "precision": learner.precision.name,
    }
    for promise, work in ((GRADIENT, gradient), (PRODUCT, product)):
        yield _timed(context, promise, work, details)
    held: dict[bool, float] = {}
    for blocks in (True, False):
        with _attention(context, blocks=blocks), tensor_peak() as peak:
            product()
        held[blocks] = peak.beyond / MB
    yield Measurement(
        MEMORY, [held[False] / held[True]], [held[True]], [held[False]], "MB", "one product each", details
    )


def _timed(context: Context, promise: Promise, work: Callable[[], Values], details: dict[str, str]) -> Measurement:
    found: dict[bool, Values] = {}

    def take(*, blocks: bool) -> None:
        with _attention(context, blocks=blocks):
            found[blocks] = work()

    pairs = alternate(
        lambda: seconds(lambda: take(blocks=True)),
        lambda: seconds(lambda: take(blocks=False)),
        pairs=context.size(5, 2),
        warm_up=lambda: (take(blocks=True), take(blocks=False)),
    )
    apart = _norm({name: found[True][name] - theirs for name, theirs in found[False].items()}) / _norm(found[False])
    assert apart < 1e-4, f"both compute the same, but for rounding: {apart}"
    same = f"the same batch and dropout masks; the results differ by {apart:.1e} of their norm"
    return Measurement(promise, pairs.theirs_by_ours(), pairs.ours, pairs.theirs, "s", same, details)


def _norm(values: Values) -> float:
    """Return the norm of all together: that of a key's bias, whose slope is nought, is rounding alone."""
    return math.hypot(*(float(value.norm()) for value in values.values()))


def _attention(context: Context, *, blocks: bool) -> AbstractContextManager[object]:
    """Compute attention as the library does (in the small run all of it in blocks), or always written out."""
    from isogloss.learner import blockwise

    return patch.object(blockwise, "LARGE", context.size(blockwise.LARGE, 0) if blocks else 1 << 60)


BENCHMARK = Benchmark("blockwise", (GRADIENT, PRODUCT, MEMORY), measure, data=name_of)
