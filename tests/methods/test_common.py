"""What every registered method promises; a new one is tested by being registered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from isogloss import registry
from isogloss.data.bag import Bag
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.methods.base import Length, Method, Schedule, Setup, StepLog
from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from isogloss.training.schedule import LearningRateSchedule
from learner import tiny
from methods.samples import bags, ids_of

Source = Path | tiny.Adapted
KEY = Key(seed=1, phase="0.weights")
BOTTOM_FROZEN = {"embeddings": 0.0, "layer.1": 0.0}

methods = pytest.mark.parametrize("name", registry.names("methods"))


def method_of(name: str) -> Method:
    method = registry.load("methods", name)
    return method(method.Settings())


@pytest.fixture(scope="module", params=["full", "adapters"])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    torch.set_num_threads(1)
    folder = tiny.save_encoder(tmp_path_factory.mktemp("bert"), "bert")
    return folder if request.param == "full" else tiny.Adapted(folder)


def rows() -> dict[str, Bag]:
    return bags(el=18, en=18, ur=18)


def schedule_of(method: Method, **settings: Any) -> Schedule:
    length = None if method.owns_length else Length("steps", 5)
    return method.schedule(rows(), batch_size=6, length=length, key=KEY, **settings)


def begun(method: Method, learner: Learner) -> tuple[object, object]:
    """Return a phase's schedule and its state before the first step."""
    schedule = schedule_of(method)
    rates = dict.fromkeys(learner.groups.names, 1.0) | BOTTOM_FROZEN
    optimizer = OptimizerSettings("adamw", 1e-2, {"weight_decay": 0.1}, clip=1.0)

    def make_optimizer() -> TorchBaseOptimizer:
        return TorchBaseOptimizer(optimizer, learner.moving(rates), learner.groups.of)

    setup = Setup(rates, tiny.OBJECTIVE, make_optimizer, LearningRateSchedule("linear"))
    return schedule, method.begin(learner, setup, KEY)


def carried_out(name: str, encoder: Source, steps: int = 3) -> tuple[Learner, object, list[StepLog]]:
    learner, method = tiny.load(encoder, precision="fp32"), method_of(name)
    schedule, state = begun(method, learner)
    logs = [method.step(learner, state, schedule[step], KEY._replace(step=step)) for step in range(steps)]  # type: ignore[index]
    return learner, state, logs


@methods
def test_settings_are_frozen_and_refuse_what_they_do_not_know(name: str) -> None:
    settings = registry.load("methods", name).Settings
    with pytest.raises(ValidationError):
        settings(no_such_setting=1)
    assert settings.model_config["frozen"]


@methods
def test_it_says_what_it_is(name: str) -> None:
    method = registry.load("methods", name)
    assert isinstance(method.version, int)
    assert isinstance(method.draws_support, bool)
    assert isinstance(method_of(name).pairing.version, int)
    assert method_of(name).product in ("weights", "rates")
    assert " 20" in method.__doc__  # a paper and its year
    assert method.Settings.__doc__


@methods
def test_a_schedule_is_a_function_of_the_step_and_counts_its_examples(name: str) -> None:
    forwards, backwards = schedule_of(method_of(name)), schedule_of(method_of(name))
    from_behind = {step: ids_of(backwards, step) for step in reversed(range(backwards.steps))}
    assert forwards.steps > 0
    for step in range(forwards.steps):
        found = ids_of(forwards, step)
        assert found == from_behind[step]
        assert forwards.examples(step) == sum(len(batch) for episode in found for batch in episode)


@methods
def test_supports_come_from_rows_of_their_own_where_a_method_draws_any(name: str) -> None:
    method = method_of(name)
    if not method.draws_support:
        with pytest.raises(AssertionError):
            schedule_of(method, support=rows())
        return
    own = {
        language: replace(bag, split="train", columns=replace(bag.columns, ids=np.char.add("own-", bag.columns.ids)))
        for language, bag in rows().items()
    }
    schedule = schedule_of(method, support=own)
    for episode in (episode for step in range(schedule.steps) for episode in schedule[step]):
        assert all(id_.startswith("own-") for batch in episode.support for id_ in batch.ids)
        assert not any(id_.startswith("own-") for batch in episode.query for id_ in batch.ids)


@methods
def test_a_check_leaves_the_learner_as_it_is(name: str, encoder: Source) -> None:
    learner, start = (tiny.load(encoder, precision="fp32") for _ in range(2))
    method_of(name).check(learner, dict.fromkeys(learner.groups.names, 1.0) | BOTTOM_FROZEN)
    assert all(torch.equal(learner.params[tensor], start.params[tensor]) for tensor in start.params)


@methods
def test_frozen_groups_stay_and_some_other_moves(name: str, encoder: Source) -> None:
    start = tiny.load(encoder, precision="fp32").params
    learner, _, _ = carried_out(name, encoder)
    still = {learner.groups.of[tensor] for tensor in start if torch.equal(start[tensor], learner.params[tensor])}
    assert {group for group in BOTTOM_FROZEN if learner.groups.members(group)} <= still
    assert not torch.equal(start["classifier.weight"], learner.params["classifier.weight"])


@methods
def test_a_step_logs_a_finite_loss(name: str, encoder: Source) -> None:
    for log in carried_out(name, encoder)[2]:
        assert isinstance(log["loss"], float)
        assert all(isinstance(value, str) or np.isfinite(value) for value in log.values())


@methods
def test_the_same_key_gives_the_same_run(name: str, encoder: Source) -> None:
    one, other = carried_out(name, encoder)[0], carried_out(name, encoder)[0]
    assert all(torch.equal(one.params[tensor], other.params[tensor]) for tensor in one.params)


@methods
def test_state_is_named_tensors_and_comes_back_whole(name: str, encoder: Source) -> None:
    _, state, _ = carried_out(name, encoder)
    tensors: dict[str, Tensor] = {n: t.clone() for n, t in state.tensors().items()}  # type: ignore[attr-defined]
    other = tiny.load(encoder, precision="fp32")
    _, fresh = begun(method_of(name), other)
    fresh.load({n: t.clone() for n, t in tensors.items()})  # type: ignore[attr-defined]
    again = fresh.tensors()  # type: ignore[attr-defined]
    assert again.keys() == tensors.keys()
    assert all(torch.equal(again[n], tensors[n]) for n in tensors)


@methods
def test_rates_are_the_product_where_it_says_so(name: str, encoder: Source) -> None:
    method = method_of(name)
    learner, state, _ = carried_out(name, encoder)
    if method.product == "rates":
        rates, course = method.rates(state)
        assert set(rates) == set(learner.groups.names)
        assert all(rates[group] == 0 for group in BOTTOM_FROZEN)
        assert all(0 <= rate <= 1 for rate in rates.values())
        assert len(course) == 3
    else:
        with pytest.raises(NotImplementedError):
            method.rates(state)
