"""The learning rate over a phase, as a factor between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

DECAYS: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
}


@dataclass(frozen=True)
class LearningRateSchedule:
    """A linear warm-up from 0, then a decay that would reach 0 one step after the last.

    Attributes:
        name: "constant", "linear" or "cosine".
        warmup: share of the steps in which the learning rate rises, 0 to 1.
    """

    name: Literal["constant", "linear", "cosine"] = "constant"
    warmup: float = 0.0

    def __call__(self, step: int, steps: int) -> float:
        """Return the factor for a step, 0 ≤ step < steps."""
        warmup_steps = math.ceil(self.warmup * steps)
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        return DECAYS[self.name]((step - warmup_steps) / max(1, steps - warmup_steps))
