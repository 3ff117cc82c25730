"""An update of questions in several parts of like length against the same update in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.questions import MAX_LENGTH, Questions, name_of

TIME = Promise(
    "parts.time", "a gradient of 12 questions in one piece / in 4 parts of like length, time", 1.0, "at least"
)
PADDING = Promise("parts.padding", "the same, tokens that are computed (with padding)", 1.0, "at least")
BATCH, PARTS = 12, 4


def measure(context: Context) -> Iterator[Measurement]:
    """Take the gradients of the batches of an epoch of SQuAD, some of them."""
    from isogloss.data.encode import encode
    from isogloss.data.stream import Stream
    from isogloss.data.task import load_task
    from isogloss.keys import Key
    from isogloss.kinds.question_answering import QuestionAnswering
    from isogloss.learner.learner import Learner
    from isogloss.learner.rates import resolve_rates
    from isogloss.objectives.cross_entropy import CrossEntropy

    kind, task = QuestionAnswering(rule="squad"), load_task("squad")
    learner = Learner.load(context.encoder, labels=(), kind=kind, head_key=Key(0), max_length=MAX_LENGTH, offline=True)
    rows = Questions.of(context).rows(context.size(6000, 60))
    encoded = partial(encode, max_length=MAX_LENGTH, cache=context.scratch / "bags")
    bag = encoded(rows, task, "en", "train", learner.tokenizer, kind)
    stream = Stream([bag], batch_size=BATCH, key=Key(0, "bench"))
    batches = [stream[step] for step in range(context.size(6, 1))]
    params = learner.moving(resolve_rates(learner.groups.names, 1.0, freeze=["embeddings"]))
    losses: dict[int, list[float]] = {}

    def take(parts: int) -> None:
        learner.accumulation = parts
        found = [learner.gradient(params, [one], CrossEntropy(kind), Key(0), train=False) for one in batches]
        losses[parts] = [float(each.loss) for each in found]

    found = alternate(
        lambda: seconds(lambda: take(PARTS)) / len(batches),
        lambda: seconds(lambda: take(1)) / len(batches),
        pairs=context.size(5, 2),
        warm_up=lambda: (take(PARTS), take(1)),
    )
    assert max(abs(a - b) for a, b in zip(losses[1], losses[PARTS], strict=True)) < 1e-2, "the losses are the same"
    same = f"the same {len(batches)} batches of {BATCH}; losses agree"
    details = {"questions": name_of(context), "precision": learner.precision.name}
    yield Measurement(TIME, found.theirs_by_ours(), found.ours, found.theirs, "s a gradient", same, details)
    computed = {
        parts: float(sum(part.inputs["input_ids"].numel() for batch in batches for part in batch.split(parts)))
        for parts in (1, PARTS)
    }
    ratio = computed[1] / computed[PARTS]
    yield Measurement(PADDING, [ratio], [computed[PARTS]], [computed[1]], "tokens", same, details)


BENCHMARK = Benchmark("parts", (TIME, PADDING), measure, data=name_of)
