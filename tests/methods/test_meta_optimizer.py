"""The meta-gradient against autograd, and the limits in which the meta-optimizer is a plain optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from isogloss.keys import Key
from isogloss.methods.base import Episode, Pair
from isogloss.methods.meta_optimizer import MetaOptimizer, inner_key
from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from isogloss.training.schedule import LearningRateSchedule
from methods.toy import F_OPTS, ToyLearner, batches, setup, torch_class

KEY = Key(seed=3, phase="meta")
PAIR = Pair(("en", "el"), ("ur",))
SCHEDULES = {
    "constant": LearningRateSchedule(),
    "linear with warm-up": LearningRateSchedule("linear", 0.3),
    "cosine": LearningRateSchedule("cosine"),
}


def window(steps: int, *, begins: bool = True, start: int = 0, total: int | None = None) -> Episode:
    extra = {"round_begins": begins, "step": start, "steps": total or steps, "pair": PAIR}
    return Episode(batches(steps, seed=10 + start), batches(2, seed=77), extra)  # type: ignore[arg-type]


def unrolled_gradient(
    learner: ToyLearner,
    optimizer: OptimizerSettings,
    schedule: LearningRateSchedule,
    episode: Episode,
    phi: Tensor,
    *,
    hold_decay: bool = True,
) -> Tensor:
    """∂ loss_test / ∂ φ by autograd through the window, every Δθ_t held constant; torch.optim makes the Δθ_t."""
    phi = phi.clone().requires_grad_()
    rate = dict(zip(learner.groups.names, phi.sigmoid().expand(len(learner.groups.names)), strict=True))
    shadow = {name: p.clone().requires_grad_() for name, p in learner.params.items()}
    f_opt = torch_class(optimizer.name)(shadow.values(), lr=1.0, **optimizer.arguments, foreach=False)
    theta: dict[str, Tensor] = dict(learner.params)
    for t, batch in enumerate(episode.support):
        gradient = learner.gradient(theta, [batch], None, inner_key(KEY, t))
        lr = optimizer.learning_rate * schedule(episode.extra["step"] + t, episode.extra["steps"])
        f_opt.param_groups[0]["lr"] = lr
        for name, leaf in shadow.items():
            leaf.data.copy_(theta[name].detach())
            leaf.grad = gradient.values[name]
        if optimizer.clip:
            torch.nn.utils.clip_grad_norm_(shadow.values(), optimizer.clip)
        before = {name: leaf.detach().clone() for name, leaf in shadow.items()}
        f_opt.step()
        for name, leaf in shadow.items():
            delta = before[name] - leaf.detach()
            if not hold_decay:
                decay = lr * optimizer.arguments["weight_decay"]
                delta = delta - decay * before[name] + decay * theta[name]
            theta = theta | {name: theta[name] - rate[learner.groups.of[name]] * delta}
    total = sum(len(batch) for batch in episode.query)
    loss = torch.stack([learner.forward(theta, batch, None) for batch in episode.query]).sum() / total
    (gradient_of_phi,) = torch.autograd.grad(loss, phi)
    return gradient_of_phi


def closed_form(
    method: MetaOptimizer, optimizer: OptimizerSettings, schedule: LearningRateSchedule, episode: Episode
) -> tuple[Tensor, Tensor]:
    """The method's own meta-gradient on the same window, with the φ that it was taken at."""
    learner = ToyLearner()
    state = method.begin(learner, setup(learner, optimizer, schedule=schedule), KEY)
    phi = state.phi.detach().clone()
    method.step(learner, state, [episode], KEY)
    return state.phi.grad, phi


