"""A heat map: a number in a coloured cell for each row and column, in one drawing or in panels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from isogloss.report.figures.drawing import altair, inline
from isogloss.report.figures.theme import Scheme

if TYPE_CHECKING:
    import polars as pl


Cell: TypeAlias = dict[str, float | str | bool | None]


class Hover(NamedTuple):
    """What hovering over a mark shows of one column.

    Attributes:
        field: the column.
        title: what it is called.
        form: of a number (d3-format); "" for text.
    """

    field: str
    title: str
    form: str = ""


def hovering(frame: pl.DataFrame, shown: Iterable[Hover]) -> tuple[pl.DataFrame, list[Any]]:
    """Return a frame and the tooltips over it, without those that have nothing to say.

    Where some numbers are missing they are written out in the frame: Vega would show them as 0.
    """
    import polars as pl

    alt = altair()
    tips = []
    for field, title, form in shown:
        column = frame[field]
        if column.null_count() == len(column):
            continue
        if form and column.null_count():
            texts = ["–" if value is None else format(value, form) for value in column]
            frame = frame.with_columns(pl.Series(f"{field}_text", texts))
            tips.append(alt.Tooltip(f"{field}_text:N", title=title))
        elif form:
            tips.append(alt.Tooltip(f"{field}:Q", title=title, format=form))
        else:
            tips.append(alt.Tooltip(f"{field}:N", title=title))
    return frame, tips


@dataclass(frozen=True)
class Heat:
    """How the cells of a heat map are laid out and coloured.

    Attributes:
        rows, columns: what stands at the sides, in order.
        scheme: of colours.
        domain: the values at its ends.
        legend: what the colours mean, beside them; "" for nothing.
        row_title, column_title: of the sides; "" for none.
        step: width and height of a cell in pixels.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    scheme: Scheme
    domain: tuple[float, float]
    legend: str
    row_title: str = ""
    column_title: str = ""
    step: tuple[int, int] = (46, 21)

    def chart(self, cells: pl.DataFrame, hover: Iterable[Hover]) -> Any:
        """Draw cells.

        Args:
            cells: row, column and value; text, ink and bold where numbers are written into cells; what hovering shows.
            hover: what hovering shows.
        """
        alt = altair()
        cells, tips = hovering(cells, hover)
        base = alt.Chart(inline(cells)).encode(
            x=self._side(alt.X, "column", self.columns, self.column_title),
            y=self._side(alt.Y, "row", self.rows, self.row_title),
            tooltip=tips,
        )
        scale = alt.Scale(scheme=self.scheme.name, domain=list(self.domain))
        drawn = base.mark_rect().encode(color=alt.Color("value:Q", scale=scale, title=self.legend or None))
        if "text" in cells.columns:
            weight = alt.ExprRef("datum.bold ? 'bold' : 'normal'")
            ink = alt.Fill("ink:N", scale=None, legend=None)
            drawn += base.mark_text(fontSize=11, fontWeight=weight).encode(text="text:N", fill=ink)
        return drawn.properties(width=alt.Step(self.step[0]), height=alt.Step(self.step[1]))

    def panels(self, cells: pl.DataFrame, hover: Iterable[Hover], panels: Sequence[str], *, abreast: int) -> Any:
        """Draw cells in panels, by their column `panel`, at most so many side by side."""
        alt = altair()
        header = alt.Facet("panel:N", title=None, sort=list(panels))
        return self.chart(cells, hover).facet(facet=header, columns=evenly(len(panels), abreast))

    def _side(self, channel: Any, field: str, values: Sequence[str], title: str) -> Any:
        alt = altair()
        longest = max((len(value) for value in values), default=0)
        numbers = all(value.isdigit() for value in values)  # of which some can be left out
        upright = field == "row" or numbers or 6.5 * longest <= self.step[0]
        axis = alt.Axis(
            labelAngle=0 if upright else -40,
            labelOverlap=numbers,
            labelLimit=400,
            labelPadding=4,
            domain=False,
            ticks=False,
        )
        return channel(f"{field}:N", scale=alt.Scale(domain=list(values)), title=title or None, axis=axis)


def number(value: float, text: str, scheme: Scheme, domain: tuple[float, float], *, decided: bool = False) -> Cell:
    """Return the cell of a number as `Heat.chart` takes it.

    Args:
        value: for its colour.
        text: what is written into it.
        scheme: of colours.
        domain: the values at its ends.
        decided: whether a test decided, which is shown in bold. What is undecided is not in grey: on a deep colour grey
            cannot be read, and black there would look like a finding.
    """
    return {"value": value, "text": text, "ink": scheme.ink(value, domain), "bold": decided}


def evenly(count: int, most: int) -> int:
    """Return how many panels stand side by side, at most so many, so that rows are filled as evenly as can be."""
    return math.ceil(count / math.ceil(count / most))


def whole_span(values: Iterable[float]) -> tuple[float, float]:
    """Return the whole numbers that enclose values, never the same one twice."""
    every = list(values)
    low, high = float(math.floor(min(every))), float(math.ceil(max(every)))
    return (low, high) if low < high else (low, low + 1)


def around_zero(values: Iterable[float]) -> tuple[float, float]:
    """Return the ends of a scale of differences, 0 in the middle."""
    most = max((abs(value) for value in values), default=0.0) or 1.0
    return (-most, most)
