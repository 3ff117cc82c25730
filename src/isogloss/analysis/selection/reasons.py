"""Why a candidate stands where it stands, in words."""

from __future__ import annotations

import math

from isogloss.analysis.selection.features import NEAREST, SCRIPT, SIZE, Features
from isogloss.analysis.selection.overlap import NAME as OVERLAP
from isogloss.analysis.statistics.pairs import Floats

_SHOWN = 3
_LEAST = 0.05  # points: what brings less is not named


def reasons(features: Features, parts: Floats) -> str:
    """Return the features that bring a candidate most, or cost it most, with the points of each.

    Args:
        features: of one candidate and one target.
        parts: points, [F + 1], see `isogloss.analysis.selection.ridge.Ridge.parts`; the last is the candidate's own.
    """
    words = [*(_say(name, value) for name, value in _values(features)), "for other targets"]
    order = sorted(range(len(words)), key=lambda i: -abs(parts[i]))[:_SHOWN]
    named = [f"{words[i]} ({_signed(parts[i])})" for i in order if abs(parts[i]) >= _LEAST]
    return "; ".join(named) or "nothing tells it apart"


def distance_reasons(features: Features) -> str:
    """Return the distances of one candidate and one target that rank, and what else is known and does not."""
    said = {name: _say(name, value) for name, value in _values(features)}
    near = "; ".join(text for name, text in said.items() if name in NEAREST)
    rest = ", ".join(text for name, text in said.items() if name not in NEAREST)
    return f"{near} (also known: {rest})" if rest else near


def _values(features: Features) -> list[tuple[str, float]]:
    return list(zip(features.names, features.values[0, 0].tolist(), strict=True))


def _say(name: str, value: float) -> str:
    if math.isnan(value):
        return f"{name} unknown"
    if name == SCRIPT:
        return "same script" if value else "another script"
    if name == OVERLAP:
        return f"{value:.2f} of its sub-words"
    return f"{10**value:.1f} GiB" if name == SIZE else f"{name} {value:.2f}"


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−")
