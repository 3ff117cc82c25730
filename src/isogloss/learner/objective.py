"""What a learner can minimise: losses of examples, given the learner at some parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.batch import Batch
    from isogloss.learner.forward import LearnerForward


class Objective(Protocol):
    """One loss an example, so that unequal parts of a batch add up.

    Attributes:
        version: an integer that changes whenever the objective computes something else; part of content keys.
    """

    version: int

    def __call__(self, forward: LearnerForward, batch: Batch) -> Tensor:
        """Return one loss an example, [B], differentiable with respect to the parameters inside `forward`.

        Args:
            forward: the learner at given parameters and key. It may be called more than once, with the same
                dropout masks each time: an adversarial objective looks up the word embeddings, moves them,
                and passes them on in place of the tokens.
            batch: the examples, on the learner's device.
        """
        ...
