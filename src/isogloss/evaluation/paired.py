"""Is one variant better than another? The test, its interval, and what it could have shown.

Two things are drawn at random in a comparison: the *seeds* with which both variants were trained, and the
*clusters* of examples on which both were tested (a premise and its hypotheses, in all languages at once). A
difference that does not generalise over both is not a finding. With z the difference by seed s and cluster c,

    Var(mean difference) = V_seed + V_cluster − V_interaction        (crossed random effects)

where each of the first two holds the interaction once. V_seed rests on S − 1 degrees of freedom, very
few, the rest on hundreds. The reference distribution is that of √V_seed · t(S − 1) + √(V_cluster −
V_interaction) · z, the Behrens-Fisher distribution (Fisher 1935; Tsui & Weerahandi 1989). Not to be
confused with Satterthwaite's t on the summed variance: with 3 seeds that one rejects up to 8 % of true
nulls at 5 %, and under Holm over 15 languages up to a third of the families, because its degrees of
freedom are themselves guessed from 3 numbers (`tests/evaluation/test_null.py` has both). A test is never
more certain than one on the clusters alone.

Everything is vectorised over T tests (languages, and means over languages), with U seeds and G clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

UNCONDITIONAL_SEEDS = 5
"""From this many seeds on, an interval covers the seeds too; below, it is conditional on them."""


class LanguageDifferences(NamedTuple):
    """What two variants differ by on one language's examples.

    Attributes:
        values: A minus B, example by example, [U seeds, N examples].
        groups: the cluster of each example, [N]; the same number means the same cluster in every language.
    """

    values: Floats
    groups: Integers


class Contributions(NamedTuple):
    """What each seed and each cluster contributes to the mean difference, for T tests.

    Attributes:
        by_seed: mean difference of each seed, [T, U].
        by_cluster: influence of each cluster on each seed's mean, [T, U, G]; sums to by_seed − estimate.
        weights: share of the test's examples that each cluster holds, [T, G].
        examples: number of examples, [T].
        discordant: whether any example differs at all, [T].
    """

    by_seed: Floats
    by_cluster: Floats
    weights: Floats
    examples: Integers
    discordant: NDArray[np.bool_]

    @property
    def estimate(self) -> Floats:
        """Mean difference over seeds, [T], in the unit of the values."""
        mean: Floats = self.by_seed.mean(axis=1)
        return mean

    @property
    def clusters(self) -> Integers:
        """Number of clusters with examples in the test, [T]."""
        count: Integers = (self.weights > 0).sum(axis=1)
        return count


@dataclass(frozen=True)
class Uncertainty:
    """The components of a mean difference's variance, for T tests, in squared units of the values.

    Attributes:
        seed: V_seed, [T]; zeros for a single seed.
        cluster: V_cluster, [T].
        interaction: V_interaction, [T].
        seeds: U.
        effective_clusters: how many clusters carry V_cluster, [T] (Carter, Schnepel & Steigerwald 2017).
    """

    seed: Floats
    cluster: Floats
    interaction: Floats
    seeds: int
    effective_clusters: Floats

    @property
    def standard_error(self) -> Floats:
        """Square root of the total variance, never below its larger component, [T]."""
        total = self.seed + self.cluster - self.interaction
        error: Floats = np.sqrt(np.maximum(total, np.maximum(self.seed, self.cluster)))
        return error

    @property
    def _cluster_df(self) -> Floats:
        return np.maximum(self.effective_clusters - 1, 1.0)

    @property
    def _rest(self) -> Floats:
        return np.maximum(self.cluster - self.interaction, 0.0)

    def p_value(self, estimate: Floats) -> Floats:
        """Two-sided p-value of `estimate`, [T]; conditional on the seed where there is only one."""
        given_seeds = self.p_given_seeds(estimate)
        if self.seeds == 1:
            return given_seeds
        tail = _tail(np.abs(estimate), self.seed, self._rest, self.seeds - 1)
        return np.asarray(np.maximum(given_seeds, tail))

    def p_given_seeds(self, estimate: Floats) -> Floats:
        """Two-sided p-value for these very models, [T]: would other clusters of examples show the same?"""
        size = np.abs(estimate)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(size > 0, size / np.sqrt(self.cluster), 0.0)
        return np.asarray(2 * special.stdtr(self._cluster_df, -ratio))

    def quantile(self, level: Floats | float, *, conditional: bool) -> Floats:
        """The size that an estimate of true value 0 exceeds with probability `level`, two-sided, [T].

        Args:
            level: probability, a number or [T].
            conditional: on the seeds, so that only clusters vary.
        """
        student = -special.stdtrit(self._cluster_df, np.asarray(level) / 2) * np.sqrt(self.cluster)
        if conditional or self.seeds == 1:
            return np.asarray(student)
        joint: Floats = np.fmax(student, _invert_tail(level, self.seed, self._rest, self.seeds - 1))
        return joint

    def minimum_detectable(self, level: Floats | float, power: float = 0.8) -> Floats:
        """The smallest true difference that a test at `level` finds with probability `power`, [T].

        The sum of the two quantiles of the reference distribution (Bloom 1995).
        """
        return self.quantile(level, conditional=False) + self.quantile(2 * (1 - power), conditional=False)

    def equivalence_margin(self, estimate: Floats, level: float) -> Floats:
        """The smallest margin within which two one-sided tests at `level` place the true difference, [T].

        Two variants are shown to be equivalent within any margin above it (Schuirmann 1987).
        """
        return np.abs(estimate) + self.quantile(2 * level, conditional=False)


def contributions(languages: Sequence[LanguageDifferences], means: Sequence[Sequence[int]]) -> Contributions:
    """Sum the differences up by seed and cluster: one test a language, then one a mean over languages.

    Args:
        languages: the differences of each language, all with the same seeds.
        means: for each mean the positions in `languages` that it averages, each language counting once.

    Returns:
        T = len(languages) + len(means) tests.
    """
    codes, joint = np.unique(np.concatenate([one.groups for one in languages]), return_inverse=True)
    edges = np.cumsum([one.groups.size for one in languages])[:-1]
    parts = [
        _influence(one.values, groups, codes.size)
        for one, groups in zip(languages, np.split(joint, edges), strict=True)
    ]
    by_seed = np.stack([part[0] for part in parts])
    by_cluster = np.stack([part[1] for part in parts])
    weights = np.stack([part[2] for part in parts])
    examples = np.array([one.groups.size for one in languages])
    discordant = np.array([bool(np.any(one.values)) for one in languages])
    rows = [[position] for position in range(len(languages))] + [list(mean) for mean in means]
    return Contributions(
        by_seed=np.stack([by_seed[row].mean(axis=0) for row in rows]),
        by_cluster=np.stack([by_cluster[row].mean(axis=0) for row in rows]),
        weights=np.stack([weights[row].mean(axis=0) for row in rows]),
        examples=np.array([examples[row].sum() for row in rows]),
        discordant=np.array([discordant[row].any() for row in rows]),
    )


def _influence(values: Floats, groups: Integers, n_groups: int) -> tuple[Floats, Floats, Floats]:
    """Mean by seed [U], influence by seed and cluster [U, G], share of the examples by cluster [G]."""
    seeds, examples = values.shape
    cells = groups + n_groups * np.arange(seeds)[:, None]
    totals = np.bincount(cells.ravel(), values.ravel(), minlength=seeds * n_groups).reshape(seeds, n_groups)
    weights = np.bincount(groups, minlength=n_groups) / examples
    by_seed = totals.sum(axis=1) / examples
    # Clusters differ in size: a cluster moves the mean by its total beyond what its size alone would bring.
    return by_seed, totals / examples - weights * by_seed.mean(), weights


def uncertainty(parts: Contributions) -> Uncertainty:
    """Estimate the variance components by the two-way analysis of variance, seeds × clusters."""
    tests, seeds, _ = parts.by_cluster.shape
    z, clusters = parts.by_cluster, parts.clusters.astype(float)
    mean = z.mean(axis=1)
    squares = (mean**2).sum(axis=1)
    correction = clusters / np.maximum(clusters - 1, 1)
    # As if one cluster more had shown no difference: where all differ alike the spread is 0, which a handful of
    # clusters does not prove.
    one_more = (parts.estimate / clusters) ** 2
    cluster = np.where(clusters > 1, correction * squares + one_more, np.inf)
    fourth = (mean**4).sum(axis=1)
    effective = np.divide(squares**2, fourth, out=clusters.copy(), where=fourth > 0)
    seed, interaction = np.zeros(tests), np.zeros(tests)
    if seeds > 1:
        seed = parts.by_seed.var(axis=1, ddof=1) / seeds
        # The residual of the additive model: what a seed brings to all examples alike falls on every cluster.
        alike = (parts.by_seed - parts.estimate[:, None])[..., None] * parts.weights[:, None]
        residual = z - mean[:, None] - alike
        interaction = (residual**2).sum(axis=(1, 2)) * correction / (seeds * (seeds - 1))
    return Uncertainty(seed, cluster, interaction, seeds, effective)


@cache
def _nodes(df: int, count: int = 160) -> tuple[Floats, Floats]:
    """Quadrature over w ~ χ²(df)/df: nodes and weights; dense near w = 0, whence the heavy tail comes."""
    x, weights = np.polynomial.legendre.leggauss(count)
    v = (x + 1) / 2
    # u = v⁴ puts the nodes where the probability u is small.
    return 2 * special.gammaincinv(df / 2, v**4) / df, weights / 2 * 4 * v**3


def _tail(size: Floats, seed: Floats, rest: Floats, df: int) -> Floats:
    """P(|√seed · t(df) + √rest · N(0, 1)| > size), [T]."""
    w, weights = _nodes(df)
    scale = np.sqrt(seed[:, None] / w + rest[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(size[:, None] > 0, size[:, None] / scale, 0.0)
    # The weights sum to 1 up to rounding only.
    return np.asarray(np.minimum(2 * (special.ndtr(-ratio) @ weights), 1.0))


def _invert_tail(level: Floats | float, seed: Floats, rest: Floats, df: int) -> Floats:
    """The size at which `_tail` is `level`, by bisection to 1e-12 of the bracket, [T]."""
    half = np.asarray(level) / 2
    low = np.zeros_like(seed)
    high = -2 * (special.stdtrit(df, half) * np.sqrt(seed) + special.ndtri(half) * np.sqrt(rest))
    for _ in range(40):
        middle = (low + high) / 2
        above = _tail(middle, seed, rest, df) > level
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def holm(p_values: Floats) -> Floats:
    """Holm's step-down adjustment of a family of p-values, in their order (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(p_values.size, 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def holm_levels(adjusted: Floats, level: float = 0.05) -> Floats:
    """The level to which Holm's procedure held the tests that it left undecided: that of its last step."""
    remaining = int((adjusted > level).sum())
    return np.full(adjusted.size, level / max(remaining, 1))
