"""Choosing answers out of logits, against the question-answering pipeline of transformers 4.57.

Transformers 5 has no such pipeline: the other side's packages are installed by `bench.elsewhere`, and both sides run in
one process that has them. The pipeline is given the logits that its model would have made.
"""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.child import in_child
from bench.elsewhere import installed
from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds
from bench.questions import MAX_LENGTH, STRIDE, Questions, name_of

if TYPE_CHECKING:
    from isogloss.data.rows import Rows

ONE = Promise(
    "spans.best",
    "answers of 10,000 questions of several windows, pipeline of transformers 4.57 / ours",
    10.0,
    "at least",
)
TWENTY = Promise("spans.twenty", "the same, the 20 best answers of each", 10.0, "at least")
MAX_ANSWER = 30  # tokens
# All that 4.57 needs in a version that 5 does not take.
PEER = ("transformers==4.57.*", "huggingface_hub>=0.34,<1", "tokenizers>=0.22,<0.23")
_NOISE, _PEAK = 2.0, (8.0, 5.0)

Place = tuple[int, int]
"""An answer's first character in its context, and the one after its last."""


class Given(NamedTuple):
    """Windows with logits; tokens are flat.

    Attributes:
        offsets: where each window's tokens start, and the last one's stop: [W + 1].
        example: which question each window is of: [W].
        char_start: each token's first character, -1 for tokens that are not of the context: [T].
        char_end: the character after its last: [T].
        input_ids: [T].
        starts: logits as an answer's first token, float32: [T].
        ends: as its last: [T].
    """

    offsets: NDArray[np.int64]
    example: NDArray[np.int64]
    char_start: NDArray[np.int32]
    char_end: NDArray[np.int32]
    input_ids: NDArray[np.int32]
    starts: NDArray[np.float32]
    ends: NDArray[np.float32]


def given(rows: Rows, tokenizer: Any) -> Given:
    """Return the windows of some questions, with logits as of a model that is at times sure and at times lost.

    Noise, and in each window a start and an end that stand out by 8 on average, with a standard deviation of 5: those
    of the answer, and the window's first token where the window does not hold it.
    """
    from isogloss.kinds.windows import windows

    rng = np.random.default_rng(2)
    questions, contexts = zip(*rows.texts, strict=True)
    found = windows(questions, contexts, rows.answers, tokenizer, max_length=MAX_LENGTH, stride=STRIDE)
    assert found.gold is not None
    starts, ends = rng.normal(0, _NOISE, (2, len(found.input_ids)))
    height = rng.normal(*_PEAK, len(found))
    starts[found.offsets[:-1] + found.gold.start] += height
    ends[found.offsets[:-1] + found.gold.end] += height
    logits = starts.astype(np.float32), ends.astype(np.float32)
    return Given(found.offsets, found.example, found.char_start, found.char_end, found.input_ids, *logits)


