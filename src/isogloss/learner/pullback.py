"""Products of a loss's Hessian with vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from isogloss.learner.network import Params


class Part(NamedTuple):
    """A micro-batch's share in a mean loss.

    Attributes:
        loss: the share, a scalar.
        gradient: its gradient, differentiable, in the formats of the leaves.
    """

    loss: Tensor
    gradient: Params


class Pullback:
    """v ↦ H v for the Hessian H of a mean loss over micro-batches, at most one micro-batch's graph alive.

    Exact: two passes of automatic differentiation (Pearlmutter, 1994), no finite differences. With one micro-batch its
    graph is made once and kept; with several, each use computes every micro-batch's graph again, since keeping them all
    is what micro-batches are to avoid.

    Where the gradient is taken of some parameters only, H has a column for each of them, and a row for every
    parameter at which the loss was linearised.
    """

    def __init__(self, graph: Callable[[int], Part], leaves: Params, count: int, dtype: torch.dtype) -> None:
        """Compute nothing yet.

        Args:
            graph: from a micro-batch's position to its share in the mean loss.
            leaves: what the gradient is differentiated with respect to: the rows of H.
            count: how many micro-batches there are.
            dtype: the masters' format.
        """
        self._graph = graph
        self._leaves = leaves
        self._count = count
        self._dtype = dtype
        self._kept: Part | None = None

    @property
    def gradient(self) -> Params:
        """The gradient of the mean loss, in the masters' format."""
        return self._mean.gradient

    @property
    def loss(self) -> Tensor:
        """The mean loss, detached."""
        return self._mean.loss

    def __call__(self, vector: Params, *, last: bool = False) -> Params:
        """Return H v, one tensor for each leaf, in the masters' format.

        Args:
            vector: v, one tensor for each parameter that the gradient was taken of, in the masters' format.
            last: let go of the kept graph, and of each of its parts as soon as it is used.
        """
        total: Params = {}
        for position in range(self._count):
            keep = self._count == 1 and not last
            for name, value in self._product(self._part(position).gradient, vector, keep=keep).items():
                _add(total, name, value, self._dtype)
        if last:
            self._kept = None
        return total

    @cached_property
    def _mean(self) -> Part:
        losses: list[Tensor] = []
        gradient: Params = {}
        for position in range(self._count):
            part = self._part(position)
            losses.append(part.loss.detach())
            for name, value in part.gradient.items():
                _add(gradient, name, value.detach(), self._dtype)
        return Part(torch.stack(losses).sum(), gradient)

    def _part(self, position: int) -> Part:
        if self._count > 1:
            return self._graph(position)
        if self._kept is None:
            self._kept = self._graph(position)
        return self._kept

    def _product(self, gradient: Params, vector: Params, *, keep: bool) -> Params:
        # Where the loss is linear in a parameter its gradient has no derivative with respect to it: zero.
        products = torch.autograd.grad(
            list(gradient.values()),
            list(self._leaves.values()),
            [vector[name].to(value.dtype) for name, value in gradient.items()],
            retain_graph=keep,
            allow_unused=True,
            materialize_grads=True,
        )
        return dict(zip(self._leaves, products, strict=True))


def _add(total: Params, name: str, value: Tensor, dtype: torch.dtype) -> None:
    """Add a part's value to the total; not in place, since autograd may hand out the same tensor twice."""
    total[name] = total[name] + value if name in total else value.to(dtype)
