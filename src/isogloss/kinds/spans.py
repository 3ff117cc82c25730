"""The best answers over all windows of each question, out of the scores of starts and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from isogloss.errors import mistake

_CELLS = 2**18  # tokens, padding included, that are searched at once: tens of megabytes


class Windowed(Protocol):
    """What `isogloss.kinds.windows.Windows` says about tokens; see there."""

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each window's tokens start, and the last one's stop: [W + 1]."""

    @property
    def example(self) -> NDArray[np.int64]:
        """Which example each window is of, ascending: [W]."""

    @property
    def char_start(self) -> NDArray[np.int32]:
        """Each token's first character in the context, -1 for tokens that are not of it: [T]."""

    @property
    def char_end(self) -> NDArray[np.int32]:
        """The character after its last: [T]."""


@dataclass(frozen=True, eq=False)
class Spans:
    """The best answers of N examples, flat: an example's rows stand together, the best one first.

    Attributes:
        offsets: where each example's rows start, and the last one's stop: [N + 1] int64.
        score: start logit plus end logit: [R] float64.
        probability: softmax of the scores over the example's rows: [R] float64.
        window: the window that the answer was found in: [R] int64.
        first: its first token's position in that window: [R] int64.
        last: its last token's: [R] int64.
        char_start: its first character in the context, in code points: [R] int64.
        char_end: the character after its last: [R] int64.
    """

    offsets: NDArray[np.int64]
    score: NDArray[np.float64]
    probability: NDArray[np.float64]
    window: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    char_start: NDArray[np.int64]
    char_end: NDArray[np.int64]


class _Found(NamedTuple):
    """Answers, sorted by example and from the best to the worst; [R] each."""

    example: NDArray[np.int64]
    score: NDArray[np.float64]
    window: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    char_start: NDArray[np.int64]
    char_end: NDArray[np.int64]

    def at(self, index: NDArray[Any]) -> _Found:
        """Return some of them."""
        return _Found(*(column[index] for column in self))


def best_spans(
    starts: NDArray[np.floating[Any]],
    ends: NDArray[np.floating[Any]],
    windows: Windowed,
    *,
    n_best: int = 20,
    max_answer_tokens: int = 30,
) -> Spans:
    """Return the best `n_best` answers of each example, over all of its windows.

    An answer is a pair of tokens i <= j of one window, both of the context and with characters, at most
    `max_answer_tokens` apart, counting both. Its score is the start logit of i plus the end logit of j. The search is
    over *all* such pairs: not only those of the best starts with the best ends, among which there may be none.
    Of equal scores comes first what is in the first window, then what starts first, then what is shortest. The same
    characters, found in two windows or by two pairs of tokens, count once, with the better score.

    Logits are flat, like the windows' tokens: contexts differ much in length, a padded array of all windows would be
    mostly padding. Padding is added in here, to a few windows at a time.

    The probability is a softmax over the answers returned, as BERT's and Transformers' scripts for SQuAD have it: it
    falls as the score does, and sums to 1. Over *all* pairs it would count twice what two windows share; within one
    window (the likelihood that is trained on) it could not be compared with another window's. With `n_best=1` it is 1.

    Args:
        starts: start logits of all tokens: [T].
        ends: end logits: [T].
        windows: where the tokens are.
        n_best: how many answers an example has at most.
        max_answer_tokens: tokens of an answer at most.

    Returns:
        The answers; an example has fewer than `n_best` where no more are to be found, and none where all of its
        tokens are scored -inf.

    Raises:
        Mistakes: a logit of a token of the context is NaN or +inf.
        ValueError: logits and tokens are not as many, or a bound is less than 1.
    """
    if not len(starts) == len(ends) == len(windows.char_start) == windows.offsets[-1]:
        raise ValueError(f"{len(starts)} and {len(ends)} logits for {windows.offsets[-1]} tokens")
    if n_best < 1 or max_answer_tokens < 1:
        raise ValueError(f"{n_best} answers of {max_answer_tokens} tokens at most")
    n_examples = int(windows.example[-1]) + 1 if len(windows.example) else 0
    search = _Search(starts, ends, windows, n_best, max_answer_tokens)
    found = _joined([part for chunk in _chunks(windows) for part in search.answers(chunk, n_best)])
    offsets = np.searchsorted(found.example, np.arange(n_examples + 1))
    return Spans(offsets, found.score, _softmax(found.score, found.example), *found[2:])


