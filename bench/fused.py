"""Evaluation with fused attention against the same with attention written out, as training differentiates it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.material import Material, subset
from bench.questions import MAX_LENGTH, Questions, name_of

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.learner.learner import Learner

QUESTIONS = Promise("fused.questions", "answering questions, attention written out / fused, time", 1.0, "at least")
TEXTS = Promise("fused.texts", "the same for texts of two languages", 1.0, "at least")


def measure(context: Context) -> Iterator[Measurement]:
    """Predict questions of up to 384 tokens, then short texts."""
    from isogloss.data.encode import encode
    from isogloss.data.task import load_task
    from isogloss.keys import Key
    from isogloss.kinds.question_answering import QuestionAnswering
    from isogloss.learner.learner import Learner

    kind = QuestionAnswering(rule="squad")
    learner = Learner.load(context.encoder, labels=(), kind=kind, head_key=Key(0), max_length=MAX_LENGTH, offline=True)
    questions = Questions.of(context)
    bag = encode(
        questions.rows(context.size(240, 8)), load_task("squad"), "en", "train", learner.tokenizer, kind,
        max_length=MAX_LENGTH, cache=context.scratch / "bags",
    )  # fmt: skip
    yield _compared(context, QUESTIONS, learner, [bag], "start", questions.name)
    material = Material.of(context)
    texts = [subset(material.bag(language, "test"), context.size(1000, 16)) for language in ("de", "sw")]
    yield _compared(context, TEXTS, material.learner(), texts, "predictions", material.name)


def _compared(
    context: Context, promise: Promise, learner: Learner, bags: list[Bag], answer: str, name: str
) -> Measurement:
    answers: dict[bool, NDArray[np.int64]] = {}

    def predict(*, fused: bool) -> None:
        # Where something may be dropped attention is written out.
        written_out = patch("isogloss.learner.blockwise.LARGE", 1 << 60)
        with written_out, patch("isogloss.learner.attention.drops", lambda *_: not fused):
            answers[fused] = np.concatenate([getattr(learner.predict(bag), answer) for bag in bags])

    found = alternate(
        lambda: seconds(lambda: predict(fused=True)),
        lambda: seconds(lambda: predict(fused=False)),
        pairs=context.size(5, 2),
        warm_up=lambda: (predict(fused=True), predict(fused=False)),
    )
    agree = float((answers[True] == answers[False]).mean())
    assert agree > 0.97, "both answer the same, but where rounding decides"
    same = f"the same {sum(map(len, bags)):,} examples; {100 * agree:.1f} % answered alike by an untrained head"
    details = {"rows": name, "precision": learner.precision.name}
    return Measurement(promise, found.theirs_by_ours(), found.ours, found.theirs, "s", same, details)


def _data(context: Context) -> str:
    return f"questions: {name_of(context)}; texts: {Material.of(context).name}"


BENCHMARK = Benchmark("fused", (QUESTIONS, TEXTS), measure, data=_data)
