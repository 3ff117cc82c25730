"""A table as text for a terminal, Markdown, LaTeX, CSV or JSON: one short renderer each, from one `Table`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from isogloss.evaluation.latex import AS_AROUND, Style, latex
from isogloss.evaluation.tabular import MARKS, Cell, Column, Table, Value, number

Format = Literal["text", "md", "latex", "csv", "json"]


def render(tables: Sequence[Table], format: Format, *, width: int = 120, style: Style | None = None) -> str:
    """Return tables as text, ending in a line break.

    Args:
        tables: one after the other.
        format: "text" for a terminal, "md", "latex" (see `isogloss.evaluation.latex`), "csv", "json".
        width: of the terminal, in characters; longer tables are folded by their languages.
        style: how LaTeX sets them; as the text around if not given.
    """
    if format == "json":
        return json.dumps([_plain(table) for table in tables], ensure_ascii=False, indent=2) + "\n"
    if format == "text":
        return "\n".join(_text(part, width) for table in tables for part in _fold(table, width))
    if format == "latex":
        return latex(tables, style or AS_AROUND)
    one: dict[str, Callable[[Table], str]] = {"md": _markdown, "csv": _csv}
    return "\n".join(one[format](table) for table in tables)


def _marked(cell: Cell, column: Column) -> str:
    return number(cell.value, column) + "".join(MARKS[mark] for mark in cell.marks)


def _markdown(table: Table) -> str:
    lines = [f"**{markdown_text(table.title)}**", "", *[f"- {markdown_text(note)}" for note in table.notes]]
    lines += [""] if table.notes else []
    lines.append("| " + " | ".join(markdown_text(column.full_name) for column in table.columns) + " |")
    lines.append("|" + "|".join("---" if column.kind == "text" else "---:" for column in table.columns) + "|")
    for heading, rows in table.parts():
        if heading:
            lines.append(f"| *{markdown_text(heading)}* |" + " |" * (len(table.columns) - 1))
        for row in rows:
            cells = zip(row, table.columns, strict=True)
            lines.append("| " + " | ".join(markdown_text(_marked(cell, column)) for cell, column in cells) + " |")
    for footnote in table.footnotes:
        lines += ["", markdown_text(footnote)]
    return "\n".join(lines) + "\n"


def markdown_text(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and line breaks, which would end a row."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", re.sub(r"\s*[\r\n]+\s*", " ", text))


def _csv(table: Table) -> str:
    """Bare numbers at full precision; marks and the headings of groups have columns of their own; no notes."""
    marked = [any(row[i].marks for row in table.rows) for i in range(len(table.columns))]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header = ["group"] if table.groups else []
    for column, has_marks in zip(table.columns, marked, strict=True):
        name = _safe(column.full_name)
        header += [f"{name} low", f"{name} high"] if column.kind == "interval" else [name]
        header += [f"{name} mark"] if has_marks else []
    writer.writerow(header)
    for heading, rows in table.parts():
        first = [_safe(heading or "")] if table.groups else []
        writer.writerows([*first, *_csv_cells(row, table.columns, marked)] for row in rows)
    return out.getvalue()


def _csv_cells(row: Sequence[Cell], columns: Sequence[Column], marked: Sequence[bool]) -> Iterator[Value]:
    for cell, column, has_marks in zip(row, columns, marked, strict=True):
        if column.kind == "interval":
            yield from cell.value if isinstance(cell.value, tuple) else (None, None)
        else:
            yield _safe(cell.value) if isinstance(cell.value, str) else cell.value
        if has_marks:
            yield " ".join(cell.marks)


def _safe(text: str) -> str:
    """Keep a spreadsheet from reading text as a formula."""
    guard = "'" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else ""
    return guard + text.replace("\r\n", "\n").replace("\r", "\n")


def _plain(table: Table) -> dict[str, object]:
    names = [column.full_name for column in table.columns]
    return {
        "title": table.title,
        "notes": table.notes,
        "columns": [{"name": column.full_name, "kind": column.kind} for column in table.columns],
        "groups": [group._asdict() for group in table.groups],
        "rows": [dict(zip(names, map(_json_cell, row), strict=True)) for row in table.rows],
        "footnotes": table.footnotes,
    }


def _json_cell(cell: Cell) -> object:
    return {"value": cell.value, "marks": cell.marks} if cell.marks else cell.value


def _text(table: Table, width: int) -> str:
    shown = RichTable(box=box.SIMPLE, pad_edge=False, title=None)
    for column, taken in zip(table.columns, _widths(table), strict=True):
        justify: Literal["left", "right"] = "left" if column.kind == "text" else "right"
        shown.add_column(Text(column.full_name), justify=justify, no_wrap=True, min_width=taken - 3)
    for heading, rows in table.parts():
        shown.add_section()
        if heading:
            shown.add_row(Text(heading))
        for row in rows:
            cells = zip(row, table.columns, strict=True)
            shown.add_row(*(Text(_marked(cell, column)) for cell, column in cells))
    out = io.StringIO()
    # A table that cannot be folded any further runs over the edge: cut-off numbers would be wrong numbers.
    wide = Console(file=out, width=max(width, _natural_width(table)), color_system=None, legacy_windows=False)
    prose = Console(file=out, width=width, color_system=None, legacy_windows=False)
    for line in (table.title, *table.notes):
        prose.print(Text(line))
    wide.print(shown)
    for line in table.footnotes:
        prose.print(Text(line))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _widths(table: Table) -> list[int]:
    """The width of each column in characters, with the space and line between it and the next."""
    texts = [
        [column.full_name, *(_marked(row[i], column) for row in table.rows)] for i, column in enumerate(table.columns)
    ]
    texts[0] += [group.heading for group in table.groups]
    return [max(map(len, column)) + 3 for column in texts]


def _natural_width(table: Table) -> int:
    return sum(_widths(table)) + 4


def _fold(table: Table, width: int) -> Iterator[Table]:
    """Split a table that is too wide: the summary first, then some languages at a time."""
    if _natural_width(table) <= width or not any(column.many for column in table.columns):
        yield table
        return
    widths = _widths(table)
    names = [i for i, column in enumerate(table.columns) if not column.many and column.kind == "text"]
    rest = [i for i in range(len(table.columns)) if i not in names]
    # The summary comes first, as what most readers look for; then the languages.
    rest.sort(key=lambda i: table.columns[i].many)
    parts: list[list[int]] = [[]]
    for i in rest:
        used = sum(widths[j] for j in names + parts[-1]) + 4
        if parts[-1] and used + widths[i] > width:
            parts.append([])
        parts[-1].append(i)
    for position, part in enumerate(parts):
        yield _select(table, names + part, first=position == 0, last=position == len(parts) - 1)


def _select(table: Table, columns: Sequence[int], *, first: bool, last: bool) -> Table:
    return replace(
        table,
        title=table.title if first else f"{table.title} (continued)",
        columns=tuple(table.columns[i] for i in columns),
        rows=tuple(tuple(row[i] for i in columns) for row in table.rows),
        notes=table.notes if first else (),
        footnotes=table.footnotes if last else (),
    )
