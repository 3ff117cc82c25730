"""Labels that a language or the whole training lacks, and how many rows of each there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from isogloss.doctor.columns import Column as Rows
from isogloss.doctor.examination import Examination, Finding, cells, named, sorted_findings
from isogloss.evaluation.tabular import Column, Table

Counts = NDArray[np.int64]

_BY_CHANCE = 1e-3  # a label that is missing by this chance or less is not missing because it is rare


def examine(columns: Sequence[Rows]) -> Examination:
    """Return which labels are missing where; rows with answers have none."""
    labelled = [column for column in columns if column.rows.labels is not None]
    if not labelled:
        return Examination("labels", "the rows have answers, no labels")
    names = labelled[0].rows.label_names
    trained, tested = _counts(labelled, "trained", len(names)), _counts(labelled, "tested", len(names))
    findings = [*_never_trained(trained, tested, names), *_missing(trained, names)]
    looked = f"rows of each of {len(names)} labels; shares that phases draw of them are not drawn"
    return Examination("labels", looked, sorted_findings(findings), (_table(labelled, names),))


def _counts(columns: Sequence[Rows], role: str, labels: int) -> dict[str, Counts]:
    """Return rows by label [C], by language, over the columns that play a role."""
    found: dict[str, Counts] = defaultdict(lambda: np.zeros(labels, dtype=np.int64))
    for column in columns:
        if role in column.roles:
            found[column.language] += np.bincount(column.labels, minlength=labels)
    return dict(found)


def _never_trained(trained: Mapping[str, Counts], tested: Mapping[str, Counts], names: Sequence[str]) -> list[Finding]:
    """What only the rows tested on have."""
    seen, asked = sum(trained.values()), sum(tested.values())
    only = [names[label] for label in np.flatnonzero((np.asarray(asked) > 0) & (np.asarray(seen) == 0)).tolist()]
    if not only:
        return []
    what = f"no row that is trained on has {named(only)}, and rows tested on have"
    return [Finding("warning", "training", what, "add rows with these labels, or take the labels out of the test")]


def _missing(trained: Mapping[str, Counts], names: Sequence[str]) -> list[Finding]:
    """What a language lacks that others have: by chance, since it is rare, or not."""
    whole = np.sum(list(trained.values()), axis=0) if trained else np.zeros(len(names), dtype=np.int64)
    found = []
    for language, counts in sorted(trained.items()):
        others = whole - counts
        missing = np.flatnonzero((counts == 0) & (others > 0))
        if not len(missing):
            continue
        shares = others[missing] / max(others.sum(), 1)
        odd = [names[k] for k in missing[binom.pmf(0, counts.sum(), shares) <= _BY_CHANCE].tolist()]
        rare = [names[k] for k in missing.tolist() if names[k] not in odd]
        where, remedy = f"language {language}", "add rows, or expect these labels to be carried from other languages"
        if odd:
            what = f"its {counts.sum():,} training rows lack {named(odd)}, which other languages have often"
            found.append(Finding("warning", where, what, remedy, count=len(odd)))
        if rare:
            what = f"its {counts.sum():,} training rows lack {named(rare)}, which are rare in other languages too"
            found.append(Finding("note", where, what, remedy, count=len(rare)))
    return found


def _table(columns: Sequence[Rows], names: Sequence[str]) -> Table:
    header = (
        Column("task"),
        Column("language"),
        Column("split"),
        Column("rows", "integer"),
        Column("labels", "integer"),
        Column("most frequent"),
        Column("share %", "number", 1),
        Column("least frequent"),
        Column("its rows", "integer"),
    )
    rows = []
    for column in columns:
        counts = np.bincount(column.labels, minlength=len(names))
        most, there = int(counts.argmax()), np.flatnonzero(counts)
        least = int(there[counts[there].argmin()])
        share = 100 * counts[most] / counts.sum()
        values = (column.task.name, column.language, column.split, len(column.rows), len(there))
        ends = (names[most], float(share), names[least], int(counts[least]))
        rows.append(cells(*values, *ends))
    return Table("rows by label", header, tuple(rows))
