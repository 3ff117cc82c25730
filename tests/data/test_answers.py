"""Gold answers: how they are written, and what is refused, on files made here."""

import json

import pytest

from isogloss.data.source import fingerprint, read_rows, with_labels
from isogloss.data.task import load_task
from isogloss.errors import Mistakes

CONTEXT = "\ufeffNil ya Misri 🐫 ni mto mrefu."  # a mark inside a text is one of its characters


def row(number=0, **changes):
    """A row whose answer stands at its place; offsets count the mark and the emoji as one character each."""
    start = CONTEXT.index("mto")
    plain = {"id": f"q{number}", "question": "Nini?", "context": CONTEXT, "answers": [{"text": "mto", "start": start}]}
    return {**plain, **changes}


@pytest.fixture
def ask(write, tmp_path):
    """Write rows as `train-en.jsonl` and read them."""

    def _ask(*rows):
        write("train-en.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        return read_rows(answered(tmp_path), "en", "train")

    return _ask


def answered(folder):
    """A task of one's own, with answers."""
    return load_task(
        {
            "name": "files",
            "kind": {"name": "question_answering", "rule": "generic"},
            "path": str(folder),
            "languages": ["en", "sw"],
            "texts": ["question", "context"],
            "answers": "answers",
            "id": "id",
            "files": {"train": "train-{language}.jsonl"},
        }
    )


def refused(ask, *rows):
    with pytest.raises(Mistakes) as caught:
        ask(*rows)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_rows_have_answers_in_place_of_labels(ask, tmp_path):
    rows = ask(row(0), row(1, answers=[{"text": "Nil", "start": 1}, {"text": "🐫", "start": 14}]))
    assert rows.labels is None
    assert rows.label_names == ()
    assert rows.answers == [(("mto", 19),), (("Nil", 1), ("🐫", 14))]
    assert rows.texts[0] == ("Nini?", CONTEXT)
    assert rows.origin == str(tmp_path / "train-en.jsonl")
    assert with_labels(answered(tmp_path)) == answered(tmp_path)


@pytest.mark.parametrize(
    "answers",
    [
        [{"text": "mto", "start": 19, "occurrences": 3}, {"start": 1, "text": "Nil"}],
        [{"text": "mto", "answer_start": 19}, {"text": "Nil", "answer_start": 1}],
        {"text": ["mto", "Nil"], "answer_start": [19, 1]},
    ],
)
def test_three_ways_to_write_answers_mean_the_same(ask, answers):
    assert ask(row(answers=answers)).answers == [(("mto", 19), ("Nil", 1))]


@pytest.mark.parametrize(
    "answers",
    [
        None,
        "mto",
        ["mto"],
        [{"text": "mto"}],
        [{"text": "mto", "start": "19"}],
        [{"text": "mto", "start": 19.0}],
        [{"text": "mto", "start": True}],
        [{"text": None, "start": 19}],
        {"text": "mto", "answer_start": 19},
        {"text": ["mto"], "answer_start": [19, 1]},
        {"text": ["mto"]},
    ],
)
def test_another_form_is_told_with_what_was_found(ask, answers):
    (told,) = refused(ask, row(0), row(7, answers=answers))
    assert 'train-en.jsonl:2, id "q7": no answers in column "answers" (found ' in told
    assert told.endswith('write [{"text": "…", "start": 0}], or as SQuAD does {"text": ["…"], "answer_start": [0]}')


def test_an_answer_that_is_not_at_its_place_is_told_with_both_texts(ask):
    wrong = [{"text": "Nil", "start": 1}, {"text": "mto", "start": 3}, {"text": ".", "start": -1}]
    first, second, third = refused(ask, row(0), row(1, answers=wrong), row(2, answers=[{"text": "mto", "start": 99}]))
    assert 'train-en.jsonl:2, id "q1": the answer "mto" is not at 3 in its context, where "l y" stands' in first
    assert 'the answer "." is not at -1 in its context, where "\ufeff" stands' in second  # counted from the end it is
    assert 'train-en.jsonl:3, id "q2": the answer "mto" is not at 99 in its context, where "" stands' in third
    assert all(line.endswith("code points counted from 0") for line in (first, second, third))


def test_a_long_answer_is_cut_in_a_message(ask):
    (told,) = refused(ask, row(answers=[{"text": "x" * 500, "start": 0}]))
    assert len(told) < 400
    assert 'x…"' in told


def test_a_shift_of_all_answers_is_told_and_not_repaired(ask):
    shifted = [
        row(k, answers=[{"text": text, "start": at + 2}]) for k, (text, at) in enumerate([("mto", 19), ("Nil", 1)])
    ]
    assert all(line.endswith("counted from 0 (every answer stands 2 before)") for line in refused(ask, *shifted))
    assert all(line.endswith("counted from 0") for line in refused(ask, *shifted, row(2)))  # not all
    shifted[1]["answers"][0]["start"] = 4
    assert all(line.endswith("counted from 0") for line in refused(ask, *shifted))  # not by the same
    ahead = [row(k, answers=[{"text": "mto", "start": 18}]) for k in range(2)]
    assert all(line.endswith("(every answer stands 1 further on)") for line in refused(ask, *ahead))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"question": " \n"}, '2: an empty text in column "question"; write the text, or drop the row'),
        ({"context": "", "answers": [{"text": "mto", "start": 0}]}, '2: an empty text in column "context"'),
        ({"question": None}, '2: no text in column "question" (found None)'),
        ({"context": None}, '2: no text in column "context" (found None)'),
        ({"question": "\ud83d?"}, '2: half a character (a lone surrogate) in column "question"'),
        ({"answers": []}, '2, id "q1": no gold answer in column "answers"; write one, or drop the row'),
        ({"answers": {"text": [], "answer_start": []}}, '2, id "q1": no gold answer in column "answers"'),
        ({"answers": [{"text": "", "start": 0}]}, '2, id "q1": an empty answer; write the answer, or drop it'),
        ({"answers": [{"text": " ", "start": 4}]}, '2, id "q1": an empty answer'),
        ({"id": "q0"}, '2: id "q0" is that of row 1 too'),
    ],
)
def test_what_a_row_lacks_is_one_line_with_its_place(ask, changes, told):
    lines = refused(ask, row(0), row(1, **changes))
    assert f"train-en.jsonl:{told}" in lines[0]


def test_a_file_of_mistakes_is_not_listed_whole(ask):
    lines = refused(ask, *(row(k, answers=[{"text": "mto", "start": 0}]) for k in range(30)))
    assert len(lines) == 11
    assert "20 more rows like these" in lines[-1]


def test_fingerprints_follow_answers(ask, write, tmp_path):
    def names(*rows):
        return ask(*rows).fingerprint, fingerprint(answered(tmp_path), "en", "train")

    one = names(row(), row(1))
    twice = [{"text": "mto", "start": 19}] * 2
    others = [names(row(answers=twice), row(1)), names(row(), row(1, answers=twice))]
    others += [names(row(), row(1, answers=[{"text": "i", "start": place}])) for place in (2, 9)]
    for kind in (0, 1):
        assert len({one[kind], *(other[kind] for other in others)}) == 5
