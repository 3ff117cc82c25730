"""Reading a whole bag: predictions and hidden states, in batches of similar lengths, with nothing dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.kinds.base import Kind

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.data.stream import PlacedBatch

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


def predict(
    bag: Bag, batches: Iterable[PlacedBatch], forward: Callable[[Batch], Tensor], kind: Kind, n_labels: int
) -> Predictions:
    """Return the predictions for a bag.

    Args:
        bag: the examples.
        batches: all of them, each batch with its examples' positions in the bag.
        forward: from a batch to its logits [B, C].
        kind: the kind of the task.
        n_labels: C.
    """
    logits = np.empty((len(bag), n_labels), dtype=np.float32)
    with torch.inference_mode():
        for positions, batch in batches:
            logits[positions] = forward(batch).float().cpu().numpy()
    return Predictions(bag.ids, bag.targets, kind.predict(logits), logits)


def hidden_states(
    batches: Iterable[PlacedBatch],
    states: Callable[[Mapping[str, Tensor]], tuple[Tensor, ...]],
    device: torch.device,
    pooling: Pooling,
) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    """Yield ids and pooled hidden states, float32 [layers + 1, B, H].

    Args:
        batches: the examples.
        states: from a batch's inputs to the hidden states, layers + 1 times [B, S, H].
        device: where `states` computes.
        pooling: the first token, or the mean over tokens without padding.
    """
    for _, batch in batches:
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
