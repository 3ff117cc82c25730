"""Products of a loss's Hessian with vectors."""

from __future__ import annotations

from collections.abc import Callable

import torch

from isogloss.learner.network import Params


class Pullback:
    """v ↦ H v for the Hessian H of a mean loss over micro-batches, at most one micro-batch's graph alive.

    Exact: two passes of automatic differentiation (Pearlmutter, 1994), no finite differences.

    Attributes:
        gradient: the gradient of the mean loss, in the masters' format.
    """

    def __init__(self, graph: Callable[[int], Params], leaves: Params, count: int, dtype: torch.dtype) -> None:
        """Compute the gradient.

        Args:
            graph: from a micro-batch's position to the gradient of its share in the mean loss, differentiable.
            leaves: what to differentiate with respect to.
            count: how many micro-batches there are.
            dtype: the masters' format.
        """
        self._graph = graph
        self._leaves = leaves
        self._count = count
        self._dtype = dtype
        self._kept: Params | None = None
        self.gradient: Params = self._zeros()
        for position in range(count):
            values = graph(position)
            _add(self.gradient, values)
            if count == 1:
                self._kept = values

    def __call__(self, vector: Params) -> Params:
        """Return H v.

        Args:
            vector: v, one tensor for each parameter that was differentiated, in the masters' format.
        """
        total = self._zeros()
        for position in range(self._count):
            values = self._kept or self._graph(position)
            _add(total, self._product(values, vector, keep=self._kept is not None))
        return total

    def _zeros(self) -> Params:
        return {
            name: torch.zeros_like(leaf, dtype=self._dtype, requires_grad=False) for name, leaf in self._leaves.items()
        }

    def _product(self, values: Params, vector: Params, *, keep: bool) -> Params:
        # Where the loss is linear in a parameter its gradient has no derivative with respect to it: zero.
        products = torch.autograd.grad(
            list(values.values()),
            list(self._leaves.values()),
            [vector[name].to(value.dtype) for name, value in values.items()],
            retain_graph=keep,
            allow_unused=True,
            materialize_grads=True,
        )
        return dict(zip(self._leaves, products, strict=True))


def _add(total: Params, part: Params) -> None:
    for name, value in part.items():
        total[name].add_(value.detach())
