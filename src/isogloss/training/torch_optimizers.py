"""Which optimizers of torch can be f_opt, and what they may be told. Torch-free, so that recipes can be checked.

A layer's rate multiplies the learning rate of its group, at every step anew. So an optimizer qualifies where the
update, weight decay included, is proportional to the learning rate of the step, and its state, tensors by parameter,
does not depend on it; a test measures this for each. Left out are Rprop (its step sizes start from the learning rate
and then go their own way), ASGD (its own schedule bends the learning rate), Adafactor (caps it), LBFGS (one group
only), Muon (matrices only) and SparseAdam (sparse gradients only).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BETAS = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}


@dataclass(frozen=True)
class TorchOptimizer:
    """An optimizer of torch.

    Attributes:
        class_name: in `torch.optim`.
        arguments: what it may be told beside the learning rate, with the defaults: torch's own, but no weight decay.
        fused: whether its kernel for all parameters at once is used, on the CPU and on CUDA.
    """

    class_name: str
    arguments: Mapping[str, Any]
    fused: bool = False


OPTIMIZERS: Mapping[str, TorchOptimizer] = {
    "adadelta": TorchOptimizer("Adadelta", {"rho": 0.9, "eps": 1e-6, "weight_decay": 0.0}),
    "adagrad": TorchOptimizer(
        "Adagrad", {"lr_decay": 0.0, "initial_accumulator_value": 0.0, "eps": 1e-10, "weight_decay": 0.0}
    ),
    "adam": TorchOptimizer("Adam", _BETAS, fused=True),
    "adamax": TorchOptimizer("Adamax", _BETAS),
    "adamw": TorchOptimizer("AdamW", _BETAS, fused=True),
    "nadam": TorchOptimizer("NAdam", {**_BETAS, "momentum_decay": 4e-3, "decoupled_weight_decay": False}),
    "radam": TorchOptimizer("RAdam", {**_BETAS, "decoupled_weight_decay": False}),
    "rmsprop": TorchOptimizer(
        "RMSprop", {"alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0, "centered": False}
    ),
    "sgd": TorchOptimizer("SGD", {"momentum": 0.0, "weight_decay": 0.0}, fused=True),
}
