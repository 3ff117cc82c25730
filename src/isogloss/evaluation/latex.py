r"""Tables in LaTeX, to be put into a paper with \input: a bare tabular each, its notes as comments, footnotes below.

What a paired test has shown to be better than the baseline is bold, and nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from textwrap import wrap
from typing import NamedTuple

from isogloss.evaluation.tabular import Cell, Column, Table, number

_LONG = 24  # letters; a longer text that is not the first of its row is broken
_BREADTH = "16em"
_WIDE = 14  # letters; a longer heading of a column of numbers is stacked
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")  # line breaks among them; a form feed would end a paragraph
_MARKS = {
    "seen": r"$\dagger$",
    "worse": r"$\scriptscriptstyle\blacktriangledown$",
    "oracle": r"$\ddagger$",
}
_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "†": r"\textsuperscript{$\dagger$}",
    "‡": r"\textsuperscript{$\ddagger$}",
    "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "≥": r"$\geq$",
    "\N{NO-BREAK SPACE}": "~",
    "−": r"$-$",
    "×": r"$\times$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


class Style(NamedTuple):
    """How a table is set, where that differs from the text around it.

    Attributes:
        size: of the letters: "small", "footnotesize", "scriptsize"; None for that of the text.
        gap: on either side of a column, in points; None for that of the text, which is 6.
        fit: whether a table that is wider than a line is made smaller.
    """

    size: str | None = None
    gap: float | None = None
    fit: bool = False


AS_AROUND = Style()


def latex(tables: Sequence[Table], style: Style = AS_AROUND) -> str:
    """Return tables as LaTeX, with a first line that says which packages they need."""
    packages = "booktabs,amssymb,graphicx" if style.fit else "booktabs,amssymb"
    return rf"% needs \usepackage{{{packages}}}" + "\n" + "\n\\bigskip\n\n".join(_latex(each, style) for each in tables)


def _latex(table: Table, style: Style) -> str:
    lines = [_CONTROL.sub(" ", f"% {note}") for note in (table.title, *table.notes)]
    lines += [r"\begingroup", *_set(style)]
    lines += (
        [*_fitted(_tabular(table)), *_below(table.footnotes)]
        if style.fit
        else [r"\noindent", *_tabular(table), *_below(table.footnotes)]
    )
    return "\n".join([*lines, r"\endgroup"]) + "\n"


def _tabular(table: Table) -> list[str]:
    lines = [rf"\begin{{tabular}}{{{''.join(map(_side, table.columns))}}}", r"\toprule", *_head(table.columns)]
    for heading, rows in table.parts():
        lines.append(r"\midrule")
        if heading:
            lines.append(rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{_tex(heading)}}}}} \\")
        for row in rows:
            first, *rest = map(_cell, row, table.columns)
            lines.append(" & ".join([first, *map(_broken, row[1:], rest)]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _fitted(tabular: Sequence[str]) -> list[str]:
    """A table that is made as narrow as a line, if it is wider."""
    narrow = r"\noindent\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"
    return [r"\sbox0{%", *tabular, "}%", narrow]


def _broken(cell: Cell, shown: str) -> str:
    """A long text in several lines."""
    if not isinstance(cell.value, str) or len(cell.value) <= _LONG:
        return shown
    return rf"\parbox[t]{{{_BREADTH}}}{{\raggedright {shown}\strut}}"


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
    yield " & ".join(map(_stacked, columns)) + r" \\"


def _stacked(column: Column) -> str:
    """A heading; a long one above numbers in several lines, so that these stay close."""
    if column.kind == "text" or len(column.name) <= _WIDE:
        return _tex(column.name)
    lines = wrap(column.name, _WIDE, break_long_words=False, break_on_hyphens=False)
    return r"\shortstack[r]{\strut " + r" \\ ".join(map(_tex, lines)) + "}"


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
    line = _CONTROL.sub(" ", text).replace("≥ ", "≥\N{NO-BREAK SPACE}")
    quoted = re.sub(r'(^|[\s(])"', r"\1``", line).replace('"', "''")
    escaped = "".join(_SIGNS.get(sign, sign) for sign in quoted)
    # Right after a line's end, "[" would begin the length of a skip, and "*" forbid a new page.
    return "{" + escaped + "}" if escaped.startswith(("[", "*")) else escaped
