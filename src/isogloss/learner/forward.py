"""The learner at given parameters and key, as objectives see it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from isogloss.keys import Key
from isogloss.kinds.base import Kind
from isogloss.learner.network import FunctionalNetwork, Params

if TYPE_CHECKING:
    from isogloss.data.batch import Batch


class LearnerForward:
    """Logits of a batch as a function of the batch alone: parameters and key are fixed.

    Args:
        network: the network.
        kind: what the head is of.
        weights: every parameter, as the network's `weights` or `leaves` return them.
        key: names the dropout masks, which are the same in every call; none drops nothing.
        device: where the network is.
    """

    def __init__(
        self, network: FunctionalNetwork, kind: Kind, weights: Params, key: Key | None, device: torch.device
    ) -> None:
        self._network = network
        self._kind = kind
        self._weights = weights
        self._key = key
        self._device = device

    def __call__(self, batch: Batch, *, embeddings: Tensor | None = None) -> Tensor:
        """Return the logits of a batch in the masters' format: [W, C], or [W, S, C] where every token has some.

        Args:
            batch: the examples.
            embeddings: word embeddings [W, S, H] to use in place of those of the batch's tokens.
        """
        inputs = dict(on_device(batch, self._device).inputs)
        if embeddings is not None:
            del inputs["input_ids"]
            inputs["inputs_embeds"] = embeddings
        output = self._network.run(self._weights, inputs, self._key)
        return self._kind.logits(output, inputs["attention_mask"])

    def embed(self, batch: Batch) -> Tensor:
        """Return the word embeddings of a batch's tokens, [W, S, H], before positions, norm and dropout."""
        return self._network.embed(self._weights, batch.inputs["input_ids"].to(self._device))


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Return a batch whose tensors are on `device`; the same one if they are already."""
    if all(tensor.device == device for tensor in (*batch.inputs.values(), *batch.targets.values(), batch.example)):
        return batch
    return replace(
        batch,
        inputs={name: tensor.to(device, non_blocking=True) for name, tensor in batch.inputs.items()},
        targets={name: tensor.to(device, non_blocking=True) for name, tensor in batch.targets.items()},
        example=batch.example.to(device, non_blocking=True),
    )