def relative_error(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("f_opt", F_OPTS)
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("layerwise", [True, False])
@pytest.mark.parametrize("start", [0, 6])
def test_closed_form_is_the_gradient_through_the_unrolled_window(
    f_opt: str, schedule: str, layerwise: bool, start: int
) -> None:
    method = MetaOptimizer(MetaOptimizer.Settings(init="random" if layerwise else 0.3, layerwise=layerwise))
    episode = window(15, start=start, total=30)
    ours, phi = closed_form(method, F_OPTS[f_opt], SCHEDULES[schedule], episode)
    reference = unrolled_gradient(ToyLearner(), F_OPTS[f_opt], SCHEDULES[schedule], episode, phi)
    assert ours.shape == reference.shape
    assert relative_error(ours, reference) < 1e-9


def test_autograd_that_keeps_weight_decay_is_another_gradient() -> None:
    """The closed form holds all of Δθ constant; the comparison above must cut the decay, and it matters."""
    method = MetaOptimizer(MetaOptimizer.Settings())
    episode = window(15)
    ours, phi = closed_form(method, F_OPTS["adamw"], SCHEDULES["constant"], episode)
    kept = unrolled_gradient(ToyLearner(), F_OPTS["adamw"], SCHEDULES["constant"], episode, phi, hold_decay=False)
    assert 1e-6 < relative_error(ours, kept) < 0.2


@pytest.mark.parametrize("f_opt", F_OPTS)
def test_rates_of_one_are_the_plain_optimizer_to_the_last_bit(f_opt: str) -> None:
    """σ(φ) = 1 exactly where φ is large: then a window is plain fine-tuning."""
    meta_learner, plain_learner = ToyLearner(), ToyLearner()
    method = MetaOptimizer(MetaOptimizer.Settings(init=1.0))
    episode = window(9)
    method.step(meta_learner, method.begin(meta_learner, setup(meta_learner, F_OPTS[f_opt]), KEY), [episode], KEY)

    optimizer = TorchBaseOptimizer(F_OPTS[f_opt], plain_learner.params, plain_learner.groups.of)
    for t, batch in enumerate(episode.support):
        gradient = plain_learner.gradient(plain_learner.params, [batch], None, inner_key(KEY, t))
        optimizer.step(gradient.values)
    for name, tensor in plain_learner.params.items():
        assert torch.equal(meta_learner.params[name], tensor), name


def test_every_inner_step_has_dropout_masks_of_its_own() -> None:
    assert len({inner_key(KEY, t).digest() for t in range(15)}) == 15


def test_a_round_starts_anew() -> None:
    """The second round's window starts at θ_0 with an empty optimizer; within a round θ goes on."""
    learner = ToyLearner()
    start = {name: p.clone() for name, p in learner.params.items()}
    method = MetaOptimizer(MetaOptimizer.Settings(meta_learning_rate=1e-12))
    state = method.begin(learner, setup(learner, F_OPTS["adam"]), KEY)
    method.step(learner, state, [window(4)], KEY)
    first = {name: p.clone() for name, p in learner.params.items()}
    method.step(learner, state, [window(4, begins=False, start=4, total=8)], KEY)
    assert all(not torch.equal(learner.params[name], first[name]) for name in first)
    method.step(learner, state, [window(4)], KEY)
    for name in start:
        torch.testing.assert_close(learner.params[name], first[name], rtol=1e-9, atol=1e-12)
    assert all(torch.equal(state.theta_0[name], start[name]) for name in start)


def test_work_is_the_plain_steps_and_one_test_loss() -> None:
    learner = ToyLearner()
    method = MetaOptimizer(MetaOptimizer.Settings())
    episode = window(15)
    method.step(learner, method.begin(learner, setup(learner, F_OPTS["adam"]), KEY), [episode], KEY)
    assert learner.backwards == len(episode.support) + len(episode.query)


def test_groups_frozen_by_the_phase_have_no_phi_and_rate_zero() -> None:
    learner = ToyLearner()
    frozen = {"embeddings": 0.0, "layer.1": 0.0, "layer.2": 1.0, "head": 1.0}
    before = {name: p.clone() for name, p in learner.params.items()}
    method = MetaOptimizer(MetaOptimizer.Settings())
    state = method.begin(learner, setup(learner, F_OPTS["adamw, clipped"], rates=frozen), KEY)
    method.step(learner, state, [window(5)], KEY)
    rates, course = method.rates(state)
    assert rates["embeddings"] == rates["layer.1"] == 0.0
    assert 0 < rates["head"] < 1
    assert state.phi.shape == (2,)
    assert [set(row) for row in course] == [{"layer.2", "head"}]
    assert torch.equal(learner.params["1.w"], before["1.w"])


def test_phi_moves_against_its_gradient() -> None:
    """One Adam step of size `meta_learning_rate` from σ⁻¹(0.5) = 0, downhill in every entry."""
    learner = ToyLearner()
    method = MetaOptimizer(MetaOptimizer.Settings(meta_learning_rate=0.05))
    state = method.begin(learner, setup(learner, F_OPTS["sgd"]), KEY)
    method.step(learner, state, [window(5)], KEY)
    torch.testing.assert_close(state.phi.detach(), -0.05 * state.phi.grad.sign(), rtol=1e-3, atol=0)


@pytest.mark.parametrize("f_opt", F_OPTS)
def test_state_survives_its_own_tensors(f_opt: str) -> None:
    """Stop after any window, load into a fresh state, go on: φ and θ end up equal to the last bit."""

    def run(stop_after: int | None) -> tuple[dict[str, Tensor], Tensor]:
        learner = ToyLearner()
        method = MetaOptimizer(MetaOptimizer.Settings())
        shared = setup(learner, F_OPTS[f_opt])
        state = method.begin(learner, shared, KEY)
        theta_0 = {name: p.clone() for name, p in learner.params.items()}
        for step in range(6):
            episode = window(3, begins=step % 3 == 0, start=3 * (step % 3), total=9)
            method.step(learner, state, [episode], KEY._replace(step=step))
            if step == stop_after:
                tensors = {name: t.clone() for name, t in state.tensors().items()}
                theta = {name: p.clone() for name, p in learner.params.items()}
                for name, p in learner.params.items():
                    p.copy_(theta_0[name])
                state = method.begin(learner, shared, KEY)
                for name, p in learner.params.items():
                    p.copy_(theta[name])
                state.load(tensors)
        return learner.params, state.phi.detach()

    whole = run(None)
    for stop_after in range(6):
        resumed = run(stop_after)
        assert torch.equal(resumed[1], whole[1])
        assert all(torch.equal(resumed[0][name], whole[0][name]) for name in whole[0])
