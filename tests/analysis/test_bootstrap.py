from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isogloss.analysis.statistics.bootstrap import _COEFFICIENTS, bootstrap, midranks, weights
from isogloss.analysis.statistics.correlation import COEFFICIENTS, Coefficient

SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}
N = 8


@pytest.mark.parametrize("diagonal", [True, False])
def test_a_language_drawn_twice_is_no_pair_with_itself(diagonal: bool) -> None:
    """Red when copies count as a pair, or when the diagonal is counted squared."""
    cells = ~np.eye(N, dtype=bool) | diagonal
    picked = np.random.default_rng(0).integers(N, size=(3, N))
    found = weights(N, 3, cells, np.random.default_rng(0))
    for sample, weight in zip(picked, found, strict=True):
        expected = np.zeros((N, N))
        for row, source in enumerate(sample):
            for column, target in enumerate(sample):
                if source != target or (row == column and diagonal):
                    expected[source, target] += 1
        np.testing.assert_array_equal(weight, expected[cells])


@pytest.mark.parametrize("digits", [0, 9])
@pytest.mark.parametrize("coefficient", COEFFICIENTS)
def test_weighted_coefficients_are_those_of_repeated_cells(coefficient: Coefficient, digits: int) -> None:
    """Against scipy on the sample written out. Red when ties are ranked apart."""
    rng = np.random.default_rng(1)
    x, y = (3 * rng.standard_normal((2, N * N))).round(digits)
    weight = weights(N, 4, np.ones((N, N), dtype=bool), rng)
    found = _COEFFICIENTS[coefficient](x, y, weight)
    for value, count in zip(found, weight.astype(int), strict=True):
        assert value == pytest.approx(SCIPY[coefficient](np.repeat(x, count), np.repeat(y, count)).statistic, abs=1e-6)


def test_midranks() -> None:
    found = midranks(np.array([2.0, 1.0, 2.0]), np.array([[1.0, 2.0, 1.0]]))
    assert found.tolist() == [[3.0, 1.0, 3.0]]


def test_an_interval_covers_what_other_languages_show() -> None:
    """Red when cells are drawn instead of languages (half as wide), and for percentiles."""
    rng = np.random.default_rng(0)
    cells = ~np.eye(15, dtype=bool)
    true = 0.75 * 2 / np.sqrt(2 * (0.75**2 * 2 + 2 + 1))  # of x and y below, over all pairs of languages that there are
    held = []
    for _ in range(400):
        x, shared = (trait + trait.T for trait in rng.standard_normal((2, 15, 1)))
        y = 0.75 * x + shared + rng.standard_normal((15, 15))
        found = bootstrap(x, y, cells, draws=99, rng=rng)
        held.append(found.low <= true <= found.high)
    assert 0.915 <= np.mean(held) <= 0.98


def test_a_sample_without_spread_is_left_out() -> None:
    cells = ~np.eye(5, dtype=bool)
    x = np.zeros((5, 5))
    x[0] = 1
    y = np.random.default_rng(0).standard_normal((5, 5))
    found = bootstrap(x, y, cells, draws=400, rng=np.random.default_rng(0))
    assert 200 < found.draws < 400
    assert -1 <= found.low < found.high <= 1
