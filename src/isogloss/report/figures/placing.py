"""Where names stand beside the marks of a map, so that they neither cover one another nor a mark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_CHARACTER, _LINE = 6.4, 11.0  # of a name in pixels, at a font size of 11


class Box(NamedTuple):
    """A rectangle in pixels, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Return the area that two boxes share."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


def spread(points: Sequence[tuple[float, float]], apart: float) -> list[tuple[float, float]]:
    """Move points that lie on one another to the right, so that each can be seen: at least `apart` pixels."""
    placed: list[tuple[float, float]] = []
    for x, y in points:
        while any(abs(x - a) < apart and abs(y - b) < apart for a, b in placed):
            x += apart  # noqa: PLW2901 (moved until it is free)
        placed.append((x, y))
    return placed


def name_places(
    points: Sequence[tuple[float, float]], names: Sequence[str], *, radius: float
) -> list[tuple[float, float]]:
    """Return the middle of each name: beside, over or under its mark, whichever covers least.

    Args:
        points: the marks' middles.
        names: one a mark.
        radius: of the marks.
    """
    taken = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    middles = []
    for (x, y), name in zip(points, names, strict=True):
        wide, gap = _CHARACTER * len(name) / 2, radius + 2
        beside = [(x + gap + wide, y), (x - gap - wide, y), (x, y - gap - _LINE / 2), (x, y + gap + _LINE / 2)]
        boxes = {middle: _box(middle, wide) for middle in beside}
        best = min(beside, key=lambda middle: sum(boxes[middle].overlap(other) for other in taken))
        taken.append(boxes[best])
        middles.append(best)
    return middles


def _box(middle: tuple[float, float], wide: float) -> Box:
    return Box(middle[0] - wide, middle[1] - _LINE / 2, middle[0] + wide, middle[1] + _LINE / 2)
