from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from isogloss.analysis.statistics.correlation import COEFFICIENTS, Coefficient, correlate
from isogloss.analysis.statistics.mantel import mantel, p_value, permutations
from isogloss.analysis.statistics.pairs import Floats

SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}


def symmetric(n: int, seed: int, digits: int = 9) -> Floats:
    """Distances; few digits make ties."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, 3))
    return np.asarray(np.linalg.norm(points[:, None] - points, axis=-1).round(digits))


def off(n: int) -> np.ndarray:
    return ~np.eye(n, dtype=bool)


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_naive_is_scipys(coefficient: Coefficient) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 60).astype(float), rng.standard_normal(60)
    found, theirs = correlate(x, y, coefficient), SCIPY[coefficient](x, y)
    assert found == (theirs.statistic, theirs.pvalue)


@pytest.mark.parametrize("diagonal", [True, False])
@pytest.mark.parametrize("digits", [0, 9])
@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_each_permutation_is_counted_as_scipy_would(coefficient: Coefficient, digits: int, diagonal: bool) -> None:
    """All 120 permutations, of asymmetric matrices with and without ties. Red when only rows are permuted."""
    rng = np.random.default_rng(3)
    x, y = (10 * rng.standard_normal((2, 5, 5))).round(digits)
    cells = off(5) | diagonal
    found = mantel(x, y, cells, coefficient=coefficient, rng=rng)
    drawn = [
        SCIPY[coefficient](x[np.ix_(order, order)][cells], y[cells]).statistic
        for order in map(list, itertools.permutations(range(5)))
    ]
    assert found.draws == 120
    assert found.value == pytest.approx(drawn[0])
    assert found.p == pytest.approx(np.mean(np.abs(drawn) >= abs(drawn[0]) - 1e-12))


@pytest.mark.parametrize("coefficient", COEFFICIENTS)
@pytest.mark.parametrize("n", [6, 15])
def test_scikit_bio(coefficient: Coefficient, n: int) -> None:
    skbio = pytest.importorskip("skbio.stats.distance")
    x = symmetric(n, 1)
    y = x + symmetric(n, 2) * 2
    draws = 999 if n > 6 else 9_999
    found = mantel(x, y, off(n), coefficient=coefficient, draws=draws, rng=np.random.default_rng(0))
    left, right = skbio.DistanceMatrix(x), skbio.DistanceMatrix((y + y.T) / 2)
    theirs = skbio.mantel(
        left, right, method={"kendall": "kendalltau"}.get(coefficient, coefficient), permutations=1_999, seed=1
    )
    assert found.value == pytest.approx(theirs[0], abs=1e-12)
    assert found.p == pytest.approx(theirs[1], abs=4 * np.sqrt(0.25 / 999))


def test_a_draw_of_permutations() -> None:
    orders, exhaustive = permutations(9, 500, np.random.default_rng(0))
    assert not exhaustive
    assert orders.shape == (500, 9)
    assert (np.sort(orders) == np.arange(9)).all()
    assert np.unique(orders, axis=0).shape[0] > 490


def test_p_counts_what_was_observed_in() -> None:
    """Red when p can be 0, or is one-sided."""
    drawn = np.array([-3.0, 0.5, 1.0, -1.0])
    assert p_value(2.0, drawn) == 2 / 5
    assert p_value(-2.0, drawn) == 2 / 5
    assert p_value(1.0, drawn) == 4 / 5
    assert p_value(9.0, drawn) == 1 / 5
    assert p_value(1.0, np.array([1.0, 0.0]), exhaustive=True) == 1 / 2
