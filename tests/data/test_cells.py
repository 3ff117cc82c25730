"""Rows in two languages, and what they take from their counterparts: groups and shares; on files made here."""

import itertools
import json

import pytest

from isogloss.data.linked import _share
from isogloss.data.source import languages_at, read_rows
from isogloss.data.task import load_task
from isogloss.errors import Mistakes

LANGUAGES = ("de", "en", "zh")
SPLITS = {"adapt": (0.0, 0.35), "select": (0.35, 0.5), "test": (0.5, 1.0)}
TITLES = 40


def _rows(language):
    """Two paragraphs a title, a question each; German lacks every third title, and has one text for both paragraphs."""
    for title, paragraph in itertools.product(range(TITLES), range(2)):
        if language == "de" and title % 3 == 0:
            continue
        text = f"{language} text of {title}" + (f", {paragraph}" if language != "de" else "")
        for second in LANGUAGES:
            if second == "de" and title % 3 == 0:
                continue
            yield {
                "id": f"{title}-{paragraph}",
                "question_lang": {"zh": "zho"}.get(second, second),
                "title": f"{language} title {title}",
                "context": text,
                "question": f"{second} question {title} {paragraph}?",
                "answers": [{"text": language, "start": 0}],
            }


@pytest.fixture
def folder(write, tmp_path):
    for language in LANGUAGES:
        _write(write, language, list(_rows(language)))
    return tmp_path


def _write(write, language, rows):
    write(f"{language}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def cells(folder, **changes):
    """A task as MLQA is, of three languages; the files call Chinese by another name."""
    parts = {name: {"column": "title", "of": "en", "from": low, "to": high} for name, (low, high) in SPLITS.items()}
    table = {
        "name": "mlqa",
        "path": str(folder),
        "languages": list(LANGUAGES),
        "codes": {"zh": "zho"},
        "files": {"all": "{language}.jsonl"}
        | {name: {"pattern": "{language}.jsonl", "part": part} for name, part in parts.items()},
    }
    return load_task({**table, **changes})


def test_a_plain_language_is_both_languages_and_a_cell_is_two(folder):
    task = cells(folder)
    for language, asked in [("de", "de"), ("de/en", "en"), ("en/de", "de"), ("zh", "zh"), ("en/zh", "zh")]:
        rows = read_rows(task, language, "all")
        assert {context.split()[0] for _, context in rows.texts} == {language.split("/")[0]}
        assert {question.split()[0] for question, _ in rows.texts} == {asked}
    assert languages_at(task, "all") == LANGUAGES


def test_second_languages_may_have_files_of_their_own(write, tmp_path):
    one = {"id": "1", "question": "q?", "context": "c", "answers": [{"text": "c", "start": 0}]}
    for name in ("de-de", "de-zho", "en-en"):
        write(f"{name}.jsonl", json.dumps({**one, "question": f"{name}?"}) + "\n")
    task = cells(tmp_path, files={"all": "{code}-{second_code}.jsonl"})
    assert read_rows(task, "de", "all").texts == [("de-de?", "c")]
    assert read_rows(task, "de/zh", "all").texts == [("de-zho?", "c")]
    with pytest.raises(Mistakes, match=r"zho-de\.jsonl: no such file"):
        read_rows(task, "zh/de", "all")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("de/xx", 'task "mlqa" has no language "xx"; known: de, en, zh'),
        ("xx/de", 'has no language "xx"'),
        ("de/", 'has no language ""'),
        ("de/en/zh", 'has no language "en/zh"'),
        ("de/de", 'calls both in one language by its key: "de/de"; write "de"'),
    ],
)
def test_what_is_no_cell(folder, language, told):
    for ask in (cells(folder).check_language, lambda language: read_rows(cells(folder), language, "all")):
        with pytest.raises(Mistakes, match=told) as caught:
            ask(language)
        assert len(caught.value.mistakes) == 1


def test_a_task_without_second_languages_has_no_cells():
    with pytest.raises(Mistakes, match='"xquad" has rows in one language only: "de/en"; write "de"'):
        load_task("xquad").check_language("de/en")


def test_a_cell_without_rows_is_told(folder, write):
    _write(write, "de", [row for row in _rows("de") if row["question_lang"] == "de"])
    with pytest.raises(Mistakes, match='language "de/en" has no rows in split "all"'):
        read_rows(cells(folder), "de/en", "all")


