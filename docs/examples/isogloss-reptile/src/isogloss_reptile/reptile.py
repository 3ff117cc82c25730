"""Reptile (Nichol, Achiam & Schulman 2018) over languages: move to where a few steps on one language lead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pydantic import Field

from isogloss.methods import base
from isogloss.methods.pairings.within import Within

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.data.stream import Stream
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.learner.rates import Rates


class LanguageByLanguage:
    """K batches of one language a meta step, the languages in turn: a pure function of the step."""

    def __init__(
        self, bags: Mapping[str, Bag], *, inner_steps: int, batch_size: int, length: base.Length, key: Key
    ) -> None:
        from isogloss.data.stream import Stream

        self._streams = [
            Stream([bag], batch_size=batch_size, key=key._replace(purpose=f"support/{language}"))
            for language, bag in sorted(bags.items())
        ]
        self._inner_steps = inner_steps
        an_epoch = max(stream.batches_per_epoch for stream in self._streams) / inner_steps * len(bags)
        an_example = 1 / (batch_size * inner_steps)
        self.steps = math.ceil(length.value * {"steps": 1.0, "epochs": an_epoch, "examples": an_example}[length.unit])

    def __getitem__(self, step: int) -> tuple[base.Episode]:
        """Return one episode, all support."""
        stream, start, stop = self._place(step)
        extra = {"step": step, "steps": self.steps}
        return (base.Episode(tuple(stream[i] for i in range(start, stop)), (), extra),)

    def examples(self, step: int) -> int:
        """Return the number of examples of a meta step."""
        stream, start, stop = self._place(step)
        return stream.examples(start, stop)

    def _place(self, step: int) -> tuple[Stream, int, int]:
        visit, language = divmod(step, len(self._streams))
        return self._streams[language], visit * self._inner_steps, (visit + 1) * self._inner_steps


@dataclass
class ReptileState:
    """The base optimizer of the outer steps."""

    setup: base.Setup
    optimizer: base.BaseOptimizer

    def tensors(self) -> dict[str, Tensor]:
        """Return the optimizer's state."""
        return self.optimizer.tensors()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the optimizer's state back."""
        self.optimizer.load(tensors)


class Reptile:
    """Reptile (Nichol, Achiam & Schulman 2018, algorithm 1 with an optimizer for the outer step).

    θ_K is θ after K steps of SGD at α on one language; θ ← θ − f_opt((θ − θ_K) / α).
    """

    class Settings(base.Settings):
        """Settings.

        Attributes:
            inner_learning_rate: α.
            inner_steps: K.
        """

        inner_learning_rate: float = Field(1e-3, gt=0)
        inner_steps: int = Field(3, ge=1)

    version = 1
    cite = (
        "@misc{nichol2018reptile,\n"
        "  title = {On First-Order Meta-Learning Algorithms},\n"
        "  author = {Nichol, Alex and Achiam, Joshua and Schulman, John},\n"
        "  year = {2018},\n"
        "  eprint = {1803.02999},\n"
        "  archivePrefix = {arXiv},\n"
        "}",
    )
    pairing: base.Pairing = Within(Within.Settings())
    product: base.Product = "weights"
    owns_length = False
    draws_support = False

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def check(self, learner: Learner, rates: Rates) -> None:
        """Every learner will do."""

    def schedule(
        self,
        bags: Mapping[str, Bag],
        *,
        support: Mapping[str, Bag] | None = None,
        batch_size: int,
        length: base.Length | None,
        key: Key,
    ) -> LanguageByLanguage:
        """Return one episode a meta step."""
        assert support is None
        assert length is not None
        inner_steps = self.settings.inner_steps
        return LanguageByLanguage(bags, inner_steps=inner_steps, batch_size=batch_size, length=length, key=key)

    def begin(self, learner: Learner, setup: base.Setup, key: Key) -> ReptileState:
        """Return a base optimizer with empty state."""
        del learner, key
        return ReptileState(setup, setup.make_optimizer())

    def step(self, learner: Learner, state: ReptileState, episodes: Sequence[base.Episode], key: Key) -> base.StepLog:
        """Follow the steps on one language."""
        (episode,) = episodes
        setup, alpha = state.setup, self.settings.inner_learning_rate
        theta = learner.moving(setup.rates)
        theta_k, losses = theta, []
        for k, batch in enumerate(episode.support):
            masks = key._replace(purpose=f"dropout/{k}")
            gradient = learner.gradient(theta_k, [batch], setup.objective, masks)
            theta_k = {name: theta_k[name] - alpha * value for name, value in gradient.values.items()}
            losses.append(float(gradient.loss))
        scale = setup.scale(episode.extra["step"], episode.extra["steps"])
        direction = {name: (theta[name] - theta_k[name]) / alpha for name in theta}
        state.optimizer.step(direction, scale=scale, rates=setup.rates)
        return {"loss": sum(losses) / len(losses), "scale": scale}

    def rates(self, state: ReptileState) -> NoReturn:
        """Reptile leaves weights."""
        raise NotImplementedError("reptile learns no rates")
