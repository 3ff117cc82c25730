"""Where a place lies on a map: the Equal Earth projection (Šavrič, Patterson & Jenny 2019), and a window on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_A = (1.340264, -0.081106, 0.000893, 0.003796)
_M = math.sqrt(3) / 2


class Window(NamedTuple):
    """A part of the map as pixels, for Vega's `equalEarth` with this scale and translation.

    Attributes:
        scale: pixels a unit.
        translate: pixels of the place at 0° N, 0° E, from the left and from the top.
        size: width and height in pixels.
    """

    scale: float
    translate: tuple[float, float]
    size: tuple[int, int]

    @classmethod
    def around(cls, places: Sequence[tuple[float, float]], *, width: int, margin: int) -> Window:
        """Return the window around places, given as degrees east and north, with a margin in pixels around them.

        Places that lie close together are not enlarged beyond a quarter of the world's width.
        """
        points = [project(*place) for place in places]
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        low, high = min(y for _, y in points), max(y for _, y in points)
        world = 2 * project(180, 0)[0]
        scale = (width - 2 * margin) / max(right - left, world / 4)
        height = round((high - low) * scale) + 2 * margin
        translate = (width / 2 - scale * (left + right) / 2, height / 2 + scale * (low + high) / 2)
        return cls(scale, translate, (width, height))

    def pixel(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return where a place lies, from the left and from the top."""
        x, y = project(longitude, latitude)
        return self.translate[0] + self.scale * x, self.translate[1] - self.scale * y


def project(longitude: float, latitude: float) -> tuple[float, float]:
    """Return a place, given in degrees east and north, in the plane of the unit sphere, y upwards."""
    theta = math.asin(_M * math.sin(math.radians(latitude)))
    square = theta * theta
    sixth = square**3
    slope = _A[0] + 3 * _A[1] * square + sixth * (7 * _A[2] + 9 * _A[3] * square)
    y = theta * (_A[0] + _A[1] * square + sixth * (_A[2] + _A[3] * square))
    return math.radians(longitude) * math.cos(theta) / (_M * slope), y
