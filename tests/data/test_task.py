from pathlib import Path

import pytest

from isogloss import languages
from isogloss.data.rules import leads_out
from isogloss.data.task import load_task, shipped_tasks
from isogloss.errors import Mistakes


def test_shipped_tasks_name_known_languages_and_a_pinned_or_resolvable_revision():
    labelled = ("massive", "mnli", "sib200", "xnli")
    answered = ("mlqa", "mlqa-translate-train", "squad", "tydiqa", "xquad")
    assert shipped_tasks() == tuple(sorted(labelled + answered))
    for name in shipped_tasks():
        task = load_task(name)
        assert task.name == name
        assert all([task.licence, task.citation, task.homepage])
        assert bool(task.labels) == (name in labelled)
        assert bool(task.answers) == (name in answered)
        assert set(task.codes) <= set(task.languages)
        for language in task.languages:
            assert languages.get(language).code == language


def test_labels_are_the_data_sets_own():
    assert load_task("xnli").labels == load_task("mnli").labels == ("entailment", "neutral", "contradiction")
    massive = load_task("massive").labels
    assert len(massive) == 60
    assert list(massive) == sorted(massive)


def test_a_table_changes_a_shipped_task():
    task = load_task({"name": "massive", "source": "hub", "path": "there"})
    assert (task.source, task.path) == ("hub", Path("there"))
    assert task.labels == load_task("massive").labels


def test_a_pattern_alone_stands_for_a_rule_and_is_filled():
    task = load_task(
        {
            "name": "files",
            "path": "x",
            "languages": ["en", "zh"],
            "codes": {"zh": "zho"},
            "files": {"train": "{language}/{code}-{other}.csv"},
        }
    )
    assert task.fill(task.files["train"][0].pattern, "zh") == "zh/zho-{other}.csv"
    assert task.fill(task.files["train"][0].pattern, "en") == "en/en-{other}.csv"
    assert task.splits == ("train",)


def test_a_task_file_is_found_by_its_path_and_its_folder_counts_from_there(write):
    path = write(
        "tasks/mine.toml",
        'name = "mine"\nkind = "text_classification"\nlanguages = ["en"]\ntexts = ["t"]\nlabel = "l"\npath = "rows"\n',
    )
    assert load_task(str(path)).path == path.parent / "rows"


def test_all_mistakes_are_reported_at_once_with_the_nearest_key():
    table = {
        "name": "xnli",
        "idd": "pair",
        "labels": ["a", "a"],
        "texts": ["a", "b", "c"],
        "hub": {"pth": "x", "config": "../{code}", "data_files": "https://elsewhere/*.parquet"},
        "files": {"train": "../train.tsv", "test": "/test.tsv"},
    }
    with pytest.raises(Mistakes) as caught:
        load_task(table)
    told = [str(mistake) for mistake in caught.value.mistakes]
    assert len(told) == 9
    for part in (
        'idd: unknown key "idd"; did you mean "id"?',
        "labels: named twice: a",
        "texts: a row has one or two texts, not 3",
        'hub.pth: unknown key "pth"; did you mean "path"?',
        "hub.path: missing",
        'files.train.pattern: "../train.tsv" leads out of the folder',
        'files.test.pattern: "/test.tsv" leads out of the folder',
        'hub.config: "../{code}" leads out of the data set',
        'hub.data_files: "https://elsewhere/*.parquet" leads out of the data set',
    ):
        assert any(part in line for line in told), part


@pytest.mark.parametrize("path", ["/data/rows", "../rows", "./rows", "~/rows", "hf://owner/name", "a/b/c", "a/.."])
def test_a_hub_task_names_no_folder_of_this_machine(path):
    with pytest.raises(Mistakes, match=r"hub\.path: .* is no name on the hub; write owner/name"):
        load_task({"name": "xnli", "hub": {"path": path, "splits": {"test": "test"}}})


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("train/{language}.tsv", False),
        ("{code}..x/a...b.csv", False),
        ("a/../../b.csv", True),
        ("a\\..\\b.csv", True),
        ("..", True),
        ("/b.csv", True),
        ("~/b.csv", True),
        ("hf://datasets/owner/name/b.parquet", True),
    ],
)
def test_what_leads_out_of_a_folder(path, out):
    assert leads_out(path) is out


def test_a_group_by_a_translated_text_is_refused():
    with pytest.raises(Mistakes, match="differs from language to language"):
        load_task({"name": "xnli", "group": {"column": "premise"}})


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("xnly", 'no task is called "xnly"; did you mean "xnli"'),
        ("missing.toml", "missing.toml: cannot be read"),
        ({"path": "x"}, "the table names no task"),
        ({"name": "files"}, "languages: missing"),
    ],
)
def test_what_is_no_task(task, told):
    with pytest.raises(Mistakes, match=told):
        load_task(task)


def test_a_task_file_that_is_not_toml(write):
    with pytest.raises(Mistakes, match=r"not TOML: .*line 1"):
        load_task(str(write("bad.toml", "name = \n")))


