"""The plain objective: the kind's own loss on the batch as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isogloss.kinds.base import Kind

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.batch import Batch
    from isogloss.learner.forward import LearnerForward


class CrossEntropy:
    """The kind's negative log-likelihood, of labels or of answers.

    Args:
        kind: the kind of the task, whose loss this is.
    """

    version = 1

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def __call__(self, forward: LearnerForward, batch: Batch) -> Tensor:
        """Return one loss an example, [B]."""
        return self.kind.loss(forward(batch), batch.targets, batch.example)
