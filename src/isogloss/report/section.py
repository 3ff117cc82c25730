"""A section of the page: sentences and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from isogloss.evaluation.tabular import Table


class Section(NamedTuple):
    """One section.

    Attributes:
        name: its anchor: lower case, hyphens.
        title: one or a few words.
        lead: what stands out, a paragraph each.
        sentences: what else is to be said, as a list.
        method: how it was found out, which a reader opens who wants to know.
        tables: in order, below the sentences.
    """

    name: str
    title: str
    lead: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    method: str = ""
    tables: tuple[Table, ...] = ()


def without_empty(table: Table) -> Table:
    """Return a table without the columns in which no row says anything; one without rows stays as it is."""
    if not table.rows:
        return table
    kept = [place for place in range(len(table.columns)) if any(row[place].value is not None for row in table.rows)]
    rows = tuple(tuple(row[place] for place in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[place] for place in kept), rows=rows)
