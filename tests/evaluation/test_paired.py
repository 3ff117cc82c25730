from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isogloss.evaluation.paired import (
    LanguageDifferences,
    Uncertainty,
    contributions,
    holm,
    holm_levels,
    uncertainty,
)


def differences(rng: np.random.Generator, seeds: int = 6, clusters: int = 40) -> LanguageDifferences:
    """Seeds, clusters of 1 to 5 examples, their interaction, and a mean that is not 0 all matter."""
    sizes = rng.integers(1, 6, clusters)
    groups = np.repeat(np.arange(clusters), sizes)
    values = 3 + rng.normal(size=(seeds, 1)) + 4 * rng.normal(size=clusters)[groups]
    values = values + 2 * rng.normal(size=(seeds, clusters))[:, groups] + 3 * rng.normal(size=(seeds, groups.size))
    return LanguageDifferences(values, groups)


def of(seed: float, cluster: float, interaction: float, seeds: int) -> Uncertainty:
    one = np.ones(1)
    return Uncertainty(seed * one, cluster * one, interaction * one, seeds, 1e9 * one)


def test_the_mean_difference_is_that_of_the_examples() -> None:
    one = differences(np.random.default_rng(0))
    parts = contributions([one], [])
    assert parts.by_seed[0] == pytest.approx(one.values.mean(axis=1))
    assert parts.by_cluster.sum(axis=2)[0] == pytest.approx(one.values.mean(axis=1) - one.values.mean())
    assert parts.clusters[0] == 40
    assert parts.examples[0] == one.groups.size


def test_components_against_a_bootstrap_of_seeds_and_of_clusters() -> None:
    """Red when a component is off by a factor such as S / (S − 1), or forgets that clusters differ."""
    rng = np.random.default_rng(1)
    one = differences(rng, seeds=8, clusters=60)
    found = uncertainty(contributions([one], []))
    sums = np.stack([np.bincount(one.groups, row) for row in one.values])
    sizes = np.bincount(one.groups)
    seeds = rng.integers(8, size=(20_000, 8))
    by_seed = one.values.mean(axis=1)[seeds].mean(axis=1).var() * 8 / 7
    drawn = rng.integers(60, size=(20_000, 60))
    by_cluster = (sums.mean(axis=0)[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)).var() * 60 / 59
    assert found.seed[0] == pytest.approx(by_seed, rel=0.04)
    assert found.cluster[0] == pytest.approx(by_cluster, rel=0.06)


def test_the_two_way_variance_against_a_double_bootstrap() -> None:
    """Resampling both at once counts the interaction thrice (Owen 2007): V_double = V + 2 V_interaction."""
    rng = np.random.default_rng(2)
    one = differences(rng, seeds=10, clusters=80)
    found = uncertainty(contributions([one], []))
    sums = np.stack([np.bincount(one.groups, row) for row in one.values])
    sizes = np.bincount(one.groups)
    means = []
    for _ in range(6000):
        seeds, clusters = rng.integers(10, size=10), rng.integers(80, size=80)
        means.append(sums[seeds][:, clusters].sum() / (10 * sizes[clusters].sum()))
    unbiased = found.seed * 9 / 10 + found.cluster * 79 / 80 + found.interaction
    assert np.var(means) == pytest.approx(unbiased[0], rel=0.08)


def test_components_are_unbiased() -> None:
    """Known variances, equal clusters: red when the interaction is not separated from the other two."""
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 2)
    found = []
    for _ in range(1500):
        values = 1.0 * rng.normal(size=(4, 1)) + 3 * rng.normal(size=30)[groups]
        values = values + 5 * rng.normal(size=(4, 30))[:, groups]
        one = uncertainty(contributions([LanguageDifferences(values, groups)], []))
        found.append((one.seed[0], one.cluster[0], one.interaction[0]))
    interaction = 25 / (4 * 30)
    expected = (1 / 4 + interaction, 9 / 30 + interaction, interaction)
    assert np.mean(found, axis=0) == pytest.approx(expected, rel=0.06)


def test_p_values_are_those_of_t_and_of_normal_at_the_two_ends() -> None:
    size = np.array([2.7])
    assert of(1, 0, 0, 4).p_value(size) == pytest.approx(2 * stats.t.sf(2.7, 3), rel=1e-6)
    assert of(0, 1, 0, 4).p_value(size) == pytest.approx(2 * stats.norm.sf(2.7), rel=1e-4)
    assert of(1, 1, 0, 4).p_value(size) > of(0.5, 1, 0, 4).p_value(size)


