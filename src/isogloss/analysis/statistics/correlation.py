"""Correlation over the cells of two matrices, with the p-value that takes the cells for independent.

They are not: each language stands in 2 (n − 1) of them. The naive p-value is what papers print, and is given to
stand beside one that can be believed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy import stats

from isogloss.analysis.statistics.pairs import Floats

Coefficient = Literal["pearson", "spearman", "kendall"]
COEFFICIENTS: tuple[Coefficient, ...] = get_args(Coefficient)


class Correlation(NamedTuple):
    """A coefficient and its naive two-sided p-value, as scipy gives them; Kendall's is tau-b."""

    value: float
    p: float


_TESTS = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}


def correlate(x: Floats, y: Floats, coefficient: Coefficient = "pearson") -> Correlation:
    """Correlate two vectors of cells, [cells] each, neither of them constant."""
    found = _TESTS[coefficient](x, y)
    return Correlation(float(found.statistic), float(found.pvalue))


def scores(x: Floats, coefficient: Coefficient) -> Floats:
    """Return what a product-moment correlation is taken of: the values, or their ranks for Spearman, [cells]."""
    return np.asarray(stats.rankdata(x)) if coefficient == "spearman" else x
