"""Some of the rows that a finished run was tested on, tokenised again for its learner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.data.bag import Bag
from isogloss.data.encode import encode
from isogloss.data.rows import Rows
from isogloss.data.source import languages_at, read_rows
from isogloss.data.task import Task, load_task
from isogloss.keys import Key

if TYPE_CHECKING:
    from isogloss.learner.learner import Learner
    from isogloss.store.runs import RunInfo
    from isogloss.store.store import Store


def tested_rows(
    store: Store, run: RunInfo, learner: Learner, *, most: int, data: Mapping[str, Path], offline: bool
) -> list[Bag]:
    """Return a bag of each language that a run was tested on, with some of the rows that it was tested on.

    Of a final run, which is tested on none, they are of all labelled rows, most of which it was trained on.

    Args:
        store: that has the run, and its token cache.
        run: which is done.
        learner: of the run.
        most: examples a language, whole groups; the same ones in every language of a parallel task.
        data: folder of a task's files, by task name.
        offline: never reach for the hub.

    Raises:
        Mistakes: the rows cannot be read any more.
    """
    task, split = _task(run, learner, data), _split(run)
    bags = []
    for language, ids in _languages(store, run, task).items():
        rows = read_rows(task, language, split, offline=offline)
        bag = encode(
            rows,
            task,
            language,
            split,
            learner.tokenizer,
            learner.kind,
            max_length=learner.max_length,
            cache=store.bags,
        )
        if ids is not None:
            bag = bag.subset(ids=np.intersect1d(bag.ids, ids).tolist())
        if len(bag) > most:
            bag = bag.subset(examples=most, key=Key(0, "", purpose="export"))
        bags.append(bag)
    return bags


class Example(NamedTuple):
    """A row to show: its texts, its label ("" where the task has answers) and its language."""

    texts: tuple[str, ...]
    label: str
    language: str


def example_rows(
    store: Store, run: RunInfo, learner: Learner, *, most: int, data: Mapping[str, Path], offline: bool
) -> list[Example]:
    """Return a few of the rows that `tested_rows` has, each with a label of its own: the first ones that do.

    Raises:
        Mistakes: the rows cannot be read any more.
    """
    found: dict[str | int, Example] = {}
    for example in _examples(store, run, _task(run, learner, data), offline=offline):
        found.setdefault(example.label or len(found), example)
        if len(found) == most:
            break
    return list(found.values())


def _examples(store: Store, run: RunInfo, task: Task, *, offline: bool) -> Iterator[Example]:
    for language, ids in _languages(store, run, task).items():
        rows = read_rows(task, language, _split(run), offline=offline)
        wanted = None if ids is None else set(ids.tolist())
        for name, texts, label in zip(rows.ids.tolist(), rows.texts, _labels(rows), strict=True):
            if wanted is None or str(name) in wanted:
                yield Example(tuple(texts), label, language)


def _labels(rows: Rows) -> list[str]:
    return [""] * len(rows) if rows.labels is None else [rows.label_names[label] for label in rows.labels]


def _split(run: RunInfo) -> str:
    return "train" if run.settings.get("final") else str(run.settings["evaluation"]["split"])


def _languages(store: Store, run: RunInfo, task: Task) -> dict[str, NDArray[np.str_] | None]:
    return _every(run, task) if run.settings.get("final") else _tested(store, run)


def _tested(store: Store, run: RunInfo) -> dict[str, NDArray[np.str_] | None]:
    """Return the languages that a run was tested on, each with the ids of its rows."""
    predictions = store.predictions([run], columns=["language", "id"])
    parts = predictions.group_by(["language"], maintain_order=True)
    return {str(language): part["id"].to_numpy().astype(np.str_) for (language,), part in parts}


def _every(run: RunInfo, task: Task) -> dict[str, NDArray[np.str_] | None]:
    """Return the languages with labels, each with all its rows."""
    unlabelled = run.settings["languages"].get("unlabelled") or ()
    return {language: None for language in languages_at(task, "train") if language not in unlabelled}


def _task(run: RunInfo, learner: Learner, data: Mapping[str, Path]) -> Task:
    """Return the task that a run was tested on, where its files are now, with the labels of the learner's head."""
    task = load_task(run.tested_on)
    folder = data.get(task.name) or (run.settings.get("data") or {}).get(task.name)
    named = task.name in data or task.path is None  # the recipe's own path wins over its `data`, as when it was run
    if folder is not None and named:
        task = replace(task, path=Path(folder))
    task = replace(task, labels=learner.labels)
    return replace(task, fold=int(run.axes["fold"][0])) if "fold" in run.axes else task
