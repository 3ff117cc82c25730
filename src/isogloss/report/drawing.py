"""A figure as it stands in a page: a drawing that needs no script, what makes it live, and its data to take away."""

from __future__ import annotations

import json
import re
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

if TYPE_CHECKING:
    from isogloss.evaluation.tabular import Table
    from isogloss.report.drawer import Drawer
    from isogloss.report.figure import Figure

_SMALL = 60  # rows of data that are shown as a table, too


class Drawing(NamedTuple):
    """What the page needs of a figure.

    Attributes:
        name, title, caption: as of the figure.
        svg: the drawing; empty where there is none.
        specification: Vega-Lite's, as JSON without "<"; empty where nothing more is to be seen by hovering.
        csv: the data as an address that holds it.
        table: the data as a table, where it is small.
        refused: why there is no drawing.
    """

    name: str
    title: str
    caption: str
    svg: Markup
    specification: Markup
    csv: str
    table: Table | None
    refused: str = ""


class Begun(NamedTuple):
    """A figure that is being drawn."""

    figure: Figure
    specification: dict[str, Any]
    svg: Future[str]

    def finished(self) -> Drawing:
        """Wait for the drawing. One that cannot be made says why in its place, and its data stay."""
        figure = self.figure
        svg = live = refused = ""
        try:
            svg = _own_names(self.svg.result(), figure.name)
        except RuntimeError as why:
            refused = str(why)
        if svg and figure.interactive:
            live = json.dumps(self.specification, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
        return Drawing(
            figure.name,
            figure.title,
            figure.caption,
            Markup(svg),
            Markup(live),
            "data:text/csv;charset=utf-8," + quote(figure.csv()),
            figure.table() if figure.data.height <= _SMALL else None,
            refused,
        )


def begin(figure: Figure, drawer: Drawer) -> Begun:
    """Have a figure drawn (altair and vl-convert, offline) so that it takes the ink of the page around it.

    Many are begun faster within altair's `debug_mode(False)`, as `isogloss.report.page` does.
    """
    from isogloss.report.figures import theme
    from isogloss.report.figures.drawing import specification

    asked = specification(figure.chart, theme.current(), checked=False)
    return Begun(figure, asked, drawer.svg(asked))


def _own_names(svg: str, name: str) -> str:
    """Give what a drawing refers to names of its own: all drawings of a page have theirs in one place."""
    svg = re.sub(r'\bid="([\w-]+)"', rf'id="{name}-\1"', svg)
    return re.sub(r'(url\(#|href="#)([\w-]+)', rf"\g<1>{name}-\2", svg)
