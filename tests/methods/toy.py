"""A learner small enough to differentiate by hand: two layers and a head in float64, dropout drawn from the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from isogloss.keys import Key
from isogloss.methods.base import Setup
from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from isogloss.training.schedule import LearningRateSchedule
from isogloss.training.torch_optimizers import OPTIMIZERS

F_OPTS = {
    "sgd": OptimizerSettings("sgd", 0.3, {}),
    "sgd, momentum and decay": OptimizerSettings("sgd", 0.2, {"momentum": 0.9, "weight_decay": 0.1}),
    "adam": OptimizerSettings("adam", 0.03, {"betas": (0.9, 0.99)}),
    "adam, decay in the gradient": OptimizerSettings("adam", 0.03, {"weight_decay": 0.1}),
    "adamw": OptimizerSettings("adamw", 0.03, {"weight_decay": 0.2}),
    "adamw, clipped": OptimizerSettings("adamw", 0.03, {"weight_decay": 0.2}, clip=0.05),
    "nadam": OptimizerSettings("nadam", 0.03, {"weight_decay": 0.1}),
    "nadam, decoupled decay": OptimizerSettings(
        "nadam", 0.03, {"weight_decay": 0.2, "decoupled_weight_decay": True, "momentum_decay": 0.05}
    ),
    # With this β₂ the window lies on both sides of the step from which on RAdam divides by the second moment.
    "radam, decoupled decay": OptimizerSettings(
        "radam", 0.03, {"betas": (0.9, 0.9), "weight_decay": 0.2, "decoupled_weight_decay": True}
    ),
    "rmsprop": OptimizerSettings("rmsprop", 0.01, {"alpha": 0.9, "weight_decay": 0.1}),
    "rmsprop, momentum, centered": OptimizerSettings("rmsprop", 0.01, {"momentum": 0.9, "centered": True}),
    "adagrad": OptimizerSettings("adagrad", 0.05, {"lr_decay": 0.1, "weight_decay": 0.1}),
    "adamax": OptimizerSettings("adamax", 0.03, {"weight_decay": 0.1}),
    "adadelta, clipped": OptimizerSettings("adadelta", 1.0, {"rho": 0.8, "weight_decay": 0.1}, clip=0.05),
}


@dataclass(frozen=True)
class ToyBatch:
    x: Tensor  # [B, 4]
    y: Tensor  # [B]

    def __len__(self) -> int:
        return len(self.y)


class ToyLearner:
    """Two tanh layers and a linear head; the layer groups are those of an encoder with two layers."""

    def __init__(self, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64) * 0.7

        self.params = {
            "embeddings.w": draw(4, 4),
            "1.w": draw(4, 5),
            "1.b": draw(5),
            "2.w": draw(5, 5),
            "head.w": draw(5, 3),
        }
        names = ("embeddings", "layer.1", "layer.2", "head")
        of = dict(zip(self.params, ("embeddings", "layer.1", "layer.1", "layer.2", "head"), strict=True))
        self.groups = SimpleNamespace(names=names, of=of)
        self.backwards = 0

    def moving(self, rates: Mapping[str, float]) -> dict[str, Tensor]:
        return {name: p for name, p in self.params.items() if rates[self.groups.of[name]] > 0}

    def forward(self, params: Mapping[str, Tensor], batch: ToyBatch, key: Key | None) -> Tensor:
        p = self.params | dict(params)
        hidden = torch.tanh(batch.x @ p["embeddings.w"])
        hidden = torch.tanh(hidden @ p["1.w"] + p["1.b"])
        if key is not None:
            kept = torch.from_numpy(key.generator().random(hidden.shape) > 0.25)
            hidden = hidden * kept / 0.75
        hidden = torch.tanh(hidden @ p["2.w"])
        return torch.nn.functional.cross_entropy(hidden @ p["head.w"], batch.y, reduction="sum")

    def gradient(
        self,
        params: Mapping[str, Tensor],
        batches: Sequence[ToyBatch],
        objective: Any,
        key: Key,
        *,
        train: bool = True,
    ) -> SimpleNamespace:
        del objective
        self.backwards += len(batches)
        leaves = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
        parts = [
            self.forward(leaves, batch, key._replace(micro_batch=i) if train else None)
            for i, batch in enumerate(batches)
        ]
        loss = torch.stack(parts).sum() / sum(map(len, batches))
        values = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
        return SimpleNamespace(values=values, loss=loss.detach(), weight=torch.tensor(float(sum(map(len, batches)))))


def torch_class(name: str) -> Any:
    return getattr(torch.optim, OPTIMIZERS[name].class_name)


def batches(n: int, seed: int, size: int = 6) -> tuple[ToyBatch, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        ToyBatch(
            torch.randn(size, 4, generator=generator, dtype=torch.float64),
            torch.randint(3, (size,), generator=generator),
        )
        for _ in range(n)
    )


def setup(
    learner: ToyLearner,
    optimizer: OptimizerSettings,
    *,
    rates: Mapping[str, float] | None = None,
    schedule: LearningRateSchedule | None = None,
) -> Setup:
    rates = dict(rates or dict.fromkeys(learner.groups.names, 1.0))

    def make_optimizer() -> TorchBaseOptimizer:
        return TorchBaseOptimizer(optimizer, learner.moving(rates), learner.groups.of)

    return Setup(rates, None, make_optimizer, schedule or LearningRateSchedule())  # type: ignore[arg-type]
