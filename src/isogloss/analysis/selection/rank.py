"""Rank auxiliary languages for targets: by what was measured, or where nothing was, by distance alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isogloss.analysis.selection.expect import Expectation, best_set, expect
from isogloss.analysis.selection.features import Features, nearness
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.selection.reasons import distance_reasons, reasons
from isogloss.analysis.statistics.pairs import Floats


@dataclass(frozen=True, eq=False)
class Ranked:
    """Candidates in the order of their use, for each target.

    Attributes:
        candidates: C keys of languages.
        targets: T keys of languages.
        scores: expected gains in points, or nearness without unit, [C, T].
        expectation: what the gains come from; None where it is distance alone.
        chosen: keys of the candidates to take, the most useful first.
        because: the reasons for each, C lists of T.
    """

    candidates: tuple[str, ...]
    targets: tuple[str, ...]
    scores: Floats
    expectation: Expectation | None
    chosen: tuple[str, ...]
    because: tuple[tuple[str, ...], ...]

    def order(self, target: int) -> list[int]:
        """Return the positions of the candidates for one target, the best first; of equals the first named."""
        return [int(row) for row in np.argsort(-self.scores[:, target], kind="stable")]


def rank(
    features: Features,
    candidates: Sequence[str],
    targets: Sequence[str],
    *,
    observed: Observed | None = None,
    budget: int = 1,
    oracle: bool = False,
    level: float = 0.05,
) -> Ranked:
    """Rank candidates for each target.

    Args:
        features: of all candidates, asked and measured, for all targets, asked and measured.
        candidates: which may be taken.
        targets: for which.
        observed: what was measured; None to rank by distance alone.
        budget: how many may be taken, see `isogloss.analysis.selection.expect.best_set`.
        oracle: use the targets' own scores, too.
        level: 1 − the coverage that the intervals aim at.

    Raises:
        Mistakes: too few other targets were measured.
    """
    asked = features.take(candidates, targets)
    expectation = None
    if observed is None:
        scores = nearness(asked, np.ones(asked.values.shape[:2], dtype=bool))
    else:
        expectation = expect(features, observed, candidates, targets, oracle=oracle, level=level)
        scores = expectation.gains
    because = tuple(
        tuple(
            distance_reasons(pair) if expectation is None else reasons(pair, expectation.parts[row, column])
            for column, target in enumerate(targets)
            for pair in [asked.take([code], [target])]
        )
        for row, code in enumerate(candidates)
    )
    chosen = tuple(candidates[row] for row in best_set(scores, budget))
    return Ranked(tuple(candidates), tuple(targets), scores, expectation, chosen, because)
