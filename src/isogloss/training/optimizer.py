"""f_opt: a torch optimizer with a parameter group a layer group; a layer's rate is a share of its learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from isogloss.training.torch_optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from isogloss.learner.rates import Rates


@dataclass(frozen=True)
class OptimizerSettings:
    """Which torch optimizer, and its settings.

    Attributes:
        name: one of `isogloss.training.torch_optimizers.OPTIMIZERS`.
        learning_rate: of a layer group at rate 1 and schedule factor 1.
        arguments: further arguments of the torch class.
        clip: greatest global norm of the moving gradients; 0 for no clipping.
    """

    name: str
    learning_rate: float
    arguments: Mapping[str, Any]
    clip: float = 0.0


class TorchBaseOptimizer:
    """Updates parameters in place: θ_g ← θ_g − λ_g · scale · f_opt(g_1 … g_t)_g.

    In the optimizers at hand the update is proportional to the learning rate, weight decay included, so λ multiplies
    the learning rate of the layer group, and torch's own kernels serve, fused where there are such. Layer groups that
    are not among the parameters (rate 0) have no gradient, no state and no part in the clipping norm.
    """

    def __init__(self, settings: OptimizerSettings, params: Mapping[str, Tensor], group_of: Mapping[str, str]) -> None:
        self._clip = settings.clip
        self._learning_rate = settings.learning_rate
        self._params = params
        members: dict[str, list[Tensor]] = {}
        for name, tensor in params.items():
            members.setdefault(group_of[name], []).append(tensor)
        self._groups = [{"params": tensors, "layer_group": group} for group, tensors in members.items()]
        kind = OPTIMIZERS[settings.name]
        here = all(tensor.device.type in ("cpu", "cuda") for tensor in params.values())
        self._fused = kind.fused and here
        kernel = {"fused": here} if kind.fused else {}
        make = getattr(torch.optim, kind.class_name)
        self._optimizer = make(self._groups, lr=settings.learning_rate, **kernel, **settings.arguments)

    def step(self, gradients: Mapping[str, Tensor], *, scale: float = 1.0, rates: Rates | None = None) -> None:
        """Apply one update; see `isogloss.methods.base.BaseOptimizer`."""
        for group in self._optimizer.param_groups:
            rate = 1.0 if rates is None else rates[group["layer_group"]]
            group["lr"] = self._learning_rate * scale * rate
        for name, tensor in self._params.items():
            tensor.grad = gradients[name]
        if self._clip:
            torch.nn.utils.clip_grad_norm_(list(self._params.values()), self._clip)
        self._optimizer.step()
        # Fused kernels leave the version counters alone, by which converted copies of the parameters know their age.
        torch.autograd.graph.increment_version(list(self._params.values()))
        self._optimizer.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """Return the state as `parameter name/entry` → tensor."""
        return {
            f"{name}/{entry}": torch.as_tensor(value)
            for name, tensor in self._params.items()
            for entry, value in self._optimizer.state.get(tensor, {}).items()
            if value is not None
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""
        for key, value in tensors.items():
            name, entry = key.rsplit("/", 1)
            tensor = self._params[name]
            # Counters stay on the CPU, where torch reads them at each step, unless a fused kernel does on its device.
            counter = value.ndim < tensor.ndim and not self._fused
            self._optimizer.state[tensor][entry] = value.cpu() if counter else value
