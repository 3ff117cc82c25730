"""Reading a whole bag: predictions and hidden states, in batches of similar lengths, with nothing dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.data.flat import stretches
from isogloss.kinds.base import Kind, Predictions

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.data.batch import Batch
    from isogloss.data.stream import PlacedBatch

Pooling = Literal["first", "mean"]


class Observation(NamedTuple):
    """What one forward pass shows of a batch.

    Attributes:
        positions: of its examples in their bag, [B].
        ids: theirs.
        logits: float32, [W, C], or [W, S, C] where every token has some.
        states: hidden states pooled over tokens, float32 [layers + 1, B, H]; the embeddings first. Those of an
            example with several windows are their mean.
    """

    positions: NDArray[np.int64]
    ids: tuple[str, ...]
    logits: Tensor
    states: Tensor


def observe(
    batches: Iterable[PlacedBatch],
    run: Callable[[Mapping[str, Tensor]], Any],
    kind: Kind,
    device: torch.device,
    pooling: Pooling,
) -> Iterator[Observation]:
    """Yield logits and pooled hidden states, batch by batch.

    Args:
        batches: the examples.
        run: from a batch's inputs to what the kind reads logits in, with `hidden_states`, layers + 1 times [W, S, H].
        kind: of the head.
        device: where `run` computes.
        pooling: the first token, or the mean over tokens without padding.
    """
    for positions, batch in batches:
        inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
        mask = inputs["attention_mask"]
        with torch.inference_mode():
            output = run(inputs)
            pooled = torch.stack([_pool(state.float(), mask, pooling) for state in output.hidden_states])
            states = _by_example(pooled, batch.example.to(device), len(batch))
            seen = Observation(positions, batch.ids, kind.logits(output, mask).float(), states)
        yield seen


def gather(bag: Bag, logits: Iterable[tuple[NDArray[np.int64], Tensor]], kind: Kind) -> Predictions:
    """Return the kind's predictions for a bag from logits, of windows [W, C] or of their tokens [W, S, C].

    Args:
        bag: the examples.
        logits: part by part, the positions [B] of some examples in the bag before them; padded tokens are left out.
        kind: that decodes.
    """
    whole: NDArray[np.float32] | None = None
    for positions, part in logits:
        scores, at = part.float().cpu().numpy(), stretches(bag.windows[positions], bag.windows[positions + 1])
        of_tokens = scores.ndim == 3
        if whole is None:
            whole = np.empty((bag.offsets[-1] if of_tokens else len(bag.offsets) - 1, scores.shape[-1]), np.float32)
        if of_tokens:
            starts, stops = bag.offsets[at], bag.offsets[at + 1]
            scores, at = scores[np.arange(scores.shape[1]) < (stops - starts)[:, None]], stretches(starts, stops)
        whole[at] = scores
    assert whole is not None, "a bag has an example"
    return kind.decode(bag, whole)


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


def _by_example(states: Tensor, example: Tensor, examples: int) -> Tensor:
    """Return the means [layers + 1, B, H] of each example's windows out of those of all windows [layers + 1, W, H]."""
    if examples == len(example):
        return states
    sums = states.new_zeros(len(states), examples, states.shape[-1]).index_add(1, example, states)
    return sums / torch.bincount(example)[:, None]