def measure(context: Context) -> Iterator[Measurement]:
    """Write the logits down, and have both sides choose in a process with the other side's packages."""
    from isogloss.learner.loading import load_tokenizer

    packages = installed(PEER)
    rows = Questions.of(context).long(context.size(10_000, 50))
    tokenizer = load_tokenizer(context.encoder, offline=True)
    made = given(rows, tokenizer)
    folder = context.scratch / "spans"
    folder.mkdir(exist_ok=True)
    np.savez(folder / "given.npz", **made._asdict())
    (folder / "texts.json").write_text(json.dumps(rows.texts), encoding="utf-8")
    tokenizer.save_pretrained(folder)
    special = {name: str(token) for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    for promise, n_best in ((ONE, 1), (TWENTY, 20)):
        found = in_child(
            "bench.spans:measured",
            packages=packages,
            folder=str(folder),
            special=special,
            n_best=n_best,
            pairs=context.size(5, 2),
            checked=context.size(1000, 20),
        )
        ratios = [b / a for a, b in zip(found["ours"], found["theirs"], strict=True)]
        yield Measurement(
            promise, ratios, found["ours"], found["theirs"], same=found["same"], details=_about(made) | found["details"]
        )


def _about(made: Given) -> dict[str, Any]:
    counts = np.bincount(np.bincount(made.example))
    windows = ", ".join(f"{number} of {size}" for size, number in enumerate(counts.tolist()) if number)
    return {
        "questions by windows": windows,
        "tokens of a window": f"{np.diff(made.offsets).mean():.0f} on average, {MAX_LENGTH} at most",
        "logits": "noise of standard deviation 2; the answer, or the first token, stands out by 8 ± 5",
    }


def measured(folder: str, special: dict[str, str], n_best: int, pairs: int, checked: int) -> dict[str, Any]:
    """Time both sides, and compare their answers; runs where the other side's packages are."""
    texts = json.loads((Path(folder) / "texts.json").read_text(encoding="utf-8"))
    with np.load(Path(folder) / "given.npz") as arrays:
        made = Given(**arrays)
    contexts = [context for _, context in texts]
    theirs = Pipeline(Path(folder) / "tokenizer.json", special, texts, made, n_best)
    # Both sides leave these alone; in a pipeline that streams, collections of garbage would not meet them.
    gc.collect()
    gc.freeze()
    first = ours(made, contexts, n_best), theirs()
    found = alternate(lambda: seconds(lambda: ours(made, contexts, n_best)), lambda: seconds(theirs), pairs=pairs)
    same, details = Agreement(made, contexts, *first).told(checked)
    names = ("transformers", "tokenizers", "torch", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    settings = f"top_k={n_best}, max_answer_len={MAX_ANSWER}, align_to_words=False, float32, one question at a time"
    details |= {"pipeline": f"`postprocess`, {settings}", "both in one process with": versions}
    return {"ours": found.ours, "theirs": found.theirs, "same": same, "details": details}


class Answer(NamedTuple):
    """An answer of either side: where it is in its context, without white space at its ends, and its score."""

    place: Place
    text: str
    score: float


def ours(made: Given, contexts: Sequence[str], n_best: int) -> list[list[Answer]]:
    """Return the best answers to each question, cut from its context."""
    from isogloss.kinds.spans import best_spans

    found = best_spans(made.starts, made.ends, made, n_best=n_best, max_answer_tokens=MAX_ANSWER)
    bounds = found.offsets.tolist()
    columns = found.char_start.tolist(), found.char_end.tolist(), found.probability.tolist()
    cells = list(zip(*columns, strict=True))
    return [
        [Answer((a, b), context[a:b], p) for a, b, p in cells[first:stop]]
        for context, first, stop in zip(contexts, bounds, bounds[1:], strict=False)
    ]


class Pipeline:
    """The pipeline, with what its model would have returned for each window.

    Args:
        tokenizer: the file of a fast tokenizer.
        special: its special tokens by name.
        texts: question and context of each question.
        made: their windows and logits.
        n_best: how many answers to return.

    Raises:
        RuntimeError: the pipeline makes other windows.
    """

    def __init__(
        self, tokenizer: Path, special: dict[str, str], texts: Sequence[tuple[str, str]], made: Given, n_best: int
    ) -> None:
        import transformers

        transformers.utils.logging.set_verbosity_error()
        # Asked for its framework and its kind alone: the forward pass is no part of this.
        sizes = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4}
        model = transformers.BertForQuestionAnswering(transformers.BertConfig(vocab_size=4, **sizes))
        fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tokenizer), **special)
        self._pipeline = transformers.QuestionAnsweringPipeline(model, fast)
        self._settings = {"top_k": n_best, "max_answer_len": MAX_ANSWER, "align_to_words": False}
        self._outputs = [self._prepared(*pair) for pair in texts]
        self._hand_out(made)

    def __call__(self) -> list[Any]:
        """Return what the pipeline says to each question: a dictionary, or a list of them."""
        return [self._pipeline.postprocess(windows, **self._settings) for windows in self._outputs]

    def _prepared(self, question: str, context: str) -> list[dict[str, Any]]:
        pair = {"question": question, "context": context}
        return list(self._pipeline.preprocess(pair, doc_stride=STRIDE, max_seq_len=MAX_LENGTH))

    def _hand_out(self, made: Given) -> None:
        import torch

        windows = [window for question in self._outputs for window in question]
        ids = np.concatenate([window["input_ids"][0].numpy() for window in windows])
        lengths = np.array([window["input_ids"].shape[1] for window in windows])
        if not (np.array_equal(lengths, np.diff(made.offsets)) and np.array_equal(ids, made.input_ids)):
            raise RuntimeError("the pipeline makes other windows of the same texts")
        for window, first, stop in zip(windows, made.offsets[:-1], made.offsets[1:], strict=True):
            window["start"], window["end"] = (
                torch.from_numpy(logits[None, first:stop].copy()) for logits in (made.starts, made.ends)
            )


