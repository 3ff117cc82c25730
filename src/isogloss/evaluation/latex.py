r"""Tables in LaTeX, to be put into a paper with \input: a bare tabular each, its notes as comments, footnotes below.

What a paired test has shown to be better than the baseline is bold, and nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from isogloss.evaluation.render import Cell, Column, Table, number

PACKAGES = ("booktabs", "amssymb")
_MARKS = {
    "seen": r"\dag",
    "worse": r"$\blacktriangledown$",
    "oracle": r"\ddag",
}
_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "†": r"\textsuperscript{\dag}",
    "‡": r"\textsuperscript{\ddag}",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "≥": r"$\geq$",
    "−": r"$-$",
    "×": r"$\times$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


class Style(NamedTuple):
    """How a table is set, where that differs from the text around it.

    Attributes:
        size: of the letters: "small", "footnotesize", "scriptsize"; "" for that of the text.
        gap: on either side of a column, in points; None for that of the text, which is 6.
    """

    size: str = ""
    gap: float | None = None


AS_AROUND = Style()


def latex(tables: Sequence[Table], style: Style = AS_AROUND) -> str:
    """Return tables as LaTeX, with a first line that says which packages they need."""
    needed = rf"% needs \usepackage{{{','.join(PACKAGES)}}}"
    return "\n".join([needed, *(_latex(table, style) for table in tables)])


def _latex(table: Table, style: Style) -> str:
    lines = [re.sub(r"[\r\n]+", " ", f"% {note}") for note in (table.title, *table.notes)]
    lines += [r"\begingroup", *_set(style)]
    lines += [rf"\begin{{tabular}}{{{''.join(map(_side, table.columns))}}}", r"\toprule", *_head(table.columns)]
    for heading, rows in table.parts():
        lines.append(r"\midrule")
        if heading:
            lines.append(rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{_tex(heading)}}}}} \\")
        for row in rows:
            lines.append(" & ".join(map(_cell, row, table.columns)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", *_below(table.footnotes), r"\endgroup"]
    return "\n".join(lines) + "\n"


def _set(style: Style) -> Iterator[str]:
    if style.size:
        yield f"\\{style.size}"
    if style.gap is not None:
        yield rf"\setlength{{\tabcolsep}}{{{style.gap:g}pt}}"


def _side(column: Column) -> str:
    return "l" if column.kind == "text" else "r"


def _head(columns: Sequence[Column]) -> Iterator[str]:
    """The headings, those of groups of columns above them."""
    if any(column.group for column in columns):
        spans = [(group, len(list(own))) for group, own in groupby(columns, key=lambda column: column.group)]
        yield " & ".join(rf"\multicolumn{{{n}}}{{c}}{{{_tex(group)}}}" for group, n in spans) + r" \\"
        ends = accumulate(n for _, n in spans)
        rules = (rf"\cmidrule(lr){{{end - n + 1}-{end}}}" for (group, n), end in zip(spans, ends, strict=True) if group)
        yield " ".join(rules)
    yield " & ".join(_tex(column.name) for column in columns) + r" \\"


def _cell(cell: Cell, column: Column) -> str:
    shown = _tex(number(cell.value, column))
    if "better" in cell.marks:
        shown = rf"\textbf{{{shown}}}"
    marks = "".join(_MARKS[mark] for mark in cell.marks if mark in _MARKS)
    if not marks:
        return shown
    raised = rf"\textsuperscript{{{marks}}}"
    # Marks hang over the edge of a column of numbers, so that these stay in line.
    return shown + (raised if column.kind == "text" else rf"\rlap{{{raised}}}")


def _below(footnotes: Sequence[str]) -> list[str]:
    """Footnotes; what a plain table marks with ▲ is bold here."""
    texts = [_tex(footnote).replace(_SIGNS["▲"], r"\textbf{Bold}:") for footnote in footnotes]
    return [r"\par\smallskip\footnotesize", *(rf"\noindent {text}\par" for text in texts)] if texts else []


def _tex(text: str) -> str:
    escaped = "".join(_SIGNS.get(sign, sign) for sign in re.sub(r"[\r\n]+", " ", text))
    # Right after a line's end, "[" would begin the length of a skip, and "*" forbid a new page.
    return "{" + escaped + "}" if escaped.startswith(("[", "*")) else escaped
