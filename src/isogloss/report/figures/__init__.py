"""The figures of a page: a file for each, a name for each, and none where the runs have nothing for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from isogloss.errors import mistake, nearest
from isogloss.report.figure import Figure
from isogloss.report.figures import (
    confusion,
    differences,
    impact,
    rates,
    scores,
    training,
    transfer,
    world,
)
from isogloss.report.material import Material

FIGURES: Mapping[str, Callable[[Material], Figure | None]] = MappingProxyType(
    {
        scores.NAME: scores.figure,
        differences.NAME: differences.figure,
        world.NAME: world.figure,
        transfer.NAME: transfer.figure,
        transfer.AUXILIARY: transfer.auxiliary_figure,
        impact.NAME: impact.figure,
        rates.NAME: rates.figure,
        training.NAME: training.figure,
        confusion.NAME: confusion.figure,
    }
)
"""Name → what draws it, in the order in which they are read."""


def figures(material: Material) -> Iterator[Figure]:
    """Yield every figure that there is something for, in reading order.

    Raises:
        Mistakes: the extra `figures` is not installed; no variant is called as the material's `against`, or no score
            as its `metric`.
    """
    drawn = (draw(material) for draw in FIGURES.values())
    return (figure for figure in drawn if figure is not None)


def one_figure(material: Material, name: str) -> Figure:
    """Return the figure of a name.

    Raises:
        Mistakes: there is no such figure, or these runs have nothing for it; and as `figures`.
    """
    if name not in FIGURES:
        otherwise = f"there are: {', '.join(FIGURES)}"
        raise mistake(
            f'no figure is called "{name}"', where="figure", remedy=nearest(name, FIGURES, otherwise=otherwise)
        )
    figure = FIGURES[name](material)
    if figure is None:
        has = ", ".join(figure.name for figure in figures(material)) or "none at all"
        raise mistake(f'these runs have nothing for the figure "{name}"', where="figure", remedy=f"they have: {has}")
    return figure
