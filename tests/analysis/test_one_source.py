from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from isogloss.analysis.statistics.frame import SCHEMA
from isogloss.analysis.statistics.one_source import PERMUTATION, relate_targets
from isogloss.analysis.statistics.pairs import Matrix
from isogloss.errors import Mistakes
from isogloss.keys import Key

CODES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi")


def matrix(name: str, seed: int, layer: int | None = None) -> Matrix:
    return Matrix(name, CODES, np.random.default_rng(seed).normal(size=(8, 8)), layer)


def answers(outcome: Matrix, one: Matrix, draws: int = 999) -> pl.DataFrame:
    return relate_targets([outcome], [one], source="en", key=Key(0), draws=draws)


def test_coefficients_and_naive_p_are_scipys_over_the_row_of_the_source() -> None:
    outcome, one = matrix("transfer", 0), matrix("genetic", 1)
    found = answers(outcome, one).filter(pl.col("test") == "naive")
    assert list(found.columns) == list(SCHEMA)
    others = [index for index, code in enumerate(CODES) if code != "en"]
    for same, where in ((True, range(8)), (False, others)):
        x, y = one.values[4, list(where)], outcome.values[4, list(where)]
        for coefficient, theirs in (
            ("pearson", stats.pearsonr(x, y)),
            ("spearman", stats.spearmanr(x, y)),
            ("kendall", stats.kendalltau(x, y)),
        ):
            row = found.filter(with_same_language=same, coefficient=coefficient).row(0, named=True)
            assert row["value"] == pytest.approx(theirs.statistic)
            assert row["p"] == pytest.approx(theirs.pvalue)
            assert row["cells"] == len(x)


@pytest.mark.parametrize("coefficient", ["pearson", "spearman", "kendall"])
def test_p_of_permutation_is_scipys(coefficient: str) -> None:
    """All 5,040 permutations of seven targets, counted out."""
    outcome, one = matrix("transfer", 2), matrix("genetic", 3)
    row = answers(outcome, one, 9_999).filter(test=PERMUTATION, coefficient=coefficient, with_same_language=False)
    others = [index for index, code in enumerate(CODES) if code != "en"]
    x, y = one.values[4, others], outcome.values[4, others]
    theirs = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[coefficient]

    def statistic(permuted: np.ndarray) -> float:
        return float(theirs(permuted, y).statistic)

    full = stats.permutation_test(
        (x,), statistic, permutation_type="pairings", n_resamples=np.inf, alternative="two-sided"
    )
    drawn = np.abs(full.null_distribution)
    assert row["draws"].to_list() == [5_040]
    assert row["p"][0] == pytest.approx((drawn >= abs(row["value"][0]) - 1e-9).mean())


def test_a_missing_target_is_left_out_and_said() -> None:
    outcome, one = matrix("transfer", 4), matrix("genetic", 5)
    one.values[4, 0] = np.nan
    one.values[0, :] = np.nan  # other rows are nobody's business
    found = answers(outcome, one)
    assert set(found["dropped"]) == {"ar: missing"}
    assert set(found["cells"]) == {7, 6}


def test_correction_is_over_the_layers() -> None:
    outcomes = [matrix("impact", layer, layer) for layer in (1, 2, 3)]
    found = relate_targets(outcomes, [matrix("genetic", 9)], source="en", key=Key(0), draws=99)
    part = found.filter(test="naive", coefficient="pearson", with_same_language=False)
    np.testing.assert_allclose(part["p_bh"], stats.false_discovery_control(part["p"].to_numpy()))


def test_a_constant_row_has_no_coefficient_and_says_why() -> None:
    one = matrix("genetic", 6)
    one.values[4] = 1.0
    found = answers(matrix("transfer", 7), one)
    assert found["value"].null_count() == found["p"].null_count() == found.height
    assert set(found["note"]) == {"the same number everywhere: explanatory"}


def test_refusals() -> None:
    with pytest.raises(Mistakes, match='no row of "sw"'):
        relate_targets([matrix("transfer", 0)], [matrix("genetic", 1)], source="sw", key=Key(0))
    one = matrix("genetic", 1)
    one.values[4, :4] = np.nan
    with pytest.raises(Mistakes, match="4 targets of en"):
        answers(matrix("transfer", 0), one)
