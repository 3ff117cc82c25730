"""Regression on distance matrices with double semi-partialing (Dekker, Krackhardt & Snijders 2007).

The residual of the matrix in question, given the other ones, is permuted by language; the outcome is regressed on it
and on the others, and the t statistic, which is pivotal, is compared with its distribution. Permuting raw matrices,
or the outcome, does not hold its level where explanatory matrices are correlated, as distances are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isogloss.analysis.statistics.design import nuisance, residual, residual_matrix
from isogloss.analysis.statistics.mantel import Randomised, chunks, p_value, permutations, permuted
from isogloss.analysis.statistics.pairs import Bools, Floats


def mrqap(
    x: Floats,
    y: Floats,
    cells: Bools,
    controls: Sequence[Floats] = (),
    *,
    two_way: bool,
    draws: int = 9_999,
    rng: np.random.Generator,
) -> Randomised:
    """Test the partial effect of x on y.

    Args:
        x: the matrix in question, [n, n].
        y: the outcome, [n, n].
        cells: which cells are compared, [n, n].
        controls: other explanatory matrices; a covariate of a language as `pairs.of_target`.
        two_way: take out main effects of source and target; covariates of a language are then taken out with them.
        draws: how many permutations.
        rng: whence they come.

    Returns:
        The partial correlation, and the t statistic that was tested.

    Raises:
        Mistakes: x or y is a sum of what is controlled for.
    """
    basis = nuisance(cells, controls, two_way=two_way)
    rest, outcome = (residual_matrix(matrix, cells, basis, name) for matrix, name in ((x, "x"), (y, "y")))
    df = int(cells.sum()) - basis.shape[1] - 1
    orders, exhaustive = permutations(len(x), draws, rng)
    target, own = outcome[cells], rest[cells]
    drawn = np.concatenate(
        [_t(residual(permuted(rest, chunk, cells).T, basis), target, df) for chunk in chunks(orders)]
    )
    observed = float(_t(own[None], target, df)[0])
    return Randomised(float(own @ target), observed, p_value(observed, drawn, exhaustive=exhaustive), len(orders))


def _t(explanatory: Floats, outcome: Floats, df: int) -> Floats:
    """The t statistic of each row in a regression of the outcome on it; both are free of the controls, [rows]."""
    norm = np.sqrt(np.einsum("rc,rc->r", explanatory, explanatory))
    # A draw that lies in the span of the controls explains nothing.
    r = np.divide(explanatory @ outcome, norm, out=np.zeros_like(norm), where=norm > 1e-12)
    return np.asarray(r * np.sqrt(df / np.maximum(1 - r**2, 1e-300)))
