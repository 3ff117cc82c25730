"""A table as HTML, for a notebook and for a page: everything in it is text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html import escape

from isogloss.evaluation.tabular import MARKS, Cell, Column, Table, number
from isogloss.languages import cell as cell_of

STYLE = """<style>
.isogloss th.text, .isogloss td.text { text-align: left }
.isogloss th, .isogloss td { text-align: right; white-space: nowrap }
</style>"""
"""What a notebook needs beside: text to the left, numbers to the right."""
TEXT = "text"
"""The name of a column of texts; each is in the language that its row's column `language` names."""
_LONG = 40  # characters; what is longer may be broken into lines
_MEANINGS = {"seen": "trained on", "better": "better", "worse": "worse", "oracle": "oracle"}


def html(table: Table, *, sortable: bool = False) -> str:
    """Return a table as HTML, with its title, its notes above and its footnotes below.

    Args:
        table: which.
        sortable: whether its heads are buttons, for a page whose script sorts: each cell that is a number then says
            it at full precision in `data-value`. A table in groups is not, which sorting would take apart.
    """
    sortable = sortable and not table.groups
    heads = "".join(_head(column, sortable) for column in table.columns)
    bodies = "".join(_bodies(table, sortable))
    title = escape(table.title)
    return (
        f'<div class="isogloss">\n<p class="title">{title}</p>\n{_lines("notes", table.notes)}'
        f'<div class="scroll" role="region" aria-label="{title}" tabindex="0"><table{" data-sortable" * sortable}>\n'
        f"<thead><tr>{heads}</tr></thead>\n{bodies}</table></div>\n"
        f"{_lines('footnotes', table.footnotes)}</div>\n"
    )


def _bodies(table: Table, sortable: bool) -> Iterator[str]:
    """Yield the rows, a body for each group, with its heading above them."""
    for heading, part in list(table.parts()) or [(None, ())]:
        rows = "".join(f"<tr>{''.join(_cells(table, row, sortable))}</tr>\n" for row in part)
        spans = f'<th scope="rowgroup" class="text" colspan="{len(table.columns)}">'
        above = f"<tr>{spans}{escape(heading)}</th></tr>\n" if heading else ""
        yield f"<tbody>\n{above}{rows}</tbody>"


def _head(column: Column, sortable: bool) -> str:
    name = escape(column.full_name)
    if not sortable:
        return f'<th scope="col" class="{_side(column)}">{name}</th>'
    return f'<th scope="col" class="{_side(column)}" aria-sort="none"><button type="button">{name}</button></th>'


def _cells(table: Table, row: tuple[Cell, ...], sortable: bool) -> Iterator[str]:
    """Yield a row's cells, of which the first is its head."""
    named = {column.name: cell for cell, column in zip(row, table.columns, strict=True)}
    language = cell_of(str(named.get("language", Cell("")).value))[0]
    for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
        tag = "td" if place else "th"
        value = _value(cell) if sortable else None
        spoken = column.name == TEXT and cell.value is not None
        told = "" if place else ' scope="row"'
        shown = number(cell.value, column)
        told += f' class="{_side(column)}{" long" * (len(shown) > _LONG)}"'
        told += "" if value is None else f' data-value="{value:.10g}"'
        told += f' lang="{escape(language)}" dir="auto"' if spoken else ""
        # What stands in a `bdi` counts for nothing where a direction is found.
        shown = escape(shown) if spoken else _isolated(shown)
        yield f"<{tag}{told}>{shown}{''.join(map(_mark, cell.marks))}</{tag}>"


def _isolated(text: str) -> str:
    """Keep text that runs from right to left from turning round what stands beside it."""
    turns = any(unicodedata.bidirectional(sign) in ("R", "AL", "RLE", "RLO", "RLI") for sign in text)
    return f"<bdi>{escape(text)}</bdi>" if turns else escape(text)


def _value(cell: Cell) -> float | None:
    """Return the number that a cell is sorted by: of an interval, its middle."""
    if isinstance(cell.value, tuple):
        return sum(cell.value) / 2
    return None if isinstance(cell.value, str) else cell.value


def _mark(mark: str) -> str:
    return f'<abbr class="{mark}" title="{_MEANINGS[mark]}">{MARKS[mark]}</abbr>'


def _side(column: Column) -> str:
    return "text" if column.kind == "text" else "number"


def _lines(name: str, lines: tuple[str, ...]) -> str:
    """Return sentences as a list, or nothing."""
    if not lines:
        return ""
    return f'<ul class="{name}">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>\n'
