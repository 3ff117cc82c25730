"""How much of an inner step's derivative is kept: none of its curvature, all of it, or a finite difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.batch import Batch
    from isogloss.keys import Key
    from isogloss.learner.learner import Gradient, Learner
    from isogloss.learner.network import Params
    from isogloss.learner.objective import Objective
    from isogloss.learner.pullback import Pullback


@dataclass(frozen=True)
class SupportLoss:
    """L(·; S_k) under the dropout masks of one inner step, as a function of all parameters that move.

    Attributes:
        learner: the learner; what does not move stands at its masters.
        batch: S_k.
        objective: what is minimised.
        key: names the masks.
        inner: the parameters that inner steps move; those beside them stand at their masters too.
        train: whether to drop anything.
    """

    learner: Learner
    batch: Batch
    objective: Objective
    key: Key
    inner: frozenset[str]
    train: bool

    def gradient(self, theta: Params) -> Gradient:
        """Return the gradient with respect to everything in `theta`."""
        return self.learner.gradient(theta, [self.batch], self.objective, self.key, train=self.train)

    def inner_gradient(self, theta: Params) -> Gradient:
        """Return the gradient with respect to what inner steps move."""
        return self.gradient({name: value for name, value in theta.items() if name in self.inner})

    def linearize(self, theta: Params) -> Pullback:
        """Return the inner gradient, and the product of the Hessian's inner columns with a vector."""
        return self.learner.linearize(theta, [self.batch], self.objective, self.key, of=self.inner, train=self.train)


class Linear(Protocol):
    """The support's gradient about θ_k: its value there, and how it changes."""

    @property
    def gradient(self) -> Params:
        """g_k, of what inner steps move and maybe more."""

    def __call__(self, vector: Params, *, last: bool = False) -> Params:
        """Return H_k u, or nothing where that is taken to be zero.

        Args:
            vector: u, of what inner steps move; it is used up.
            last: no other product will be asked for.
        """


class InnerStep(NamedTuple):
    """What an inner step is made with, and how it is gone back through.

    Attributes:
        gradient: g_k, of what inner steps move and maybe more.
        loss: the support's mean loss at θ_k, detached.
        linear: returns the support's gradient about θ_k.
    """

    gradient: Params
    loss: Tensor
    linear: Callable[[], Linear]


Order: TypeAlias = Callable[[SupportLoss, "Params", bool], InnerStep]


def first(loss: SupportLoss, theta: Params, last: bool) -> InnerStep:
    """H_k u ≈ 0: an inner step only says where the query's gradient is taken (Finn et al. 2017, section 5.2)."""
    del last
    found = loss.inner_gradient(theta)
    return InnerStep(found.values, found.loss, lambda: _Constant(found.values))


def second(loss: SupportLoss, theta: Params, last: bool) -> InnerStep:
    """H_k u exactly. The last inner step, which is the first to be gone back through, keeps its graph until then; that
    of another is made again at the θ_k that is kept, so that one support's graph is alive at a time."""
    if last:
        linear = loss.linearize(theta)
        return InnerStep(linear.gradient, linear.loss, lambda: linear)
    found = loss.inner_gradient(theta)
    return InnerStep(found.values, found.loss, lambda: loss.linearize(theta))


def finite_difference(loss: SupportLoss, theta: Params, last: bool) -> InnerStep:
    """H_k u ≈ (∇L(θ_k + ε u) − ∇L(θ_k)) / ε with the support's own gradient and masks: one gradient more."""
    del last
    found = loss.gradient(theta)
    return InnerStep(found.values, found.loss, lambda: _Difference(loss, theta, found.values))


ORDERS: Mapping[str, Order] = {"first": first, "second": second, "finite-difference": finite_difference}


@dataclass(frozen=True)
class _Constant:
    gradient: Params

    def __call__(self, vector: Params, *, last: bool = False) -> Params:
        del vector, last
        return {}


@dataclass(frozen=True)
class _Difference:
    loss: SupportLoss
    theta: Params
    gradient: Params

    def __call__(self, vector: Params, *, last: bool = False) -> Params:
        del last
        length = norm(vector.values())
        if length == 0:
            return {}
        epsilon = displacement(self.theta[name] for name in vector) / length
        for name, direction in vector.items():
            direction.mul_(epsilon).add_(self.theta[name])  # θ_k + ε u in u's place: no copy more than there must be
        ahead = self.loss.gradient(self.theta | vector).values
        return {name: ahead.pop(name).sub(self.gradient[name]).div_(epsilon) for name in list(ahead)}


def displacement(theta: Iterable[Tensor]) -> float:
    """Return ‖ε u‖, how far a finite difference looks ahead: √η ‖θ‖ / 30, with the rounding error η of θ's format.

    What is beyond the linear grows with the displacement, and the rounding error of two gradients shrinks with it, so
    that both are small near √η of the parameters' own length (Nocedal & Wright 2006, section 8.1). Encoders bend early:
    in float32 the least error, 0.1 to 0.4 % of the exact product on `mini` and on random encoders, lies between 3e-6
    and 3e-5 of their length, and √η is 3.5e-4.

    Args:
        theta: the parameters that are displaced.
    """
    import torch

    tensors = list(theta)
    return float(torch.finfo(tensors[0].dtype).eps ** 0.5 * norm(tensors) / 30)


def norm(tensors: Iterable[Tensor]) -> float:
    """Return the Euclidean length of some tensors as one vector."""
    import torch

    return float(torch.nn.utils.get_total_norm(list(tensors)))
