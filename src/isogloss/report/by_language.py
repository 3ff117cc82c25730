"""A table of scores as a page shows it: a short one of what each arm comes to, and a long one by language."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from isogloss.evaluation.notes import legend
from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.languages import languages, parts


def halves(table: Table, comparisons: pl.DataFrame | None) -> tuple[Table, ...]:
    """Return a table of scores in two: without its languages, and with a row for each of them.

    A page is read downwards, on a narrow screen above all. Where there are more arms than languages, or an arm has
    several rows (contexts × questions), the table stays as it is.

    Args:
        table: a table of `isogloss.evaluation.score_table`.
        comparisons: whose verdicts are marked in it, if any.
    """
    many = [place for place, column in enumerate(table.columns) if column.many]
    heads = [place for place, column in enumerate(table.columns) if column.kind == "text"]
    names = [" ".join(str(row[place].value) for place in heads if row[place].value) for row in table.rows]
    if len(many) < len(names) or len(set(names)) < len(names):
        return (table,)
    rest = [place for place in range(len(table.columns)) if place not in many]
    means = tuple(tuple(row[place] for place in rest) for row in table.rows)
    said = legend(table.rows, comparisons)
    short = replace(
        table,
        columns=tuple(table.columns[place] for place in rest),
        rows=means,
        footnotes=(*legend(means, comparisons), *(line for line in table.footnotes if line not in said)),
    )
    columns = (Column("language"), Column("name"), *(Column(name, "number") for name in names))
    rows = tuple(
        (
            Cell(table.columns[place].name),
            Cell(in_words(table.columns[place].name)),
            *(row[place] for row in table.rows),
        )
        for place in many
    )
    return short, Table(
        f"{table.title}, by language", columns, rows, footnotes=tuple(legend(rows, comparisons, by="column"))
    )


def in_words(key: str) -> str:
    """Return the English name of a language, of a cell ("de/en") or of a text in two; keys that nobody knows stay."""
    known = languages()
    for part in sorted(parts([key]), key=len, reverse=True):
        if part in known and "/" not in key and "+" not in key:
            return known[part].name
    joined = [[known[one].name if one in known else one for one in side.split("+")] for side in key.split("/")]
    return " / ".join(" + ".join(side) for side in joined)