def _chunks(windows: Windowed) -> list[NDArray[np.int64]]:
    """Split the windows into stretches of whole examples that have few tokens, padding included."""
    at_once = max(_CELLS // int(np.diff(windows.offsets).max(initial=1)), 1)
    firsts = np.flatnonzero(np.diff(windows.example, prepend=-1))  # each example's first window
    begins = firsts[1:][np.diff(firsts // at_once) > 0]
    return np.split(np.arange(len(windows.example)), begins)


@dataclass(frozen=True)
class _Search:
    """The search for answers, with what it is asked for."""

    starts: NDArray[np.floating[Any]]
    ends: NDArray[np.floating[Any]]
    windows: Windowed
    n_best: int
    width: int  # tokens of an answer at most

    def answers(self, chunk: NDArray[np.int64], k: int) -> list[_Found]:
        """Return the best answers of the examples whose windows are in `chunk` [C], from their best `k` pairs."""
        pairs = self._pairs(chunk, k)
        different = pairs.at(_different(pairs))
        found, count = np.unique(pairs.example, return_counts=True)
        enough = np.isin(found, different.example[_rank(different.example) == self.n_best - 1])
        short = found[(count == k) & ~enough]  # there may be more different answers beyond these pairs
        done = (_rank(different.example) < self.n_best) & ~np.isin(different.example, short)
        parts = [different.at(done)]
        if len(short):
            parts += self.answers(chunk[np.isin(self.windows.example[chunk], short)], 2 * k)
        return parts

    def _pairs(self, chunk: NDArray[np.int64], k: int) -> _Found:
        """Return the best `k` pairs of tokens of each example, from the best to the worst.

        They start at the `k` tokens from which the best pairs start: a pair that starts elsewhere has `k` better ones.
        """
        tokens, valid = self._tokens(chunk)
        start, end = (self._padded(logits, tokens, valid, chunk) for logits in (self.starts, self.ends))
        best = start + _greatest_ahead(end, self.width)  # of all pairs that start at a token: [C, S]
        row, place = np.nonzero(_top(best, k))
        kept, least = _best_of(self.windows.example[chunk[row]], best[row, place], k)
        row, place = row[kept], place[kept]
        ahead = np.pad(end, ((0, 0), (0, self.width - 1)), constant_values=-np.inf)
        scores = start[row, place][:, None] + ahead[row[:, None], place[:, None] + np.arange(self.width)]
        pair, further = np.nonzero((scores >= least[:, None]) & (scores > -np.inf))
        row, first = row[pair], place[pair]
        last, example = first + further, self.windows.example[chunk[row]]
        characters = self.windows.char_start[tokens[row, first]], self.windows.char_end[tokens[row, last]]
        wide = (column.astype(np.int64) for column in characters)
        found = _Found(example, scores[pair, further], chunk[row], first, last, *wide)
        order = np.lexsort((-found.score, found.example))  # stable: ties stay in the order of window, start, length
        return found.at(order[_rank(found.example[order]) < k])

    def _tokens(self, chunk: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the windows' tokens, padded, and which of them an answer may start or end at: [C, S] each."""
        first, stop = (self.windows.offsets[chunk + side][:, None] for side in (0, 1))
        tokens = first + np.arange((stop - first).max(initial=1))
        there = tokens < stop
        tokens[~there] = 0
        return tokens, there & (self.windows.char_end[tokens] > self.windows.char_start[tokens])

    def _padded(
        self,
        logits: NDArray[np.floating[Any]],
        tokens: NDArray[np.int64],
        valid: NDArray[np.bool_],
        chunk: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return the logits of some tokens, -inf where they are not valid: [C, S]."""
        padded = np.where(valid, logits[tokens], -np.inf)
        wrong = ~(padded < np.inf).all(axis=1)  # NaN is less than nothing
        if wrong.any():
            what = "a score that is not a number, or not finite"
            where = f"question answering, window {chunk[wrong][0]}"
            raise mistake(what, where=where, remedy="train again with a lower learning rate")
        return padded.astype(np.float64, copy=False)


def _greatest_ahead(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the greatest of the `width` values from each one on, in its row: [C, S].

    The greatest of 1, 2, 4 … values, until they are enough: log2(width) passes.
    """
    greatest, reach = values.copy(), 1
    while reach < width:
        step = min(reach, width - reach)
        np.maximum(greatest[:, :-step], greatest[:, step:], out=greatest[:, :-step])
        reach += step
    return greatest


def _top(values: NDArray[np.float64], k: int) -> NDArray[np.bool_]:
    """Mark the greatest `k` of each row [C, S], all that equal the least of them too, and none that is -inf."""
    marked: NDArray[np.bool_] = values > -np.inf
    if values.shape[1] > k:
        marked &= values >= np.partition(values, -k, axis=1)[:, -k, None]
    return marked


def _best_of(
    example: NDArray[np.int64], values: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where the greatest `k` values of each example stand, ascending, and the least of its example's for each.

    Of equal ones the first are taken. The least is -inf for an example that has fewer than `k`.
    """
    order = np.lexsort((-values, example))
    rank = _rank(example[order])
    whose, at = np.unique(example, return_inverse=True)
    least = np.full(len(whose), -np.inf)
    least[at[order[rank == k - 1]]] = values[order[rank == k - 1]]
    kept = np.sort(order[rank < k])
    return kept, least[at[kept]]


def _rank(example: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the rows of each example from 0; rows of one example stand together."""
    fresh = np.diff(example, prepend=-1) != 0
    place = np.arange(len(example))
    return place - np.maximum.accumulate(np.where(fresh, place, 0))


def _different(pairs: _Found) -> NDArray[np.int64]:
    """Return where each answer, by its characters, stands for the first time, ascending."""
    order = np.lexsort((pairs.char_end, pairs.char_start, pairs.example))
    keys = np.stack([pairs.example, pairs.char_start, pairs.char_end])[:, order]
    fresh = np.diff(keys, prepend=-1).any(axis=0)
    return np.sort(order[fresh])


def _joined(parts: list[_Found]) -> _Found:
    """Put answers of different examples together, in the order of the examples."""
    found = _Found(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return found.at(np.argsort(found.example, kind="stable"))


def _softmax(score: NDArray[np.float64], example: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the softmax of the scores of each example, whose first is the greatest."""
    weight = np.exp(score - score[np.arange(len(score)) - _rank(example)])
    share: NDArray[np.float64] = weight / np.bincount(example, weights=weight)[example]
    return share
