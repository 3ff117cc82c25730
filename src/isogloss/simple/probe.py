"""A probe: logistic regression on what the pre-trained encoder makes of a text, with the encoder as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isogloss.simple.base import Scores, States, labels_of, logistic_regression, widened

if TYPE_CHECKING:
    from isogloss.data.bag import Bag


class Probe:
    """Logistic regression on frozen states, each dimension standardised on the training rows."""

    version = 1

    def fit(self, bags: Sequence[Bag], states: States) -> Scores:
        """Read every training row with the encoder once, and fit."""
        train = np.concatenate([states(bag) for bag in bags]).astype(np.float64)
        mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-8
        regression = logistic_regression((train - mean) / spread, labels_of(bags))
        size = len(bags[0].labels)

        def score(bag: Bag) -> NDArray[np.float32]:
            return widened(regression((states(bag) - mean) / spread), size)

        return score
