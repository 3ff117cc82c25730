"""A figure: a drawing, the data that it shows, and what it says to somebody who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.tabular import Table


class Figure(NamedTuple):
    """One figure of a page, or of a file.

    Attributes:
        name: in addresses and file names: lower case, hyphens, unique on a page ("scores-map").
        title: one line.
        caption: a sentence or two on how to read it, and what it must not be taken for.
        chart: an altair chart; `chart.to_dict()` is its Vega-Lite specification, data included.
        data: what is drawn, a row a mark, as it is offered for download.
        interactive: whether hovering or choosing shows more than the drawing alone; if not, the page has it as SVG.
    """

    name: str
    title: str
    caption: str
    chart: Any
    data: pl.DataFrame
    interactive: bool

    def table(self) -> Table:
        """Return the data as a table."""
        from isogloss.evaluation.tabular import Cell, Column, Table

        columns = tuple(
            Column(name, "integer" if kind.is_integer() else "number" if kind.is_numeric() else "text")
            for name, kind in self.data.schema.items()
        )
        return Table(self.title, columns, tuple(tuple(map(Cell, row)) for row in self.data.iter_rows()))

    def csv(self) -> str:
        """Return the data as comma-separated values; a spreadsheet reads no label as a formula."""
        from isogloss.evaluation.render import render

        return render([self.table()], "csv")
