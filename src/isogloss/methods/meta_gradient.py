"""The gradient of a query's loss through inner steps on a support.

    θ_{k+1} = θ_k − α ⊙ c(g_k),   g_k = ∇L(θ_k; S_k),   k = 0 … K − 1
    v_K = ∇L(θ_K; Q),   v_k = v_{k+1} − H_k C_k (α ⊙ v_{k+1}),   ∇_{θ_0} L(θ_K; Q) = v_0
    ∂ L(θ_K; Q) / ∂ log α_g = − Σ_k ⟨(α ⊙ v_{k+1})_g, c(g_k)_g⟩

with the Hessian H_k of the support's loss at θ_k, clipping c and its derivative C_k at g_k, and α zero outside of the
inner groups. From the last inner step to the first, one support's graph is alive at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from isogloss.methods.orders import Linear, Order, SupportLoss, first, norm

if TYPE_CHECKING:
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.learner.network import Params
    from isogloss.learner.objective import Objective
    from isogloss.methods.base import Episode


@dataclass(frozen=True)
class InnerLoop:
    """How a learner is adapted to a support, and how that is differentiated.

    Attributes:
        learner: the learner; what does not move stands at its masters.
        objective: what is minimised, on support and query.
        theta: θ_0, all parameters that move.
        alpha: α, by the name of each parameter that inner steps move.
        clip: the greatest norm of a support's gradient over those parameters; 0 for no clipping.
        train: whether to drop anything, on support and query.
        order: how much of an inner step's derivative is kept.
        learns: whether the slopes of log α are wanted.
    """

    learner: Learner
    objective: Objective
    theta: Params
    alpha: Mapping[str, float]
    clip: float
    train: bool
    order: Order
    learns: bool

    @property
    def goes_back(self) -> bool:
        """Whether the inner steps are gone back through."""
        return self.learns or self.order is not first


class Step(NamedTuple):
    """An inner step that was made.

    Attributes:
        loss: L(θ_k; S_k).
        norm: ‖g_k‖ over the parameters that inner steps move; 0 where nothing is clipped, since nobody asks for it.
        linear: returns the support's gradient about θ_k; not kept where the steps are not gone back through.
    """

    loss: float
    norm: float
    linear: Callable[[], Linear] | None


class MetaGradient(NamedTuple):
    """An episode's part in a meta step.

    Attributes:
        query: v_K, the first-order meta-gradient.
        correction: v_K − v_0, what the curvature of the inner steps takes off; empty where that is taken to be zero.
        slopes: ∂ L(θ_K; Q) / ∂ log α_g by layer group, where they are wanted.
        query_loss: L(θ_K; Q).
        support_losses: L(θ_k; S_k) of every inner step.
    """

    query: Params
    correction: Params
    slopes: dict[str, float]
    query_loss: float
    support_losses: tuple[float, ...]


def query_key(key: Key, episode: int) -> Key:
    """Return the key of the masks of an episode's query; the first has those of a step of plain fine-tuning."""
    return key._replace(purpose=f"dropout/{episode}" if episode else "dropout")


def support_key(key: Key, episode: int, k: int) -> Key:
    """Return the key of the masks of an episode's inner step k."""
    return key._replace(purpose=f"support dropout/{episode}/{k}")


def meta_gradient(inner: InnerLoop, episode: Episode, key: Key, number: int = 0) -> MetaGradient:
    """Return ∇_{θ_0} L(θ_K; Q) and its parts.

    Args:
        inner: how the learner is adapted.
        episode: S_0 … S_{K−1}, and Q.
        key: of the meta step.
        number: the episode's, within the meta step.
    """
    steps: list[Step] = []
    query = inner.learner.gradient(
        adapt(inner, episode, key, number, steps),  # θ_K, which nothing holds afterwards
        episode.query,
        inner.objective,
        query_key(key, number),
        train=inner.train,
    )
    losses = tuple(step.loss for step in steps)
    correction, slopes = pull_back(inner, steps, query.values) if inner.goes_back else ({}, {})
    return MetaGradient(query.values, correction, slopes, float(query.loss), losses)


def adapt(inner: InnerLoop, episode: Episode, key: Key, number: int, steps: list[Step]) -> Params:
    """Return θ_K.

    Args:
        inner: how the learner is adapted.
        episode: S_0 … S_{K−1}.
        key: of the meta step.
        number: the episode's, within the meta step.
        steps: takes the inner steps as they are made.
    """
    theta, columns, last = inner.theta, frozenset(inner.alpha), len(episode.support) - 1
    for k, batch in enumerate(episode.support):
        masks = support_key(key, number, k)
        loss = SupportLoss(inner.learner, batch, inner.objective, masks, columns, inner.train)
        theta, step = inner_step(inner, loss, theta, k == last)
        steps.append(step)
    return theta


