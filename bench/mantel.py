"""Mantel's test, 10,000 permutations of 22 × 22 languages, in seconds and against scikit-bio's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.harness import Benchmark, Context, Measurement, Promise, alternate, seconds

SECONDS = Promise("mantel.seconds", "10,000 permutations of 22 × 22 languages", 0.3, "at most", "s")
TIME = Promise("mantel.time", "the same test, scikit-bio / ours", 1.0, "at least")
LANGUAGES = 22


def distances(seed: int) -> np.ndarray:
    """Return distances between random points, as scikit-bio wants them: symmetric, with a hollow diagonal."""
    points = np.random.default_rng(seed).normal(size=(LANGUAGES, 3))
    return np.linalg.norm(points[:, None] - points, axis=-1)


def measure(context: Context) -> Iterator[Measurement]:
    """Time both on the same two matrices."""
    from skbio.stats.distance import DistanceMatrix
    from skbio.stats.distance import mantel as theirs

    from isogloss.analysis.statistics.mantel import mantel as ours

    x, y, draws = distances(0), distances(1), context.size(10_000, 99)
    cells = ~np.eye(LANGUAGES, dtype=bool)
    left, right = DistanceMatrix(x), DistanceMatrix(y)
    mine = ours(x, y, cells, draws=draws, rng=np.random.default_rng(0))
    value, p, _ = theirs(left, right, permutations=draws)
    timed = alternate(
        lambda: seconds(lambda: ours(x, y, cells, draws=draws, rng=np.random.default_rng(0))),
        lambda: seconds(lambda: theirs(left, right, permutations=draws)),
        pairs=context.size(9, 2),
    )
    same = f"r {mine.value:.9f} and {value:.9f}; p {mine.p:.4f} and {p:.4f}"
    yield Measurement(SECONDS, timed.ours, timed.ours, same=same)
    yield Measurement(TIME, timed.theirs_by_ours(), timed.ours, timed.theirs, same=same)


BENCHMARK = Benchmark("mantel", (SECONDS, TIME), measure, data="distances between random points")
