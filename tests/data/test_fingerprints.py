"""Names of content: those of older tasks are pinned, since finished runs are found by them."""

import dataclasses

import pytest

from isogloss.data.source import fingerprint, read_rows
from isogloss.data.task import load_task

HEADER = "id\tpremise\thypothesis\tlabel\n"
NAMES = ("entailment", "neutral", "contradiction")


@pytest.fixture
def folder(write, tmp_path):
    pairs = HEADER + "".join(f"{k}\tp{k // 3}\th{k}\t{NAMES[k % 3]}\n" for k in range(6))
    write("dev-sw.tsv.gz", pairs)
    write("mnli-dev-matched-en.tsv.gz", pairs)
    write("index.tsv.gz", "id\tpartition\tscenario\tintent\n4\ttrain\tx\talarm_set\n7\tdev\tx\tplay_game\n")
    write("utt/sw-KE.txt.gz", "amka\ncheza\n")
    write("train-en.csv", "text,label\none,yes\ntwo,no\n")
    return tmp_path


PINNED = {
    "xnli": ("sw", "validation", "3167046e3fb34567cbba69dd54f2c40e", "1c0e2522a57c1388661498c1c167c51b"),
    "mnli": ("en", "validation", "212f4ebf3dabbcd83cfd9dbfa43038ba", "a4fb7263789317147434b9f2ca87751e"),
    "massive": ("sw", "validation", "0856b7014be19b23120b5f38e608aacc", "484c81185f448051ba0eb03d9be6e23d"),
    "files": ("en", "train", "1cb50fff6b671a746081685ce822dc75", "e3113861548d6d5f551a54ef3c90954b"),
}


@pytest.mark.parametrize("name", PINNED)
def test_older_tasks_keep_their_names(folder, name):
    language, split, of_files, of_rows = PINNED[name]
    own = {"name": "files", "languages": ["en", "sw"], "files": {"train": "train-{language}.csv"}}
    task = load_task(own if name == "files" else name)
    assert fingerprint(task, language, split, folder).startswith(of_files)
    assert read_rows(task, language, split, path=folder).fingerprint.startswith(of_rows)


def test_older_tasks_keep_their_names_on_the_hub():
    massive = load_task({"name": "massive", "source": "hub"})
    massive = dataclasses.replace(massive, hub=dataclasses.replace(massive.hub, revision="0" * 40))
    assert fingerprint(load_task("xnli"), "sw", "test").startswith("e06e5f1d0696913a93643617a7b77b6d")
    assert fingerprint(massive, "zh", "test").startswith("cb3dc350b5ba58b7ce2b670a20d7e778")


def test_a_name_follows_what_a_task_with_answers_makes_of_the_same_files(write, tmp_path):
    write("a-en.jsonl", '{"id": "1"}\n')
    write("b-en.jsonl.gz", '{"id": "2"}\n')
    part = {"column": "title", "from": 0, "to": 0.5}
    first, second = {"pattern": "a-{language}.jsonl"}, {"pattern": "b-{language}.jsonl"}

    def named(language="en", **changes):
        table = {"name": "mlqa", "path": str(tmp_path), "group": None, "files": {"train": [first]}}
        return fingerprint(load_task({**table, **changes}), language, "train")

    same = [
        {},
        {"files": {"train": first}},
        {"kind": {"name": "question_answering", "rule": "mlqa"}},
        {"citation": "somebody else"},
        {"files": {"train": first, "test": second}},
    ]
    other = [
        {"language": "en/de"},
        {"codes": {"en": "eng"}},
        {"kind": {"name": "question_answering", "rule": "generic"}},
        {"second": None},
        {"answers": "gold"},
        {"group": {"column": "context", "of": "en"}},
        {"group": {"column": "title"}},
        {"group": {"column": "title", "of": "en"}},
        {"files": {"train": {**first, "column": "in", "value": False}}},
        {"files": {"train": {**first, "part": part}}},
        {"files": {"train": {**first, "part": {**part, "to": 0.6}}}},
        {"files": {"train": {**first, "part": {**part, "of": "en"}}}},
        {"files": {"train": [first, second]}},
        {"files": {"train": [{**first, "column": "in", "value": False}, second]}},
        {"files": {"train": [first, {**second, "column": "in", "value": False}]}},
        {"files": {"train": [{**second, "column": "in", "value": False}, first]}},
    ]
    names = [named(**changes) for changes in other]
    assert {named(**changes) for changes in same} == {named()}
    assert len({named(), *names}) == len(other) + 1
    write("b-en.jsonl", '{"id": "2"}\n')  # the same, unpacked
    assert [named(**changes) for changes in other] == names


def test_a_name_follows_the_file_that_counterparts_are_in(write, tmp_path):
    for language in ("en", "de"):
        write(f"dev-context-{language}.jsonl", '{"id": "1"}\n')
    task = load_task({"name": "mlqa", "path": str(tmp_path)})
    before = fingerprint(task, "de", "test")
    write("dev-context-en.jsonl", '{"id": "2"}\n')
    assert fingerprint(task, "de", "test") != before


def test_a_name_follows_the_columns_and_ids_on_the_hub():
    task = load_task("tydiqa")
    hub = dataclasses.replace(task.hub, revision="0" * 40)

    def named(language="sw", **changes):
        return fingerprint(dataclasses.replace(task, hub=dataclasses.replace(hub, **changes)), language, "test")

    by_column = dataclasses.replace(task, hub=hub, second="question_lang")
    names = {named(), named("te"), named(prefix=None), named(answers="gold"), fingerprint(by_column, "sw", "test")}
    assert len({*names, fingerprint(by_column, "sw/en", "test")}) == 6
    assert named(answers="answers") == named()
    renamed = dataclasses.replace(task, hub=hub, codes={"sw": "kiswahili"})
    assert fingerprint(renamed, "sw", "test") != named()
