"""Two label names that are exchanged in one language, where no row has a translation to be held against.

Within a language nothing shows that: its rows agree with each other. So the encoder's hidden states, as they are before
any training, are classified by ridge regression on the rows of all other languages (each language centred, which takes
its own place in the space away). Two labels are exchanged where most rows of each are read as the other, while in the
other languages, each left out in its turn, they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from isogloss.doctor.columns import Column
from isogloss.doctor.examination import Examination, Finding, named, quoted, sorted_findings

Vectors = NDArray[np.float32]
States = Callable[[Column, NDArray[np.int64]], Vectors]

ROWS = 600  # of a language, spread over its labels
_LANGUAGES = 3
_LEAST = 5  # rows of a label
_READ_AS = 0.5
_ELSEWHERE = 0.25  # share of a label's rows in other languages that may be read as the other one
_RIDGE = 1.0


def examine(columns: Sequence[Column], covered: set[str], states: States) -> Examination:
    """Return languages in which two labels are exchanged.

    Args:
        columns: of all tasks.
        covered: those (`Column.where`) whose labels were held against translations: that sees more.
        states: hidden states [N, H] of some rows of a column.
    """
    findings: list[Finding] = []
    told: list[str] = []
    for task, chosen in sorted(_by_language(columns, covered).items()):
        if len(chosen) < _LANGUAGES:
            continue
        rows = {column.language: _some(column) for column in chosen}
        vectors = {column.language: _centred(states(column, rows[column.language])) for column in chosen}
        labels = {column.language: column.labels[rows[column.language]] for column in chosen}
        confusion = confusions(vectors, labels, len(chosen[0].rows.label_names))
        told.append(f"{task} in {len(chosen)} languages")
        findings += [finding for column in chosen for finding in _findings(column, confusion)]
    looked = f"up to {ROWS} rows a language, read by the encoder's states: {named(told)}"
    if not told:
        looked = "no task has labels in three languages or more whose rows are not parallel"
    return Examination("exchanged labels", looked, sorted_findings(findings))


def confusions(
    vectors: Mapping[str, Vectors], labels: Mapping[str, NDArray[np.int64]], count: int
) -> dict[str, NDArray[np.int64]]:
    """Return by language how often a row with a label [C] is read as each [C], by the rows of all other languages."""
    found = {}
    for language, own in vectors.items():
        others = [other for other in vectors if other != language]
        train = np.concatenate([vectors[other] for other in others]).astype(np.float64)
        one_hot = np.eye(count)[np.concatenate([labels[other] for other in others])]
        gram = train.T @ train + _RIDGE * np.eye(train.shape[1])
        scores = own @ np.linalg.solve(gram, train.T @ (one_hot - one_hot.mean(axis=0))) + one_hot.mean(axis=0)
        found[language] = np.zeros((count, count), dtype=np.int64)
        np.add.at(found[language], (labels[language], scores.argmax(axis=1)), 1)
    return found


def exchanged(confusion: Mapping[str, NDArray[np.int64]], language: str) -> Iterator[tuple[int, int, int]]:
    """Yield pairs of labels that a language exchanges, and on how many rows."""
    own, others = confusion[language], sum(matrix for other, matrix in confusion.items() if other != language)
    assert not isinstance(others, int)
    sizes, elsewhere = own.sum(axis=1), np.maximum(others.sum(axis=1), 1)
    for first, second in np.argwhere(np.triu(own, 1) * np.triu(own.T, 1)).tolist():
        both = ((first, second), (second, first))
        if all(
            sizes[a] >= _LEAST and own[a, b] > _READ_AS * sizes[a] and others[a, b] < _ELSEWHERE * elsewhere[a]
            for a, b in both
        ):
            yield first, second, int(own[first, second] + own[second, first])


def _findings(column: Column, confusion: Mapping[str, NDArray[np.int64]]) -> Iterator[Finding]:
    names = column.label_names
    for first, second, count in exchanged(confusion, column.language):
        what = f'the names "{names[first]}" and "{names[second]}" seem exchanged ({count} rows are read so)'
        which = np.flatnonzero(np.isin(column.labels, (first, second)))
        places = quoted([column.rows.places[row] for row in which.tolist()])
        where, remedy = f"{column.task.name} {column.language}", "compare these rows with another language's"
        yield Finding("warning", where, what, remedy, places, count)


def _by_language(columns: Sequence[Column], covered: set[str]) -> dict[str, list[Column]]:
    """Return the largest column with labels of each language, by task."""
    found: dict[str, dict[str, Column]] = {}
    for column in columns:
        if column.rows.labels is None or column.where in covered:
            continue
        languages = found.setdefault(column.task.name, {})
        if column.language not in languages or len(languages[column.language].rows) < len(column.rows):
            languages[column.language] = column
    return {task: list(languages.values()) for task, languages in found.items()}


def _some(column: Column) -> NDArray[np.int64]:
    """Return rows of all labels, in turn, up to `ROWS`."""
    labels = column.labels
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])  # where each row's label starts among the sorted
    turn = np.arange(len(labels)) - starts
    chosen: NDArray[np.int64] = np.sort(order[np.argsort(turn, kind="stable")][:ROWS])
    return chosen


def _centred(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-9)
    centred: Vectors = unit - unit.mean(axis=0)
    return centred
