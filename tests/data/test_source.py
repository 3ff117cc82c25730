import dataclasses

import numpy as np
import pytest

from isogloss.data.source import fingerprint, languages_at, read_rows, with_labels
from isogloss.data.task import load_task
from isogloss.errors import Mistakes

HEADER = "id\tpremise\thypothesis\tlabel\n"


def _nli(word, *, premises="aaabbb", first="entailment"):
    labels = [first, "neutral", "contradiction"] * 2
    rows = [
        f"{k + 1}\t{word} {p}\t{word} {k}\t{name}" for k, (p, name) in enumerate(zip(premises, labels, strict=True))
    ]
    return HEADER + "\n".join(rows) + "\n"


@pytest.fixture
def nli(write, tmp_path):
    for language in ("en", "sw"):
        write(f"dev-{language}.tsv.gz", _nli(language))
    return tmp_path


def test_rows_hold_what_the_file_says(nli):
    rows = read_rows(load_task("xnli"), "sw", "validation", path=nli)
    assert rows.ids.tolist() == ["1", "2", "3", "4", "5", "6"]
    assert rows.texts[3] == ("sw b", "sw 3")
    assert rows.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert rows.label_names == ("entailment", "neutral", "contradiction")
    assert list(rows.provenance["files"]) == ["dev-sw.tsv.gz"]


def test_premises_have_the_same_numbers_in_every_language_and_others_elsewhere(nli, write):
    task = load_task("xnli")
    english, swahili = (read_rows(task, language, "validation", path=nli).groups for language in ("en", "sw"))
    assert english.tolist() == swahili.tolist()
    assert [int(group) for group in np.unique(english, return_counts=True)[1]] == [3, 3]
    write("test-en.tsv.gz", _nli("en"))
    assert not set(english) & set(read_rows(task, "en", "test", path=nli).groups)


def test_rows_out_of_order_do_not_pass_for_groups(nli, write):
    write("dev-en.tsv.gz", _nli("en", premises="aababb"))
    with pytest.raises(Mistakes) as caught:
        read_rows(load_task("xnli"), "en", "validation", path=nli)
    lines = [int(mistake.where.rpartition(":")[2]) for mistake in caught.value.mistakes]
    assert lines == [4, 6, 7]  # a a b | a b b: each against the first of its run
    assert "differs within 3 rows that should share it" in str(caught.value)


def test_a_column_groups_by_its_value(write, tmp_path):
    write("train-en.tsv.gz", _nli("en", premises="abcabc"))
    groups = read_rows(load_task("mnli"), "en", "train", path=tmp_path).groups.tolist()
    assert groups[:3] == groups[3:]
    assert len(set(groups)) == 3


def test_labels_are_matched_by_name_never_by_likeness_or_number(nli, write):
    for bad, told in [
        ("contradictory", 'label "contradictory" is none of the task\'s; did you mean "contradiction"?'),
        ("0", 'label "0" is none of the task\'s; known: contradiction, entailment, neutral'),
        ("Entailment", 'did you mean "entailment"?'),
        ("", 'no label in column "label"'),
    ]:
        write("dev-en.tsv.gz", _nli("en", first=bad))
        with pytest.raises(Mistakes) as caught:
            read_rows(load_task("xnli"), "en", "validation", path=nli)
        first, second = caught.value.mistakes
        assert told in str(first)
        assert first.where.endswith("dev-en.tsv.gz:2")
        assert second.where.endswith("dev-en.tsv.gz:5")


def test_a_file_of_mistakes_is_not_listed_whole(write, tmp_path):
    write("dev-en.tsv.gz", HEADER + "".join(f"{k}\ta\tb\tno\n" for k in range(33)))
    task = dataclasses.replace(load_task("xnli"), group=None)
    with pytest.raises(Mistakes) as caught:
        read_rows(task, "en", "validation", path=tmp_path)
    assert len(caught.value.mistakes) == 11
    assert "23 more rows" in str(caught.value.mistakes[-1])


