"""Count work instead of timing it: passes, multiplications, tensor operations, what an optimizer updates and holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode


class Work:
    """What was done within a `counted` block.

    Attributes:
        passes: forwards, backwards, optimizer steps, numbers updated by optimizers.
        operations: how often each tensor operation ran, those inside an optimizer's step left out: there a kernel is
            called once a parameter group, and a layer group is one; the numbers updated are counted instead.
        optimizers: those that made a step.
        in_optimizer: whether one is at it.
    """

    def __init__(self) -> None:
        self.passes: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.optimizers: dict[int, Optimizer] = {}
        self.in_optimizer = False
        self._flops = FlopCounterMode(display=False)

    def figures(self) -> dict[str, int]:
        """Return all that both sides must have in common."""
        state = sum(_state_bytes(optimizer) for optimizer in self.optimizers.values())
        return {
            **self.passes,
            "multiply-adds": self._flops.get_total_flops() // 2,
            "tensor operations besides the optimizer's": self.operations.total(),
            "bytes of optimizer state": state,
        }


@contextmanager
def counted() -> Iterator[Work]:
    """Count all that is done within this block."""
    work = Work()
    with ExitStack() as stack:
        for name in ("grad", "backward"):
            stack.enter_context(_counting_calls(torch.autograd, name, work))
        handles = (
            register_module_forward_pre_hook(_forwards(work)),
            register_optimizer_step_pre_hook(_step_begins(work)),
            register_optimizer_step_post_hook(_step_ends(work)),
        )
        for handle in handles:
            stack.callback(handle.remove)
        stack.enter_context(work._flops)
        stack.enter_context(_Operations(work))
        yield work


class _Operations(TorchDispatchMode):
    """Counts tensor operations by name."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if not self._work.in_optimizer:
            self._work.operations[str(func)] += 1
        return func(*args, **(kwargs or {}))


def _counting_calls(module: Any, name: str, work: Work) -> Any:
    original = getattr(module, name)

    def called(*args: Any, **kwargs: Any) -> Any:
        work.passes["backwards"] += 1
        return original(*args, **kwargs)

    return patch.object(module, name, called)


def _forwards(work: Work) -> Any:
    def hook(module: torch.nn.Module, _inputs: Any) -> None:
        work.passes["forwards"] += type(module).__name__.endswith("ForSequenceClassification")

    return hook


def _step_begins(work: Work) -> Any:
    def hook(_optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        work.in_optimizer = True

    return hook


def _step_ends(work: Work) -> Any:
    def hook(optimizer: Optimizer, _args: Any, _kwargs: Any) -> None:
        updated = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        work.in_optimizer = False
        work.passes["optimizer steps"] += 1
        work.passes["numbers updated"] += sum(p.numel() for p in updated)
        work.optimizers[id(optimizer)] = optimizer

    return hook


def _state_bytes(optimizer: Optimizer) -> int:
    tensors = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    return sum(tensor.nbytes for tensor in tensors)
