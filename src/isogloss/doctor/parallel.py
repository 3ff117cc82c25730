"""Rows that are translations of each other: their labels must be the same, and none may be trained on and tested on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from isogloss.data.task import Task
from isogloss.doctor.columns import Column
from isogloss.doctor.examination import Examination, Finding, named, quoted, sorted_findings

_LANGUAGES = 3  # in fewer nobody can tell which of two labels is the odd one
_SWAPPED = 0.5  # share of a label's rows that carry another's name


def examine(columns: Sequence[Column]) -> Examination:
    """Return languages whose labels differ from those of the same rows in the others.

    What most languages say of a row is taken for right; of two languages that differ, both are told of.
    """
    found: list[Finding] = []
    compared: list[str] = []
    for (task, split), together in sorted(_together(columns).items()):
        if len(together) > 1:
            compared.append(f"{task} {split} in {len(together)} languages")
            found += _findings(together)
    looked = (
        f"the labels of rows with one id: {'; '.join(compared)}" if compared else "no rows with labels are parallel"
    )
    return Examination("labels of translations", looked, sorted_findings(found))


def compared(columns: Sequence[Column]) -> set[str]:
    """Return which columns (`Column.where`) are held against enough other languages to find mislabelled rows."""
    every = _together(columns).values()
    return {column.where for together in every if len(together) >= _LANGUAGES for column in together}


def _together(columns: Sequence[Column]) -> dict[tuple[str, str], list[Column]]:
    """Return columns by task and split, of parallel tasks with labels."""
    found: dict[tuple[str, str], list[Column]] = defaultdict(list)
    for column in columns:
        if column.task.parallel and column.rows.labels is not None:
            found[column.task.name, column.split].append(column)
    return found


def _findings(columns: Sequence[Column]) -> Iterator[Finding]:
    said: dict[str, Counter[int]] = defaultdict(Counter)
    for column in columns:
        assert column.rows.labels is not None
        for name, label in zip(column.rows.ids.tolist(), column.rows.labels.tolist(), strict=True):
            said[name][label] += 1
    for column in columns:
        yield from _of_one(column, said, len(columns))


def _of_one(column: Column, said: Mapping[str, Counter[int]], languages: int) -> Iterator[Finding]:
    ids, labels, names = column.rows.ids.tolist(), column.labels, column.label_names
    usual = np.array([_most(said[name], own) for name, own in zip(ids, labels.tolist(), strict=True)])
    odd = np.flatnonzero(usual != labels)
    confused = Counter(zip(usual[odd].tolist(), labels[odd].tolist(), strict=True))
    for first, second in _exchanged(confused, usual):
        rows = odd[np.isin(usual[odd], (first, second)) & np.isin(labels[odd], (first, second))]
        what = f'the names "{names[first]}" and "{names[second]}" are exchanged: {len(rows):,} rows'
        remedy = "exchange them, or see which languages are right"
        yield Finding("warning", column.where, what, remedy, _places(column, rows), len(rows))
        odd = np.setdiff1d(odd, rows)
    if len(odd):
        against = "all other languages" if languages > _LANGUAGES else "the other language"
        what = f"{len(odd):,} of {len(ids):,} rows have another label than their translations in {against}"
        remedy = "mend these labels" + (
            "" if languages >= _LANGUAGES else "; nothing here tells which of the two is right"
        )
        yield Finding("warning", column.where, what, remedy, _places(column, odd), len(odd))


def _most(said: Counter[int], own: int) -> int:
    """Return the label that most languages give a row; where as many give one as another, not the column's own."""
    (label, count), *others = said.most_common(2)
    tied = others and others[0][1] == count
    return others[0][0] if tied and label == own else label


def _exchanged(confused: Mapping[tuple[int, int], int], usual: np.ndarray) -> Iterator[tuple[int, int]]:
    for (first, second), count in confused.items():
        back = confused.get((second, first), 0)
        sizes = int((usual == first).sum()), int((usual == second).sum())
        if first < second and count > _SWAPPED * sizes[0] and back > _SWAPPED * sizes[1]:
            yield first, second


def _places(column: Column, rows: Sequence[int] | np.ndarray) -> tuple[str, ...]:
    return quoted([column.rows.places[row] for row in rows])


def examine_groups(columns: Sequence[Column]) -> Examination:
    """Return rows tested on whose translation, or whose group's other rows, are trained on."""
    trained: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    tasks: dict[str, Task] = {column.task.name: column.task for column in columns}
    for column in columns:
        if "trained" in column.roles:
            for group in column.rows.groups.tolist():
                trained[column.task.name][group].add(f"{column.language} {column.split}")
    found, looked = [], 0
    for column in columns:
        if "tested" not in column.roles or column.task.name not in trained:
            continue
        looked += len(column.rows)
        seen = trained[column.task.name]
        hits = [row for row, group in enumerate(column.rows.groups.tolist()) if group in seen]
        if hits:
            also = sorted({place for row in hits for place in seen[int(column.rows.groups[row])]})
            kind = "translations" if tasks[column.task.name].parallel else "groups"
            what = f"{len(hits):,} of {len(column.rows):,} rows tested on are trained on, as {kind} ({named(also)})"
            remedy = "train on other rows, or test on a split that shares no id"
            found.append(Finding("warning", column.where, what, remedy, _places(column, hits), len(hits)))
    told = f"ids and groups of {looked:,} rows tested on, against those trained on in any language"
    return Examination("translations across splits", told, tuple(found))
