"""Bootstrap over languages: how far a coefficient would move with other languages of the same kind.

Sources and targets are drawn together, with replacement: a language that is drawn m times is there with m rows and
m columns. A pair of two of its copies is no pair of languages but the same-language pair once more; such pairs
are left out, and the m pairs of a copy with itself stay where same-language pairs are compared, so that their share is
that of the data (Snijders & Borgatti 1999 draw such pairs at random from the others instead).

The interval is Student's with n − 2 degrees of freedom, on Fisher's scale (the inverse hyperbolic tangent), with the
samples' standard deviation, rather than of percentiles, which are too narrow with so few languages. It knows no tree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from isogloss.analysis.statistics.correlation import Coefficient
from isogloss.analysis.statistics.pairs import Bools, Floats

_CHUNK = 500
_PERFECT = 1 - 1e-6


class Interval(NamedTuple):
    """Both ends of an interval, and how many of the draws it rests on (a draw without any spread gives nothing)."""

    low: float
    high: float
    draws: int


def weights(n: int, draws: int, cells: Bools, rng: np.random.Generator) -> Floats:
    """Return how often each compared cell is in each draw of n languages, [draws, cells]."""
    picked = rng.integers(n, size=(draws, n))
    count = (picked[:, :, None] == np.arange(n)).sum(axis=1).astype(float)
    pairs = count[:, :, None] * count[:, None, :]
    own = np.arange(n)
    pairs[:, own, own] = count
    return np.asarray(pairs[:, cells])


def bootstrap(
    x: Floats,
    y: Floats,
    cells: Bools,
    *,
    coefficient: Coefficient = "pearson",
    draws: int = 9_999,
    level: float = 0.05,
    rng: np.random.Generator,
) -> Interval:
    """Return the interval of a coefficient that other languages would leave with probability `level`.

    Args:
        x: [n, n].
        y: [n, n].
        cells: which cells are compared, [n, n].
        coefficient: which.
        draws: how many samples of languages.
        level: 1 − the coverage aimed at.
        rng: whence they come.
    """
    found = []
    for start in range(0, draws, _CHUNK):
        weight = weights(len(x), min(_CHUNK, draws - start), cells, rng)
        found.append(_COEFFICIENTS[coefficient](x[cells], y[cells], weight))
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    own = _COEFFICIENTS[coefficient](x[cells], y[cells], np.ones((1, int(cells.sum()))))[0]
    half = stats.t.isf(level / 2, len(x) - 2) * _fisher(values).std(ddof=1)
    low, high = np.tanh(_fisher(own) + np.array([-half, half]))
    return Interval(float(low), float(high), values.size)


def _fisher(values: Floats) -> Floats:
    """Fisher's transformation, finite where a sample correlates perfectly."""
    return np.asarray(np.arctanh(np.clip(values, -_PERFECT, _PERFECT)))


def _pearson(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Weighted correlation, [draws]; x and y are [cells], or [draws, cells]."""
    total = weight.sum(axis=1, keepdims=True)
    dx = x - (weight * x).sum(axis=1, keepdims=True) / total
    dy = y - (weight * y).sum(axis=1, keepdims=True) / total
    norm = (weight * dx**2).sum(axis=1) * (weight * dy**2).sum(axis=1)
    return _ratio((weight * dx * dy).sum(axis=1), norm)


def _spearman(x: Floats, y: Floats, weight: Floats) -> Floats:
    return _pearson(midranks(x, weight), midranks(y, weight), weight)


def midranks(x: Floats, weight: Floats) -> Floats:
    """Return the ranks that each cell has in each draw, up to a constant, ties at their middle, [draws, cells]."""
    _, group = np.unique(x, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    of_group = np.add.reduceat(weight[:, order], starts, axis=1)
    return np.asarray((np.cumsum(of_group, axis=1) - of_group / 2)[:, group])


def _kendall(x: Floats, y: Floats, weight: Floats) -> Floats:
    # Counts of pairs of cells: whole numbers below 2²⁴ for the sizes at hand, exact in single precision up to there.
    left, right = (np.sign(vector[:, None] - vector).astype(np.float32) for vector in (x, y))
    single = weight.astype(np.float32)
    agree, in_x, in_y = (
        np.einsum("dc,dc->d", single @ signs, single, dtype=np.float64)
        for signs in (left * right, np.abs(left), np.abs(right))
    )
    return _ratio(agree, in_x * in_y)


def _ratio(numerator: Floats, squared_norm: Floats) -> Floats:
    """Numerator over the root of a squared norm; NaN where a draw has no spread."""
    spread = squared_norm > 1e-12
    root = np.sqrt(np.where(spread, squared_norm, 1.0))
    return np.where(spread, numerator / root, np.nan)


_COEFFICIENTS = {"pearson": _pearson, "spearman": _spearman, "kendall": _kendall}
