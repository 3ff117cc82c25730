"""Whether a learner can be differentiated twice, found out by doing it on a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isogloss.errors import mistake
from isogloss.keys import Key

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.batch import Batch
    from isogloss.learner.forward import LearnerForward
    from isogloss.learner.learner import Learner
    from isogloss.learner.network import Params


class _Logits:
    """Something to differentiate that asks nothing of the labels."""

    version = 1

    def __call__(self, forward: LearnerForward, batch: Batch) -> Tensor:
        """Return the squared length of an example's logits, [B]; those of padding may be infinite."""
        logits = forward(batch).flatten(1)
        return logits.where(logits.isfinite(), 0.0).square().sum(1)


def check_twice(learner: Learner, params: Params, *, train: bool) -> None:
    """Multiply a Hessian by a vector.

    Args:
        learner: the learner.
        params: what moves.
        train: whether to drop anything; some attention can be differentiated twice only if it does.

    Raises:
        Mistakes: a part of the encoder has no second derivative here.
    """
    import torch

    try:
        line = learner.linearize(params, [_words(learner)], _Logits(), Key(0, purpose="probe"), train=train)
        line({name: torch.ones_like(value) for name, value in params.items()}, last=True)
    except torch.OutOfMemoryError:
        raise  # is a RuntimeError too, but says nothing of derivatives
    except (RuntimeError, NotImplementedError) as error:
        why = str(error).strip().splitlines()[0]
        raise mistake(
            f'the encoder "{learner.encoder}" cannot be differentiated twice ({why})',
            where="order",
            remedy='set order = "finite-difference", or "first"',
        ) from error


def _words(learner: Learner) -> Batch:
    """Two examples of unlike length, so that one is padded."""
    import torch

    from isogloss.data.batch import Batch

    inputs = dict(learner.tokenizer(["a", "a a a"], padding=True, return_tensors="pt"))
    inputs = {name: tensor[:, : learner.max_length] for name, tensor in inputs.items()}
    return Batch(inputs, {}, torch.arange(2), ("0", "1"), ("", ""))
