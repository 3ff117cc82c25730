"""Rows that nobody has split: one file of several languages, cut into folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isogloss.data.folds import deal
from isogloss.data.source import fingerprint, languages_at, read_rows, read_unlabelled
from isogloss.data.task import Task, load_task
from isogloss.errors import Mistakes

FOLDS = 5


def task(path: Path, **more: object) -> Task:
    base = {
        "name": "files",
        "path": str(path.parent),
        "languages": ["en", "sw", "en+sw"],
        "files": {"all": {"pattern": path.name, "language": "lang"}},
        "split": {"folds": FOLDS},
    }
    return load_task(base | more)


def table(rows: list[tuple[str, ...]], header: str = "text,label,lang,customer") -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


@pytest.fixture
def file(write: Callable[..., Path]) -> Path:
    rng = np.random.default_rng(0)
    shares = {"en": (40, 13, 4), "sw": (11, 5, 0), "en+sw": (9, 6, 3)}
    rows = [
        (f"row {language} {label} {number}", label, language, f"c{rng.integers(30)}")
        for language, counts in shares.items()
        for label, count in zip("abc", counts, strict=True)
        for number in range(count)
    ]
    return write("mine.csv", table([rows[i] for i in rng.permutation(len(rows))]))


def texts(of: Task, language: str, split: str) -> Counter[str]:
    return Counter(text for (text,) in read_rows(of, language, split).texts)


@pytest.mark.parametrize("language", ["en", "sw", "en+sw"])
def test_each_row_is_tested_on_once_by_a_model_that_has_not_seen_it(file: Path, language: str) -> None:
    whole = texts(task(file), language, "all")
    tested: Counter[str] = Counter()
    for fold in range(FOLDS):
        train, test = (texts(task(file, fold=fold), language, split) for split in ("train", "test"))
        assert train + test == whole
        assert not train & test
        tested += test
    assert tested == whole
    assert texts(task(file), language, "train") == whole  # without a fold: for the model that is taken away


def test_labels_of_each_language_are_spread_evenly(file: Path) -> None:
    """Red without `stratify`: the 4 rows of a rare label then meet in one fold."""
    for language in ("en", "sw"):
        for label in range(3):
            counts = [
                int((read_rows(task(file, fold=fold), language, "test").labels == label).sum()) for fold in range(5)
            ]
            assert max(counts) - min(counts) <= 1


def test_a_group_is_in_one_fold_in_every_language(file: Path) -> None:
    of = {}
    for fold in range(FOLDS):
        rows = file.read_text().splitlines()[1:]
        tested = set()
        for language in ("en", "sw", "en+sw"):
            tested |= set(texts(task(file, fold=fold, group={"column": "customer"}), language, "test"))
        for row in rows:
            text, *_, customer = row.split(",")
            if text in tested:
                assert of.setdefault(customer, fold) == fold
    assert len(set(of.values())) == FOLDS


def test_translations_are_in_one_fold(write: Callable[..., Path]) -> None:
    rows = [(f"{lang} {n}", "ab"[n % 2], lang, str(n)) for lang in ("en", "sw") for n in range(20)]
    path = write("parallel.csv", table(rows, "text,label,lang,id"))
    for fold in range(FOLDS):
        of = task(path, fold=fold, languages=["en", "sw"], id="id", parallel=True)
        assert read_rows(of, "en", "test").ids.tolist() == read_rows(of, "sw", "test").ids.tolist()


def test_the_order_of_the_rows_does_not_matter_to_what_shares_a_fold(write: Callable[..., Path]) -> None:
    rows = [(f"t{n}", "abc"[n % 3], "en", str(n)) for n in range(60)]
    found = []
    for order in (rows, rows[::-1]):
        path = write("ordered.csv", table(order, "text,label,lang,id"))
        of = task(path, languages=["en"], id="id")
        found.append([set(texts(replace(of, fold=fold), "en", "test")) for fold in range(FOLDS)])
    assert found[0] == found[1]


def test_how_units_are_dealt_never_changes() -> None:
    """Red with any other order or hash: rows that were tested on would be trained on."""
    units = {f"u{n}": ["en a" if n % 3 else "en b"] for n in range(12)} | {"big": ["en a"] * 4}
    dealt = deal(units, 3)
    assert [" ".join(unit for unit in units if dealt[unit] == fold) for fold in range(3)] == [
        "u0 u4 u8 u9 u10 u11",
        "u3 big",
        "u1 u2 u5 u6 u7",
    ]


def test_folds_have_keys_of_their_own(file: Path) -> None:
    keys = {fingerprint(task(file, fold=fold), "en", split) for fold in range(FOLDS) for split in ("train", "test")}
    keys |= {fingerprint(task(file), "en", split) for split in ("train", "all")}
    assert len(keys) == 2 * FOLDS + 2
    more = fingerprint(task(file, fold=0, split={"folds": FOLDS, "stratify": False}), "en", "test")
    assert more not in keys


def test_languages_are_those_that_the_column_names(file: Path) -> None:
    assert languages_at(task(file), "train") == ("en", "sw", "en+sw")
    with_more = task(file, languages=["en", "sw", "en+sw", "de"])
    assert languages_at(with_more, "train") == ("en", "sw", "en+sw")


@pytest.mark.parametrize(
    ("more", "split", "said"),
    [
        ({}, "test", "write fold = 0, or axes.fold"),
        ({"fold": 5}, "test", "there is no fold 5; they are 0 to 4"),
        ({"fold": 0, "split": None}, "test", "a fold is of a task with split"),
        ({"split": {"folds": 1}}, "train", "greater than or equal to 2"),
        ({"split": {"fold": 5}}, "train", 'unknown key "fold"'),
        ({"files": {"train": "mine.csv"}}, "train", "called neither train nor test"),
        ({"fold": 0, "split": {"folds": 90}}, "train", "are in 57 of 90 folds; ask for 57 folds"),
        ({"languages": ["en", "sw"]}, "train", 'no language of the task is called "en+sw" (column "lang")'),
        ({"files": {"all": {"pattern": "mine.csv", "language": "tongue"}}}, "train", 'no column "tongue"'),
    ],
)
def test_mistakes_are_one_line(file: Path, more: dict[str, object], split: str, said: str) -> None:
    with pytest.raises(Mistakes) as found:
        read_rows(task(file, **more), "en", split)
    assert said in str(found.value)


def test_rows_without_labels_are_read_as_such_and_those_with_some_refused(write: Callable[..., Path]) -> None:
    rows = [(f"t{n}", "ab"[n % 2] if n < 20 else "", "en" if n < 20 else "sw", "c") for n in range(26)]
    of = task(write("some.csv", table(rows)), languages=["en", "sw"])
    assert len(read_unlabelled(of, "sw", "test")) == 6
    with pytest.raises(Mistakes, match="is said to be unlabelled, and 20 of its rows have a label"):
        read_unlabelled(of, "en", "test")
    with pytest.raises(Mistakes, match="no label in column"):
        read_rows(replace(of, fold=0), "sw", "test")


def test_a_language_that_is_not_in_every_fold_ends_in_one_line(write: Callable[..., Path]) -> None:
    """A fold without a row of it could not be tested on; its rarest labels are spread over the folds first."""
    rows = [(f"t{n}", "ab"[n % 2], "en", "c") for n in range(40)]
    few = [(f"s{n}", "abcdef"[n], "sw", "c") for n in range(6)]
    path = write("few.csv", table(rows + few))
    of = task(path, languages=["en", "sw"])
    assert [len(read_rows(replace(of, fold=fold), "sw", "test")) for fold in range(FOLDS)].count(0) == 0
    path.write_text(table(rows + few[:3]))
    with pytest.raises(Mistakes, match='the 3 rows of "sw" are in 3 of 5 folds; ask for 3 folds'):
        read_rows(replace(of, fold=0), "en", "train")


def test_a_row_without_a_group_is_named(write: Callable[..., Path]) -> None:
    """Else all of them would be one group, and in one fold."""
    rows = [(f"t{n}", "ab"[n % 2], "en", f"c{n}" if n != 7 else "") for n in range(40)]
    of = task(write("gaps.csv", table(rows)), languages=["en"], group={"column": "customer"}, fold=0)
    with pytest.raises(Mistakes, match=r'gaps.csv:9: nothing in column "customer"'):
        read_rows(of, "en", "train")
