"""Columns out of the embedded sample of MASSIVE: real texts in many languages, labelled by what they are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from isogloss.data.rows import Rows
from isogloss.data.source import read_rows
from isogloss.data.task import Task, load_task
from isogloss.doctor.columns import Column, Role

LANGUAGES = ("de", "el", "en", "es", "fi", "fr", "sw", "tr")
TOPICS = ("alarm", "audio", "calendar", "email", "iot", "lists", "music", "news", "play", "qa", "social", "weather")

Rewrite = Callable[[Sequence[str]], list[str]]


@cache
def sample(language: str, split: str) -> Rows:
    """The sample's rows of a split that are about one of the topics."""
    rows = read_rows(load_task("massive"), language, split)
    topics = [rows.label_names[label].partition("_")[0] for label in rows.labels]
    kept = [row for row, topic in enumerate(topics) if topic in TOPICS]
    labels = np.array([TOPICS.index(topics[row]) for row in kept])
    return replace(_taken(rows, kept), labels=labels, label_names=TOPICS)


def _taken(rows: Rows, kept: Sequence[int]) -> Rows:
    return replace(
        rows,
        ids=rows.ids[kept],
        texts=[rows.texts[row] for row in kept],
        groups=rows.groups[kept],
        labels=rows.labels[kept],
        places=[f"{split_place}" for split_place in (rows.places[row] for row in kept)],
    )


def task(*, parallel: bool) -> Task:
    """A task with the sample's languages."""
    return Task(
        "topics", "text_classification", LANGUAGES, ("utt",), "topic", labels=TOPICS, id="id", parallel=parallel
    )


def column(language: str, split: str, *roles: Role, parallel: bool = True, rows: Rows | None = None) -> Column:
    """A column of the sample, named `LANGUAGE-SPLIT:ROW` row by row."""
    rows = sample(language, split) if rows is None else rows
    places = [f"{language}-{split}:{row}" for row in range(len(rows))]
    return Column(task(parallel=parallel), language, split, replace(rows, places=places), frozenset(roles))


def with_texts(made: Column, texts: Sequence[str]) -> Column:
    """A column with other texts."""
    return replace(made, rows=replace(made.rows, texts=[(text,) for text in texts]))


def with_labels(made: Column, labels: np.ndarray) -> Column:
    """A column with other labels."""
    return replace(made, rows=replace(made.rows, labels=labels))


def with_rows(made: Column, other: Column, count: int) -> Column:
    """A column to which rows of another are added."""
    ours, theirs = made.rows, other.rows
    added = replace(
        ours,
        ids=np.concatenate([ours.ids, [f"added-{name}" for name in theirs.ids[:count]]]),
        texts=[*ours.texts, *theirs.texts[:count]],
        labels=np.concatenate([ours.labels, theirs.labels[:count]]),
        groups=np.concatenate([ours.groups, theirs.groups[:count] + 1]),
        places=[*ours.places, *(f"added:{row}" for row in range(count))],
    )
    return replace(made, rows=added)


def permuted(made: Column, share: float, seed: int = 0) -> tuple[Column, list[int]]:
    """A column with a share of its labels permuted, and the rows whose label that changed."""
    generator = np.random.default_rng(seed)
    labels = made.labels.copy()
    rows = generator.choice(len(labels), round(share * len(labels)), replace=False)
    labels[rows] = labels[np.roll(rows, 1)]
    return with_labels(made, labels), np.flatnonzero(labels != made.labels).tolist()


def exchanged(made: Column, first: str, second: str) -> Column:
    """A column in which two label names are exchanged."""
    labels, (a, b) = made.labels.copy(), (TOPICS.index(first), TOPICS.index(second))
    labels[made.labels == a], labels[made.labels == b] = b, a
    return with_labels(made, labels)


@pytest.fixture(scope="session")
def clean() -> list[Column]:
    """Training rows (the sample's validation split) and rows to be tested on, of all languages, parallel."""
    return [
        made
        for language in LANGUAGES
        for made in (column(language, "validation", "trained"), column(language, "test", "tested"))
    ]


def replaced(columns: Sequence[Column], new: Column) -> list[Column]:
    """Columns with a new one in the place of that with its name."""
    return [new if one.where == new.where else one for one in columns]


def pick(columns: Sequence[Column], language: str, split: str) -> Column:
    """One of some columns."""
    return next(one for one in columns if (one.language, one.split) == (language, split))
