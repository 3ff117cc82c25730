"""A table: what is shown, apart from how (`isogloss.evaluation.render`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["text", "integer", "number", "signed", "p", "interval"]
Value = str | int | float | tuple[float, float] | None

MARKS = {"seen": "†", "better": "▲", "worse": "▼", "oracle": "‡"}


class Column(NamedTuple):
    """A column.

    Attributes:
        name: its heading.
        kind: what its cells hold; an interval is a pair, in two columns of a CSV file.
        digits: after the decimal point.
        many: one of many alike (languages), which may be folded where a line is too long.
        key: what a layout calls it, where its heading says more or depends on the runs; the heading if empty.
        group: a heading over neighbouring columns that have the same one; none if empty.
    """

    name: str
    kind: Kind = "text"
    digits: int = 2
    many: bool = False
    key: str = ""
    group: str = ""

    @property
    def full_name(self) -> str:
        """Its heading with that of its group, for a format that has one line of headings."""
        return f"{self.group}: {self.name}" if self.group else self.name


class Group(NamedTuple):
    """Rows that belong together: from the row `first` on, up to the next group.

    A heading stands above them; where it is empty, a rule alone.
    """

    heading: str
    first: int


class Cell(NamedTuple):
    """A value, None where there is none, and marks: keys of `MARKS`."""

    value: Value = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """What is shown, apart from how.

    Attributes:
        title: one line.
        columns: in order.
        rows: cells, one a column.
        notes: sentences above the table.
        footnotes: sentences below it.
        groups: of rows, in order; rows before the first one are in none.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()

    def parts(self) -> Iterator[tuple[str | None, tuple[tuple[Cell, ...], ...]]]:
        """The rows by group, with its heading; None for those before the first group, where there are any."""
        starts = [*(group.first for group in self.groups), len(self.rows)]
        if starts[0]:
            yield None, self.rows[: starts[0]]
        for group, end in zip(self.groups, starts[1:], strict=True):
            yield group.heading, self.rows[group.first : end]


def number(value: Value, column: Column) -> str:
    """Return a value in the column's format, without marks; an en dash for none."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return "[" + ", ".join(number(bound, column._replace(kind="signed")) for bound in value) + "]"
    return value if isinstance(value, str) else _digits(value, column)


def _digits(value: float, column: Column) -> str:
    if column.kind == "integer" or (column.kind == "number" and isinstance(value, int)):  # a count among scores
        return f"{value:,}"
    if column.kind == "p":
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    sign = "+" if column.kind == "signed" else ""
    return f"{value:{sign}.{column.digits}f}".replace("-", "−")