@dataclass(frozen=True)
class Agreement:
    """Who is right where the sides differ: every pair of tokens decides.

    An answer is right where no pair of tokens i <= j of one window of the question, both of its context and at most
    `MAX_ANSWER` apart, has a greater start logit of i plus end logit of j: the score that training makes the
    likelihood's. The pipeline looks at the windows one by one, and adds up what it calls probabilities.

    Attributes:
        made: windows and logits.
        contexts: of the questions.
        ours: our answers.
        said: the pipeline's, as it returns them.
    """

    made: Given
    contexts: Sequence[str]
    ours: Sequence[Sequence[Answer]]
    said: Sequence[Any]

    @cached_property
    def theirs(self) -> list[list[Answer]]:
        """The pipeline's answers in the form of ours."""
        return [
            [_without_space(answer) for answer in (said if isinstance(said, list) else [said])] for said in self.said
        ]

    def told(self, checked: int) -> tuple[str, dict[str, Any]]:
        """Say in how many questions the best answers agree, and what every pair of tokens says of the others.

        Args:
            checked: questions on whose answers both sides agree, and which are looked at all the same.

        Raises:
            RuntimeError: ours is wrong somewhere, or the pipeline gives no answer.
        """
        best = [(mine[0], other[0]) for mine, other in zip(self.ours, self.theirs, strict=True)]
        agree = [mine.place == other.place for mine, other in best]
        differ = [question for question, same in enumerate(agree) if not same]
        looked = [question for question, same in enumerate(agree) if same][:checked]
        why: Counter[str] = Counter(map(self.judged, differ))
        wrong = [question for question in looked if not self._right(question, best[question][0])]
        if wrong or why["ours is wrong"]:
            raise RuntimeError(f"ours is not the best of all pairs in {len(wrong) + why['ours is wrong']} questions")
        tied = why.pop("both are right", 0)
        shared = [len({a.place for a in m} & {a.place for a in o}) for m, o in zip(self.ours, self.theirs, strict=True)]
        space = sum(answer["answer"] != answer["answer"].strip() for answer in map(_first, self.said))
        text = (
            f"the best answers are the same characters in {sum(agree):,} of {len(agree):,} questions; of the others "
            f"the scores of all pairs of tokens say that ours is right in {len(differ):,}, the pipeline in {tied:,}; "
            f"that both are is checked for {len(looked):,} that are the same"
        )
        details = {
            "right": f"no pair i <= j of one window, in its context, {MAX_ANSWER} tokens at most, has a greater sum of "
            "start logit and end logit",
            "the pipeline is wrong because": "; ".join(f"{reason} {number}" for reason, number in why.most_common())
            or "never",
            "white space at an end of the pipeline's answer, not counted as a difference": space,
            "answers of a question that both have, and that ours has": f"{np.mean(shared):.2f} of "
            f"{np.mean([len(answers) for answers in self.ours]):.2f}",
        }
        return text, details

    def judged(self, question: int) -> str:
        """Say who is right on a question on which the sides differ; and if it is not the pipeline, why not."""
        if not self._right(question, self.ours[question][0]):
            return "ours is wrong"
        other = self.theirs[question][0]
        if self._right(question, other):
            return "both are right"
        pairs = [self._pairs(window) for window in self._windows(question)]
        own = [best.scores.max() - best.normaliser for best in pairs]
        chosen = pairs[int(np.argmax(own))]
        first, last = np.unravel_index(int(chosen.scores.argmax()), chosen.scores.shape)
        if other.place == (int(chosen.starts[first]), int(chosen.stops[last])):
            return "each window has a softmax of its own"
        alone = max(pair.of(other.place) - pair.normaliser for pair in pairs)
        return "scores of equal texts are added up" if other.score > 1.001 * np.exp(alone) else "neither of these"

    def _right(self, question: int, answer: Answer) -> bool:
        pairs = [self._pairs(window) for window in self._windows(question)]
        return max(pair.of(answer.place) for pair in pairs) == max(pair.scores.max() for pair in pairs)

    def _windows(self, question: int) -> list[int]:
        first, stop = np.searchsorted(self.made.example, [question, question + 1]).tolist()
        return list(range(first, stop))

    def _pairs(self, window: int) -> _Pairs:
        here = slice(*self.made.offsets[window : window + 2].tolist())
        starts, stops = self.made.char_start[here], self.made.char_end[here]
        start, end = (logits[here].astype(np.float64) for logits in (self.made.starts, self.made.ends))
        allowed = np.tril(np.triu((stops > starts)[:, None] & (stops > starts)), MAX_ANSWER - 1)
        counted = starts >= 0
        counted[0] = True  # the pipeline lets the first token take part in the softmax
        normaliser = sum(float(np.logaddexp.reduce(logits[counted])) for logits in (start, end))
        return _Pairs(np.where(allowed, start[:, None] + end, -np.inf), starts, stops, normaliser)


class _Pairs(NamedTuple):
    """Every pair of tokens of a window.

    Attributes:
        scores: start logit plus end logit, -inf for what is no answer: [S, S] float64.
        starts: each token's first character: [S].
        stops: the character after its last: [S].
        normaliser: what the pipeline's softmaxes take off every score of this window.
    """

    scores: NDArray[np.float64]
    starts: NDArray[np.int32]
    stops: NDArray[np.int32]
    normaliser: float

    def of(self, place: Place) -> float:
        """Return the best score of pairs with these characters, -inf where there are none."""
        return float(self.scores[np.ix_(self.starts == place[0], self.stops == place[1])].max(initial=-np.inf))


def _first(said: Any) -> dict[str, Any]:
    return dict(said[0] if isinstance(said, list) else said)


def _without_space(said: dict[str, Any]) -> Answer:
    text = said["answer"]
    first = said["start"] + len(text) - len(text.lstrip())
    return Answer((first, first + len(text.strip())), text.strip(), said["score"])


BENCHMARK = Benchmark("spans", (ONE, TWENTY), measure, needs="transformers 4.57, from a package index", data=name_of)