def test_ids_are_distinct_and_there(nli, write):
    write("dev-en.tsv.gz", _nli("en").replace("\n4\t", "\n1\t"))
    with pytest.raises(Mistakes, match=r'dev-en\.tsv\.gz:5: id "1" is that of row 2 too'):
        read_rows(load_task("xnli"), "en", "validation", path=nli)
    write("dev-en.tsv.gz", _nli("en").replace("id\t", "key\t", 1))
    with pytest.raises(Mistakes, match='no column "id"'):
        read_rows(load_task("xnli"), "en", "validation", path=nli)


def test_what_is_missing_is_named_with_what_is_there(nli):
    task = load_task("xnli")
    for arguments, told in [
        (
            ("de", "validation"),
            'dev-de.tsv.gz: no such file, for language "de".*languages with such a file: en, sw',
        ),
        (("xx", "validation"), 'has no language "xx"'),
        (("en", "tset"), 'no files for split "tset"; did you mean "test"'),
    ]:
        with pytest.raises(Mistakes, match=told):
            read_rows(task, *arguments, path=nli)
    with pytest.raises(Mistakes, match="nowhere: no such folder"):
        read_rows(task, "en", "validation", path=nli / "nowhere")


INDEX = """\
id\tpartition\tscenario\tintent
4\ttrain\tx\talarm_set
7\tdev\tx\tplay_game
8\tdev\tx\tqa_maths
9\tdev\tx\tqa_stock
"""


@pytest.fixture
def massive(write, tmp_path):
    write("index.tsv.gz", INDEX)
    write("utt/en-US.txt.gz", "wake me\nplay\nadd\nstock\n")
    write("utt/sw-KE.txt.gz", "\ncheza\n\nhisa\n")
    return tmp_path


def test_lines_are_joined_to_their_index_and_empty_ones_are_not_rows(massive):
    task = load_task("massive")
    english = read_rows(task, "en", "validation", path=massive)
    swahili = read_rows(task, "sw", "validation", path=massive)
    assert english.texts == [("play",), ("add",), ("stock",)]
    assert swahili.texts == [("cheza",), ("hisa",)]
    assert swahili.ids.tolist() == ["7", "9"]
    assert [task.labels[label] for label in swahili.labels] == ["play_game", "qa_stock"]
    assert swahili.groups.tolist() == english.groups[[0, 2]].tolist()
    with pytest.raises(Mistakes, match='language "sw" has no rows in split "train"'):
        read_rows(task, "sw", "train", path=massive)


def test_lines_that_do_not_fit_their_index(massive, write):
    write("utt/sw-KE.txt.gz", "a\nb\n")
    with pytest.raises(Mistakes, match=r"sw-KE\.txt\.gz: 2 lines where index.tsv.gz has 4 rows"):
        read_rows(load_task("massive"), "sw", "validation", path=massive)


def test_a_label_in_an_index_is_told_by_its_line(massive, write):
    write("index.tsv.gz", INDEX.replace("play_game", "play_games"))
    with pytest.raises(Mistakes, match=r'index.tsv.gz:3: label "play_games".*did you mean "play_game"'):
        read_rows(load_task("massive"), "sw", "validation", path=massive)


def test_a_column_tells_the_splits_of_one_file_apart(write, tmp_path):
    write("eng_Latn.tsv.gz", "split\tindex_id\tcategory\ttext\ntrain\t1\ttravel\ta\ndev\t2\tsports\tNA\n")
    rows = read_rows(load_task("sib200"), "en", "validation", path=tmp_path)
    assert rows.texts == [("NA",)]
    assert rows.ids.tolist() == ["2"]


def _own(folder, **changes):
    table = {
        "name": "files",
        "path": folder,
        "languages": ["en", "sw"],
        "files": {"train": "train-{language}.csv"},
    }
    return load_task({**table, **changes})


