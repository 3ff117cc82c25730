"""A meta step: the limits in which it is fine-tuning, what is summed, learned, logged and refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from isogloss.errors import Mistakes
from isogloss.learner import groups
from isogloss.learner.learner import Learner
from isogloss.methods.base import Episode, Length, Pair, Setup
from isogloss.methods.finetune import Finetune
from isogloss.methods.maml import Maml, MamlState
from isogloss.methods.meta_gradient import meta_gradient
from isogloss.methods.orders import norm
from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from isogloss.training.schedule import LearningRateSchedule
from learner import tiny
from methods.samples import bags
from methods.unrolled import KEY, PAIR, apart, episode, inner_loop, unrolled

Source = Path | tiny.Adapted
SGD = OptimizerSettings("sgd", 1.0, {})
ADAMW = OptimizerSettings("adamw", 1e-2, {"weight_decay": 0.1}, clip=1.0)
ORDERS = ("first", "second", "finite-difference")


@pytest.fixture(scope="module", params=["full", "adapters"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    torch.set_num_threads(1)
    folder = tiny.save_encoder(tmp_path_factory.mktemp("bert"))
    return folder if request.param == "full" else tiny.Adapted(folder)


def maml(**settings: Any) -> Maml:
    return Maml(Maml.Settings(**settings))


def setup(learner: Learner, optimizer: OptimizerSettings, **rates: float) -> Setup:
    all_rates = dict.fromkeys(learner.groups.names, 1.0) | rates

    def make_optimizer() -> TorchBaseOptimizer:
        return TorchBaseOptimizer(optimizer, learner.moving(all_rates), learner.groups.of)

    return Setup(all_rates, tiny.OBJECTIVE, make_optimizer, LearningRateSchedule("linear"))


def episodes(count: int, inner_steps: int = 1) -> tuple[Episode, ...]:
    return tuple(episode(inner_steps, seed=1000 * number) for number in range(count))


def after(learner: Learner, method: Maml, drawn: Sequence[Episode], optimizer: OptimizerSettings = SGD) -> Any:
    """Return what one meta step leaves: how far θ moved, and what was logged."""
    start = {name: value.clone() for name, value in learner.params.items()}
    log = method.step(learner, method.begin(learner, setup(learner, optimizer), KEY), drawn, KEY)
    return {name: start[name] - value for name, value in learner.params.items()}, log


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_without_support_it_is_fine_tuning_to_the_last_bit(encoder: Source, order: str, reduce: str) -> None:
    ends = []
    for method in (maml(support_size=0, order=order, reduce=reduce), Finetune(Finetune.Settings())):
        learner = tiny.load(encoder, precision="fp32")
        state: Any = method.begin(learner, setup(learner, ADAMW), KEY)
        for step in range(3):
            drawn = Episode((), (tiny.batch(5, seed=step),), {"step": step, "steps": 3, "pair": PAIR})
            log = method.step(learner, state, (drawn,), KEY._replace(step=step))
        ends.append((learner.params, log["loss"], log["scale"]))
    assert ends[0][1:] == ends[1][1:]
    assert all(torch.equal(ends[0][0][name], ends[1][0][name]) for name in ends[0][0])


def test_it_learns_from_its_own_schedule(encoder: Source) -> None:
    """From the schedule to steps: two languages in turn, inner steps on fresh supports, and a loss that falls."""
    learner, method = tiny.load(encoder, precision="fp32"), maml(inner_steps=2, fresh_support=True, episodes=1)
    schedule = method.schedule(bags(el=20, ur=20), batch_size=5, length=Length("steps", 12), key=KEY)
    state = method.begin(learner, setup(learner, ADAMW), KEY)
    losses = [
        method.step(learner, state, schedule[step], KEY._replace(step=step))["loss"] for step in range(schedule.steps)
    ]
    assert len(losses) == 12
    assert sum(losses[-4:]) < sum(losses[:4])


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_at_alpha_zero_all_orders_are_one(encoder: Source, inner_steps: int) -> None:
    moved = [
        after(tiny.load(encoder), maml(inner_learning_rate=0.0, order=order), episodes(2, inner_steps))
        for order in ORDERS
    ]
    for other, log in moved:
        assert all(torch.equal(moved[0][0][name], other[name]) for name in other)
        assert log["correction"] == 0


def test_curvature_times_no_step_is_nothing(encoder: Source) -> None:
    """Not because it is left out, as a meta step does at α = 0."""
    inner = inner_loop(tiny.load(encoder), alpha=dict.fromkeys(("layer.1", "head"), 0.0))
    assert norm(meta_gradient(inner, episode(2), KEY).correction.values()) == 0


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_episodes_are_summed_or_averaged(encoder: Source, order: str, reduce: str) -> None:
    """A meta step of three episodes is SGD on the sum (mean) of their gradients; each has masks of its own."""
    learner, drawn = tiny.load(encoder), episodes(3, 2)
    alpha = dict.fromkeys(learner.groups.names, 0.05)
    inner = inner_loop(learner, order, alpha=alpha)
    parts = [
        unrolled(inner, one, first_order=order == "first", number=number).theta for number, one in enumerate(drawn)
    ]
    share = 1 / 3 if reduce == "mean" else 1.0
    expected = {name: share * torch.stack([part[name] for part in parts]).sum(0) for name in parts[0]}
    moved, _ = after(learner, maml(inner_learning_rate=0.05, order=order, reduce=reduce), drawn)
    assert apart(moved, expected) < (1e-3 if order == "finite-difference" else 1e-9)


def test_what_is_logged(encoder: Source) -> None:
    learner, drawn = tiny.load(encoder), episodes(2, 2)
    inner = inner_loop(learner, alpha=dict.fromkeys(learner.groups.names, 0.05))
    exact = [unrolled(inner, one, number=number) for number, one in enumerate(drawn)]
    first = [unrolled(inner, one, number=number, first_order=True) for number, one in enumerate(drawn)]

    def total(parts: Any) -> dict[str, Tensor]:
        return {name: sum(part.theta[name] for part in parts) for name in parts[0].theta}

    _, log = after(learner, maml(inner_learning_rate=0.05), drawn)
    assert log["correction"] == pytest.approx(apart(total(exact), total(first)), rel=1e-9)
    assert log["correction"] > 0.01
    assert log["loss"] == pytest.approx(sum(part.loss for part in exact) / 2, rel=1e-6)
    assert log["support_loss"] > 0
    assert log["scale"] == 1
    assert after(learner, maml(inner_learning_rate=0.05, order="first"), drawn)[1]["correction"] == 0
    assert (
        "support_loss"
        not in after(learner, maml(), [Episode((), (tiny.batch(),), {"step": 0, "steps": 1, "pair": PAIR})])[1]
    )


def test_the_languages_of_its_episodes_are_logged(encoder: Source) -> None:
    extra = {"step": 0, "steps": 1, "pair": Pair(("en",), ("hi", "ur"))}
    _, log = after(tiny.load(encoder), maml(), [one._replace(extra=extra) for one in episodes(2, 1)])
    assert log["pairs"] == "en→hi+ur en→hi+ur"


def test_the_first_order_costs_two_gradients(encoder: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    gradient = Learner.gradient
    monkeypatch.setattr(Learner, "gradient", lambda *a, **k: calls.append("gradient") or gradient(*a, **k))
    linearize = Learner.linearize
    monkeypatch.setattr(Learner, "linearize", lambda *a, **k: calls.append("linearize") or linearize(*a, **k))

    def counted(order: str, inner_steps: int = 1) -> list[str]:
        calls.clear()
        after(tiny.load(encoder), maml(order=order), [episode(inner_steps)])
        return sorted(calls)

    assert counted("first") == ["gradient"] * 2
    assert counted("finite-difference") == ["gradient"] * 3
    assert counted("second") == ["gradient", "linearize"]
    assert counted("second", 3) == ["gradient"] * 3 + ["linearize"] * 3


def test_inner_steps_stay_within_their_groups_and_the_outer_step_does_not(encoder: Source) -> None:
    learner, drawn = tiny.load(encoder), episodes(1, 2)
    expected = unrolled(inner_loop(learner, alpha={"layer.3": 0.05, "head": 0.05}), drawn[0]).theta
    moved, _ = after(learner, maml(inner_groups=(3, "head"), inner_learning_rate=0.05), drawn)
    assert apart(moved, expected) < 1e-9
    assert norm([moved[name] for name in learner.groups.members("layer.1")]) > 0


def test_rates_and_schedule_of_the_phase_are_those_of_the_outer_step(encoder: Source) -> None:
    learner = tiny.load(encoder)
    drawn = [episode(1)._replace(extra={"step": 1, "steps": 4, "pair": PAIR})]
    start = {name: value.clone() for name, value in learner.params.items()}
    expected = unrolled(inner_loop(learner, alpha={"layer.2": 0.05, "layer.3": 0.05, "head": 0.05}), drawn[0]).theta
    rates = {"embeddings": 0.0, "layer.1": 0.0, "layer.2": 0.5}
    method = maml(inner_learning_rate=0.05)
    log = method.step(learner, method.begin(learner, setup(learner, SGD, **rates), KEY), drawn, KEY)
    assert log["scale"] == 0.75
    for name, value in learner.params.items():
        rate = rates.get(learner.groups.of[name], 1.0)
        torch.testing.assert_close(start[name] - value, 0.75 * rate * expected[name], rtol=1e-7, atol=1e-12)


# --- learned rates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["first", "second"])
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_inner_rates_move_down_their_slope(encoder: Source, order: str, reduce: str) -> None:
    """Adam's first step has its learning rate's length; its first moment is a tenth of the slope of log α."""
    learner, drawn = tiny.load(encoder), episodes(2, 2)
    inner = inner_loop(learner, order, alpha=dict.fromkeys(learner.groups.names, 0.05))
    parts = [unrolled(inner, one, first_order=order == "first", number=n).log_alpha for n, one in enumerate(drawn)]
    share = 0.5 if reduce == "mean" else 1.0
    slopes = {group: share * sum(part.get(group, 0.0) for part in parts) for group in learner.groups.names}
    method = maml(inner_learning_rate=0.05, order=order, reduce=reduce, learn_inner_rates=True)
    state = method.begin(learner, setup(learner, SGD), KEY)
    log = method.step(learner, state, drawn, KEY)
    assert log["inner_rate.layer.2"] == pytest.approx(0.05)  # what the step was made with
    moments = state.tensors()["inner.exp_avg"].tolist()
    assert dict(zip(learner.groups.names, moments, strict=True)) == pytest.approx(
        {group: 0.1 * slope for group, slope in slopes.items()}, rel=1e-6
    )
    assert {group for group, slope in slopes.items() if slope} == set(learner.groups.of.values())
    for group, rate in state.alpha.values().items():
        if not slopes[group]:  # nothing to move: with adapters, the embeddings
            assert rate == pytest.approx(0.05)
            continue
        assert rate == pytest.approx(0.05 * math.exp(-math.copysign(0.05, slopes[group])), rel=1e-3)


def test_groups_that_inner_steps_leave_have_no_rate(encoder: Source) -> None:
    learner = tiny.load(encoder)
    method = maml(learn_inner_rates=True, inner_groups=("layer.1", "layer.2", "head"))
    state = method.begin(learner, setup(learner, SGD, **{"layer.1": 0.0}), KEY)
    assert state.alpha.values() == pytest.approx({"layer.2": 1e-4, "head": 1e-4})


@pytest.mark.parametrize("learns", [True, False])
def test_state_survives_its_own_tensors(encoder: Source, learns: bool) -> None:
    """Stop after any step, load into a fresh state, go on: θ and α end up equal to the last bit."""

    def run(stop_after: int | None) -> tuple[Learner, MamlState]:
        learner, method = tiny.load(encoder, precision="fp32"), maml(learn_inner_rates=learns, inner_learning_rate=0.05)
        state = method.begin(learner, setup(learner, ADAMW), KEY)
        for step in range(3):
            drawn = [episode(1, seed=step)._replace(extra={"step": step, "steps": 3, "pair": PAIR})]
            method.step(learner, state, drawn, KEY._replace(step=step))
            if step == stop_after:
                kept = {name: tensor.clone() for name, tensor in state.tensors().items()}
                state = method.begin(learner, setup(learner, ADAMW), KEY)
                state.load(kept)
        return learner, state

    learner, state = run(None)
    for stop_after in range(2):
        other, resumed = run(stop_after)
        assert resumed.alpha.values() == state.alpha.values()
        assert all(torch.equal(other.params[name], value) for name, value in learner.params.items())


# --- mistakes ---------------------------------------------------------------------------------------------------------


def refusals(method: Maml, learner: Learner, **rates: float) -> list[str]:
    with pytest.raises(Mistakes) as raised:
        method.check(learner, dict.fromkeys(learner.groups.names, 1.0) | rates)
    return str(raised.value).splitlines()


@pytest.mark.parametrize("model_type", tiny.CLASSES)
def test_every_class_can_be_differentiated_twice(tmp_path: Path, model_type: str) -> None:
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0} if model_type == "bert" else {}
    learner = tiny.load(tiny.save_encoder(tmp_path, model_type, **none), precision="fp32")
    rates = dict.fromkeys(learner.groups.names, 1.0)
    before = {name: value.clone() for name, value in learner.params.items()}
    for dropout in (True, False):
        maml(dropout=dropout).check(learner, rates)
    assert all(torch.equal(before[name], value) for name, value in learner.params.items())


def test_attention_without_a_second_derivative_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's fused attention has none on a CPU where nothing is dropped."""
    fused = replace(groups.ANATOMIES["bert"], attention="sdpa")
    monkeypatch.setattr(groups, "ANATOMIES", {**groups.ANATOMIES, "bert": fused})
    learner = tiny.load(tiny.save_encoder(tmp_path, attention_probs_dropout_prob=0.0), precision="fp32")
    (line,) = refusals(maml(), learner)
    assert line.startswith(f'order: the encoder "{learner.encoder}" cannot be differentiated twice (')
    assert line.endswith('); set order = "finite-difference", or "first"')
    rates = dict.fromkeys(learner.groups.names, 1.0)
    maml(order="first").check(learner, rates)
    maml(order="finite-difference").check(learner, rates)
    maml().check(learner, dict.fromkeys(learner.groups.names, 0.0) | {"head": 1.0})  # the head can be


