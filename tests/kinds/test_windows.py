"""Questions and contexts as windows, for tokenizers of every family and text of many scripts."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from isogloss.errors import Mistakes
from isogloss.kinds import characters
from isogloss.kinds.characters import cut, tokenise, tokens_of
from isogloss.kinds.windows import windows
from kinds.windowed import (
    CONTEXTS,
    QUESTIONS,
    TOKENIZERS,
    Counting,
    InBytes,
    answered,
    assert_equal,
    recovered,
    tokens,
    words,
)

each_tokenizer = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS.keys())


@each_tokenizer
@pytest.mark.parametrize(("max_length", "stride"), [(384, 128), (40, 12), (31, 0), (36, 7)])
def test_windows_are_those_that_the_tokenizer_makes(tokenizer: Any, max_length: int, stride: int) -> None:
    contexts = [f"{context} {context}" for context in CONTEXTS]
    made = windows(QUESTIONS, contexts, None, tokenizer, max_length=max_length, stride=stride)
    theirs = tokenizer(
        list(QUESTIONS),
        contexts,
        truncation="only_second",
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    assert len(made) == len(theirs["input_ids"])
    assert made.example.tolist() == list(theirs["overflow_to_sample_mapping"])
    for window, offsets in enumerate(theirs["offset_mapping"]):
        assert tokens(made, window, "input_ids") == theirs["input_ids"][window]
        if made.token_type_ids is not None:
            assert tokens(made, window, "token_type_ids") == theirs["token_type_ids"][window]
        starts, ends = tokens(made, window, "char_start"), tokens(made, window, "char_end")
        of_context = [side == 1 for side in theirs.sequence_ids(window)]
        assert [start >= 0 for start in starts] == [end >= 0 for end in ends] == of_context
        context = contexts[made.example[window]]
        for start, end, given in zip(starts, ends, offsets, strict=True):
            if start >= 0:  # what the tokenizer says, less white space and more of what it skips
                assert cut(context, *given) in context[start:end]
                assert context[start:end] == cut(context, start, end)


def test_types_are_those_that_the_encoder_reads() -> None:
    assert windows(["Where ?"], ["Here ."], None, TOKENIZERS["unigram"]).token_type_ids is None
    types = windows(["Where ?"], ["Here ."], None, TOKENIZERS["wordpiece"]).token_type_ids
    assert types is not None
    assert types.dtype == np.uint8
    assert set(types.tolist()) == {0, 1}


@each_tokenizer
@pytest.mark.parametrize("context", CONTEXTS)
def test_whole_words_are_recovered_letter_for_letter(tokenizer: Any, context: str) -> None:
    spans = [(a, b) for a, b in words(context) if context[a:b] not in ("\u200d", "\ufeff")]
    made = answered(context, spans, tokenizer, max_length=2000)
    assert made.gold is not None
    assert len(made) == len(spans)
    said = [recovered(made, window, context) for window in range(len(made))]
    exact = [text == context[a:b] for text, (a, b) in zip(said, spans, strict=True)]
    # A word at whose end something stands alone that the tokenizer skips is not to be had, but for those all are.
    skipped = [context[a:b].strip(" \u200d\ufeff") != context[a:b] for a, b in spans]
    assert [a or b for a, b in zip(exact, skipped, strict=True)] == [True] * len(spans)
    assert not (made.gold.inside & np.array(exact)).any()
    assert made.gold.held.all()


@each_tokenizer
@pytest.mark.parametrize("context", CONTEXTS)
def test_gold_tokens_are_the_fewest_that_hold_the_answer(tokenizer: Any, context: str) -> None:
    generator = np.random.default_rng(len(context))
    ends = generator.integers(1, len(context) + 1, 60)
    spans = [(int(end - generator.integers(1, min(end, 12) + 1)), int(end)) for end in ends]
    spans = [(a, b) for a, b in spans if context[a:b].strip()]
    made = answered(context, spans, tokenizer, max_length=2000)
    assert made.gold is not None
    for window, span in enumerate(spans):
        said = context[slice(*span)]
        a, b = span[0] + len(said) - len(said.lstrip()), span[0] + len(said.rstrip())
        starts, stops = tokens(made, window, "char_start"), tokens(made, window, "char_end")
        real = [i for i in range(len(starts)) if stops[i] > starts[i] >= 0]
        first = next((i for i in real if stops[i] > a), None)
        last = next((i for i in reversed(real) if starts[i] < b), None)
        if first is None or last is None or first > last:
            assert not made.gold.held[window]
            assert (made.gold.start[window], made.gold.end[window]) == (0, 0)
            continue
        assert (made.gold.start[window], made.gold.end[window]) == (first, last)
        assert made.gold.inside[window] == (starts[first] < a or stops[last] > b)
        if not made.gold.inside[window] and starts[first] == a and stops[last] == b:
            assert recovered(made, window, context) == context[a:b]


@each_tokenizer
def test_answers_that_start_inside_a_token_are_counted(tokenizer: Any) -> None:
    context = "\U0001f469‍\U0001f469 unbelievable"
    made = answered(context, [(4, 16), (4, 10), (0, 3), (1, 3)], tokenizer)
    assert made.gold is not None
    said = [recovered(made, window, context) for window in range(4)]
    for window, (a, b) in enumerate([(4, 16), (4, 10), (0, 3), (1, 3)]):
        assert context[a:b] in said[window]
        assert made.gold.inside[window] == (said[window] != context[a:b])
    assert not made.gold.inside[[0, 2]].any()


def test_accents_that_a_normaliser_merges_or_strips_stay_with_their_letter() -> None:
    context = "le cafe\u0301 . Cafe\u0301."
    for name in ("wordpiece, accents stripped", "unigram"):
        made = answered(context, [(3, 8)], TOKENIZERS[name])
        assert recovered(made, 0, context) == "cafe\u0301"
    made = answered(context, [(11, 16), (16, 17)], TOKENIZERS["wordpiece, accents stripped"])
    assert [recovered(made, window, context) for window in range(2)] == ["Cafe\u0301", "."]


def test_skipped_characters_before_a_word_are_the_words_and_alone_nobodys() -> None:
    context = "\u200bson \u200b bu \u200bsöz"
    made = answered(context, [(0, 4), (7, 9), (10, 14)], TOKENIZERS["wordpiece"])
    assert [recovered(made, window, context) for window in range(3)] == ["\u200bson", "bu", "\u200bsöz"]
    nothing = answered(context, [(5, 6)], TOKENIZERS["wordpiece"])
    assert nothing.gold is not None
    assert not nothing.gold.held.any()
    assert not nothing.gold.inside.any()


def test_white_space_has_no_characters() -> None:
    made = answered("one  \n\n two", [(8, 11)], TOKENIZERS["bytes alone"])
    pairs = list(zip(tokens(made, 0, "char_start"), tokens(made, 0, "char_end"), strict=True))
    of_context = [pair for pair in pairs if pair[0] >= 0]
    assert of_context[:3] + of_context[-3:] == [(0, 1), (1, 2), (2, 3), (8, 9), (9, 10), (10, 11)]
    assert all(start == end for start, end in of_context[3:-3])
    assert len(of_context) == 11


@pytest.mark.parametrize("name", ["wordpiece", "unigram", "bytes", "bytes alone"])
def test_offsets_in_bytes_are_read_as_such(name: str) -> None:
    plain = windows(QUESTIONS, CONTEXTS, None, TOKENIZERS[name], max_length=60, stride=20)
    assert_equal(windows(QUESTIONS, CONTEXTS, None, InBytes(TOKENIZERS[name]), max_length=60, stride=20), plain)


def test_offsets_with_and_without_white_space_give_the_same_windows() -> None:
    trimmed, whole = (windows(QUESTIONS, CONTEXTS, None, TOKENIZERS[name]) for name in ("bytes, trimmed", "bytes"))
    full = trimmed.char_end > trimmed.char_start
    np.testing.assert_array_equal(full, whole.char_end > whole.char_start)
    np.testing.assert_array_equal(trimmed.char_start[full], whole.char_start[full])
    np.testing.assert_array_equal(trimmed.char_end[full], whole.char_end[full])


def test_a_tokenizer_that_pads_and_cuts_on_the_left_changes_nothing() -> None:
    plain = windows(QUESTIONS, CONTEXTS, None, TOKENIZERS["unigram"], max_length=60, stride=20)
    left = copy.deepcopy(TOKENIZERS["unigram"])
    left.padding_side = left.truncation_side = "left"
    left(["a b c d", "a"], padding="max_length", truncation=True, max_length=4)  # which it remembers
    assert_equal(windows(QUESTIONS, CONTEXTS, None, left, max_length=60, stride=20), plain)


def test_texts_are_tokenised_once_and_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    questions, contexts = list(QUESTIONS) * 3, [context for context in CONTEXTS for _ in range(3)]
    plain = windows(questions, contexts, None, TOKENIZERS["unigram"])
    counting = Counting(TOKENIZERS["unigram"])
    monkeypatch.setattr(characters, "_CHUNK", 2)
    assert_equal(windows(questions, contexts, None, counting), plain)
    assert all(counting.texts.count(text) == 1 for text in (*QUESTIONS, *CONTEXTS))


@pytest.mark.parametrize("name", ["wordpiece", "unigram", "bytes, trimmed"])
def test_targets_are_those_of_the_usual_script(name: str) -> None:
    """Written out as the question-answering example of Transformers does it, on text where that is right."""
    context = "the quick brown fox jumps over the lazy dog and the walk cost 40 million in 1973 ."
    spans = [(a, b) for a, b in words(context) if a > 0]  # the mark before the first word has no character of its own
    made = answered(context, spans, TOKENIZERS[name], max_length=24, stride=2)
    assert made.gold is not None
    theirs = TOKENIZERS[name](
        ["Where ?"] * len(spans),
        [context] * len(spans),
        truncation="only_second",
        max_length=24,
        stride=2,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    held = np.zeros(len(spans), dtype=bool)
    for window, offsets in enumerate(theirs["offset_mapping"]):
        a, b = spans[theirs["overflow_to_sample_mapping"][window]]
        sides = theirs.sequence_ids(window)
        inner = [i for i, side in enumerate(sides) if side == 1 and offsets[i][1] > offsets[i][0]]
        trimmed = {i: (offsets[i][0] + (context[offsets[i][0]] == " "), offsets[i][1]) for i in inner}
        expected = (0, 0)
        if trimmed[inner[0]][0] <= a and trimmed[inner[-1]][1] >= b:
            expected = max(i for i in inner if trimmed[i][0] <= a), min(i for i in inner if trimmed[i][1] >= b)
            held[theirs["overflow_to_sample_mapping"][window]] = True
        assert (made.gold.start[window], made.gold.end[window]) == expected
    np.testing.assert_array_equal(made.gold.held, held)
    assert 0 < held.sum() < len(spans)


def test_an_answer_that_no_window_holds_whole_is_told() -> None:
    context = CONTEXTS[0]
    made = answered(context, [(4, len(context))], TOKENIZERS["wordpiece"], max_length=20, stride=4)
    assert made.gold is not None
    assert len(made) > 2
    assert not made.gold.held.any()
    assert not made.gold.start.any()
    assert not made.gold.end.any()


def test_the_first_of_several_answers_is_trained_on_and_none_is_the_first_token() -> None:
    context = "one two three"
    answers = [[("three", 8), ("one", 0)], []]
    made = windows(["Which ?"] * 2, [context] * 2, answers, TOKENIZERS["wordpiece"])
    assert made.gold is not None
    assert recovered(made, 0, context) == "three"
    assert made.gold.held.tolist() == [True, False]
    assert (made.gold.start[1], made.gold.end[1]) == (0, 0)


def test_white_space_at_an_answers_ends_is_not_the_answers() -> None:
    context = "one two  three"
    made = windows(["Which ?"], [context], [[(" two  ", 3)]], TOKENIZERS["bytes"])
    assert recovered(made, 0, context) == "two"
    assert made.gold is not None
    assert not made.gold.inside.any()


def test_without_answers_there_is_no_gold_and_without_examples_there_are_no_windows() -> None:
    assert windows(["Which ?"], ["one"], None, TOKENIZERS["wordpiece"]).gold is None
    made = windows([], [], [], TOKENIZERS["wordpiece"])
    assert len(made) == 0
    assert made.offsets.tolist() == [0]


def test_a_question_leaves_room_or_is_refused() -> None:
    tokenizer, context = TOKENIZERS["wordpiece"], CONTEXTS[0]
    length = len(tokenizer("Where ?", add_special_tokens=False)["input_ids"])
    made = windows(["Where ?"], [context], None, tokenizer, max_length=length + 3 + 9, stride=8)
    whole = len(tokenizer(context, add_special_tokens=False)["input_ids"])
    assert len(made) == whole - 8  # each window goes on by one token
    with pytest.raises(Mistakes, match=f"^dev.json:7: a question of {length} tokens leaves its context room for 8"):
        windows(["Where ?"], [context], None, tokenizer, max_length=length + 3 + 8, stride=8, places=["dev.json:7"])
    with pytest.raises(Mistakes, match="room for 0"):
        windows(["Where ? " * 9], [context], None, tokenizer, max_length=12, stride=0)
    short = windows(["Where ?"], ["dog"], None, tokenizer, max_length=length + 3 + 8, stride=8)
    assert len(short) == 1
    with pytest.raises(ValueError, match="stride of 8"):
        windows(["Where ?"], [context], None, tokenizer, max_length=8, stride=8)


def test_a_context_of_which_nothing_is_left_is_named() -> None:
    """What else is wrong with texts and answers, rows have been refused for: see tests of `isogloss.data`."""
    contexts, places = ["here", "\u200b \u200b"], ["dev.json:1", "dev.json:2"]
    with pytest.raises(Mistakes) as caught:
        windows(["Where ?", "Which ?"], contexts, None, TOKENIZERS["wordpiece"], places=places, origin="dev.json")
    (found,) = caught.value.mistakes
    assert found.where == "dev.json:2"
    assert "leaves nothing of the context" in found.what
    assert found.remedy


def test_ten_mistakes_are_listed_and_the_others_counted() -> None:
    with pytest.raises(Mistakes) as caught:
        windows(["Which ?"] * 13, ["\u200b"] * 13, None, TOKENIZERS["wordpiece"])
    *listed, rest = caught.value.mistakes
    assert [each.where for each in listed] == [f"questions:{row}" for row in range(10)]
    assert (rest.what, rest.where) == ("3 more rows like these", "questions")


def test_tokens_of_stretches_need_no_order() -> None:
    """As where a normaliser puts marks into another order."""
    texts = tokenise(["abcd", "xy"], TOKENIZERS["bytes alone"])
    shuffled = characters.Tokens(texts.ids, texts.offsets, texts.start.copy(), texts.end.copy())
    shuffled.start[1:3], shuffled.end[1:3] = [2, 1], [3, 2]  # a c b d
    first, last, found = tokens_of(shuffled, np.array([0, 0, 1]), np.array([1, 2, 0]), np.array([2, 4, 2]))
    assert found.all()
    assert first.tolist() == [1, 1, 4]  # c ends after b starts
    assert last.tolist() == [2, 3, 5]


def test_a_token_without_characters_is_of_no_stretch() -> None:
    """As one that the tokenizer has put there, at no place of the text."""
    texts = tokenise(["ab"], TOKENIZERS["bytes alone"])
    nowhere = np.array([0, 0], dtype=np.int32)
    more = characters.Tokens(
        np.append(texts.ids, [7, 7]), np.array([0, 4]), np.append(texts.start, nowhere), np.append(texts.end, nowhere)
    )
    first, last, found = tokens_of(more, np.array([0]), np.array([0]), np.array([2]))
    assert (first, last, found) == ([0], [1], [True])


def test_an_answer_is_cut_without_white_space_at_its_ends() -> None:
    assert cut("ab  \tcd\xa0 ef", 2, 9) == "cd"


def test_torch_is_not_needed() -> None:
    code = "import sys, isogloss.kinds.windows, isogloss.kinds.spans; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
