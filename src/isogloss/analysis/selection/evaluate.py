"""How well rankings of auxiliary languages do, each language left out in turn.

For each target, candidates are ranked by what is known without it: neither its scores nor those of what was trained on
it. A ranking is compared with what was measured: the rank correlation over the candidates (Spearman, ties at their
middle), and the top-1 regret, how many points the first choice lies below the best candidate. Where several are first,
one of them is drawn at random, and the regret is its expectation; a ranking that tells no candidates apart has rank
correlation 0. Both are averaged over targets.

Intervals are of the difference to a baseline, by a bootstrap over targets, whose percentiles are set as far out as
Student's t asks for with so few of them (Hesterberg 2015, The American Statistician 69). Targets are related languages,
of which such an interval knows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
import polars as pl
from scipy import stats

from isogloss.analysis.selection.expect import FEWEST_TARGETS, expect
from isogloss.analysis.selection.features import DISTANCES, NEAREST, SCRIPT, SIZE, Features, centred, nearness
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.selection.overlap import NAME as OVERLAP
from isogloss.analysis.selection.ridge import FEATURES_ALONE, GRID, Strength, choose, fit
from isogloss.analysis.statistics.pairs import Floats
from isogloss.errors import mistake
from isogloss.keys import Key

MEASURES = ("rank correlation", "top-1 regret")
RIDGE, ELSEWHERE = "ridge", "best on the other targets"
BASELINES = ("nearest, genetic", ELSEWHERE)
RANDOM = "at random"
_FEWEST_CANDIDATES = 3
_DIGITS = 9  # rankings are compared to: centring leaves rounding noise, which must not break ties

Ranking = Callable[[Observed, Features], Floats]
"""What ranks: scores of pairs and their features → a number for each measured pair, larger is better, [C, T]."""


def evaluate(observed: Observed, features: Features, *, draws: int = 9_999, level: float = 0.05) -> pl.DataFrame:
    """Compare the rankings that `rankings` offers.

    Args:
        observed: scores. Targets with fewer than 3 measured candidates are left aside.
        features: of all candidates and targets.
        draws: of the bootstrap.
        level: 1 − the coverage aimed at.

    Returns:
        A row for each measure, ranking and baseline: measure ("rank correlation", "top-1 regret"), ranking, value (of
        the regret in points), baseline, difference (ranking less baseline), low and high (the ends of its interval),
        targets and cells (how many).

    Raises:
        Mistakes: there are too few such targets.
    """
    observed = comparable(observed)
    features = features.take(observed.candidates, observed.targets)
    found = {name: judge(make(observed, features), observed) for name, make in rankings(features.names).items()}
    cells = int(np.isfinite(observed.values).sum())
    rows = []
    for (position, measure), name, baseline in product(enumerate(MEASURES), found, BASELINES):
        values, base = found[name][position], found[baseline][position]
        low, high = interval(values - base, Key(0, purpose=measure), draws=draws, level=level)
        about = {"measure": measure, "ranking": name, "value": values.mean(), "baseline": baseline}
        difference = {"difference": (values - base).mean(), "low": low, "high": high}
        rows.append({**about, **difference, "targets": len(observed.targets), "cells": cells})
    return pl.DataFrame(rows)


def comparable(observed: Observed) -> Observed:
    """Return the targets on which rankings can be compared.

    Raises:
        Mistakes: they are too few for one to be left out.
    """
    enough = np.isfinite(observed.values).sum(axis=0) >= _FEWEST_CANDIDATES
    if enough.sum() <= FEWEST_TARGETS:
        what = f"{int(enough.sum())} targets with {_FEWEST_CANDIDATES} measured candidates"
        remedy = f"at least {FEWEST_TARGETS + 1} are needed, for each to be left out in turn"
        raise mistake(what, where="--evaluate", remedy=remedy)
    return observed.without(targets=[code for code, one in zip(observed.targets, enough, strict=True) if not one])


def rankings(names: Sequence[str]) -> Mapping[str, Ranking]:
    """Return the rankings that there are with these features, by name."""
    found: dict[str, Ranking] = {RIDGE: lambda observed, features: _ridge(observed, features, GRID)}
    if OVERLAP in names:
        found[f"{RIDGE}, without {OVERLAP}"] = lambda observed, features: _ridge(
            observed, features.only([name for name in names if name != OVERLAP]), GRID
        )
    found[f"{RIDGE}, features alone"] = lambda observed, features: _ridge(observed, features, FEATURES_ALONE)
    found[ELSEWHERE] = _best_elsewhere
    found[f"nearest, {' and '.join(NEAREST)}"] = _near(NEAREST)
    found |= {f"nearest, {name}": _near([name]) for name in DISTANCES}
    found[f"nearest, mean of all {len(DISTANCES)}"] = _near(DISTANCES)
    found |= {f"most {name}": _most(name) for name in (OVERLAP, SIZE) if name in names}
    found[SCRIPT] = _most(SCRIPT)
    found[RANDOM] = lambda observed, _: np.zeros(observed.values.shape)
    return found


def judge(ranking: Floats, observed: Observed) -> tuple[Floats, Floats]:
    """Return rank correlation and top-1 regret (points) of a ranking for each target, [T] each."""
    outcomes = []
    for column in range(len(observed.targets)):
        rows = np.isfinite(observed.values[:, column])
        score, truth = ranking[rows, column].round(_DIGITS), observed.values[rows, column]
        flat = np.ptp(score) == 0 or np.ptp(truth) == 0
        first = score == score.max()
        correlation = 0.0 if flat else float(stats.spearmanr(score, truth).statistic)
        outcomes.append((correlation, truth.max() - truth[first].mean()))
    found = np.array(outcomes)
    return found[:, 0], found[:, 1]


def interval(differences: Floats, key: Key, *, draws: int = 9_999, level: float = 0.05) -> tuple[float, float]:
    """Return the bootstrap interval of a mean, of the percentiles that Student's t asks for with so few values."""
    count = len(differences)
    tail = stats.norm.cdf(-np.sqrt(count / (count - 1)) * stats.t.isf(level / 2, count - 1))
    means = differences[key.generator().integers(count, size=(draws, count))].mean(axis=1)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def coverage(
    observed: Observed, features: Features, *, never_measured: bool = False, level: float = 0.05
) -> dict[str, object]:
    """Return how often the interval of an expected gain holds what was measured, each target left out in turn.

    Args:
        observed: scores.
        features: of all candidates and targets.
        never_measured: leave the candidate out as well, each in turn.
        level: 1 − the coverage aimed at.

    Returns:
        candidates (which), targets, cells, level, covered (a share of the cells whose interval is told; None where none
        is), half_width (their mean, points), error and spread (root mean squares, points: of what was expected, and of
        expecting no candidate to be above the mean).
    """
    observed = comparable(observed)
    pairs: list[tuple[float, float, float]] = []
    for column, target in enumerate(observed.targets):
        rows = np.flatnonzero(np.isfinite(observed.values[:, column]))
        codes = [observed.candidates[row] for row in rows]
        truth = observed.values[rows, column] - observed.values[rows, column].mean()
        for hidden in [[code] for code in codes] if never_measured else [[]]:
            found = expect(features, observed.without(candidates=hidden), codes, [target], level=level)
            asked = [i for i, code in enumerate(codes) if not hidden or code in hidden]
            pairs += [(found.gains[i, 0] - truth[i], found.half_widths[i], truth[i]) for i in asked]
    errors, widths, truths = np.array(pairs).T
    told = np.isfinite(widths)  # with few errors seen, no interval is told
    return {
        "candidates": "never measured" if never_measured else "measured for other targets",
        "targets": len(observed.targets),
        "cells": len(pairs),
        "level": 1 - level,
        "covered": float((np.abs(errors) <= widths)[told].mean()) if told.any() else None,
        "half_width": float(widths[told].mean()) if told.any() else None,
        "error": float(np.sqrt((errors**2).mean())),
        "spread": float(np.sqrt((truths**2).mean())),
    }