def test_finite_differences_are_refused_in_bfloat16(encoder: Source) -> None:
    learner = tiny.load(encoder, precision="bf16")
    assert refusals(maml(order="finite-difference"), learner) == [
        'order: finite differences of gradients in bf16 are noise; set precision = "fp32", or order = "second"'
    ]
    maml(order="second").check(learner, dict.fromkeys(learner.groups.names, 1.0))


def test_inner_groups_must_be_there_and_move(encoder: Source) -> None:
    learner = tiny.load(encoder)
    assert refusals(maml(inner_groups=(4, "haed", "layer.1", "head")), learner, **{"layer.1": 0.0}) == [
        'inner_groups: this encoder has no layer group "haed"; did you mean "head"?',
        "inner_groups: layer.1 is frozen in this phase, so that no inner step can move it; "
        "leave it out, or give it a rate above 0",
        'inner_groups: this encoder has no layer group "layer.4"; did you mean "layer.3"?',
    ]


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"episodes": 0}, "0 episodes make no meta step"),
        ({"learn_inner_rates": True, "inner_learning_rate": 0.0}, "rates that start at 0 cannot be learned"),
        ({"order": "third"}, "Input should be"),
        ({"inner_rates_learning_rate": 0.1}, "inner_rates_learning_rate has no use"),
        ({"fresh_support": True}, "fresh_support has no use"),
        ({"parallel": True, "support_size": 0}, "no support can be parallel"),
        ({"inner_steps": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Maml.Settings(**settings)


def test_equal_settings_are_equal_in_a_key() -> None:
    assert Maml.Settings(inner_groups=("head", 3)) == Maml.Settings(inner_groups=("layer.3", "head"))
    short, long = Maml.Settings(pairing="within"), Maml.Settings(pairing={"name": "within"})
    assert short.model_dump(mode="json") == long.model_dump(mode="json")


def test_an_unknown_pairing_is_refused() -> None:
    with pytest.raises(ValidationError, match='no pairing is called "wihtin"; did you mean "within"'):
        maml(pairing="wihtin")
