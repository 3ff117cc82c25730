"""Learning from long questions with attention in blocks, against the same with attention written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from unittest.mock import patch

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.memory import MB, tensor_peak
from bench.questions import MAX_LENGTH, Questions, name_of

if TYPE_CHECKING:
    from torch import Tensor

GRADIENT = Promise("blockwise.gradient", "a gradient of 2 long questions, attention written out / in blocks, time", 1.1,
                   "at least")  # fmt: skip
PRODUCT = Promise("blockwise.product", "their gradient and a product with their Hessian, time", 1.1, "at least")
MEMORY = Promise("blockwise.memory", "the same, most bytes held by tensors", 1.5, "at least")
BATCH = 2
Values = dict[str, "Tensor"]


def measure(context: Context) -> Iterator[Measurement]:
    """Take gradients, then Hessian-vector products, of the same batch; its windows have 384 tokens, most of them."""
    from isogloss.data.encode import encode
    from isogloss.data.stream import Stream
    from isogloss.data.task import load_task
    from isogloss.keys import Key
    from isogloss.kinds.question_answering import QuestionAnswering
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
        with _attention(blocks=blocks), tensor_peak() as peak:
            product()
        held[blocks] = peak.beyond / MB
    yield Measurement(
        MEMORY, [held[False] / held[True]], [held[True]], [held[False]], "MB", "one product each", details
    )


def _timed(context: Context, promise: Promise, work: Callable[[], Values], details: dict[str, str]) -> Measurement:
    found: dict[bool, Values] = {}

    def take(*, blocks: bool) -> None:
        with _attention(blocks=blocks):
            found[blocks] = work()

    pairs = alternate(
        lambda: seconds(lambda: take(blocks=True)),
        lambda: seconds(lambda: take(blocks=False)),
        pairs=context.size(5, 2),
        warm_up=lambda: (take(blocks=True), take(blocks=False)),
    )
    apart = max(
        float((found[True][name] - theirs).norm() / (theirs.norm() + 1e-6)) for name, theirs in found[False].items()
    )
    assert apart < 1e-2, f"both compute the same, but for rounding: {apart}"
    same = f"the same batch and dropout masks; tensors differ by {apart:.1e} of their norm at most"
    return Measurement(promise, pairs.theirs_by_ours(), pairs.ours, pairs.theirs, "s", same, details)


def _attention(*, blocks: bool) -> AbstractContextManager[object]:
    return patch("isogloss.learner.blockwise.LARGE", 0 if blocks else 1 << 60)


BENCHMARK = Benchmark("blockwise", (GRADIENT, PRODUCT, MEMORY), measure, data=name_of)