def test_ones_own_files_bring_their_own_labels(write, tmp_path):
    write("train-en.csv", "text,label\none,yes\ntwo,no\n")
    write("train-sw.csv.gz", "text,label\nmoja,maybe\n")
    task = _own(str(tmp_path))
    assert with_labels(task).labels == ("maybe", "no", "yes")
    rows = read_rows(task, "sw", "train")
    assert rows.labels.tolist() == [0]
    assert rows.ids.tolist() == ["0"]
    assert languages_at(task, "train") == ("en", "sw")


def test_a_label_that_first_occurs_in_a_later_split_is_a_mistake(write, tmp_path):
    write("train-en.csv", "text,label\none,yes\ntwo,no\n")
    write("test-en.csv", "text,label\none,yes\ntwo,noo\n")
    task = _own(str(tmp_path), files={"train": "train-{language}.csv", "test": "test-{language}.csv"})
    with pytest.raises(Mistakes, match=r'test-en.csv:3: label "noo".*did you mean "no"'):
        read_rows(task, "en", "test")


def test_rows_of_languages_that_are_not_parallel_do_not_share_groups(write, tmp_path):
    for language in ("en", "sw"):
        write(f"train-{language}.csv", "text,label\none,yes\ntwo,no\n")
    english, swahili = (read_rows(_own(str(tmp_path)), language, "train") for language in ("en", "sw"))
    assert not set(english.groups) & set(swahili.groups)
    parallel = [read_rows(_own(str(tmp_path), parallel=True), name, "train").groups.tolist() for name in ("en", "sw")]
    assert parallel[0] == parallel[1]


def test_one_label_name_is_not_a_task(write, tmp_path):
    write("train-en.csv", "text,label\none,yes\n")
    with pytest.raises(Mistakes, match="holds 1 label names"):
        with_labels(_own(str(tmp_path)))


def test_a_text_that_is_missing(write, tmp_path):
    write("train-en.jsonl", '{"text": "a", "label": "x"}\n{"label": "y"}\n{"text": 3, "label": "y"}\n')
    with pytest.raises(Mistakes) as caught:
        read_rows(_own(str(tmp_path), files={"train": "train-{language}.jsonl"}), "en", "train")
    assert [mistake.where.rpartition(":")[2] for mistake in caught.value.mistakes] == ["2", "3"]


def test_fingerprints_follow_the_content_and_nothing_else(write, tmp_path):
    text = "text,label\none,yes\ntwo,no\n"
    (
        write("a/train-en.csv", text),
        write("b/train-en.csv.gz", text),
        write("c/train-en.csv", text.replace("two", "2")),
    )
    names = [fingerprint(_own(str(tmp_path / folder)), "en", "train") for folder in "abc"]
    assert names[0] == names[1] != names[2]
    rows = [read_rows(_own(str(tmp_path / folder)), "en", "train").fingerprint for folder in "abc"]
    assert rows[0] == rows[1] != rows[2]
    swapped = _own(str(tmp_path / "a"), labels=["yes", "no"])
    assert fingerprint(swapped, "en", "train") != names[0]
    assert read_rows(swapped, "en", "train").fingerprint != rows[0]


def test_a_file_that_changed_is_hashed_again(write, tmp_path):
    write("train-en.csv", "text,label\none,yes\ntwo,no\n")
    before = fingerprint(_own(str(tmp_path)), "en", "train")
    write("train-en.csv", "text,label\none,yes\ntwo,no\nthree,no\n")
    assert fingerprint(_own(str(tmp_path)), "en", "train") != before


def test_a_fingerprint_follows_which_rows_of_the_files_a_split_has(massive):
    def named(**changes):
        rule = {"pattern": "utt/{code}.txt.gz", "index": "index.tsv.gz", "column": "partition", "value": "dev"}
        task = load_task({"name": "massive", "path": str(massive), "files": {"validation": {**rule, **changes}}})
        return fingerprint(task, "en", "validation")

    names = [named(), named(value="train"), named(column="scenario")]
    assert len(set(names)) == 3
    assert names[0] == fingerprint(load_task("massive"), "en", "validation", massive)
    assert names[0] == named(index="index.tsv")  # the same file, unpacked


