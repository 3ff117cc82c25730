"""The mixed model with crossed random effects: a level for each source and for each target, drawn from two normal laws.

    y_ij = μ + β x_ij + Σ_k γ_k z_ijk + a_i + b_j + e_ij

by restricted maximum likelihood. Written here, and not taken from statsmodels, which writes every variance component as
a dense design over all cells: seconds a fit, where the 2n random effects that there are take milliseconds; the
balanced design's closed form does not hold without the same-language pairs. The tests hold the two to the same
likelihood and slopes.

The p-value is Student's, with the cells beyond all fixed and random effects as degrees of freedom. It takes the
errors e of two pairs for independent, and the languages too: it is a reference and no remedy for a family tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from isogloss.analysis.statistics.pairs import Bools, Floats
from isogloss.errors import mistake

_STARTS = ((1.0, 1.0), (0.1, 0.1), (3.0, 0.1), (0.1, 3.0))
_NOTHING = 1e-12
_BOUNDARY = 1e-4


class MixedFit(NamedTuple):
    """What the model found. Slopes and variances are those of standardised x and y.

    Attributes:
        slope: β.
        error: its standard error.
        df: degrees of freedom of its t.
        p: two-sided.
        source, target, residual: variances of a, b and e.
        log_likelihood: restricted.
        note: what to know of the fit: that it did not converge, or that a variance is 0; "" if nothing.
    """

    slope: float
    error: float
    df: int
    p: float
    source: float
    target: float
    residual: float
    log_likelihood: float
    note: str

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval of β that Student's t gives."""
        half = float(stats.t.isf(level / 2, self.df)) * self.error
        return self.slope - half, self.slope + half


class _Profile(NamedTuple):
    """The likelihood at given ratios of variances, all else at its best."""

    log_likelihood: float
    slope: float
    error: float
    residual: float


class _Moments:
    """Cross products of fixed effects, outcome and random effects: all that the likelihood depends on."""

    def __init__(self, fixed: Floats, outcome: Floats, cells: Bools) -> None:
        n = len(cells)
        sources, targets = np.nonzero(cells)
        self.n = n
        random = np.zeros((outcome.size, 2 * n))
        random[np.arange(outcome.size), sources] = 1
        random[np.arange(outcome.size), n + targets] = 1
        self.size, self.rank = fixed.shape
        both = np.column_stack([fixed, outcome])
        self.random = random.T @ random
        self.across = random.T @ both
        self.inner = both.T @ both

    @property
    def explained(self) -> bool:
        """Whether the fixed effects leave nothing of the outcome, which is of variance 1."""
        beta = np.linalg.lstsq(self.inner[:-1, :-1], self.inner[:-1, -1], rcond=None)[0]
        return bool(self.inner[-1, -1] - self.inner[:-1, -1] @ beta < _NOTHING * self.size)

    def profile(self, ratios: Sequence[float]) -> _Profile:
        """Return the profile at the standard deviations of a and b in units of that of e (Bates et al. 2015)."""
        scale = np.repeat(np.asarray(ratios, dtype=float), self.n)
        whole = np.eye(scale.size) + scale[:, None] * self.random * scale
        lower = np.linalg.cholesky(whole)
        half = solve_triangular(lower, scale[:, None] * self.across, lower=True, check_finite=False)
        inner = (
            self.inner - half.T @ half
        )  # [fixed, outcome]' V⁻¹ [fixed, outcome], V in units of the residual variance
        xx, xy, yy = inner[:-1, :-1], inner[:-1, -1], inner[-1, -1]
        factor = cho_factor(xx)
        beta = cho_solve(factor, xy)
        df = self.size - self.rank
        residual = float(yy - xy @ beta) / df
        log_det = 2 * (np.log(np.diag(lower)).sum() + np.log(np.diag(factor[0])).sum())
        log_likelihood = -0.5 * (df * (np.log(2 * np.pi * residual) + 1) + log_det)
        # x comes last of the fixed effects.
        variance = residual * cho_solve(factor, np.eye(self.rank))[-1, -1]
        return _Profile(float(log_likelihood), float(beta[-1]), float(np.sqrt(variance)), residual)


def mixed_model(x: Floats, y: Floats, cells: Bools, controls: Sequence[Floats] = ()) -> MixedFit:
    """Fit the model by restricted maximum likelihood.

    Args:
        x: the explanatory matrix, [n, n].
        y: the outcome, [n, n].
        cells: which cells are compared, [n, n].
        controls: other explanatory matrices.

    Raises:
        Mistakes: x is a sum of the controls.
    """
    columns = [_standard(matrix[cells]) for matrix in (*controls, x)]
    fixed = np.column_stack([np.ones(int(cells.sum())), *columns])
    if np.linalg.matrix_rank(fixed, tol=1e-8 * len(fixed)) < fixed.shape[1]:
        raise mistake("nothing is left of it", where="x", remedy="control for less: it is a sum of the controls")
    moments = _Moments(fixed, _standard(y[cells]), cells)
    if moments.explained:
        raise mistake("no error is left", where="y", remedy="y is a sum of x and the controls: nothing is to be tested")
    best, converged = _climb(moments)
    found = moments.profile(best)
    df = moments.size - moments.rank - 2 * (moments.n - 1)
    source, target = (float(ratio**2) * found.residual for ratio in best)
    note = "" if converged else "did not converge"
    if converged:
        flat = [name for name, ratio in zip(("source", "target"), best, strict=True) if ratio < _BOUNDARY]
        note = f"variance of {' and '.join(flat)} is 0" if flat else ""
    p = float(2 * stats.t.sf(abs(found.slope) / found.error, df))
    return MixedFit(found.slope, found.error, df, p, source, target, found.residual, found.log_likelihood, note)


def _climb(moments: _Moments) -> tuple[tuple[float, float], bool]:
    """Maximise the profile; other starts are tried until one converges."""
    found = None
    for start in _STARTS:
        found = optimize.minimize(
            lambda ratios: -moments.profile(ratios).log_likelihood,
            np.array(start),
            method="L-BFGS-B",
            bounds=((0, None), (0, None)),
        )
        if found.success:
            break
    assert found is not None
    return (float(found.x[0]), float(found.x[1])), bool(found.success)


def _standard(vector: Floats) -> Floats:
    centred = vector - vector.mean()
    spread = float(centred.std())
    return np.asarray(centred / spread) if spread > 0 else centred
