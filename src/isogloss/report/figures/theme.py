"""Colours and type of all figures: readable by the colour-blind, on light ground and on dark.

A chart has no configuration of its own: text, axes and thin lines take the ink of the configuration that is put beside
it (`light`, `dark`, `current`), and the ground is left transparent. No single grey would do: none has a contrast of
4.5 on white and on a dark page at once. Numbers in cells are black or white, by the colour of their cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'Noto Sans Devanagari', "
    "'Noto Sans Bengali', 'Noto Sans Tamil', 'Noto Sans Telugu', 'Noto Sans Thai', 'Noto Sans Myanmar', "
    "'Noto Sans Arabic', 'DejaVu Sans', sans-serif"
)
INK, LIGHT_INK = "#1f2328", "#e6e8eb"
"""Of text on light ground, and on dark ground."""
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""For categories (Okabe & Ito 2008), without black and yellow, which are lost on a dark or on a light page."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")


@dataclass(frozen=True)
class Scheme:
    """A scale of colours, and where on it white text can be read better than black.

    Attributes:
        name: Vega's.
        white_below: share of the scale, 0 to 1, below which cells are so dark that their text is white.
        white_above: the share above which they are.
    """

    name: str
    white_below: float
    white_above: float = 1.1

    def ink(self, value: float, domain: tuple[float, float]) -> str:
        """Return the colour of a number in the cell of a value."""
        share = (value - domain[0]) / (domain[1] - domain[0])
        return "#ffffff" if share < self.white_below or share > self.white_above else "#000000"


VIRIDIS = Scheme("viridis", white_below=0.45)
"""For amounts, from low to high."""
BLUE_ORANGE = Scheme("blueorange", white_below=0.105, white_above=0.935)
"""For differences, blue below 0 and orange above."""


def light() -> dict[str, Any]:
    """Return the configuration for light ground."""
    return _config(INK)


def dark() -> dict[str, Any]:
    """Return the configuration for dark ground."""
    return _config(LIGHT_INK)


def current() -> dict[str, Any]:
    """Return the configuration that takes the ink of the text around it, for drawings that stand in a page as SVG."""
    return _config("currentColor")


def _config(ink: str) -> dict[str, Any]:
    """A Vega-Lite configuration. The styles are what marks are called that have no colour of their own."""
    line = {"domainColor": ink, "tickColor": ink, "domainOpacity": 0.4, "tickOpacity": 0.4}
    text = {"labelColor": ink, "titleColor": ink, "titleFontWeight": 500, "labelFontSize": 11, "titleFontSize": 11}
    return {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {**line, **text, "gridColor": ink, "gridOpacity": 0.12, "labelLimit": 240},
        "legend": {**text, "labelLimit": 240, "titleLimit": 320, "gradientThickness": 10},
        "header": {**text, "labelFontWeight": 600, "labelLimit": 320},
        "title": {"color": ink, "subtitleColor": ink, "anchor": "start", "fontSize": 13, "fontWeight": 600},
        "text": {"color": ink, "fontSize": 11},
        "style": {
            "ink-text": {"color": ink},
            "ink-line": {"color": ink, "opacity": 0.6},
            "place": {"stroke": ink, "strokeOpacity": 0.6, "strokeWidth": 0.8},
            "land": {"color": ink, "opacity": 0.14},
        },
    }
