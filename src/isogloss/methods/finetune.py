"""Plain fine-tuning: the simple thing that every other method stands beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from isogloss.methods import base
from isogloss.methods.batches import PooledSchedule
from isogloss.methods.pairings.pooled import Pooled

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.learner.rates import Rates


@dataclass
class FinetuneState:
    """The base optimizer, and how many steps it has made of how many."""

    setup: base.Setup
    optimizer: base.BaseOptimizer

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimizer's state."""
        return self.optimizer.tensors()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the optimizer's state back."""
        self.optimizer.load(tensors)


class Finetune:
    """θ_t = θ_{t−1} − λ ⊙ f_opt(g_1 … g_t), with the phase's constant rates λ (all 1 by default).

    The examples of all languages of the phase are pooled and drawn without replacement. With rates below 1 on some
    layers this is layer-wise decay; with 0, freezing (Wu & Dredze 2019; Philippy et al. 2023, table 3).
    """

    class Settings(base.Settings):
        """Fine-tuning has no settings of its own: optimizer, length and rates belong to the phase."""

    version = 1
    pairing: base.Pairing = Pooled(Pooled.Settings())
    product: base.Product = "weights"
    owns_length = False
    draws_support = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def check(self, learner: Learner, rates: Rates) -> None:
        """Every learner can be fine-tuned."""

    def schedule(
        self,
        bags: Mapping[str, Bag],
        *,
        support: Mapping[str, Bag] | None = None,
        batch_size: int,
        length: base.Length | None,
        key: Key,
    ) -> PooledSchedule:
        """Return a schedule of one batch a step, an episode without support."""
        assert support is None, "the recipe checks that a phase of fine-tuning has no support"
        assert length is not None, "the recipe checks that a phase of fine-tuning has a length"
        return PooledSchedule(bags, batch_size=batch_size, length=length, key=key)

    def begin(self, learner: Learner, setup: base.Setup, key: Key) -> FinetuneState:
        """Return a base optimizer with empty state."""
        del learner, key
        return FinetuneState(setup, setup.make_optimizer())

    def step(self, learner: Learner, state: FinetuneState, episodes: Sequence[base.Episode], key: Key) -> base.StepLog:
        """Take one step of the base optimizer along the gradient of the query's mean loss."""
        (episode,) = episodes
        setup = state.setup
        params = learner.moving(setup.rates)
        gradient = learner.gradient(params, episode.query, setup.objective, key._replace(purpose="dropout"))
        scale = setup.scale(episode.extra["step"], episode.extra["steps"])
        state.optimizer.step(gradient.values, scale=scale, rates=setup.rates)
        return {"loss": float(gradient.loss), "scale": scale}

    def rates(self, state: FinetuneState) -> NoReturn:
        """Fine-tuning leaves weights, not rates."""
        raise NotImplementedError("fine-tuning learns no rates")
