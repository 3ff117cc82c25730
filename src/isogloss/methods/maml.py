"""Model-agnostic meta-learning across languages: where a step of adaptation to one language helps another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from pydantic import Field, field_serializer, field_validator, model_validator

from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.methods import base
from isogloss.methods.episodes import EpisodeSchedule
from isogloss.methods.inner_rates import InnerRates
from isogloss.methods.meta_gradient import InnerLoop, Sum, meta_gradient
from isogloss.methods.orders import ORDERS, first
from isogloss.methods.pairings import pairing_of, written_out
from isogloss.methods.twice import check_twice
from isogloss.wording import refusal, refusals

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.learner.rates import Rates


@dataclass
class MamlState:
    """The base optimizer of the outer steps, and α."""

    setup: base.Setup
    optimizer: base.BaseOptimizer
    alpha: InnerRates

    def tensors(self) -> dict[str, Tensor]:
        """Return the states of the optimizer and, where α is learned, of α."""
        return {f"base.{name}": tensor for name, tensor in self.optimizer.tensors().items()} | {
            f"inner.{name}": tensor for name, tensor in self.alpha.tensors().items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""
        for prefix, part in (("base.", self.optimizer), ("inner.", self.alpha)):
            part.load({name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)})


class Maml:
    """MAML (Finn, Abbeel & Levine 2017) with languages for tasks: X-MAML (Nooralahzadeh et al. 2020) where support and
    query are of one language, XLA-MAML (Liu, Cheng & Kurohashi 2021) where they are of two.

    A meta step draws episodes, each a support S and a query Q whose languages the pairing gives, and moves θ by

        θ' = θ − α ∇_θ L(θ; S)             (one inner step or more)
        θ ← θ − f_opt(∇_θ L(θ'; Q))         (summed or averaged over the episodes)

    where the last gradient is taken through θ' (second order), at θ' (first order), or through θ' with its curvature
    from one more gradient (finite difference). Rates and schedule of the phase belong to the outer step.

    Not to be confused with training on supports and queries together, which is what `finetune` with `pooled` languages
    does: at small α the two differ by little, and the logged `correction` says by how much.
    """

    class Settings(base.Settings):
        """Settings; the defaults are X-MAML's, but for the number of meta steps.

        Attributes:
            pairing: how an episode's languages are drawn: a pairing's name, or a table of its name and settings.
            inner_learning_rate: α.
            inner_steps: K, inner steps an episode.
            support_size: examples a support; the phase's batch_size, which is the query's, if not given. 0: no support.
            fresh_support: draw a support anew for every inner step of an episode.
            episodes: a meta step, or "all": one for every pair of a cycle of the pairing.
            reduce: "mean" of the episodes' gradients, or their "sum".
            coverage: "random": every batch is drawn anew; "cover": every example is used once before any is twice.
            parallel: support and query hold the same examples in two languages.
            order: "second" is exact; "first" drops the inner steps' curvature; "finite-difference" takes it from one
                more gradient, in float32, with the memory of first order.
            inner_groups: layer groups that inner steps move (a number k is layer k); empty for all that the phase
                moves. The head alone is ANIL (Raghu et al. 2020).
            inner_clip: greatest norm of a support's gradient; 0 for no clipping.
            dropout: whether dropout is on while supports and queries are learned from.
            learn_inner_rates: learn α by layer group (Meta-SGD, Li et al. 2017), as log α.
            inner_rates_learning_rate: of Adam on log α.
        """

        pairing: str | Mapping[str, Any] = "within"
        inner_learning_rate: float = Field(1e-4, ge=0, allow_inf_nan=False)
        inner_steps: int = Field(1, ge=1)
        support_size: int | None = Field(None, ge=0)
        fresh_support: bool = False
        episodes: int | Literal["all"] = "all"
        reduce: Literal["sum", "mean"] = "mean"
        coverage: Literal["random", "cover"] = "random"
        parallel: bool = False
        order: Literal["first", "second", "finite-difference"] = "second"
        inner_groups: tuple[int | str, ...] = ()
        inner_clip: float = Field(0.0, ge=0, allow_inf_nan=False)
        dropout: bool = True
        learn_inner_rates: bool = False
        inner_rates_learning_rate: float = Field(0.05, gt=0, allow_inf_nan=False)

        @field_validator("pairing")
        @classmethod
        def _drawable(cls, value: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
            try:
                pairing_of(value)
            except Mistakes as error:
                raise refusals(error.mistakes) from None
            return value

        @field_validator("episodes")
        @classmethod
        def _some(cls, value: int | str) -> int | str:
            if isinstance(value, int) and value < 1:
                raise refusal(f"{value} episodes make no meta step", 'write 1 or more, or "all"')
            return value

        @field_validator("inner_groups")
        @classmethod
        def _named(cls, value: tuple[int | str, ...]) -> tuple[str, ...]:
            return tuple(sorted({f"layer.{group}" if isinstance(group, int) else group for group in value}))

        @field_serializer("pairing")
        def _in_full(self, value: str | Mapping[str, Any]) -> dict[str, Any]:
            return written_out(value)

        @model_validator(mode="after")
        def _learnable(self) -> Maml.Settings:
            if self.learn_inner_rates and self.inner_learning_rate == 0:
                raise refusal("rates that start at 0 cannot be learned as log α", "set inner_learning_rate above 0")
            if "inner_rates_learning_rate" in self.model_fields_set and not self.learn_inner_rates:
                raise refusal("inner_rates_learning_rate has no use", "set learn_inner_rates = true, or take it out")
            if self.fresh_support and self.inner_steps == 1:
                raise refusal("fresh_support has no use with one inner step", "take it out, or set inner_steps above 1")
            if self.parallel and self.support_size == 0:
                raise refusal(
                    "no support can be parallel to the query", "set parallel = false, or support_size above 0"
                )
            return self

    version = 1
    product: base.Product = "weights"
    owns_length = False
    draws_support = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pairing = pairing_of(settings.pairing)

    @property
    def cite(self) -> tuple[str, ...]:
        """Whom to cite for it and for what its settings turn on; the pairing has its own."""
        learned = ("li2017metasgd",) if self.settings.learn_inner_rates else ()
        head_alone = ("raghu2020anil",) if self.settings.inner_groups == ("head",) else ()
        return ("finn2017maml", *learned, *head_alone)

    def check(self, learner: Learner, rates: Rates) -> None:
        """See that the inner groups are there and move, and that the learner can be differentiated as the order asks.

        Raises:
            Mistakes: it cannot.
        """
        if mistakes := tuple(self._bad_groups(learner, rates)):
            raise Mistakes(mistakes)
        order, precision = self.settings.order, learner.precision
        if order == "finite-difference" and precision.layers != precision.master:
            what = f"finite differences of gradients in {precision.name} are noise"
            raise mistake(what, where="order", remedy='set precision = "fp32", or order = "second"')
        if order == "second":
            check_twice(learner, learner.moving(rates), train=self.settings.dropout)

    def schedule(
        self,
        bags: Mapping[str, Bag],
        *,
        support: Mapping[str, Bag] | None = None,
        batch_size: int,
        length: base.Length | None,
        key: Key,
    ) -> EpisodeSchedule:
        """Return the episodes of every meta step; queries hold `batch_size` examples."""
        assert length is not None, "the recipe checks that a phase of maml has a length"
        asked = self.settings
        return EpisodeSchedule(
            self.pairing,
            bags,
            bags if support is None else support,
            support_size=batch_size if asked.support_size is None else asked.support_size,
            query_size=batch_size,
            inner_steps=asked.inner_steps,
            fresh_support=asked.fresh_support,
            episodes=asked.episodes,
            coverage=asked.coverage,
            parallel=asked.parallel,
            length=length,
            key=key,
        )

    def begin(self, learner: Learner, setup: base.Setup, key: Key) -> MamlState:
        """Return a base optimizer with empty state, and α at its start."""
        del key
        asked = self.settings
        learning_rate = asked.inner_rates_learning_rate if asked.learn_inner_rates else None
        alpha = InnerRates(self._inner_groups(learner, setup.rates), asked.inner_learning_rate, learning_rate)
        return MamlState(setup, setup.make_optimizer(), alpha)

    def step(self, learner: Learner, state: MamlState, episodes: Sequence[base.Episode], key: Key) -> base.StepLog:
        """Move θ against the episodes' meta-gradient, and α against its own where it is learned."""
        setup, inner = state.setup, self._inner_loop(learner, state)
        parts = Sum()
        for number, episode in enumerate(episodes):
            parts.add(meta_gradient(inner, episode, key, number))
        share = 1 / len(episodes) if self.settings.reduce == "mean" else 1.0
        gradient = parts.gradient(share)
        scale = setup.scale(episodes[0].extra["step"], episodes[0].extra["steps"])
        languages = " ".join(str(episode.extra["pair"]) for episode in episodes)
        log: base.StepLog = {**parts.log(), "scale": scale, "pairs": languages}
        state.optimizer.step(gradient, scale=scale, rates=setup.rates)
        if state.alpha.learned:
            log |= {f"inner_rate.{group}": rate for group, rate in state.alpha.values().items()}
            state.alpha.learn({group: share * slope for group, slope in parts.slopes.items()})
        return log

    def rates(self, state: MamlState) -> NoReturn:
        """MAML leaves weights; the inner rates that it may learn are not a phase's."""
        raise NotImplementedError("maml leaves weights, not rates")

    def _inner_loop(self, learner: Learner, state: MamlState) -> InnerLoop:
        asked, theta, rates = self.settings, learner.moving(state.setup.rates), state.alpha.values()
        alpha = {name: rates[group] for name in theta if (group := learner.groups.of[name]) in rates}
        return InnerLoop(
            learner,
            state.setup.objective,
            theta,
            alpha,
            asked.inner_clip,
            asked.dropout,
            # Steps of no length have no curvature to follow.
            ORDERS[asked.order] if any(alpha.values()) else first,
            asked.learn_inner_rates,
        )

    def _inner_groups(self, learner: Learner, rates: Rates) -> tuple[str, ...]:
        """The layer groups that inner steps move, from the bottom."""
        asked = self.settings.inner_groups or learner.groups.names
        return tuple(name for name in learner.groups.names if rates[name] > 0 and name in asked)

    def _bad_groups(self, learner: Learner, rates: Rates) -> Iterator[Mistake]:
        names = learner.groups.names
        for group in map(str, self.settings.inner_groups):
            if group not in names:
                yield Mistake(f'this encoder has no layer group "{group}"', "inner_groups", nearest(group, names))
            elif rates[group] == 0:
                what = f"{group} is frozen in this phase, so that no inner step can move it"
                yield Mistake(what, "inner_groups", "leave it out, or give it a rate above 0")