def test_a_fingerprint_follows_the_columns_on_the_hub():
    task = load_task("xnli")
    hub = dataclasses.replace(task.hub, revision="0" * 40, texts=None, label=None, id=None)

    def named(**changes):
        return fingerprint(dataclasses.replace(task, hub=dataclasses.replace(hub, **changes)), "en", "test")

    others = [{"label": "gold"}, {"texts": ("hypothesis", "premise")}, {"id": ""}]
    assert len({named(), *(named(**changes) for changes in others)}) == 4
    assert named() == named(label=task.label, texts=task.texts, id=task.id)


def test_what_is_filled_in_does_not_lead_out_of_the_folder(write, tmp_path):
    text = "text,label\none,yes\ntwo,no\n"
    write("rows/en.csv", text)
    outside = write("secret.csv", text)
    for code in ("../secret", "x/../../secret", str(outside.with_suffix(""))):
        task = _own(str(tmp_path / "rows"), files={"train": "{code}.csv"}, codes={"sw": code}, labels=["yes", "no"])
        assert len(read_rows(task, "en", "train")) == 2
        for ask in (read_rows, fingerprint, lambda task, _, split: languages_at(task, split)):
            with pytest.raises(Mistakes, match="leads out of the folder; mend its code"):
                ask(task, "sw", "train")
    by_key = _own(str(tmp_path / "rows"), files={"train": "{language}/secret.csv"}, languages=[".."])
    with pytest.raises(Mistakes, match="leads out of the folder"):
        read_rows(by_key, "..", "train")


def test_links_in_a_folder_are_its_owners_business(write, tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train-en.csv").symlink_to(write("blob.csv", "text,label\none,yes\ntwo,no\n"))
    assert len(read_rows(_own(str(tmp_path / "rows")), "en", "train")) == 2


def test_a_task_file_calls_no_code_but_that_of_registered_samples(write, tmp_path, monkeypatch):
    write("evil.py", "from pathlib import Path\nPath(__file__).with_name('called').touch()\ndef folder(): return '.'\n")
    monkeypatch.syspath_prepend(tmp_path)
    table = {"name": "files", "languages": ["en"], "files": {"train": "a.csv"}, "labels": ["a", "b"]}
    for embedded, told in [("evil:folder", "known:"), ("masive", 'did you mean "massive"')]:
        with pytest.raises(Mistakes, match=f'no installed package has a sample "{embedded}"; {told}'):
            read_rows(load_task({**table, "embedded": embedded}), "en", "train")
    assert not (tmp_path / "called").exists()


def test_without_a_folder_massive_is_the_embedded_sample():
    task = load_task("massive")
    rows = read_rows(task, "sw", "validation", offline=True)
    assert rows.provenance["source"] == "embedded"
    assert 100 < len(rows) < 2033
    assert set(languages_at(task, "test")) < set(task.languages)
    with pytest.raises(Mistakes, match=r'lacks language "af".*source = "hub"'):
        read_rows(task, "af", "validation", offline=True)


def test_offline_asks_the_cache_of_the_hub_alone(fake_hub):
    """A pinned commit, and a branch of which nobody ever asked what it stands for."""
    for task in ("xnli", {"name": "massive", "source": "hub"}):
        for ask in (read_rows, fingerprint) if task != "xnli" else (read_rows,):
            with pytest.raises(Mistakes, match=r"not, or not wholly, in the hub's cache; .*`isogloss fetch RECIPE`"):
                ask(load_task(task), "en", "test", offline=True)
    assert fake_hub.asked == []


def test_a_task_without_folder_and_hub():
    task = load_task({"name": "files", "languages": ["en"], "files": {"train": "a.csv"}, "labels": ["a", "b"]})
    with pytest.raises(Mistakes, match='nothing says where its rows are; give path = "FOLDER"'):
        read_rows(task, "en", "train")
