"""Mantel's test: the languages of one matrix are permuted, rows and columns together (Mantel 1967).

A permutation keeps what each language is in a matrix (its row and its column) and breaks what ties it to the other
matrix, so that dependence between the cells of a row or a column does no harm. It does harm that both matrices
may follow one family tree: permuted languages do not (`tree_null` has the test for that). Matrices need not be
symmetric; same-language pairs stay same-language pairs.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.analysis.statistics.correlation import Coefficient, correlate, scores
from isogloss.analysis.statistics.pairs import Bools, Floats

Integers = NDArray[np.int64]
_CHUNK = 100
_ROUNDING = 1e-12


class Randomised(NamedTuple):
    """What a test by randomisation found.

    Attributes:
        value: the coefficient.
        statistic: what was compared with its distribution under the null; None where nothing was.
        p: two-sided p-value; never below 1 / (draws + 1). None where the test cannot tell.
        draws: how many randomised matrices it rests on; all n! where the permutations were counted out.
    """

    value: float
    statistic: float | None
    p: float | None
    draws: int


def permutations(n: int, draws: int, rng: np.random.Generator) -> tuple[Integers, bool]:
    """Return permutations of n languages, [draws, n], and whether they are all n! of them (where draws would do)."""
    if math.factorial(n) <= draws + 1:
        return np.array(list(itertools.permutations(range(n)))), True
    return rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1), False


def p_value(observed: float, drawn: Floats, *, exhaustive: bool = False) -> float:
    """Return the two-sided p-value of a statistic: the share of draws that are as far from 0, itself counted in."""
    as_far = int((np.abs(drawn) >= abs(observed) - _ROUNDING * max(1.0, abs(observed))).sum())
    return as_far / drawn.size if exhaustive else (as_far + 1) / (drawn.size + 1)


def mantel(
    x: Floats,
    y: Floats,
    cells: Bools,
    *,
    coefficient: Coefficient = "pearson",
    draws: int = 9_999,
    rng: np.random.Generator,
) -> Randomised:
    """Test whether two matrices are related, by permuting the languages of x.

    Args:
        x: [n, n].
        y: [n, n].
        cells: which cells are compared, [n, n]; all of them, or all but the diagonal.
        coefficient: what is computed.
        draws: how many permutations; all n! where those are not more.
        rng: whence the permutations come.
    """
    value = correlate(x[cells], y[cells], coefficient).value
    orders, exhaustive = permutations(len(x), draws, rng)
    drawn = _taus(x, y, cells, orders) if coefficient == "kendall" else _products(x, y, cells, coefficient, orders)
    return Randomised(value, value, p_value(value, drawn, exhaustive=exhaustive), len(orders))


def _products(x: Floats, y: Floats, cells: Bools, coefficient: Coefficient, orders: Integers) -> Floats:
    """Correlation with each permutation of x, [draws]; ranks are taken once, since a permutation keeps them."""
    left, right = (_standard(scores(matrix[cells], coefficient), cells) for matrix in (x, y))
    return np.concatenate([right[cells] @ permuted(left, chunk, cells) for chunk in chunks(orders)])


def _standard(vector: Floats, cells: Bools) -> Floats:
    """Put cells back into a matrix, centred and of norm 1, with zeros elsewhere, [n, n]."""
    matrix = np.zeros(cells.shape)
    centred = vector - vector.mean()
    matrix[cells] = centred / np.linalg.norm(centred)
    return matrix


def permuted(matrix: Floats, orders: Integers, cells: Bools) -> Floats:
    """Return the compared cells of the matrix with its languages in each of these orders, [cells, orders].

    A draw is a column, so that what is read and written next to each other lies so, too.
    """
    rows, columns = np.nonzero(cells)
    order = np.ascontiguousarray(orders.T)
    return np.asarray(matrix.ravel().take(order[rows] * len(matrix) + order[columns]))


def chunks(orders: Integers) -> list[Integers]:
    """Cut draws into parts that fit into a processor's cache."""
    return [orders[start : start + _CHUNK] for start in range(0, len(orders), _CHUNK)]


def _taus(x: Floats, y: Floats, cells: Bools, orders: Integers) -> Floats:
    """Kendall's tau-b with each permutation of x, [draws]; its denominator is the same for all."""
    inside = np.flatnonzero(cells.ravel())
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape).astype(np.int16)
    own, vector = ranks.ravel()[inside], y.ravel()[inside]
    rises = vector[:, None] > vector
    falls, untied = rises.T.copy(), np.count_nonzero(np.not_equal.outer(own, own)) // 2
    tied = np.count_nonzero(rises) * 2 < vector.size * (vector.size - 1)
    norm = math.sqrt(untied * float(np.count_nonzero(rises)))
    both = np.empty_like(rises)
    found = np.empty(len(orders))
    for draw, order in enumerate(orders):
        row = ranks[np.ix_(order, order)].ravel()[inside]
        up = row[:, None] > row
        concordant = np.count_nonzero(np.logical_and(up, rises, out=both))
        # A pair that is tied in neither matrix is concordant or discordant: without ties in y, one count is enough.
        discordant = np.count_nonzero(np.logical_and(up, falls, out=both)) if tied else untied - concordant
        found[draw] = (concordant - discordant) / norm
    return found
