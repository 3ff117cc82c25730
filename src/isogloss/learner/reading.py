"""Reading a whole bag: predictions and hidden states, in batches of similar lengths, with nothing dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

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


class Observation(NamedTuple):
    """What one forward pass shows of a batch.

    Attributes:
        positions: of its examples in their bag, [B].
        ids: theirs.
        logits: float32 [B, C].
        states: hidden states pooled over tokens, float32 [layers + 1, B, H]; the embeddings first.
    """

    positions: NDArray[np.int64]
    ids: tuple[str, ...]
    logits: Tensor
    states: Tensor


def observe(
    batches: Iterable[PlacedBatch], run: Callable[[Mapping[str, Tensor]], Any], device: torch.device, pooling: Pooling
) -> Iterator[Observation]:
    """Yield logits and pooled hidden states, batch by batch.

    Args:
        batches: the examples.
        run: from a batch's inputs to `logits` [B, C] and `hidden_states`, layers + 1 times [B, S, H].
        device: where `run` computes.
        pooling: the first token, or the mean over tokens without padding.
    """
    for positions, batch in batches:
        inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
        with torch.inference_mode():
            output = run(inputs)
            pooled = [_pool(state.float(), inputs["attention_mask"], pooling) for state in output.hidden_states]
            seen = Observation(positions, batch.ids, output.logits.float(), torch.stack(pooled))
        yield seen


def gather(bag: Bag, logits: Iterable[tuple[NDArray[np.int64], Tensor]], kind: Kind, n_labels: int) -> Predictions:
    """Return the predictions for a bag from logits [B, C] and the positions [B] of their examples in it."""
    whole = np.empty((len(bag), n_labels), dtype=np.float32)
    for positions, part in logits:
        whole[positions] = part.float().cpu().numpy()
    return Predictions(bag.ids, bag.targets, kind.predict(whole), whole)


def placed_logits(
    batches: Iterable[PlacedBatch], forward: Callable[[Batch], Tensor]
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield examples' positions in their bag and their logits, batch by batch."""
    for positions, batch in batches:
        with torch.inference_mode():
            logits = forward(batch)
        yield positions, logits


def _pool(state: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    if pooling == "first":
        return state[:, 0]
    shares = mask / mask.sum(dim=1, keepdim=True)
    return torch.einsum("bsh,bs->bh", state, shares.to(state.dtype))
