"""α, the rate of the inner steps: one number, or one learned for every layer group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class InnerRates:
    """α by layer group.

    Learned (Meta-SGD, Li et al. 2017, by layer group), what Adam moves is log α: rates stay positive, and a step of
    Adam changes each by a share of itself, whatever its size. Meta-SGD moves α itself, one number a parameter.

    Args:
        groups: the layer groups that inner steps move.
        start: α at the start.
        learning_rate: of Adam on log α; none where α is not learned.
    """

    def __init__(self, groups: Sequence[str], start: float, learning_rate: float | None) -> None:
        import torch

        self._groups = tuple(groups)
        self._start = start
        self.learned = learning_rate is not None
        if learning_rate is not None:
            self._log_alpha = torch.full((len(groups),), start, dtype=torch.float64).log_().requires_grad_()
            self._optimizer = torch.optim.Adam([self._log_alpha], lr=learning_rate)

    def values(self) -> dict[str, float]:
        """Return α by layer group."""
        if not self.learned:
            return dict.fromkeys(self._groups, self._start)
        return dict(zip(self._groups, self._log_alpha.detach().exp().tolist(), strict=True))

    def learn(self, slopes: Mapping[str, float]) -> None:
        """Move log α against its gradient.

        Args:
            slopes: ∂ loss / ∂ log α by layer group; zero for one that is missing.
        """
        import torch

        slope = [slopes.get(group, 0.0) for group in self._groups]
        self._log_alpha.grad = torch.tensor(slope, dtype=torch.float64)
        self._optimizer.step()

    def tensors(self) -> dict[str, Tensor]:
        """Return log α and Adam's state; nothing where α is not learned."""
        import torch

        if not self.learned:
            return {}
        moments = self._optimizer.state.get(self._log_alpha, {})
        return {"log_alpha": self._log_alpha.detach()} | {
            name: torch.as_tensor(value) for name, value in moments.items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""
        if not self.learned:
            return
        cpu = {name: tensor.cpu() for name, tensor in tensors.items()}
        self._log_alpha.data.copy_(cpu.pop("log_alpha"))
        if cpu:
            self._optimizer.state[self._log_alpha] = cpu
