"""Question and context become windows: stretches of a context, each behind the whole question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.data.answers import Answers
from isogloss.data.collect import Collector
from isogloss.data.flat import starts_of
from isogloss.errors import mistake
from isogloss.kinds.characters import Tokens, tokenise, tokens_of


@dataclass(frozen=True, eq=False)
class Gold:
    """Where the first gold answer of each example is.

    Attributes:
        start: its first token's position in each window: [W] int32; 0, the window's first token, in windows that
            do not hold the whole answer (as in BERT's script for SQuAD 1.1), or whose example has none.
        end: its last token's position: [W] int32; 0 likewise.
        held: whether a window of the example holds the whole answer: [N] bool.
        inside: whether it starts or ends inside a token, so that its tokens say more than it does: [N] bool.
    """

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    held: NDArray[np.bool_]
    inside: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Windows:
    """The windows of N examples, one or more each, in the order of the examples; flat, not padded.

    Attributes:
        input_ids: token numbers, special ones included: [T] int32.
        token_type_ids: [T] uint8; None where the encoder reads none.
        char_start: each token's first character in the original context, in code points: [T] int32; -1 for
            tokens that are not of the context.
        char_end: the character after its last: [T] int32; -1 likewise. A token of the context with
            `char_end == char_start` covers white space only, and no answer starts or ends there.
        offsets: where each window's tokens start, and the last one's stop: [W + 1] int64.
        example: which example each window is of, ascending: [W] int64.
        gold: the answers to train on; None where none were given.
    """

    input_ids: NDArray[np.int32]
    token_type_ids: NDArray[np.uint8] | None
    char_start: NDArray[np.int32]
    char_end: NDArray[np.int32]
    offsets: NDArray[np.int64]
    example: NDArray[np.int64]
    gold: Gold | None

    def __len__(self) -> int:
        return len(self.example)


def windows(
    questions: Sequence[str],
    contexts: Sequence[str],
    answers: Sequence[Answers] | None,
    tokenizer: Any,
    *,
    max_length: int = 384,
    stride: int = 128,
    places: Sequence[str] | None = None,
    origin: str = "questions",
) -> Windows:
    """Turn questions and contexts into windows of at most `max_length` tokens.

    A window is what the tokenizer makes of the question and a stretch of the context's tokens, the same as
    `tokenizer(question, context, truncation="only_second", max_length=…, stride=…, return_overflowing_tokens=True)`
    of one that truncates on the right; but each distinct text is tokenised once, and windows are put together from
    its tokens. The question is never cut.

    The tokens of a gold answer [a, b) are those from the first token that ends after a to the last that starts before
    b, among tokens that have characters (see `characters.tokenise`).

    Texts are taken as `isogloss.data.rows` hands them on, which has refused empty ones, half characters, and answers
    that are not at their places.

    Args:
        questions: N texts.
        contexts: N texts.
        answers: the gold answers of each example; the first is the one to train on. None where there are none to
            be had; an example without any has its targets at each window's first token.
        tokenizer: a fast one of transformers.
        max_length: tokens of a window at most, special ones included.
        stride: how many of its context's tokens a window shares with the one before it, as transformers has it. Not
            `doc_stride` of BERT's script, which is how many tokens further a window starts.
        places: what mistakes call the examples, such as `file:line`; their numbers where None.
        origin: what mistakes call the whole, such as a file.

    Raises:
        Mistakes: a context has no tokens, or a question leaves windows no room to go on in its context; up to ten,
            each with its place.
        ValueError: `stride` is negative, or not less than `max_length`.
    """
    if not 0 <= stride < max_length:
        raise ValueError(f"a stride of {stride} in windows of {max_length}")
    places = [f"{origin}:{number}" for number in range(len(questions))] if places is None else places
    frame = _frame(tokenizer)
    question, context = _side(questions, tokenizer), _side(contexts, tokenizer)
    room = max_length - len(frame.ids) - question.lengths
    _refuse_misfits(places, question, context, room, stride, origin)
    plan = _plan(context.lengths, room, stride)
    segments = _segments(frame, question, context, plan)
    gold = None if answers is None else _gold(answers, context, plan, segments.length[:, :3].sum(axis=1))
    return _assembled(frame, question, context, plan, segments, gold)


class _Side(NamedTuple):
    """The questions, or the contexts, of all examples: the tokens of each distinct one, and which one each has."""

    tokens: Tokens
    which: NDArray[np.int64]  # [N]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example's text: [N]."""
        return self.tokens.lengths[self.which]

    @property
    def first(self) -> NDArray[np.int64]:
        """Where they start among all tokens: [N]."""
        return self.tokens.offsets[self.which]


class _Frame(NamedTuple):
    """What a tokenizer puts around a pair."""

    ids: NDArray[np.int32]  # the special tokens, in their order
    cuts: tuple[int, int]  # how many of them stand before the question, and how many before the context
    types: NDArray[np.uint8] | None  # those of the special tokens, the question and the context


class _Plan(NamedTuple):
    """Which stretch of its example's context each window holds."""

    example: NDArray[np.int64]  # [W]
    first: NDArray[np.int64]  # [W], counted from the context's first token
    length: NDArray[np.int64]  # [W]


class _Segments(NamedTuple):
    """The parts of each window, as stretches of one array: special tokens, all questions, all contexts."""

    first: NDArray[np.int64]  # [W, 5]
    length: NDArray[np.int64]  # [W, 5]


def _side(texts: Sequence[str], tokenizer: Any) -> _Side:
    number: dict[str, int] = {}
    which = np.fromiter((number.setdefault(text, len(number)) for text in texts), dtype=np.int64, count=len(texts))
    return _Side(tokenise(list(number), tokenizer), which)


def _frame(tokenizer: Any) -> _Frame:
    """Read the frame off a known pair."""
    pair = tokenizer("question", "context", verbose=False)
    sides = np.array([-1 if side is None else side for side in pair.sequence_ids(0)])
    question, context = np.flatnonzero(sides == 0), np.flatnonzero(sides == 1)
    if not (len(question) and len(context) and question[-1] < context[0]):
        what = f"{type(tokenizer).__name__} does not put a question before its context"
        raise mistake(what, where="encoder", remedy="take an encoder that reads pairs of texts")
    special = sides < 0
    types = None
    if "token_type_ids" in pair:
        given = np.array(pair["token_type_ids"], dtype=np.uint8)
        types = np.concatenate([given[special], given[question[:1]], given[context[:1]]])
    cuts = int(special[: question[0]].sum()), int(special[: context[0]].sum())
    return _Frame(np.array(pair["input_ids"], dtype=np.int32)[special], cuts, types)


def _plan(lengths: NDArray[np.int64], room: NDArray[np.int64], stride: int) -> _Plan:
    """Lay windows over contexts of `lengths` tokens [N], where each has room for `room` of them [N]."""
    step = np.maximum(room - stride, 1)  # where it is less, the context has one window
    count = 1 + np.maximum(-((room - lengths) // step), 0)
    example = np.repeat(np.arange(len(lengths)), count)
    first = (np.arange(len(example)) - starts_of(count)[example]) * step[example]
    return _Plan(example, first, np.minimum(room[example], lengths[example] - first))


def _segments(frame: _Frame, question: _Side, context: _Side, plan: _Plan) -> _Segments:
    before, between = frame.cuts
    special, asked = len(frame.ids), len(question.tokens.ids)
    first = np.empty((len(plan.example), 5), dtype=np.int64)
    first[:, 0], first[:, 2], first[:, 4] = 0, before, between
    first[:, 1] = special + question.first[plan.example]
    first[:, 3] = special + asked + context.first[plan.example] + plan.first
    length = np.empty_like(first)
    length[:, 0], length[:, 2], length[:, 4] = before, between - before, special - between
    length[:, 1], length[:, 3] = question.lengths[plan.example], plan.length
    return _Segments(first, length)


def _assembled(  # noqa: PLR0917
    frame: _Frame, question: _Side, context: _Side, plan: _Plan, segments: _Segments, gold: Gold | None
) -> Windows:
    """Copy the parts of all windows, each array in one go."""
    sizes = len(frame.ids), len(question.tokens.ids), len(context.tokens.ids)
    away = np.full(sizes[0] + sizes[1], -1, dtype=np.int32)
    lengths = segments.length.ravel()
    shift = segments.first.ravel() - starts_of(lengths)[:-1]
    index = np.arange(lengths.sum()) + np.repeat(shift, lengths)
    types = None
    if frame.types is not None:
        types = np.concatenate([frame.types[:-2], *(np.repeat(frame.types[i], sizes[i]) for i in (-2, -1))])[index]
    return Windows(
        input_ids=np.concatenate([frame.ids, question.tokens.ids, context.tokens.ids])[index],
        token_type_ids=types,
        char_start=np.concatenate([away, context.tokens.start])[index],
        char_end=np.concatenate([away, context.tokens.end])[index],
        offsets=starts_of(segments.length.sum(axis=1)),
        example=plan.example,
        gold=gold,
    )


def _gold(answers: Sequence[Answers], context: _Side, plan: _Plan, before: NDArray[np.int64]) -> Gold:
    """Find the first gold answers' tokens; `before` tokens of each window stand before its context's [W]."""
    spans = np.array([_span(given) for given in answers], dtype=np.int64).reshape(-1, 2)
    start, end = spans.T
    first, last, found = tokens_of(context.tokens, context.which, start, end)
    inside = found & ((context.tokens.start[first] < start) | (context.tokens.end[last] > end))
    first, last = ((token - context.first)[plan.example] - plan.first for token in (first, last))  # in the stretch: [W]
    holds = found[plan.example] & (first >= 0) & (last < plan.length)
    held = np.zeros(len(answers), dtype=np.bool_)
    held[plan.example[holds]] = True
    targets = np.where(holds, [before + first, before + last], 0).astype(np.int32)
    return Gold(targets[0], targets[1], held, inside)


def _span(given: Answers) -> tuple[int, int]:
    """Return the characters of the first answer; none where there is no answer."""
    text, start = given[0] if given else ("", 0)
    return start, start + len(text)


def _refuse_misfits(  # noqa: PLR0917
    places: Sequence[str], question: _Side, context: _Side, room: NDArray[np.int64], stride: int, origin: str
) -> None:
    """Raise Mistakes where tokens leave nothing to answer from, or no room to go on in."""
    mistakes = Collector()
    full = np.concatenate([[0], np.cumsum(context.tokens.end > context.tokens.start)])[context.tokens.offsets]
    for row in np.flatnonzero(np.diff(full)[context.which] == 0).tolist():
        mistakes.add("the encoder's tokenizer leaves nothing of the context", places[row], "drop the row")
    for row in np.flatnonzero((context.lengths > room) & (room <= stride)).tolist():
        left = f"leaves its context room for {max(room[row], 0)}, and windows share {stride}"
        what = f"a question of {question.lengths[row]} tokens {left}"
        mistakes.add(what, places[row], "shorten the question, or give windows a greater max_length")
    mistakes.raise_any(origin)
