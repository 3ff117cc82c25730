"""Reading a whole bag: predictions and hidden states, in batches of similar lengths, with nothing dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.kinds.base import Kind

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch

Pooling = Literal["first", "mean"]


class Predictions(NamedTuple):
    """What a learner says about a bag, in the bag's order.

    Attributes:
        ids: the examples' ids, [N].
        labels: the right labels' indices as the bag has them, [N].
        predictions: the predicted labels' indices, [N].
        logits: float32 [N, C].
    """

    ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    logits: NDArray[np.float32]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The softmax of the logits, float32 [N, C]."""
        scores: NDArray[np.float32] = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        return scores


def predict(bag: Bag, forward: Callable[[Batch], Tensor], kind: Kind, n_labels: int, max_tokens: int) -> Predictions:
    """Return the predictions for a bag.

    Args:
        bag: the examples.
        forward: from a batch to its logits [B, C].
        kind: the kind of the task.
        n_labels: C.
        max_tokens: how many tokens a batch holds at most.
    """
    logits = np.empty((len(bag), n_labels), dtype=np.float32)
    with torch.inference_mode():
        for indices, batch in _batches(bag, max_tokens):
            logits[indices] = forward(batch).float().cpu().numpy()
    return Predictions(bag.ids, bag.targets, kind.predict(logits), logits)


def hidden_states(
    bag: Bag,
    states: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]],
    device: torch.device,
    pooling: Pooling,
    max_tokens: int,
) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    """Yield ids and pooled hidden states, float32 [layers + 1, B, H].

    Args:
        bag: the examples.
        states: from a batch's inputs to the hidden states, layers + 1 times [B, S, H].
        device: where `states` computes.
        pooling: the first token, or the mean over tokens without padding.
        max_tokens: how many tokens a batch holds at most.
    """
    for _, batch in _batches(bag, max_tokens):
        inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
        with torch.inference_mode():
            pooled = [_pool(state.float(), inputs["attention_mask"], pooling) for state in states(inputs)]
            stacked = torch.stack(pooled)
        yield batch.ids, stacked


def _pool(state: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    if pooling == "first":
        return state[:, 0]
    shares = mask / mask.sum(dim=1, keepdim=True)
    return torch.einsum("bsh,bs->bh", state, shares.to(state.dtype))


def _batches(bag: Bag, max_tokens: int) -> Iterator[tuple[NDArray[Any], Batch]]:
    from isogloss.data.batch import collate
    from isogloss.data.stream import length_batches

    for indices in length_batches(bag, max_tokens):
        yield indices, collate([(bag, indices)])
