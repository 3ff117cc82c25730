"""How wide the intervals of scores will be, and how many rows would make them narrower."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from isogloss.doctor.columns import Column as Rows
from isogloss.doctor.examination import Examination, Finding, cells, named
from isogloss.evaluation.tabular import Column, Table

WANTED = 5.0
"""Points to either side that a score should be known to."""

_GUESS = 0.8  # an accuracy, where the most frequent label is not more frequent
_Z = 1.959963984540054


class Expected(NamedTuple):
    """What to expect of a score.

    Attributes:
        points: to either side, if rows are right or wrong independently of each other.
        clustered: if rows of a group are right or wrong together, as the worst case has it.
        more: rows (groups, where there are any) to annotate for `WANTED`.
    """

    points: float
    clustered: float
    more: int


def examine(columns: Sequence[Rows], examples: int | None) -> Examination:
    """Return the interval to expect of each language tested on.

    Args:
        columns: of which those tested on count.
        examples: of a language that are drawn to be tested on; None for all.
    """
    tested = [column for column in columns if "tested" in column.roles]
    rows = [(column, _of(column, examples)) for column in tested]
    few = [(column, expected) for column, expected in rows if expected.clustered > 2 * WANTED]
    findings = [
        Finding(
            "warning",
            column.where,
            f"a score will be known to ±{expected.clustered:.0f} points",
            f"annotate {expected.more:,} rows more for ±{WANTED:.0f}",
        )
        for column, expected in few
    ]
    more = [column.language for column, expected in rows if expected.more > 0 and expected.clustered <= 2 * WANTED]
    if more:
        what = f"scores in {named(more)} will not be known to ±{WANTED:.0f} points"
        findings.append(Finding("note", "test", what, "see the table for how many rows that takes"))
    looked = (
        f"Wilson intervals (95 %) at an accuracy of {_GUESS:.0%}, or of the most frequent label's share where that is "
    )
    looked += "larger, for one seed; taken twice, rows of a group apart and together"
    return Examination("intervals", looked, tuple(findings), (_table(rows, examples),) if rows else ())


def half_width(accuracy: float, count: int) -> float:
    """Return half of Wilson's interval (95 %), in points."""
    spread = math.sqrt(accuracy * (1 - accuracy) / count + _Z**2 / (4 * count**2))
    return 100 * _Z * spread / (1 + _Z**2 / count)


def rows_for(points: float, accuracy: float) -> int:
    """Return the fewest rows whose interval is at most so wide."""
    low, high = 1, 10_000_000
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(accuracy, middle) <= points else (middle + 1, high)
    return low


def guess(column: Rows) -> float:
    """Return an accuracy that may be expected of a column."""
    if column.rows.labels is None:
        return _GUESS
    return max(_GUESS, float(np.bincount(column.rows.labels).max() / len(column.rows)))


def _of(column: Rows, examples: int | None) -> Expected:
    count, groups = _sizes(column, examples)
    accuracy = min(guess(column), 1 - 1 / (count + 1))
    more = max(0, rows_for(WANTED, accuracy) - groups)
    return Expected(half_width(accuracy, count), half_width(accuracy, groups), more)


def _sizes(column: Rows, examples: int | None) -> tuple[int, int]:
    """Return rows and groups that are tested on; whole groups are drawn."""
    count, groups = len(column.rows), len(np.unique(column.rows.groups))
    if examples is None or examples >= count:
        return count, groups
    return examples, max(1, round(groups * examples / count))


def _table(rows: Sequence[tuple[Rows, Expected]], examples: int | None) -> Table:
    header = (
        Column("language"),
        Column("split"),
        Column("rows", "integer"),
        Column("groups", "integer"),
        Column("± points", "number", 1),
        Column("± by group", "number", 1),
        Column("rows more", "integer"),
    )
    body = []
    for column, expected in rows:
        count, groups = _sizes(column, examples)
        values = (column.language, column.split, count, groups, expected.points, expected.clustered, expected.more)
        body.append(cells(*values))
    return Table(f"what scores will be known to, and rows to annotate for ±{WANTED:.0f}", header, tuple(body))
