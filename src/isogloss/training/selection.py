"""Which step of a phase is kept: the last, or the best on held-out rows that the recipe declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from isogloss.data.bag import Bag
from isogloss.learner.learner import Learner
from isogloss.learner.network import Params


@dataclass(frozen=True)
class Selection:
    """Held-out rows and how often they are looked at; never rows of a target.

    Attributes:
        bags: held-out rows by language; no group (premise) of theirs is trained on in any language.
        every: steps between two looks; the last step is always looked at.
    """

    bags: Mapping[str, Bag]
    every: int

    def due(self, step: int, steps: int) -> bool:
        """Return whether the learner is scored after this step (0-based)."""
        return (step + 1) % self.every == 0 or step + 1 == steps

    def score(self, learner: Learner) -> float:
        """Return the kind's primary metric in percent, the mean over languages."""
        kind = learner.kind
        outcomes = [kind.outcome(bag, learner.predict(bag)) for bag in self.bags.values()]
        return sum(kind.metrics(outcome)[kind.primary] for outcome in outcomes) / len(outcomes)


@dataclass
class Best:
    """The best step so far and the parameters that it left; the first of equals wins."""

    score: float = float("-inf")
    step: int = -1
    params: Params = field(default_factory=dict)

    def offer(self, score: float, step: int, params: Mapping[str, Tensor]) -> None:
        """Keep a copy of the parameters if they score higher than any before."""
        if score > self.score:
            self.score, self.step = score, step
            self.params = {name: tensor.clone() for name, tensor in params.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Return the state as named tensors."""
        mark = torch.tensor([self.score, float(self.step)], dtype=torch.float64)
        return {"mark": mark, **{f"params.{name}": tensor for name, tensor in self.params.items()}}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""
        self.score, self.step = float(tensors["mark"][0]), int(tensors["mark"][1])
        self.params = {n.removeprefix("params."): t for n, t in tensors.items() if n.startswith("params.")}
