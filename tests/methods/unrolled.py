"""What the meta-gradient is held against: autograd through all inner steps at once, and a quadratic loss."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from isogloss.data.batch import Batch
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.learner.pullback import Part, Pullback
from isogloss.methods.base import Episode, Pair
from isogloss.methods.meta_gradient import InnerLoop, MetaGradient, query_key, support_key
from isogloss.methods.orders import ORDERS
from learner import tiny

KEY = Key(seed=1, phase="meta", step=4)
PAIR = Pair(("en",), ("el",))
ALPHA = {"embeddings": 0.02, "layer.1": 0.2, "layer.2": 0.1, "layer.3": 0.05, "head": 0.3}


def episode(inner_steps: int, *, size: int = 4, seed: int = 10) -> Episode:
    support = tuple(tiny.batch(size, 7 + k % 2, seed=seed + k) for k in range(inner_steps))
    return Episode(support, (tiny.batch(size + 1, 9, seed=seed + 99),), {"step": 0, "steps": 10, "pair": PAIR})


def inner_loop(
    learner: Learner,
    order: str = "second",
    *,
    alpha: Mapping[str, float] = ALPHA,
    rates: Mapping[str, float] | None = None,
    clip: float = 0.0,
    train: bool = True,
    learns: bool = True,
) -> InnerLoop:
    """Return an inner loop with a rate for each layer group; those that `alpha` leaves out stay in inner steps."""
    theta = learner.moving(rates or dict.fromkeys(learner.groups.names, 1.0))
    by_name = {name: alpha[group] for name in theta if (group := learner.groups.of[name]) in alpha}
    return InnerLoop(learner, tiny.OBJECTIVE, theta, by_name, clip, train, ORDERS[order], learns)


@dataclass
class Unrolled:
    """Gradients by autograd."""

    theta: dict[str, Tensor]
    log_alpha: dict[str, float]
    loss: float
    norms: list[float]


def unrolled(inner: InnerLoop, episode: Episode, *, first_order: bool = False, number: int = 0) -> Unrolled:
    """∇_{θ_0} and ∂/∂ log α_g of L(θ_K; Q) with one graph over all inner steps."""
    learner, of = inner.learner, inner.learner.groups.of
    leaves = {name: value.detach().clone().requires_grad_() for name, value in inner.theta.items()}
    rates = {of[name]: rate for name, rate in inner.alpha.items()}
    alpha = {group: torch.tensor(rate, dtype=torch.float64, requires_grad=True) for group, rate in rates.items()}
    theta: dict[str, Tensor] = dict(leaves)
    norms = []
    for k, batch in enumerate(episode.support):
        loss = mean_loss(learner, theta, [batch], support_key(KEY, number, k), inner.train)
        moved = {name: theta[name] for name in inner.alpha}
        found = torch.autograd.grad(loss, list(moved.values()), create_graph=not first_order)
        g = dict(zip(moved, found, strict=True))
        norm = torch.stack([value.square().sum() for value in g.values()]).sum().sqrt()
        norms.append(float(norm.detach()))
        shrink = inner.clip / norm if 0 < inner.clip < norm else 1.0
        theta = theta | {name: theta[name] - alpha[of[name]] * shrink * g[name] for name in g}
    loss = mean_loss(learner, theta, episode.query, query_key(KEY, number), inner.train)
    wanted = [*leaves.values(), *alpha.values()]
    found = [value.detach() for value in torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)]
    gradient = dict(zip(leaves, found, strict=False))
    slopes = {group: rates[group] * float(slope) for group, slope in zip(alpha, found[len(leaves) :], strict=True)}
    return Unrolled(gradient, slopes, float(loss.detach()), norms)


def mean_loss(learner: Learner, theta: dict[str, Tensor], batches: Sequence[Batch], key: Key, train: bool) -> Tensor:
    parts = [part for batch in batches for part in batch.split(learner.accumulation)]
    sums = [
        learner.loss(theta, part, tiny.OBJECTIVE, key._replace(micro_batch=position), train=train)[0]
        for position, part in enumerate(parts)
    ]
    return torch.stack(sums).sum() / sum(map(len, batches))


def whole(found: MetaGradient) -> dict[str, Tensor]:
    """Return v_0."""
    if not found.correction:
        return found.query
    return {name: value - found.correction[name] for name, value in found.query.items()}


def flat(values: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([values[name].double().ravel() for name in sorted(values)])


def apart(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> float:
    """‖ours − theirs‖ / ‖theirs‖ over all tensors."""
    assert ours.keys() == theirs.keys()
    return float((flat(ours) - flat(theirs)).norm() / flat(theirs).norm())


@dataclass(frozen=True)
class Bowl:
    """A batch of the quadratic loss ½ (θ − b)ᵀ A (θ − b)."""

    A: Tensor
    b: Tensor

    @classmethod
    def draw(cls, seed: int, *, centred: bool = False) -> Bowl:
        generator = torch.Generator().manual_seed(seed)
        root = torch.randn(5, 5, generator=generator, dtype=torch.float64)
        b = torch.randn(5, generator=generator, dtype=torch.float64)
        return cls(root @ root.T / 5, b * 0 if centred else b)

    def __len__(self) -> int:
        return 1


class QuadraticLearner:
    """Five parameters in two layer groups, whose loss has a constant Hessian."""

    def __init__(self) -> None:
        theta = torch.randn(5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        self.params = {"layer.w": theta[:3].clone(), "head.w": theta[3:].clone()}
        self.groups = SimpleNamespace(names=("layer.1", "head"), of={"layer.w": "layer.1", "head.w": "head"})

    def moving(self, rates: Mapping[str, float]) -> dict[str, Tensor]:
        return {name: p for name, p in self.params.items() if rates[self.groups.of[name]] > 0}

    def loss(self, params: Mapping[str, Tensor], batches: Sequence[Bowl]) -> Tensor:
        p = self.params | dict(params)
        theta = torch.cat([p["layer.w"], p["head.w"]])
        return torch.stack([(theta - bowl.b) @ bowl.A @ (theta - bowl.b) / 2 for bowl in batches]).mean()

    def gradient(
        self, params: Mapping[str, Tensor], batches: Sequence[Bowl], objective: Any, key: Key, *, train: bool = True
    ) -> SimpleNamespace:
        leaves = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
        loss = self.loss(leaves, batches)
        values = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
        return SimpleNamespace(values=values, loss=loss.detach())

    def linearize(
        self, params: Mapping[str, Tensor], batches: Sequence[Bowl], objective: Any, key: Key,
        *, of: Collection[str], train: bool = True,
    ) -> Pullback:  # fmt: skip
        leaves = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
        columns = {name: leaf for name, leaf in leaves.items() if name in of}

        def graph(position: int) -> Part:
            loss = self.loss(leaves, batches)
            found = torch.autograd.grad(loss, list(columns.values()), create_graph=True)
            return Part(loss, dict(zip(columns, found, strict=True)))

        return Pullback(graph, leaves, 1, torch.float64)
