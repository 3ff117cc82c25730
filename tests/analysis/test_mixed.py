from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize

from isogloss.analysis.statistics import mixed
from isogloss.analysis.statistics.mixed import mixed_model
from isogloss.analysis.statistics.pairs import Bools, Floats
from isogloss.errors import Mistakes

N = 10
OFF = ~np.eye(N, dtype=bool)


def data(seed: int, source: float = 1.0, target: float = 0.7) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    x, z, e = rng.standard_normal((3, N, N))
    a, b = rng.standard_normal((2, N))
    return x, z, 0.4 * x - 0.3 * z + source * a[:, None] + target * b + 0.5 * e


def standard(vector: Floats) -> Floats:
    return (vector - vector.mean()) / vector.std()


@pytest.mark.parametrize("cells", [OFF, np.ones((N, N), dtype=bool)])
def test_statsmodels(cells: Bools) -> None:
    """The same slopes, variances and restricted likelihood as MixedLM with crossed variance components."""
    x, z, y = data(0)
    found = mixed_model(x, y, cells, [z])
    sources, targets = np.nonzero(cells)
    frame = pd.DataFrame({"y": standard(y[cells]), "x": standard(x[cells]), "z": standard(z[cells])})
    frame["source"], frame["target"], frame["all"] = sources.astype(str), targets.astype(str), "1"
    parts = {"source": "0 + C(source)", "target": "0 + C(target)"}
    model = sm.MixedLM.from_formula("y ~ z + x", frame, groups="all", vc_formula=parts, re_formula="0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model.fit(reml=True)
    assert found.slope == pytest.approx(fit.params["x"], abs=1e-4)
    assert found.error == pytest.approx(fit.bse["x"], abs=1e-4)
    assert found.log_likelihood == pytest.approx(fit.llf, abs=1e-3)
    assert [found.source, found.target, found.residual] == pytest.approx([*fit.vcomp, fit.scale], abs=2e-3)
    assert found.note == ""


def test_the_balanced_design_has_its_closed_form() -> None:
    """Without a slope to speak of, variances are those of the two-way analysis of variance."""
    cells = np.ones((N, N), dtype=bool)
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((2, N))
    y = a[:, None] + b + 0.3 * rng.standard_normal((N, N))
    x = rng.standard_normal((N, N))
    x -= x.mean(axis=0) + x.mean(axis=1, keepdims=True) - x.mean()  # within: orthogonal to main effects
    slope = (x * y).sum() / (x**2).sum()
    z = (y - slope * x - y.mean()) / y.std()
    rest = z - z.mean(axis=0) - z.mean(axis=1, keepdims=True)
    residual = (rest**2).sum() / ((N - 1) ** 2 - 1)
    found = mixed_model(x, y, cells)
    assert found.residual == pytest.approx(residual, rel=1e-3)
    assert found.source == pytest.approx(z.mean(axis=1).var(ddof=1) - residual / N, rel=2e-3)
    assert found.slope == pytest.approx(slope * x.std() / y.std(), rel=1e-6)
    assert found.df == N * N - 2 - 2 * (N - 1)


def test_no_main_effects_are_a_boundary_that_is_told() -> None:
    """Red when the variance may become negative, or nothing is said."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, N, N))
    y -= y.mean(axis=1, keepdims=True)  # sources alike, more than by chance
    found = mixed_model(x, y, np.ones((N, N), dtype=bool))
    assert found.source < 1e-6
    assert "variance of source" in found.note


def test_a_fit_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    result = optimize.OptimizeResult(x=np.array([1.0, 1.0]), success=False)
    monkeypatch.setattr(mixed.optimize, "minimize", lambda *_, **__: result)
    x, _, y = data(0)
    assert mixed_model(x, y, OFF).note == "did not converge"


def test_interval_and_p_agree() -> None:
    x, z, y = data(2)
    found = mixed_model(x, y, OFF, [z])
    low, high = found.interval(0.05)
    assert 0 < low < found.slope < high
    edge = found.interval(found.p)
    assert edge[0] == pytest.approx(0, abs=1e-9)
    with pytest.raises(Mistakes, match="nothing is left"):
        mixed_model(x, y, OFF, [2 * x + 1])


def test_an_exact_relation_has_no_test() -> None:
    """Red when the likelihood of no error at all is maximised."""
    x = np.random.default_rng(0).normal(size=(8, 8))
    with pytest.raises(Mistakes, match="no error is left"):
        mixed_model(x, 3 - 2 * x, ~np.eye(8, dtype=bool))
