"""Two label names that are exchanged in one language, where no row has a translation to be held against.

Within a language nothing shows that: its rows agree with each other. So the encoder's hidden states, as they are before
any training, are classified by ridge regression on the rows of all other languages (each language centred, which takes
its own place in the space away). Two labels are exchanged where most rows of each are read as the other, while in the
other languages, each read by the rest of them, they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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
        readers = Readers(vectors, labels, len(chosen[0].label_names))
        told.append(f"{task} in {len(chosen)} languages")
        findings += [finding for column in chosen for finding in _findings(column, readers)]
    looked = f"up to {ROWS} rows a language, read by the encoder's states: {named(told)}"
    if not told:
        looked = "no task has labels in three languages or more whose rows are not parallel"
    return Examination("exchanged labels", looked, sorted_findings(findings))


class Readers:
    """Ridge regressions from vectors to labels, on the rows of any languages.

    Args:
        vectors: [N, H] by language.
        labels: [N] by language.
        count: C, how many labels there are.
    """

    def __init__(self, vectors: Mapping[str, Vectors], labels: Mapping[str, NDArray[np.int64]], count: int) -> None:
        self._vectors, self._labels, self._count = vectors, labels, count
        self._one_hot = {language: np.eye(count)[own] for language, own in labels.items()}
        self._squares = {language: own.astype(np.float64).T @ own for language, own in vectors.items()}

    def confusion(self, language: str, by: Iterable[str]) -> NDArray[np.int64]:
        """Return [C, C], how many rows of a language with each label are read as each, by the rows of others."""
        by = list(by)
        mean = np.concatenate([self._one_hot[other] for other in by]).mean(axis=0)
        squares = sum((self._squares[other] for other in by), start=_RIDGE * np.eye(len(self._squares[language])))
        products = sum(self._vectors[other].T @ (self._one_hot[other] - mean) for other in by)
        scores = self._vectors[language] @ np.linalg.solve(squares, products) + mean
        found = np.zeros((self._count, self._count), dtype=np.int64)
        np.add.at(found, (self._labels[language], scores.argmax(axis=1)), 1)
        return found

    def exchanged(self, language: str) -> Iterator[tuple[int, int, int]]:
        """Yield pairs of labels that a language exchanges, and on how many rows."""
        others = [other for other in self._vectors if other != language]
        own = self.confusion(language, others)
        sizes = own.sum(axis=1)
        odd = (own > _READ_AS * np.maximum(sizes, _LEAST)[:, None]) & (sizes >= _LEAST)[:, None]
        pairs = np.argwhere(np.triu(odd & odd.T, 1)).tolist()
        if not pairs:
            return
        elsewhere = np.sum([self.confusion(o, [by for by in others if by != o]) for o in others], axis=0)
        usual = elsewhere / np.maximum(elsewhere.sum(axis=1, keepdims=True), 1)
        for first, second in pairs:
            if max(usual[first, second], usual[second, first]) < _ELSEWHERE:
                yield first, second, int(own[first, second] + own[second, first])


def _findings(column: Column, readers: Readers) -> Iterator[Finding]:
    names = column.label_names
    for first, second, count in readers.exchanged(column.language):
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
