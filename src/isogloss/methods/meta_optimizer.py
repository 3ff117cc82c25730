"""The meta-optimizer of Xu et al. 2021: how far each layer may move, learned by simulating zero-shot transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from isogloss.methods import base
from isogloss.methods.pairings.pooled import Pooled
from isogloss.methods.pairings.surprise import Surprise
from isogloss.methods.windows import WindowSchedule

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.keys import Key
    from isogloss.learner.learner import Learner
    from isogloss.learner.rates import Rates


@dataclass
class MetaOptimizerState:
    """φ with its optimizer, the simulated run with its own, and where every round starts."""

    setup: base.Setup
    groups: tuple[str, ...]  # the layer groups that may move, one entry of σ(φ) each
    phi: Tensor  # [G], or [1] where all layers share one rate; float64
    meta_optimizer: torch.optim.Adam
    optimizer: base.BaseOptimizer
    theta_0: dict[str, Tensor]
    course: list[Tensor]  # σ(φ) after each meta step, [G] each

    def learned_rates(self) -> Tensor:
        """Return σ(φ) for every group, [G]."""
        return self.phi.detach().sigmoid().expand(len(self.groups))

    def tensors(self) -> dict[str, Tensor]:
        """Return φ, both optimizers' states and the course of the rates."""
        import torch

        tensors = {f"base.{name}": tensor for name, tensor in self.optimizer.tensors().items()}
        moments = self.meta_optimizer.state.get(self.phi, {})
        tensors |= {f"meta.{name}": torch.as_tensor(value) for name, value in moments.items()}
        course = torch.stack(self.course) if self.course else torch.empty(0, len(self.groups))
        return tensors | {"phi": self.phi.detach(), "course": course}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` returned."""
        self.phi.data.copy_(tensors["phi"])
        self.course = list(tensors["course"].to(self.phi.device).unbind())
        self.optimizer.load(_below("base.", tensors))
        moments = {name: moment.to(self.phi.device) for name, moment in _below("meta.", tensors).items()}
        if moments:
            self.meta_optimizer.state[self.phi] = moments


class MetaOptimizer:
    """Soft layer selection (Xu, Haider, Krone & Mansour 2021, algorithm 1).

    The learner moves by θ_t = θ_{t−1} − σ(φ) ⊙ Δθ_t, Δθ_t = f_opt(g_1 … g_t), with one φ a layer group. Gradients along
    φ → θ → g are dropped (section 2.2), so that within a window every Δθ_t is a constant and

        ∂ loss_test / ∂ φ_g = − (1 − σ(φ_g)) · ⟨ ∇_g loss_test(θ_end), (θ_start − θ_end)_g ⟩ ,

    one number a group: no graph over the window is held, and a meta step costs one backward pass more than the window's
    own steps. Weight decay, clipping and schedule are part of f_opt and constant too.

    Where the paper is silent: each of the phase's languages (source and auxiliary) may be drawn as the surprise
    language; a round starts at the weights that the phase comes `after` (without `after`: the pre-trained encoder
    and a fresh head); the final run is a phase of its own, `rates = { from = … }`.

    Not to be confused with Meta-SGD, whose rates are learned through one inner step with second-order terms, or with
    hypergradient descent, which differentiates the training loss.
    """

    class Settings(base.Settings):
        """Settings of the search; the defaults are the paper's.

        Attributes:
            rounds: N, simulated runs; each is one pass over the training languages.
            window: L, inner steps between two meta steps.
            meta_learning_rate: of Adam on φ.
            init: σ(φ) at the start, between 0 and 1, or "random": φ ~ N(0, 1) by group (the paper: "random").
            query_examples: how many of D_k a meta step sees, drawn afresh; 0 for all of it, as in the algorithm.
            query_dropout: whether dropout is on while the test loss is taken.
            layerwise: one φ a layer group; false for one that all share (table 2, "no layer-wise update rate").
            meta_training: "surprise" holds a language out in each round; "joint" trains φ and θ together on the same
                data and leaves weights (table 2, "no cross-lingual meta-training").
        """

        rounds: int = Field(10, ge=1)
        window: int = Field(15, ge=1)
        meta_learning_rate: float = Field(0.05, gt=0)
        init: float | Literal["random"] = 0.5
        query_examples: int = Field(0, ge=0)
        query_dropout: bool = False
        layerwise: bool = True
        meta_training: Literal["surprise", "joint"] = "surprise"

    version = 1
    cite = ("xu2021soft",)
    owns_length = True
    draws_support = False  # supports are drawn from the languages that the pairing leaves them

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def pairing(self) -> base.Pairing:
        """A surprise language in each round; or all languages on both sides where φ and θ are trained jointly."""
        if self.settings.meta_training == "surprise":
            return Surprise(Surprise.Settings())
        return Pooled(Pooled.Settings())

    @property
    def product(self) -> base.Product:
        """Rates; or weights where φ and θ are trained jointly."""
        return "rates" if self.settings.meta_training == "surprise" else "weights"

    def check(self, learner: Learner, rates: Rates) -> None:
        """Every learner will do: nothing is differentiated twice."""

    def schedule(
        self,
        bags: Mapping[str, Bag],
        *,
        support: Mapping[str, Bag] | None = None,
        batch_size: int,
        length: base.Length | None,
        key: Key,
    ) -> WindowSchedule:
        """Return one episode a window: L support batches, and the test batches of the surprise language.

        Joint training is one run of N passes that never starts anew.
        """
        assert length is None, "the recipe checks that rounds alone give the length"
        assert support is None, "the recipe checks that supports come from the phase's own rows"
        joint = self.settings.meta_training == "joint"
        return WindowSchedule(
            bags,
            self.pairing,
            batch_size=batch_size,
            rounds=1 if joint else self.settings.rounds,
            passes=self.settings.rounds if joint else 1,
            window=self.settings.window,
            query_examples=self.settings.query_examples,
            key=key,
        )

    def begin(self, learner: Learner, setup: base.Setup, key: Key) -> MetaOptimizerState:
        """Return φ at its initial value; θ_0 is where the learner stands."""
        import torch

        theta_0 = {name: tensor.clone() for name, tensor in learner.moving(setup.rates).items()}
        groups = tuple(group for group in learner.groups.names if setup.rates[group] > 0)
        phi = self._initial_phi(len(groups) if self.settings.layerwise else 1, key).requires_grad_()
        meta_optimizer = torch.optim.Adam([phi], lr=self.settings.meta_learning_rate)
        return MetaOptimizerState(setup, groups, phi, meta_optimizer, setup.make_optimizer(), theta_0, [])

    def step(
        self, learner: Learner, state: MetaOptimizerState, episodes: Sequence[base.Episode], key: Key
    ) -> base.StepLog:
        """Simulate one window of training, then move φ against the meta-gradient."""
        (episode,) = episodes
        setup, begins = state.setup, episode.extra["round_begins"]
        theta = learner.moving(setup.rates)
        if begins:
            for name, start in state.theta_0.items():
                theta[name].copy_(start)
            state.optimizer = setup.make_optimizer()

        rates = self._rates(state)
        # A round's first window starts at θ_0, which is held anyway.
        theta_start = state.theta_0 if begins else {name: tensor.clone() for name, tensor in theta.items()}
        loss = 0.0
        for t, batch in enumerate(episode.support):
            gradient = learner.gradient(theta, [batch], setup.objective, inner_key(key, t))
            scale = setup.scale(episode.extra["step"] + t, episode.extra["steps"])
            state.optimizer.step(gradient.values, scale=scale, rates=rates)
            loss += float(gradient.loss) / len(episode.support)
            del gradient  # else the next one is computed beside it

        query_key = key._replace(purpose="query dropout")
        query = learner.gradient(theta, episode.query, setup.objective, query_key, train=self.settings.query_dropout)
        state.phi.grad = meta_gradient(state, learner.groups.of, query.values, theta_start, theta)
        state.meta_optimizer.step()
        state.course.append(state.learned_rates().clone())
        pair = episode.extra["pair"]
        surprise = {} if pair.overlaps else {"surprise": "+".join(pair.query)}  # joint training has none
        return {"loss": loss, "query_loss": float(query.loss), **_spread(state), **surprise}

    def rates(self, state: MetaOptimizerState) -> tuple[Rates, list[dict[str, float]]]:
        """Return σ(φ) by layer group, groups that the phase froze at 0, and the course over meta steps."""
        course = [dict(zip(state.groups, map(float, rates), strict=True)) for rates in state.course]
        return dict.fromkeys(state.setup.rates, 0.0) | self._learned(state), course

    def _initial_phi(self, size: int, key: Key) -> Tensor:
        import torch

        if self.settings.init == "random":
            draws = key._replace(purpose="phi").generator().standard_normal(size)
            return torch.from_numpy(draws)
        return torch.full((size,), self.settings.init, dtype=torch.float64).logit()

    @staticmethod
    def _learned(state: MetaOptimizerState) -> Rates:
        return dict(zip(state.groups, map(float, state.learned_rates()), strict=True))

    def _rates(self, state: MetaOptimizerState) -> Rates:
        """σ(φ), within the rates that the phase itself gives."""
        return {group: rate * state.setup.rates[group] for group, rate in self._learned(state).items()}


def inner_key(key: Key, t: int) -> Key:
    """Return the key of a window's inner step t: each has dropout masks of its own."""
    return key._replace(purpose=f"dropout/{t}")


def meta_gradient(
    state: MetaOptimizerState,
    group_of: Mapping[str, str],
    query_gradient: Mapping[str, Tensor],
    theta_start: Mapping[str, Tensor],
    theta_end: Mapping[str, Tensor],
) -> Tensor:
    """Return ∂ loss_test / ∂ φ in closed form, shaped like φ (see the class; float64).

    Args:
        state: φ and the layer groups that it stands for.
        group_of: parameter name to layer group.
        query_gradient: ∇ loss_test(θ_end) by parameter name.
        theta_start: parameters before the window.
        theta_end: parameters after it.
    """
    import torch

    inner = torch.zeros(len(state.groups), dtype=torch.float64)
    position = {group: i for i, group in enumerate(state.groups)}
    for name, gradient in query_gradient.items():
        moved = theta_start[name] - theta_end[name]
        inner[position[group_of[name]]] += (gradient.double() * moved.double()).sum().cpu()
    by_group = -(1 - state.learned_rates()) * inner
    return by_group if state.phi.shape == by_group.shape else by_group.sum(0, keepdim=True)


def _spread(state: MetaOptimizerState) -> dict[str, float]:
    """Mean and spread over layers: rates that all drift the same way have learned a step size, not a selection."""
    rates = state.learned_rates()
    by_group = {f"rate.{group}": float(rate) for group, rate in zip(state.groups, rates, strict=True)}
    return {"rate_mean": float(rates.mean()), "rate_spread": float(rates.std(correction=0)), **by_group}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
