"""The most frequent label of the training rows, whatever the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isogloss.simple.base import Scores, States, labels_of

if TYPE_CHECKING:
    from isogloss.data.bag import Bag


class Majority:
    """Every label's share of the training rows (with one row more of each), for every text alike."""

    version = 1

    def fit(self, bags: Sequence[Bag], states: States) -> Scores:  # noqa: ARG002 -- the protocol's
        """Count labels; of equal counts the first is predicted."""
        counts = np.bincount(labels_of(bags), minlength=len(bags[0].labels)) + 1
        scores = np.log(counts / counts.sum()).astype(np.float32)

        def score(bag: Bag) -> NDArray[np.float32]:
            return np.tile(scores, (len(bag), 1))

        return score
