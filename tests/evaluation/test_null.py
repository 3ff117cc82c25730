"""The paired test's own error: how often it finds a difference where there is none, and where one is. INFO logs it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from evaluation.simulation import World
from isogloss.evaluation.paired import Uncertainty, holm, uncertainty

logger = logging.getLogger(__name__)

NULLS: Mapping[str, Mapping[str, float]] = {
    "seeds and examples": {},
    "seeds only": {"premise_sd": 0.0, "steady": 1.0, "seed_sd": 1.5},
    "examples only": {"seed_sd": 0.0},
    "large seeds, by language": {"seed_sd": 2.0, "shared": 0.2},
    "steady examples": {"steady": 0.98, "shared": 0.0},
}


def satterthwaite(spread: Uncertainty, estimate: np.ndarray) -> np.ndarray:
    """The test that was not taken: t on the summed variance, with estimated degrees of freedom."""
    variance = spread.standard_error**2
    with np.errstate(invalid="ignore"):
        df = variance**2 / (spread.seed**2 / (spread.seeds - 1) + spread.cluster**2 / 300)
        p = 2 * stats.t.sf(np.abs(estimate) / np.sqrt(variance), df)
    return np.where(variance > 0, p, 1.0)  # as ours, where no example differs


def rates(name: str, world: World, repeats: int, test: str = "ours") -> dict[str, float]:
    """How often a language's test, any of a family after Holm, or the mean's rejects; and coverage. Logged by name."""
    rng = np.random.default_rng([world.seeds, repeats])
    rows = []
    for _ in range(repeats):
        parts = world.draw(rng)
        spread = uncertainty(parts)
        own = spread.p_value(parts.estimate) if test == "ours" else satterthwaite(spread, parts.estimate)
        off = np.abs(parts.estimate - world.apart)
        covered = off <= spread.quantile(0.05, conditional=False)
        family = (holm(own[:-1]) < 0.05).any()
        rows.append(((own[:-1] < 0.05).mean(), family, own[-1] < 0.05, covered[:-1].mean(), covered[-1]))
    names = ("language", "family", "mean", "coverage", "coverage of the mean")
    found = dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
    listed = ", ".join(f"{key} {100 * rate:.1f} %" for key, rate in found.items())
    about = (
        f"{name}, {world.seeds} seeds, {repeats} simulations (5 % stays within {100 * bound(repeats):.1f} %), {test}"
    )
    logger.info("%s: %s", about, listed)
    return found


def bound(repeats: int) -> float:
    """The share of false positives below which a test of level 5 % stays in 99 % of such simulations."""
    return float(stats.binom.ppf(0.99, repeats, 0.05)) / repeats


def check(null: str, seeds: int, repeats: int) -> None:
    found = rates(null, World(seeds=seeds, **NULLS[null]), repeats)
    assert max(found["language"], found["family"], found["mean"]) <= bound(repeats), found
    assert min(found["coverage"], found["coverage of the mean"]) >= 1 - bound(repeats), found


@pytest.mark.parametrize("null", ["seeds and examples", "seeds only"])
def test_false_positives_in_a_hurry(null: str) -> None:
    check(null, 3, 200)


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_a_true_difference_is_seldom_declared_equal_within_it(seeds: int) -> None:
    """Two one-sided tests at 5 %: red for a margin that an interval of 80 % would give."""
    world = World(seeds=seeds, seed_sd=0.3 if seeds > 1 else 0.0, premise_sd=0.2, apart=1.0)
    rng = np.random.default_rng(seeds)
    wrong = []
    for _ in range(200):
        parts = world.draw(rng)
        wrong.append(uncertainty(parts).equivalence_margin(parts.estimate, 0.05)[-1] < world.apart)
    assert 0 < np.mean(wrong) <= bound(200)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("null", NULLS)
def test_false_positives(null: str, seeds: int) -> None:
    check(null, seeds, 1000)


def test_three_points_are_found() -> None:
    """Red for a test that never rejects: the mean is found as a rule, single languages with 5 seeds."""
    three = rates("three points", World(seeds=3, seed_sd=0.3, premise_sd=0.2, apart=3.0), 100)
    five = rates("three points", World(seeds=5, seed_sd=0.3, premise_sd=0.2, apart=3.0), 100)
    assert three["mean"] > 0.75
    assert five["mean"] > 0.85
    assert five["family"] > 0.5
    assert five["language"] > 0.5


def test_satterthwaite_would_not_do() -> None:
    """Why the reference distribution is Behrens and Fisher's; the same simulations as for ours."""
    null, world = "large seeds, steady examples", World(seed_sd=2.0, shared=0.0, steady=0.98)
    assert rates(null, world, 300, "satterthwaite")["family"] > 0.09
    assert rates(null, world, 300)["family"] <= bound(300)


@pytest.mark.slow
def test_how_far_satterthwaite_would_be_off() -> None:
    assert rates("seeds only", World(**NULLS["seeds only"]), 1000, "satterthwaite")["family"] > 0.2