def test_p_value_between_the_ends_against_simulation() -> None:
    rng = np.random.default_rng(4)
    drawn = np.sqrt(0.7) * rng.standard_t(2, 400_000) + np.sqrt(0.5) * rng.normal(size=400_000)
    p = of(0.7, 0.8, 0.3, 3).p_value(np.array([4.0]))
    assert p == pytest.approx((np.abs(drawn) > 4).mean(), rel=0.03)


def test_an_interval_holds_what_the_test_does_not_reject() -> None:
    spread = of(0.7, 0.8, 0.3, 5)
    for level in (0.5, 0.05, 0.003):
        assert spread.p_value(spread.quantile(level, conditional=False)) == pytest.approx(level, rel=1e-6)
    assert spread.quantile(0.05, conditional=True) == pytest.approx(stats.norm.isf(0.025) * np.sqrt(0.8), rel=1e-4)


def test_minimum_detectable_is_found_with_the_stated_power() -> None:
    """5 seeds, variances known to be 1 and 1: the power at the printed difference is 80 %."""
    rng = np.random.default_rng(5)
    n = 4000
    seed = rng.chisquare(4, n) / 4
    spread = Uncertainty(seed, np.ones(n), np.zeros(n), 5, np.full(n, 1e9))
    minimum = np.median(spread.minimum_detectable(0.05))
    estimate = minimum + np.sqrt(2) * rng.normal(size=n)
    assert (spread.p_value(estimate) < 0.05).mean() == pytest.approx(0.8, abs=0.06)


def test_a_mean_clusters_over_the_languages_jointly() -> None:
    """Two identical languages say no more than one: red when a mean takes their premises for others."""
    one = differences(np.random.default_rng(6))
    parts = contributions([one, one], [[0, 1]])
    found = uncertainty(parts)
    assert found.cluster[2] == pytest.approx(found.cluster[0])
    assert parts.clusters.tolist() == [40, 40, 40]
    apart = LanguageDifferences(one.values, one.groups + 1000)
    assert uncertainty(contributions([one, apart], [[0, 1]])).cluster[2] < 0.6 * found.cluster[0]


def test_a_single_seed_is_tested_on_clusters_alone() -> None:
    rng = np.random.default_rng(7)
    values, groups = rng.normal(size=(1, 300)) + 0.2, np.arange(300)
    parts = contributions([LanguageDifferences(values, groups)], [])
    p = uncertainty(parts).p_value(parts.estimate)
    assert p == pytest.approx(stats.ttest_1samp(values[0], 0).pvalue, rel=0.1)


def test_a_handful_of_discordant_examples_decides_nothing() -> None:
    """Five examples of 1,000, all for one side: the exact sign test gives 0.06. Red with 999 df."""
    values = np.zeros((3, 1000))
    values[:, :5] = 100
    parts = contributions([LanguageDifferences(values, np.arange(1000))], [])
    assert uncertainty(parts).p_value(parts.estimate) > 0.05
    values[:, :40] = 100
    parts = contributions([LanguageDifferences(values, np.arange(1000))], [])
    assert uncertainty(parts).p_value(parts.estimate) < 0.001


@pytest.mark.parametrize(("clusters", "least"), [(1, 1.0), (3, 0.05)])
def test_few_clusters_that_all_agree_decide_nothing(clusters: int, least: float) -> None:
    groups = np.repeat(np.arange(clusters), 2)
    parts = contributions([LanguageDifferences(np.full((5, groups.size), 100.0), groups)], [])
    spread = uncertainty(parts)
    assert spread.p_value(parts.estimate)[0] >= least
    assert not np.isnan(spread.quantile(0.05, conditional=False)).any()


def test_no_difference_at_all_has_p_one() -> None:
    parts = contributions([LanguageDifferences(np.zeros((3, 9)), np.arange(9) // 3)], [])
    assert uncertainty(parts).p_value(parts.estimate)[0] == 1
    assert not parts.discordant[0]


def test_holm_by_hand() -> None:
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1, 1])


def test_holm_against_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(8).random(15) ** 3
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1])


def test_the_level_of_what_holm_leaves_open() -> None:
    assert holm_levels(np.array([0.01, 0.2, 0.5])) == pytest.approx(0.025)


def test_a_seed_that_lifts_all_examples_alike_is_no_interaction() -> None:
    """Clusters of 1 to 5 examples: red when what a seed brings is spread evenly over the clusters."""
    groups = differences(np.random.default_rng(9)).groups
    values = np.array([[1.0], [4.0], [-2.0]]) + np.zeros(groups.size)
    found = uncertainty(contributions([LanguageDifferences(values, groups)], []))
    assert found.interaction[0] == pytest.approx(0, abs=1e-12)
    assert found.seed[0] == pytest.approx(9 / 3)
