"""A table as text for a terminal, Markdown, LaTeX, CSV or JSON: one short renderer each, from one `Table`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

Format = Literal["text", "md", "latex", "csv", "json"]
Kind = Literal["text", "integer", "number", "signed", "p", "interval"]
Value = str | int | float | tuple[float, float] | None

MARKS = {"seen": "†", "better": "▲", "worse": "▼", "oracle": "‡"}
_LATEX_MARKS = {
    "seen": r"\textsuperscript{\dag}",
    "better": r"$\blacktriangle$",
    "worse": r"$\blacktriangledown$",
    "oracle": r"\textsuperscript{\ddag}",
}
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "†": r"\textsuperscript{\dag}",
    "‡": r"\textsuperscript{\ddag}",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "≥": r"$\geq$",
    "−": r"$-$",
    "×": r"$\times$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


class Column(NamedTuple):
    """A column.

    Attributes:
        name: its heading.
        kind: what its cells hold; an interval is a pair, in two columns of a CSV file.
        digits: after the decimal point.
        many: one of many alike (languages), which may be folded where a line is too long.
    """

    name: str
    kind: Kind = "text"
    digits: int = 2
    many: bool = False


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
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()


def render(tables: Sequence[Table], format: Format, *, width: int = 120) -> str:
    """Return tables as text, ending in a line break.

    Args:
        tables: one after the other.
        format: "text" for a terminal, "md", "latex" (needs booktabs and amssymb), "csv", "json".
        width: of the terminal, in characters; longer tables are folded by their languages.
    """
    if format == "json":
        return json.dumps([_plain(table) for table in tables], ensure_ascii=False, indent=2) + "\n"
    if format == "text":
        return "\n".join(_text(part, width) for table in tables for part in _fold(table, width))
    one: dict[str, Callable[[Table], str]] = {"md": _markdown, "latex": _latex, "csv": _csv}
    return "\n".join(one[format](table) for table in tables)


def number(value: Value, column: Column) -> str:
    """Return a value in the column's format, without marks; an en dash for none."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return "[" + ", ".join(number(bound, column._replace(kind="signed")) for bound in value) + "]"
    return value if isinstance(value, str) else _digits(value, column)


def _digits(value: float, column: Column) -> str:
    if column.kind == "integer":
        return f"{value:,}"
    if column.kind == "p":
        return "<0.001" if value < 0.001 else f"{value:.3f}"
    sign = "+" if column.kind == "signed" else ""
    return f"{value:{sign}.{column.digits}f}".replace("-", "−")


def _marked(cell: Cell, column: Column) -> str:
    return number(cell.value, column) + "".join(MARKS[mark] for mark in cell.marks)


def _markdown(table: Table) -> str:
    lines = [f"**{markdown_text(table.title)}**", "", *[f"- {markdown_text(note)}" for note in table.notes]]
    lines += [""] if table.notes else []
    lines.append("| " + " | ".join(markdown_text(column.name) for column in table.columns) + " |")
    lines.append("|" + "|".join("---" if column.kind == "text" else "---:" for column in table.columns) + "|")
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        lines.append("| " + " | ".join(markdown_text(_marked(cell, column)) for cell, column in cells) + " |")
    for footnote in table.footnotes:
        lines += ["", markdown_text(footnote)]
    return "\n".join(lines) + "\n"


def markdown_text(text: str) -> str:
    """Escape what Markdown or HTML would read as markup, and line breaks, which would end a row."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", re.sub(r"\s*[\r\n]+\s*", " ", text))


def _latex(table: Table) -> str:
    columns = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    lines = [rf"% {note}" for note in (table.title, *table.notes)]
    lines = [re.sub(r"[\r\n]+", " ", line) for line in lines]
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [" & ".join(_tex(column.name) for column in table.columns) + r" \\", r"\midrule"]
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        marked = [
            _tex(number(cell.value, column)) + "".join(_LATEX_MARKS[mark] for mark in cell.marks)
            for cell, column in cells
        ]
        lines.append(" & ".join(marked) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\noindent {_tex(footnote)}" for footnote in table.footnotes]
    return "\n".join(lines) + "\n"


def _tex(text: str) -> str:
    escaped = "".join(_LATEX.get(sign, sign) for sign in re.sub(r"[\r\n]+", " ", text))
    # A cell that begins with "[" right after a line's end would be read as the length of a skip.
    return "{" + escaped + "}" if escaped.startswith("[") else escaped


def _csv(table: Table) -> str:
    """Bare numbers at full precision; marks stand in a column of their own, notes are left out."""
    marked = [any(row[i].marks for row in table.rows) for i in range(len(table.columns))]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header: list[str] = []
    for column, has_marks in zip(table.columns, marked, strict=True):
        name = _safe(column.name)
        header += [f"{name} low", f"{name} high"] if column.kind == "interval" else [name]
        header += [f"{name} mark"] if has_marks else []
    writer.writerow(header)
    for row in table.rows:
        writer.writerow(list(_csv_cells(row, table.columns, marked)))
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
    names = [column.name for column in table.columns]
    return {
        "title": table.title,
        "notes": table.notes,
        "columns": [{"name": column.name, "kind": column.kind} for column in table.columns],
        "rows": [dict(zip(names, map(_json_cell, row), strict=True)) for row in table.rows],
        "footnotes": table.footnotes,
    }


def _json_cell(cell: Cell) -> object:
    return {"value": cell.value, "marks": cell.marks} if cell.marks else cell.value


def _text(table: Table, width: int) -> str:
    shown = RichTable(box=box.SIMPLE, pad_edge=False, title=None)
    for column, taken in zip(table.columns, _widths(table), strict=True):
        justify: Literal["left", "right"] = "left" if column.kind == "text" else "right"
        shown.add_column(Text(column.name), justify=justify, no_wrap=True, min_width=taken - 3)
    for row in table.rows:
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
    texts = [[column.name, *(_marked(row[i], column) for row in table.rows)] for i, column in enumerate(table.columns)]
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