ANSWERED = {
    "name": "files",
    "languages": ["en", "de"],
    "texts": ["question", "context"],
    "label": None,
    "answers": "answers",
    "id": "id",
    "parallel": True,
}


def test_a_kind_may_have_settings():
    assert load_task("xnli").settings == {}
    mlqa = load_task("mlqa")
    assert (mlqa.kind, mlqa.settings) == ("question_answering", {"rule": "mlqa"})
    other = load_task({"name": "mlqa", "kind": {"name": "question_answering", "rule": "generic", "depth": 2}})
    assert other.settings == {"rule": "generic", "depth": 2}
    assert load_task({"name": "mlqa", "kind": "question_answering"}).settings == {}
    assert load_task({"name": "mlqa", "settings": {"rule": "squad"}}).settings == {"rule": "squad"}
    with pytest.raises(Mistakes, match="kind: missing; write it"):
        load_task({"name": "mlqa", "kind": {"rule": "squad"}})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answers": None}, 'rows have "label" or "answers": give one'),
        ({"label": "label"}, 'rows have "label" or "answers": give only one'),
        ({"labels": ["a", "b"]}, '"labels" are of a task with "label"; rows with answers have none'),
        ({"texts": ["context"]}, "answers need two texts, the question and the context"),
        ({"languages": ["en", "de/en"]}, '"de/en": a "/" joins two languages; name each, and give "second"'),
        ({"group": {"column": "context"}}, 'group: the text "context" differs from language to language; say whose'),
        ({"group": {"column": "context", "of": "fr"}}, 'group: the task has no language "fr"'),
        ({"group": {"column": "context", "of": "en"}, "id": None}, 'group: rows are found in "en" by their ids'),
        ({"group": {"column": "context", "of": "en"}, "parallel": False}, 'give "id", and parallel = true'),
        ({"group": {"consecutive": 3, "column": "context", "of": "en"}}, 'give "column", without "consecutive"'),
        ({"group": {"of": "en"}}, 'give "column", without "consecutive"'),
        ({"files": {"train": []}}, 'nothing says where the rows of split "train" are'),
        ({"files": {"train": ["a.csv", "../b.csv"]}}, 'files.train.pattern: "../b.csv" leads out of the folder'),
    ],
)
def test_what_contradicts_itself_is_one_line(changes, told):
    load_task(ANSWERED)
    with pytest.raises(Mistakes) as caught:
        load_task({**ANSWERED, **changes})
    (mistake,) = caught.value.mistakes
    assert told in str(mistake)
    assert len(str(mistake)) < 250


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"column": "title", "from": 0.5, "to": 0.5}, "files.train.part: nothing lies from 0.5 to 0.5"),
        ({"column": "title", "from": 0.5, "to": 1.5}, "files.train.part.to: Input should be less than or equal to 1"),
        ({"column": "title", "from": 0.5}, "files.train.part.to: missing"),
        ({"column": "title", "from": 0, "too": 1}, 'files.train.part.too: unknown key "too"; did you mean "to"?'),
        ({"column": "title", "from": 0, "to": 1, "of": "fr"}, 'part: the task has no language "fr"'),
        ({"column": "context", "from": 0, "to": 1}, 'part: the text "context" differs from language to language'),
    ],
)
def test_a_part_that_is_none(part, told):
    with pytest.raises(Mistakes) as caught:
        load_task({**ANSWERED, "files": {"train": {"pattern": "a.csv", "part": part}}})
    assert any(told in str(mistake) for mistake in caught.value.mistakes)


def test_patterns_take_both_languages():
    task = load_task({"name": "mlqa", "codes": {"zh": "zho"}})
    assert task.fill("{language}.{code}.{second}.{second_code}", "zh/de") == "zh.zho.de.de"
    assert task.fill("{language}.{code}.{second}.{second_code}", "zh") == "zh.zho.zh.zho"


def test_what_the_files_of_squad_hold_is_in_no_split_that_a_recipe_takes_by_default():
    """The rows to choose on are half of those in `train`: nobody shall take them without naming them."""
    squad = load_task("squad")
    assert tuple(squad.files) == ("train", "sample-train", "sample-dev")
    assert squad.files["train"] == squad.files["sample-train"] + squad.files["sample-dev"]
    assert squad.files["sample-dev"][0].value == "False"


def test_answers_take_the_place_of_the_label_of_ones_own_files_and_back():
    """A recipe in TOML cannot say that there is no label."""
    shared = {"name": "files", "languages": ["en"], "texts": ["question", "context"], "kind": "question_answering"}
    task = load_task({**shared, "answers": "answers"})
    assert (task.label, task.answers) == (None, "answers")
    assert load_task({"name": "squad", "kind": "text_classification", "label": "topic"}).answers is None
    with pytest.raises(Mistakes, match='"label" or "answers": give only one'):
        load_task({**shared, "answers": "answers", "label": "label"})