def inner_step(inner: InnerLoop, loss: SupportLoss, theta: Params, last: bool) -> tuple[Params, Step]:
    """Return θ_{k+1} = θ_k − α ⊙ c(g_k), and how it was made."""
    g, value, linear = inner.order(loss, theta, last)
    length = norm(g[name] for name in inner.alpha) if inner.clip else 0.0
    shrink = shrinkage(length, inner.clip)
    ahead = {name: theta[name].add(g[name], alpha=-shrink * alpha) for name, alpha in inner.alpha.items()}
    return theta | ahead, Step(float(value), length, linear if inner.goes_back else None)


def pull_back(inner: InnerLoop, steps: list[Step], v_K: Params) -> tuple[Params, dict[str, float]]:
    """Return v_K − v_0 = Σ_k H_k C_k (α ⊙ v_{k+1}), and the slopes of log α if they are wanted.

    Args:
        inner: how the learner was adapted.
        steps: the inner steps; they are used up, and what they hold is let go of.
        v_K: the query's gradient at θ_K.
    """
    taken: Params = {}
    slopes: dict[str, float] = {}
    while steps:
        # α ⊙ v_{k+1}
        u = {name: (v_K[name] - taken[name] if taken else v_K[name]) * alpha for name, alpha in inner.alpha.items()}
        product, slope = back_through(inner, steps.pop(), u)
        _add(taken, product)
        _add(slopes, slope)
    return taken, slopes


def back_through(inner: InnerLoop, step: Step, u: Params) -> tuple[Params, dict[str, float]]:
    """Return H_k C_k u, and the step's part in the slopes, − ⟨u_g, c(g_k)_g⟩, if they are wanted.

    Args:
        inner: how the learner was adapted.
        step: the inner step.
        u: α ⊙ v_{k+1}.
    """
    assert step.linear is not None, "kept by every loop that goes back"
    linear, shrink = step.linear(), shrinkage(step.norm, inner.clip)
    slopes = by_group(inner, u, linear.gradient, -shrink) if inner.learns else {}
    # The gradient is asked for only where it is needed: of a batch in parts, it costs a pass of its own.
    u = through_clipping(u, linear.gradient, step.norm, shrink) if shrink < 1 else u
    return linear(u, last=True), slopes


def by_group(inner: InnerLoop, u: Params, g: Params, factor: float) -> dict[str, float]:
    """Return `factor` times the inner product of `u` and `g` within each layer group."""
    members: dict[str, Params] = {}
    for name, value in u.items():
        members.setdefault(inner.learner.groups.of[name], {})[name] = value
    return {group: factor * dot(part, g) for group, part in members.items()}


def shrinkage(length: float, clip: float) -> float:
    """Return c(g) / g for a gradient of some norm: clip / ‖g‖ where the norm is above `clip`, else 1."""
    return clip / length if 0 < clip < length else 1.0


def through_clipping(u: Params, g: Params, length: float, shrink: float) -> Params:
    """Return C u, with the derivative C of g ↦ clip · g / ‖g‖: it is symmetric, and flat along g.

    Args:
        u: what C is applied to.
        g: where it is taken; may hold more parameters.
        length: ‖g‖ over the parameters of `u`.
        shrink: clip / ‖g‖.
    """
    along = dot(u, g) / length**2
    return {name: value.sub(g[name], alpha=along).mul_(shrink) for name, value in u.items()}


def dot(u: Params, g: Params) -> float:
    """Return the inner product of some parameters' tensors; `g` may hold more of them."""
    import torch

    return float(torch.stack([torch.dot(value.flatten(), g[name].flatten()) for name, value in u.items()]).sum())


class Sum:
    """The meta-gradients of a meta step's episodes, added up one by one.

    Attributes:
        slopes: ∂ / ∂ log α_g by layer group, where they are wanted.
    """

    def __init__(self) -> None:
        self.slopes: dict[str, float] = {}
        self._query: Params = {}
        self._correction: Params = {}
        self._query_losses: list[float] = []
        self._support_losses: list[float] = []

    def add(self, part: MetaGradient) -> None:
        """Add an episode's meta-gradient."""
        _add(self._query, part.query)
        _add(self._correction, part.correction)
        _add(self.slopes, part.slopes)
        self._query_losses.append(part.query_loss)
        self._support_losses += part.support_losses

    def gradient(self, share: float) -> Params:
        """Return `share` times the sum."""
        total = self._query
        if self._correction:
            total = {name: value - self._correction[name] for name, value in total.items()}
        return total if share == 1.0 else {name: value * share for name, value in total.items()}

    def log(self) -> dict[str, float]:
        """Return mean losses of queries and supports, and by what share of the first-order meta-gradient the one at
        hand differs from it."""
        log = {"loss": fmean(self._query_losses)}
        if self._support_losses:
            log["support_loss"] = fmean(self._support_losses)
        correction = norm(self._correction.values()) / (norm(self._query.values()) or 1.0) if self._correction else 0.0
        return log | {"correction": correction}


def _add(total: dict[str, Any], part: dict[str, Any]) -> None:
    """Add a part, which is used up, to a total, which is empty at first; in place of no tensor, for autograd may hand
    one out twice."""
    while part:
        name, value = part.popitem()
        total[name] = total[name] + value if name in total else value