def _ridge(observed: Observed, features: Features, grid: Sequence[Strength]) -> Floats:
    """Return what a fit without a target expects for it, strengths chosen without it, too."""
    found = np.full(observed.values.shape, np.nan)
    for column, target in enumerate(observed.targets):
        rows = np.flatnonzero(np.isfinite(observed.values[:, column]))
        known = observed.without_language(target)
        (ridge,) = fit(features, known, [choose(features, known, grid)])
        asked = features.take([observed.candidates[row] for row in rows], [target])
        found[rows, column] = ridge.parts(asked).sum(axis=-1)[:, 0]
    return found


def _best_elsewhere(observed: Observed, _: Features) -> Floats:
    """Return the mean gain of each candidate over the other targets; 0, the mean, where it has none."""
    found = np.zeros(observed.values.shape)
    for column, target in enumerate(observed.targets):
        known = observed.without_language(target)
        measured = np.isfinite(known.values)
        means = centred(known.values, measured).sum(axis=1) / np.maximum(measured.sum(axis=1), 1)
        rows = [row for row, code in enumerate(observed.candidates) if code in known.candidates]
        found[rows, column] = means
    return found


def _near(names: Sequence[str]) -> Ranking:
    return lambda observed, features: nearness(features, np.isfinite(observed.values), names)


def _most(name: str) -> Ranking:
    return lambda observed, features: centred(features.of(name), np.isfinite(observed.values))