def test_a_question_is_in_the_same_group_in_every_cell(folder):
    task = cells(folder)
    found = {}
    for first, second in itertools.product(LANGUAGES, repeat=2):
        rows = read_rows(task, first if first == second else f"{first}/{second}", "all")
        for name, group in zip(rows.ids.tolist(), rows.groups.tolist(), strict=True):
            found.setdefault(name, set()).add(group)
    assert len(found) == 2 * TITLES
    assert {len(groups) for groups in found.values()} == {1}
    assert len(set.union(*found.values())) == 2 * TITLES  # by the English paragraph, which German has one of for two


def test_rows_of_one_paragraph_are_one_group_where_languages_are_not_parallel(folder):
    task = cells(folder, parallel=False, group={"column": "context"}, files={"all": "{language}.jsonl"})
    german, mixed = (read_rows(task, language, "all") for language in ("de", "de/en"))
    assert len(set(german.groups)) == len({context for _, context in german.texts})
    assert set(german.groups) == set(mixed.groups)  # the same contexts
    same = cells(folder, parallel=False, group={"column": "title"}, files={"all": "en.jsonl"})
    assert not set(read_rows(same, "de/en", "all").groups) & set(read_rows(same, "en", "all").groups)


def test_an_id_without_a_counterpart_is_told(folder, write):
    _write(write, "en", [row for row in _rows("en") if row["id"] not in ("1-0", "2-1")])
    by_title = cells(folder, group=None)
    for task, split, column in [(cells(folder), "all", "context"), (by_title, "test", "title")]:
        with pytest.raises(Mistakes) as caught:
            read_rows(task, "de", split)
        assert len({mistake.where for mistake in caught.value.mistakes}) == 6  # two ids in three second languages
        told = str(caught.value.mistakes[0])
        assert f'de.jsonl:1: no row in "en" with a "{column}" has its id "1-0"; add the row to {folder}/en.j' in told


def test_a_counterpart_says_one_thing(folder, write):
    rows = list(_rows("en"))
    rows[1]["context"] += "!"
    _write(write, "en", rows)
    with pytest.raises(Mistakes, match=r'en\.jsonl:2: id "0-0" has another "context" here than above'):
        read_rows(cells(folder), "zh", "all")


def test_parts_share_no_title_context_or_id_in_any_cell(folder):
    task = cells(folder)
    title = {row["id"]: row["title"] for row in _rows("en")}
    seen = {split: {"ids": set(), "texts": set(), "titles": set(), "groups": set()} for split in SPLITS}
    count = 0
    for split, (first, second) in itertools.product(SPLITS, itertools.product(LANGUAGES, repeat=2)):
        rows = read_rows(task, first if first == second else f"{first}/{second}", split)
        count += len(rows)
        seen[split]["ids"] |= set(rows.ids.tolist())
        seen[split]["groups"] |= set(rows.groups.tolist())
        seen[split]["texts"] |= {text for texts in rows.texts for text in texts}
        seen[split]["titles"] |= {title[name] for name in rows.ids.tolist()}
    for one, other in itertools.combinations(SPLITS, 2):
        assert not any(seen[one][what] & seen[other][what] for what in seen[one])
    assert count == sum(1 for language in LANGUAGES for _ in _rows(language))
    for split, (low, high) in SPLITS.items():
        assert seen[split]["titles"] == {name for name in title.values() if low <= _share(name) < high}


def test_a_share_is_what_it_has_always_been():
    """Another hash would turn rows that are tested on into rows that were trained on."""
    assert [round(_share(value), 6) for value in ("", "Isaac Newton", "\ud83d")] == PINNED_SHARES
    shares = [_share(str(number)) for number in range(2000)]
    assert all(0 <= share < 1 for share in shares)
    assert abs(sum(share < 0.35 for share in shares) / 2000 - 0.35) < 0.04


PINNED_SHARES = [0.993725, 0.44411, 0.160419]


def test_a_part_may_go_by_the_rows_own_column(folder, write):
    files = {
        name: {"pattern": "en.jsonl", "part": {"column": "title", "from": low, "to": high}}
        for name, (low, high) in SPLITS.items()
    }
    own, by_english = cells(folder, files=files), cells(folder)
    for split in SPLITS:
        assert read_rows(own, "en", split).ids.tolist() == read_rows(by_english, "en", split).ids.tolist()
    rows = list(_rows("en"))
    rows[3]["title"] = ""
    _write(write, "en", rows)
    with pytest.raises(Mistakes, match=r'en\.jsonl:4: nothing in column "title", which parts the splits'):
        read_rows(own, "en", "test")


def test_a_file_that_changed_is_read_again(folder, write):
    before = len(read_rows(cells(folder), "en", "all"))
    _write(write, "en", list(_rows("en"))[:-3])
    assert len(read_rows(cells(folder), "en", "all")) == before - 1
