"""An objective in which labels do not count alike: for data in which some are rare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from isogloss.learner.objective import Objective

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.learner.forward import LearnerForward


class Weighted:
    """Another objective's losses, each times the weight of its example's label.

    Args:
        objective: whose losses.
        weights: by label index, [C]; on any device.
    """

    def __init__(self, objective: Objective, weights: Tensor) -> None:
        self.objective, self.weights = objective, weights
        self.version = objective.version

    def __call__(self, forward: LearnerForward, batch: Batch) -> Tensor:
        """Return one loss an example, [B]."""
        losses = self.objective(forward, batch)
        return losses * self.weights.to(losses)[batch.targets["labels"].to(losses.device)]


def balanced(bags: Iterable[Bag]) -> Tensor:
    """Return weights of labels under which each has the same sum over all examples, float32 [C].

    n / (C · nᶜ), as scikit-learn's `class_weight="balanced"`: 1 on average over the examples. C counts the labels that
    occur; one that does not has weight 0.
    """
    every = list(bags)
    counts = np.bincount(np.concatenate([bag.targets["labels"] for bag in every]), minlength=len(every[0].labels))
    there = counts > 0
    return torch.tensor(np.where(there, counts.sum() / (there.sum() * np.maximum(counts, 1)), 0.0), dtype=torch.float32)
