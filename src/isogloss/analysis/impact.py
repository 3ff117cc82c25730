"""What training did to the representation of a language (Philippy, Guo & Haddadan 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isogloss.analysis.cka import Cka

if TYPE_CHECKING:
    from isogloss.data.bag import Bag
    from isogloss.kinds.base import Predictions
    from isogloss.learner.learner import Learner
    from isogloss.learner.reading import Pooling

# The embedding of the first token is the same in every example: there is nothing to compare below layer 1.
FIRST_LAYER: dict[Pooling, int] = {"first": 1, "mean": 0}


@dataclass(frozen=True)
class States:
    """A learner's hidden states on a bag.

    Attributes:
        ids: the examples', in the order of the values.
        values: float32 [layers + 1, N, H], the embeddings first; may be mapped from a file.
        pooling: over tokens.
    """

    ids: tuple[str, ...]
    values: NDArray[np.float32]
    pooling: Pooling

    @classmethod
    def of(cls, learner: Learner, bag: Bag, *, pooling: Pooling = "first") -> States:
        """Run a learner over a bag."""
        ids: list[str] = []
        parts: list[Tensor] = []
        for seen in learner.observe(bag, pooling=pooling):
            ids += seen.ids
            parts.append(seen.states.cpu())
        return cls(tuple(ids), torch.cat(parts, dim=1).numpy(), pooling)


class Impact(NamedTuple):
    """How far two learners' representations of one bag lie apart, by layer.

    Attributes:
        layers: their numbers, [L]; 0 stands for the embeddings.
        cka: linear CKA, float64 [L].
        debiased_cka: the same without the bias of few examples, float64 [L].
        examples: N.
        undefined: why there is none, and the values are NaN: fewer than 4 examples, or all alike; "" if defined.
    """

    layers: tuple[int, ...]
    cka: NDArray[np.float64]
    debiased_cka: NDArray[np.float64]
    examples: int
    undefined: str = ""

    @classmethod
    def of(cls, layers: tuple[int, ...], cka: Cka) -> Impact:
        """Return what the sums of some layers say."""
        try:
            return cls(layers, cka.biased().cpu().numpy(), cka.debiased().cpu().numpy(), cka.examples)
        except ValueError as error:
            nothing = np.full(len(layers), np.nan)
            return cls(layers, nothing, nothing, cka.examples, str(error))

    @property
    def impact(self) -> NDArray[np.float64]:
        """Φ = 1 − CKA, [L]: 0 where nothing but a rotation, a scale and a shift has happened."""
        return 1 - self.cka


def evaluate_with_impact(before: States, after: Learner, bag: Bag) -> tuple[Predictions, Impact]:
    """Return a learner's predictions for a bag, and the impact of what made it of another learner, in one pass.

    Args:
        before: the other learner's hidden states on the same bag.
        after: the learner.
        bag: the examples.

    Raises:
        ValueError: the states are of other examples.
    """
    places = {name: place for place, name in enumerate(before.ids)}
    if len(places) != len(before.ids) or places.keys() != set(bag.ids.tolist()):
        raise ValueError("the hidden states are of other examples than the bag")
    first, cka = FIRST_LAYER[before.pooling], Cka()

    def logits() -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        for seen in after.observe(bag, pooling=before.pooling):
            old = before.values[first:, [places[name] for name in seen.ids]]
            cka.add(torch.from_numpy(old).to(seen.states.device), seen.states[first:])
            yield seen.positions, seen.logits

    predictions = after.predictions(bag, logits())
    return predictions, Impact.of(tuple(range(first, len(before.values))), cka)
