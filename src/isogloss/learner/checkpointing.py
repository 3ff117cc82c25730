"""Gradient checkpointing that is exact for any parameters: a layer is computed again in the backward pass.

transformers' own checkpointing recomputes a layer with whatever parameters its module holds by then, which
are not the ones that the forward pass was given: under functional parameters its gradients are silently
wrong. Here every layer keeps the parameters of its call, and its dropout masks come from the same key again;
gradients and Hessian-vector products are those of the plain layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from isogloss.learner.dropout import Randomness


class _Body(nn.Module):
    """A layer's own computation, callable with parameters of one's choice."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self._forward: Callable[..., Any] = layer.forward

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._forward(*args, **kwargs)


def install(layers: Iterable[nn.Module], randomness: Randomness) -> None:
    """Let every layer keep nothing but its inputs for the backward pass.

    Args:
        layers: the layers of a network; each is called once a forward pass.
        randomness: where their dropout gets its masks from.
    """
    for layer in layers:
        layer.forward = _recomputed(_Body(layer), randomness)


def _recomputed(body: _Body, randomness: Randomness) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return body(*args, **kwargs)
        own: dict[str, Tensor] = dict(body.named_parameters())
        key = None if randomness.draws is None else randomness.draws.key

        def run(*args: Any) -> Any:
            with randomness.under(key):
                return functional_call(body, own, args, kwargs)

        return checkpoint(run, *args, use_reentrant=False, preserve_rng_state=False)

    return forward
