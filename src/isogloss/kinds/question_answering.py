"""Extractive question answering: the stretch of a context that answers a question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

from isogloss.errors import mistake, nearest
from isogloss.kinds.answer_rules import RULES
from isogloss.kinds.answers import score
from isogloss.kinds.base import Columns, Encoded
from isogloss.kinds.spans import best_spans
from isogloss.kinds.windows import windows
from isogloss.languages import cell

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.data.rows import Rows

_STRICT = ConfigDict(extra="forbid", strict=True)


class AnswerPredictions(NamedTuple):
    """The best answer to each question of a bag, in the bag's order.

    Attributes:
        ids: the examples' ids, [N].
        texts: the answers, cut from the contexts as they were given; None where there is none to be found.
        start: an answer's first character in its context, in code points: [N] int64; -1 where there is none.
        end: the character after its last: [N] int64; -1 likewise.
        probability: of the answer among the best ones, float64 [N]; NaN likewise. See `isogloss.kinds.spans`.
    """

    ids: NDArray[np.str_]
    texts: list[str | None]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    probability: NDArray[np.float64]


@dataclass(frozen=True, config=_STRICT)
class QuestionAnswering:
    """A question and a context, with several windows where the context is long; the answer is a part of the context.

    Attributes:
        rule: when two answers count as the same, a name of `isogloss.kinds.answer_rules.RULES`. Metrics have the
            rule in their names, since scores under different rules are not to be compared.
        stride: tokens of the context that a window shares with the one before it, as transformers has it; not
            `doc_stride` of BERT's script, which is how many tokens further a window starts.
        max_answer_tokens: tokens of an answer at most.
        n_best: how many answers share the probability.
    """

    name: ClassVar[str] = "question_answering"
    version: ClassVar[int] = 1
    auto_class: ClassVar[str] = "AutoModelForQuestionAnswering"
    pipeline_tag: ClassVar[str] = "question-answering"
    widget: ClassVar[tuple[str, ...]] = ("text", "context")
    gold: ClassVar[Literal["label", "answers"]] = "answers"
    reads_every_token: ClassVar[bool] = True
    added: ClassVar[tuple[str, ...]] = ("answer", "answer_start", "answer_end", "answer_probability")

    rule: str = "generic"
    stride: Annotated[int, Field(ge=0)] = 128
    max_answer_tokens: Annotated[int, Field(ge=1)] = 30
    n_best: Annotated[int, Field(ge=1)] = 20

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str) -> str:
        if rule not in RULES:
            raise ValueError(f"there is no such rule: {nearest(rule, RULES)}")
        return rule

    @property
    def settings(self) -> Mapping[str, Any]:
        """All of them."""
        return asdict(self)

    @property
    def primary(self) -> str:
        """F1 under the rule."""
        return f"{self.rule}_f1"

    def check_language(self, language: str, where: str) -> None:
        """Refuse a language that the rule does not know."""
        RULES[self.rule].check(cell(language)[0], where=where)

    def check_length(self, max_length: int, where: str) -> None:
        """Refuse windows that would share as many tokens as they have."""
        if max_length <= self.stride:
            what = f"windows of {max_length} tokens cannot share {self.stride}"
            remedy = f"set max_length above {self.stride}, or give the task's kind a smaller stride"
            raise mistake(what, where=where, remedy=remedy)

    def head_size(self, labels: Sequence[str]) -> int:
        """Return 2: a token's scores as an answer's start and as its end."""
        del labels
        return 2

    def encode(self, rows: Rows, tokenizer: Any, max_length: int) -> Encoded:
        """Turn questions and contexts into windows.

        Args:
            rows: (question, context), and gold answers where they are known.
            tokenizer: a fast tokenizer of transformers.
            max_length: tokens of a window at most.

        Raises:
            Mistakes: see `isogloss.kinds.windows.windows`.
            ValueError: `check_length` refuses this length.
        """
        questions, contexts = zip(*rows.texts, strict=True)
        found = windows(
            questions,
            contexts,
            rows.answers,
            tokenizer,
            max_length=max_length,
            stride=self.stride,
            places=rows.places or None,
            origin=rows.origin,
        )
        inputs: dict[str, NDArray[Any]] = {"input_ids": found.input_ids}
        if found.token_type_ids is not None:
            inputs["token_type_ids"] = found.token_type_ids
        golds = [()] * len(rows) if rows.answers is None else rows.answers
        texts = [json.dumps([text for text, _ in given], ensure_ascii=False) for given in golds]
        none = np.zeros(len(found), dtype=np.int64)
        return Encoded(
            windows=np.searchsorted(found.example, np.arange(len(rows) + 1)),
            offsets=found.offsets,
            inputs=inputs,
            targets={
                "start": none if found.gold is None else found.gold.start.astype(np.int64),
                "end": none if found.gold is None else found.gold.end.astype(np.int64),
            },
            aside={"char_start": found.char_start, "char_end": found.char_end},
            texts={"context": contexts, "answers": texts},
        )

    def logits(self, output: Any, mask: Tensor) -> Tensor:
        """Return every token's scores as a start and as an end, [W, S, 2]; -inf where there is no token.

        All tokens of a window compete, those of the question and the first one too, as in BERT's script.
        """
        import torch

        scores = torch.stack([output.start_logits, output.end_logits], dim=-1)
        return scores.masked_fill(mask[..., None] == 0, -torch.inf)

    def loss(self, logits: Tensor, targets: Mapping[str, Tensor], example: Tensor) -> Tensor:
        """Return − log p(start) − log p(end) of each example, the mean over its windows, in float32 at least.

        A window without the whole answer is to point at its first token. The sum of both terms is what Liu et al. 2021
        print; transformers' heads halve it.

        Args:
            logits: [W, S, 2].
            targets: `start` and `end`, the positions of the answer's first and last token: [W] each.
            example: [W].

        Returns:
            Losses in nats, [B].
        """
        import torch

        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        starts, ends = (
            torch.nn.functional.cross_entropy(wide[..., side], targets[name], reduction="none")
            for side, name in enumerate(("start", "end"))
        )
        counts = torch.bincount(example)
        return torch.zeros_like(starts[: len(counts)]).index_add(0, example, starts + ends) / counts

    def decode(self, bag: Bag, scores: NDArray[np.float32]) -> AnswerPredictions:
        """Return the best answer of each example over all of its windows, from scores [T, 2]."""
        places = _Places(
            offsets=bag.offsets,
            example=np.repeat(np.arange(len(bag)), bag.window_counts),
            char_start=bag.flat(bag.columns.aside["char_start"]),
            char_end=bag.flat(bag.columns.aside["char_end"]),
        )
        found = best_spans(
            scores[:, 0], scores[:, 1], places, n_best=self.n_best, max_answer_tokens=self.max_answer_tokens
        )
        best = found.offsets[:-1]
        there = np.diff(found.offsets) > 0
        start, end = np.full((2, len(bag)), -1, dtype=np.int64)
        probability = np.full(len(bag), np.nan)
        start[there], end[there] = found.char_start[best[there]], found.char_end[best[there]]
        probability[there] = found.probability[best[there]]
        contexts = bag.texts("context")
        texts = [
            context[first:stop] if first >= 0 else None
            for context, first, stop in zip(contexts, start.tolist(), end.tolist(), strict=True)
        ]
        return AnswerPredictions(bag.ids, texts, start, end, probability)

    def outcome(self, bag: Bag, predictions: AnswerPredictions) -> Columns:
        """Return answer, its place and probability; `exact_match` and `value`, the F1, in percent under the rule."""
        golds = [json.loads(text) for text in bag.texts("answers")]
        right = score(predictions.texts, golds, RULES[self.rule], cell(bag.language)[0])
        return {
            "answer": predictions.texts,
            "start": predictions.start,
            "end": predictions.end,
            "probability": predictions.probability.astype(np.float32),
            "exact_match": 100 * right.exact,
            "value": 100 * right.f1,
        }

    def metrics(self, outcome: Columns) -> dict[str, float]:
        """Return the means of F1 and of exact match, in percent, under names that begin with the rule's."""
        return {
            self.primary: float(np.mean(outcome["value"])),
            f"{self.rule}_exact_match": float(np.mean(outcome["exact_match"])),
        }

    def collapsed(self, outcome: Columns, labels: Sequence[str]) -> str | None:
        """Return the text that answers every question."""
        del labels
        given = set(outcome["answer"])
        return repr(given.pop()) if len(given) == 1 else None

    def answers(self, bag: Bag, predictions: AnswerPredictions, labels: Sequence[str]) -> Columns:
        """Return each answer's text, where it starts and ends in its context (code points), and its probability."""
        del bag, labels
        probability = [None if np.isnan(value) else round(float(value), 4) for value in predictions.probability]
        texts = ["" if text is None else text for text in predictions.texts]
        values = texts, predictions.start.tolist(), predictions.end.tolist(), probability
        return dict(zip(self.added, values, strict=True))


class _Places(NamedTuple):
    """Where the tokens of a bag are, as `best_spans` asks for them."""

    offsets: NDArray[np.int64]
    example: NDArray[np.int64]
    char_start: NDArray[np.int32]
    char_end: NDArray[np.int32]
