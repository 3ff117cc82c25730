"""A split that is made of several files, or of some rows of them; on files made here."""

import pytest

from isogloss.data.source import languages_at, read_rows
from isogloss.data.task import load_task
from isogloss.errors import Mistakes


def _several(folder, *rules, **changes):
    table = {"name": "files", "path": str(folder), "languages": ["en", "sw"], "id": "id"}
    return load_task({**table, "files": {"train": list(rules)}, **changes})


def test_a_split_may_be_made_of_several_files(write, tmp_path):
    write("a.jsonl", '{"id": 1, "text": "one", "label": "yes"}\n\n{"id": 2, "text": "two", "label": "no"}\n')
    write("b.csv.gz", "id,text,label,in,more\n3,three,no,False,x\n4,four,yes,True,x\n5,five,no,False,x\n")
    task = _several(tmp_path, "a.jsonl", {"pattern": "b.csv", "column": "in", "value": False})
    rows = read_rows(task, "en", "train")
    assert rows.ids.tolist() == ["1", "2", "3", "5"]
    assert [rows.label_names[label] for label in rows.labels] == ["yes", "no", "no", "no"]
    assert set(rows.provenance["files"]) == {"a.jsonl", "b.csv.gz"}
    assert rows.origin == f"{tmp_path / 'a.jsonl'} and {tmp_path / 'b.csv.gz'}"
    numbered = _several(tmp_path, "a.jsonl", "b.csv", id=None)
    assert read_rows(numbered, "en", "train").ids.tolist() == ["0", "1", "2", "3", "4"]


def test_mistakes_in_one_of_several_files_name_it(write, tmp_path):
    write("a.csv", "id,text,label\n1,one,yes\n2,two,no\n2,two,no\n")
    write("b.jsonl", '{"id": 3, "text": "x", "label": "maybe"}\n\n{"id": 1, "text": "x", "label": "no"}\n')
    with pytest.raises(Mistakes) as caught:
        read_rows(_several(tmp_path, "a.csv", "b.jsonl", labels=["yes", "no"]), "en", "train")
    label, near, far = (str(mistake).removeprefix(f"{tmp_path}/") for mistake in caught.value.mistakes)
    assert label.startswith('b.jsonl:1: label "maybe" is none')
    assert near.startswith('a.csv:4: id "2" is that of row 3 too;')
    assert far.startswith(f'b.jsonl:3: id "1" is that of {tmp_path / "a.csv"}:2 too;')


def test_several_files_are_there_or_the_language_is_not(write, tmp_path):
    write("a-en.csv", "id,text,label\n1,one,yes\n2,two,no\n")
    write("a-sw.csv", "id,text,label\n1,moja,yes\n2,mbili,no\n")
    write("b-en.csv", "id,text,label,in\n3,three,yes,x\n")
    task = _several(tmp_path, "a-{language}.csv", "b-{language}.csv", labels=["yes", "no"])
    assert languages_at(task, "train") == ("en",)
    with pytest.raises(Mistakes, match=r"b-sw\.csv: no such file.*languages with such a file: en"):
        read_rows(task, "sw", "train")
    chosen = _several(
        tmp_path, "a-{language}.csv", {"pattern": "b-en.csv", "column": "in", "value": "y"}, labels=["yes", "no"]
    )
    with pytest.raises(Mistakes, match=r'b-en\.csv: language "en" has no rows.* column "in" never says "y"; known: x'):
        read_rows(chosen, "en", "train")


@pytest.mark.parametrize(("value", "ids"), [(False, ["1", "3"]), (True, ["2"]), ("False", ["1", "3"]), (7, ["4"])])
def test_a_value_of_toml_is_that_of_json(write, tmp_path, value, ids):
    said = enumerate(["false", "true", "false", "7"], 1)
    write("a.jsonl", "".join(f'{{"id": "{k}", "text": "x", "label": "yes", "in": {word}}}\n' for k, word in said))
    task = _several(tmp_path, {"pattern": "a.jsonl", "column": "in", "value": value}, labels=["yes", "no"])
    assert read_rows(task, "en", "train").ids.tolist() == ids


def test_runs_and_numbers_go_on_from_file_to_file(write, tmp_path):
    for name in "ab":
        write(f"{name}.csv", "id,text,label\n" + "".join(f"{name}{k},x{k // 2},yes\n" for k in range(4)))
    task = _several(tmp_path, "a.csv", "b.csv", labels=["yes", "no"], group={"consecutive": 2, "column": "text"})
    groups = read_rows(task, "en", "train").groups.tolist()
    assert [groups.count(group) for group in groups] == [2] * 8


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("train", "train", True),
        ("train", "half", True),  # one of its two files
        ("half", "rest", False),  # the same file, another value of the column
        ("first", "second", False),
        ("first", "middle", True),
        ("other-title", "second", True),  # cut by another column: nothing tells
        ("first", "half", True),
    ],
)
def test_splits_that_may_share_rows(one: str, other: str, shared: bool) -> None:
    """Red when splits are told apart by their names alone."""
    half, rest = ({"pattern": "dev.jsonl.gz", "column": "x", "value": value} for value in (True, False))
    first, middle, second = (
        {"pattern": "dev.jsonl", "part": {"column": "t", "from": a, "to": b}}
        for a, b in ((0, 0.5), (0.4, 0.6), (0.5, 1))
    )
    odd = {"pattern": "dev.jsonl", "part": {"column": "u", "from": 0, "to": 0.5}}
    files = {"train": ["a.jsonl", half], "half": half, "rest": rest, "first": first, "middle": middle, "second": second}
    task = load_task({"name": "files", "languages": ["en"], "id": "id", "files": files | {"other-title": odd}})
    assert task.shares_rows(one, other) is shared
    assert task.shares_rows(other, one) is shared
