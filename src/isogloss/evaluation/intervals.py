"""The interval of a score by itself. For whether two differ see `isogloss.evaluation.comparison`: it is paired."""

from __future__ import annotations

import numpy as np

from isogloss.evaluation.comparison import LEVEL
from isogloss.evaluation.frame import Arm
from isogloss.evaluation.outcomes import Outcomes
from isogloss.evaluation.paired import UNCONDITIONAL_SEEDS, contributions, uncertainty

_NOTHING = Arm("")


def score_intervals(outcomes: Outcomes, arm: Arm) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of an arm's mean over seeds by language, in percent, not corrected for languages.

    A score is what an arm has before one that gets nothing right, so that it is the comparison's interval: over
    clusters of examples, and over seeds where there are at least `UNCONDITIONAL_SEEDS`; else it is conditional on them.
    As there, one cluster more that shows nothing is reckoned with, which makes it a little wider.
    Two of these may overlap where the paired difference is decided.
    """
    own = outcomes.by_arm.get(arm, {})
    nothing = {
        language: {seed: one._replace(values=np.zeros_like(one.values)) for seed, one in by_seed.items()}
        for language, by_seed in own.items()
    }
    found = Outcomes({arm: own, _NOTHING: nothing}).differences(arm, _NOTHING)
    if found is None:
        return {}
    parts = contributions([one.differences for one in found.by_language.values()], [])
    spread = uncertainty(parts)
    half = spread.quantile(LEVEL, conditional=spread.seeds < UNCONDITIONAL_SEEDS)
    ends = np.clip([parts.estimate - half, parts.estimate + half], 0, 100)
    return {language: (float(ends[0, i]), float(ends[1, i])) for i, language in enumerate(found.by_language)}
