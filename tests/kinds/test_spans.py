"""The best answers over windows, against the search of every pair."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from isogloss.errors import Mistakes
from isogloss.kinds import spans
from isogloss.kinds.spans import Spans, best_spans
from isogloss.kinds.windows import windows
from kinds import trained


@dataclass(frozen=True)
class Some:
    """Windows as arrays."""

    offsets: NDArray[np.int64]
    example: NDArray[np.int64]
    char_start: NDArray[np.int32]
    char_end: NDArray[np.int32]


def some(*examples: list[list[tuple[int, int]]]) -> Some:
    """Windows out of the characters of each token of each window of each example."""
    made = [(number, window) for number, example in enumerate(examples) for window in example]
    flat = [token for _, window in made for token in window]
    return Some(
        offsets=np.cumsum([0, *(len(window) for _, window in made)]),
        example=np.array([number for number, _ in made], dtype=np.int64),
        char_start=np.array([start for start, _ in flat], dtype=np.int32),
        char_end=np.array([end for _, end in flat], dtype=np.int32),
    )


def drawn(generator: np.random.Generator, n_examples: int) -> Some:
    """Examples of one to four windows that overlap, with special tokens, white space, and characters in pieces."""
    examples = []
    for _ in range(n_examples):
        context: list[tuple[int, int]] = []
        at = 0
        for _ in range(generator.integers(1, 30)):
            kind = generator.integers(6)
            if kind == 0:
                context.append((at, at))  # white space
            else:
                context += [(at, at + 2)] * (1 if kind < 5 else 3)
            at += 3
        context.append((at, at + 1))
        room, step = int(generator.integers(4, 15)), int(generator.integers(1, 5))
        inside = [(-1, -1)] * int(generator.integers(1, 4))
        firsts = range(0, max(len(context) - room, 0) + step, step)
        examples.append([[*inside, *context[first : first + room], (-1, -1)] for first in firsts[:4]])
    return some(*examples)


def searched(starts: Any, ends: Any, made: Some, n_best: int, width: int) -> dict[int, list[tuple[Any, ...]]]:
    """Every pair, one at a time, sorted by the rules as they are written down."""
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for window, example in enumerate(made.example.tolist()):
        first, stop = made.offsets[window], made.offsets[window + 1]
        real = [token for token in range(first, stop) if made.char_end[token] > made.char_start[token] >= 0]
        for i in real:
            for j in real:
                score = float(starts[i]) + float(ends[j])
                if i <= j < i + width and score > -np.inf:
                    place = (window, int(i - first), int(j - first))
                    found[example].append((-score, *place, int(made.char_start[i]), int(made.char_end[j])))
    best = {}
    for example, pairs in found.items():
        pairs.sort(key=lambda pair: (*pair[:3], pair[3] - pair[2]))
        once = {pair[4:]: pair for pair in reversed(pairs)}
        best[example] = [pair for pair in pairs if once[pair[4:]] is pair][:n_best]
    return best


def rows(found: Spans, example: int) -> list[tuple[Any, ...]]:
    columns = (-found.score, found.window, found.first, found.last, found.char_start, found.char_end)
    here = slice(found.offsets[example], found.offsets[example + 1])
    return list(zip(*(column[here].tolist() for column in columns), strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_the_best_are_those_of_all_pairs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(seed)
    made = drawn(generator, 12)
    size = int(made.offsets[-1])
    n_best, width = int(generator.integers(1, 25)), int(generator.integers(1, 12))
    if seed % 2:  # whole numbers, so that many are equal
        starts, ends = generator.integers(-2, 3, (2, size)).astype(np.float32)
    else:
        starts, ends = generator.normal(size=(2, size)).astype(np.float32)
    if seed % 4 == 3:
        starts[generator.random(size) < 0.5] = -np.inf
    if seed % 3 == 0:
        monkeypatch.setattr(spans, "_CELLS", 40)
    found = best_spans(starts, ends, made, n_best=n_best, max_answer_tokens=width)
    expected = searched(starts, ends, made, n_best, width)
    assert len(found.offsets) == 13
    for example in range(12):
        assert rows(found, example) == expected.get(example, [])


def test_logits_that_are_all_equal_give_what_comes_first() -> None:
    made = some([[(-1, -1), (0, 1), (2, 3), (4, 5)]], [[(-1, -1), (0, 1)]])
    found = best_spans(np.zeros(6), np.zeros(6), made, n_best=4, max_answer_tokens=2)
    assert rows(found, 0) == [(0, 0, 1, 1, 0, 1), (0, 0, 1, 2, 0, 3), (0, 0, 2, 2, 2, 3), (0, 0, 2, 3, 2, 5)]
    assert rows(found, 1) == [(0, 1, 1, 1, 0, 1)]
    np.testing.assert_allclose(found.probability, [0.25] * 4 + [1])


def test_the_best_starts_and_ends_need_not_hold_the_best_pair() -> None:
    """The greatest 20 starts are all behind the greatest 20 ends."""
    size = 100
    starts, ends = np.zeros(size), np.zeros(size)
    starts[60:90], ends[5:35] = 5, 5
    starts[40], ends[42] = 4, 4
    made = some([[(3 * place, 3 * place + 2) for place in range(size)]])
    found = best_spans(starts, ends, made, n_best=1)
    assert rows(found, 0) == [(-8, 0, 40, 42, 120, 128)]


def test_no_answer_is_longer_than_asked_for() -> None:
    starts, ends = np.zeros(50), np.zeros(50)
    starts[3], ends[33], ends[32] = 9, 9, 8
    made = some([[(place, place + 1) for place in range(50)]])
    assert rows(best_spans(starts, ends, made), 0)[0][2:4] == (3, 32)
    assert rows(best_spans(starts, ends, made, max_answer_tokens=31), 0)[0][2:4] == (3, 33)
    assert rows(best_spans(starts, ends, made, max_answer_tokens=1), 0)[0][2:4] == (3, 3)
    assert rows(best_spans(starts, ends, made, max_answer_tokens=500), 0)[0][2:4] == (3, 33)


def test_no_answer_goes_from_one_window_into_the_next() -> None:
    made = some([[(0, 1), (1, 2)], [(5, 6), (6, 7)]], [[(0, 1), (1, 2)]])
    starts, ends = np.array([0.0, 9, 0, 0, 0, 0]), np.array([0.0, 0, 9, 8, 9, 0])
    found = best_spans(starts, ends, made)
    assert rows(found, 0)[0] == (-9, 0, 1, 1, 1, 2)
    assert {row[1] for row in rows(found, 0)} == {0, 1}


def test_what_is_not_of_the_context_is_no_answer() -> None:
    made = some([[(-1, -1), (0, 2), (2, 2), (3, 4), (-1, -1)]])
    found = best_spans(np.array([9.0, 0, 8, 0, 9]), np.array([9.0, 0, 8, 0, 9]), made)
    assert [row[2:4] for row in rows(found, 0)] == [(1, 1), (1, 3), (3, 3)]


def test_the_same_characters_count_once_with_the_better_score() -> None:
    made = some([[(0, 1), (1, 2)], [(1, 2), (2, 3)]])
    found = best_spans(np.array([0.0, 1, 2, 0]), np.array([0.0, 1, 2, 0]), made)
    best = rows(found, 0)
    assert best[0] == (-4, 1, 0, 0, 1, 2)
    assert len({row[4:] for row in best}) == len(best) == 5
    np.testing.assert_allclose(found.probability, np.exp(found.score) / np.exp(found.score).sum())


def test_many_pieces_of_one_character_do_not_crowd_out_other_answers() -> None:
    made = some([[*[(0, 1)] * 40, (2, 3)]])
    starts = np.append(np.full(40, 5.0), 0)
    found = best_spans(starts, starts, made, n_best=3, max_answer_tokens=30)
    assert [row[4:] for row in rows(found, 0)] == [(0, 1), (0, 3), (2, 3)]


def test_an_example_without_answers_has_no_rows_and_the_others_keep_theirs() -> None:
    made = some([[(0, 1)]], [[(0, 1)]], [[(0, 1)]])
    found = best_spans(np.array([1.0, -np.inf, 2]), np.zeros(3), made)
    assert found.offsets.tolist() == [0, 1, 1, 2]
    assert found.score.tolist() == [1, 2]
    nothing = best_spans(np.zeros(0), np.zeros(0), some())
    assert nothing.offsets.tolist() == [0]
    assert len(nothing.score) == 0


def test_probabilities_fall_and_add_up_also_where_scores_are_great() -> None:
    generator = np.random.default_rng(0)
    made = drawn(generator, 20)
    starts, ends = 400 * generator.normal(size=(2, int(made.offsets[-1]))) + 3000
    found = best_spans(starts, ends, made)
    for first, stop in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        assert found.probability[first:stop].sum() == pytest.approx(1)
        assert (np.diff(found.probability[first:stop]) <= 0).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_scores_are_not_rounded_to_the_logits_width(dtype: Any) -> None:
    made = some([[(0, 1), (2, 3)]])
    starts, ends = np.array([2048, -5], dtype=dtype), np.array([1, 0.5], dtype=dtype)
    assert best_spans(starts, ends, made).score.tolist() == [2049, 2048.5, -4.5]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_number_is_refused_where_it_could_be_an_answer(value: float, side: int) -> None:
    made = some([[(-1, -1), (0, 1)]], [[(-1, -1), (0, 1)]])
    logits = np.zeros((2, 4))
    logits[side, 2] = value
    assert len(best_spans(*logits, made).score) == 2
    logits[side, 3] = value
    with pytest.raises(Mistakes, match="window 1: a score that is"):
        best_spans(*logits, made)


def test_arrays_that_do_not_fit_are_refused() -> None:
    made = some([[(0, 1), (1, 2)]])
    for starts, ends in ((1, 2), (2, 1), (3, 3)):
        with pytest.raises(ValueError, match="logits for 2 tokens"):
            best_spans(np.zeros(starts), np.zeros(ends), made)
    for bounds in ({"n_best": 0}, {"max_answer_tokens": 0}):
        with pytest.raises(ValueError, match="at most"):
            best_spans(np.zeros(2), np.zeros(2), made, **bounds)


def test_a_learner_that_is_sure_finds_the_gold_answer() -> None:
    """There and back: from answers to targets, from the targets' logits to the same words."""
    contexts = ["one two three four five six seven . " * 6 + "the end", "ça coûte 5 € à Zürich , dit-on"]
    answers = [[("the end", contexts[0].index("the end"))], [("5 €", 9)]]
    tokenizer = trained.byte_level(contexts, 270, trim_offsets=False)
    made = windows(["Which ?"] * 2, contexts, answers, tokenizer, max_length=60, stride=20)
    assert made.gold is not None
    starts, ends = np.zeros((2, len(made.input_ids)))
    starts[made.offsets[:-1] + made.gold.start] = 5
    ends[made.offsets[:-1] + made.gold.end] = 5
    found = best_spans(starts, ends, made)
    best = found.offsets[:-1]
    said = [context[a:b] for context, a, b in zip(contexts, found.char_start[best], found.char_end[best], strict=True)]
    assert said == ["the end", "5 €"]
    assert (made.gold.start[found.window[best]] == found.first[best]).all()
