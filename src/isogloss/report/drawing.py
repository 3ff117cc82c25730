"""A figure as it stands in a page: a drawing that needs no script, what makes it live, and its data to take away."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from isogloss.evaluation.render import Cell, Column, Table, render

if TYPE_CHECKING:
    import polars as pl

    from isogloss.report.figure import Figure

_SMALL = 60  # rows of data that are shown as a table, too


class Drawing(NamedTuple):
    """What the page needs of a figure.

    Attributes:
        name, title, caption: as of the figure.
        svg: the drawing.
        specification: Vega-Lite's, as JSON without "<"; empty where nothing more is to be seen by hovering.
        csv: the data as an address that holds it.
        table: the data as a table, where it is small.
    """

    name: str
    title: str
    caption: str
    svg: Markup
    specification: Markup
    csv: str
    table: Table | None


def drawn(figure: Figure) -> Drawing:
    """Draw a figure (altair and vl-convert, offline)."""
    import vl_convert

    from isogloss.report.figures import theme
    from isogloss.report.figures.drawing import specification

    asked = specification(figure.chart, theme.current())
    svg = _own_names(str(vl_convert.vegalite_to_svg(asked)), figure.name)
    live = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
    table = _table(figure.data, figure.title)
    return Drawing(
        figure.name,
        figure.title,
        figure.caption,
        Markup(svg),
        Markup(live if figure.interactive else ""),
        "data:text/csv;charset=utf-8," + quote(render([table], "csv")),
        table if figure.data.height <= _SMALL else None,
    )


def _own_names(svg: str, name: str) -> str:
    """Give what a drawing refers to names of its own: all drawings of a page have theirs in one place."""
    svg = re.sub(r'\bid="([\w-]+)"', rf'id="{name}-\1"', svg)
    return re.sub(r'(url\(#|href="#)([\w-]+)', rf"\g<1>{name}-\2", svg)


def _table(data: pl.DataFrame, title: str) -> Table:
    """Return data as a table."""
    columns = tuple(
        Column(name, "integer" if kind.is_integer() else "number" if kind.is_float() else "text")
        for name, kind in data.schema.items()
    )
    rows = tuple(
        tuple(Cell(None if value is None else value if isinstance(value, int | float) else str(value)) for value in row)
        for row in data.iter_rows()
    )
    return Table(title, columns, rows)
