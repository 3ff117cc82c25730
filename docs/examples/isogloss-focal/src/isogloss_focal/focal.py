"""Focal loss (Lin et al. 2017): what is easy already counts little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isogloss.kinds.base import Kind

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.batch import Batch
    from isogloss.learner.forward import LearnerForward

GAMMA = 2.0


class Focal:
    """The kind's loss l = −log p, weighed by (1 − p)^γ, with γ = 2 (equation 4 of Lin et al. 2017, without α).

    Args:
        kind: the kind of the task; its loss is a negative log-likelihood.
    """

    version = 1

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def __call__(self, forward: LearnerForward, batch: Batch) -> Tensor:
        """Return one loss an example, [B]."""
        losses = self.kind.loss(forward(batch), batch.targets, batch.example)
        return (1 - (-losses).exp()) ** GAMMA * losses
