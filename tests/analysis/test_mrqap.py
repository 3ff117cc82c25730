from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from isogloss.analysis.statistics.design import nuisance, residual, residual_matrix
from isogloss.analysis.statistics.mantel import mantel
from isogloss.analysis.statistics.mrqap import mrqap
from isogloss.analysis.statistics.pairs import Bools, Floats, of_target
from isogloss.errors import Mistakes

N = 9
OFF = ~np.eye(N, dtype=bool)


def dummies(cells: Bools) -> Floats:
    sources, targets = np.nonzero(cells)
    return np.column_stack([np.eye(N)[sources], np.eye(N)[targets][:, 1:]])


@pytest.fixture
def drawn() -> Floats:
    return np.random.default_rng(5).standard_normal((4, N, N))


@pytest.mark.parametrize("cells", [OFF, np.ones((N, N), dtype=bool)])
@pytest.mark.parametrize("two_way", [True, False])
def test_the_t_statistic_is_that_of_least_squares(drawn: Floats, two_way: bool, cells: Bools) -> None:
    """Red when the degrees of freedom forget the controls or the dummies."""
    x, y, *controls = drawn
    found = mrqap(x, y, cells, controls, two_way=two_way, draws=19, rng=np.random.default_rng(0))
    others = np.column_stack([control[cells] for control in controls])
    base = dummies(cells) if two_way else np.ones((int(cells.sum()), 1))
    fit = sm.OLS(y[cells], np.column_stack([base, others, x[cells]])).fit()
    assert found.statistic == pytest.approx(fit.tvalues[-1])
    partial = fit.tvalues[-1] / np.sqrt(fit.tvalues[-1] ** 2 + fit.df_resid)
    assert found.value == pytest.approx(partial)


def test_without_controls_it_is_mantels_test(drawn: Floats) -> None:
    x, y, *_ = drawn
    ours = mrqap(x, y, OFF, two_way=False, draws=499, rng=np.random.default_rng(1))
    theirs = mantel(x, y, OFF, draws=499, rng=np.random.default_rng(1))
    assert (ours.value, ours.p) == (pytest.approx(theirs.value), theirs.p)


def test_what_a_control_explains_is_not_found() -> None:
    """Red when controls are ignored: x is a copy of what makes y, but for noise."""
    rng = np.random.default_rng(0)
    cause, noise, error = rng.standard_normal((3, N, N))
    x, y = cause + 0.3 * noise, cause + 0.3 * error
    assert mrqap(x, y, OFF, two_way=False, draws=199, rng=rng).p <= 0.01
    assert mrqap(x, y, OFF, [cause], two_way=False, draws=199, rng=rng).p > 0.05
    assert mrqap(cause, y, OFF, [x], two_way=False, draws=199, rng=rng).p <= 0.01


def test_a_quantity_of_the_target_is_gone_with_main_effects(drawn: Floats) -> None:
    size = of_target("size", dict(zip("abcdefghi", range(9), strict=True))).values
    assert abs(mrqap(size, drawn[0], OFF, two_way=False, draws=19, rng=np.random.default_rng(0)).value) > 0
    with pytest.raises(Mistakes, match="x: nothing is left of it"):
        mrqap(size, drawn[0], OFF, two_way=True, draws=19, rng=np.random.default_rng(0))


def test_two_way_residuals_on_a_complete_matrix_are_double_centred(drawn: Floats) -> None:
    x = drawn[0]
    cells = np.ones((N, N), dtype=bool)
    centred = x - x.mean(axis=0) - x.mean(axis=1, keepdims=True) + x.mean()
    found = residual_matrix(x, cells, nuisance(cells, two_way=True))
    np.testing.assert_allclose(found, centred / np.linalg.norm(centred), atol=1e-12)


def test_residuals_are_free_of_what_was_taken_out(drawn: Floats) -> None:
    basis = nuisance(OFF, [drawn[1]], two_way=True)
    assert basis.shape == (72, 2 * N)
    np.testing.assert_allclose(basis.T @ basis, np.eye(2 * N), atol=1e-12)
    rest = residual(drawn[0][OFF], basis)
    np.testing.assert_allclose(dummies(OFF).T @ rest, 0, atol=1e-10)
    np.testing.assert_allclose(drawn[1][OFF] @ rest, 0, atol=1e-10)
