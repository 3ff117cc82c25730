"""What every simple thing is: fitted on bags with labels, it gives scores as an encoder's head does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from isogloss.data.bag import Bag

States = Callable[["Bag"], NDArray[np.float32]]
"""From a bag to the pre-trained encoder's states of its examples, [N, H]: last layer, mean over tokens."""
Scores = Callable[["Bag"], NDArray[np.float32]]
"""From a bag to the log-probabilities of its examples' labels, [N, C]."""

_NEVER = -30.0  # log-probability of a label that no example had


class Simple(Protocol):
    """A model that is no learner: nothing to export, no layer groups, the same for every seed.

    Attributes:
        version: an integer that changes whenever it computes something else; part of content keys.
    """

    version: int

    def fit(self, bags: Sequence[Bag], states: States) -> Scores:
        """Return what scores bags, after a look at the examples of some, pooled.

        Args:
            bags: with one label an example; whatever their languages.
            states: called by those that need an encoder, which others never load.
        """
        ...


def labels_of(bags: Sequence[Bag]) -> NDArray[np.int64]:
    """Return the labels' indices of all examples, [N]."""
    return np.concatenate([bag.targets["labels"] for bag in bags])


def logistic_regression(features: Any, labels: NDArray[np.int64]) -> Callable[[Any], NDArray[np.float32]]:
    """Return log-probabilities [N, C] as a function of features, by scikit-learn's regression with its default penalty.

    Labels that occur nowhere are never predicted; where only one occurs, it always is.

    Args:
        features: [N, F], dense or sparse.
        labels: indices, [N].
    """
    from sklearn.linear_model import LogisticRegression

    known = np.unique(labels)
    size = int(labels.max()) + 1
    model = None if len(known) < 2 else LogisticRegression(max_iter=2_000).fit(features, labels)

    def scores(new: Any) -> NDArray[np.float32]:
        found = np.full((new.shape[0], size), _NEVER, dtype=np.float32)
        found[:, known] = 0.0 if model is None else np.maximum(model.predict_log_proba(new), _NEVER)
        return found

    return scores


def widened(scores: NDArray[np.float32], labels: int) -> NDArray[np.float32]:
    """Return scores with columns for labels beyond the last that occurred, [N, labels]."""
    more = np.full((len(scores), labels - scores.shape[1]), _NEVER, dtype=np.float32)
    return np.concatenate([scores, more], axis=1)
