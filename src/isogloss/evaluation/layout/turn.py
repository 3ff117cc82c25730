"""A table of scores turned: languages as rows, arms as columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from isogloss.evaluation.tabular import MARKS, Cell, Column, Group, Table


def turned(table: Table, heads: int) -> Table:
    """Return the table with a column for each row; every number and every mark stays.

    Args:
        table: of scores; its groups become headings over columns.
        heads: how many columns name a row.
    """
    rest = table.columns[heads:]
    digits = next(column.digits for column in rest if column.kind == "number")
    columns = [
        Column(_name(row[:heads]), "number", digits, many=True, group=heading or "")
        for heading, rows in table.parts()
        for row in rows
    ]
    rows = [(Cell(_turned(column.name)), *(row[heads + at] for row in table.rows)) for at, column in enumerate(rest)]
    languages = sum(column.many for column in rest)
    # Below the languages, their means and counts: a rule stands between.
    groups = (Group("", 0), Group("", languages)) if 0 < languages < len(rest) else ()
    footnotes = tuple(map(_turned, table.footnotes))
    return Table(table.title, (Column("language"), *columns), tuple(rows), table.notes, footnotes, groups)


def _turned(text: str) -> str:
    """What is said of rows is said of columns."""
    return re.sub(r"\b([Rr])ow(s?)\b", lambda found: f"{'C' if found[1] == 'R' else 'c'}olumn{found[2]}", text)


def _name(cells: Sequence[Cell]) -> str:
    """What a row is called, as a heading; marks of its cells go with it."""
    first, *values = (f"{cell.value or ''}{''.join(MARKS[mark] for mark in cell.marks)}" for cell in cells)
    cell = ", ".join(filter(None, values))
    return f"{first} ({cell})" if cell else first
