"""Every optimizer that a recipe may name: proportional to the learning rate, resumable, told what torch takes."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from isogloss.training.torch_optimizers import OPTIMIZERS
from methods.toy import F_OPTS, torch_class

names = pytest.mark.parametrize("name", OPTIMIZERS)
f_opts = pytest.mark.parametrize("f_opt", F_OPTS)
STEPS = 12


def draws(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(3, 4, generator=generator, dtype=torch.float64) for _ in range(STEPS)]


def updates(torch_optimizer: Any, arguments: Any, learning_rates: list[float]) -> list[Tensor]:
    """θ_{t−1} − θ_t for given parameters and gradients at each step, at given learning rates, by torch alone."""
    theta, found = torch.zeros(3, 4, dtype=torch.float64), []
    optimizer = torch_optimizer([theta], lr=learning_rates[0], **arguments)
    for place, gradient, learning_rate in zip(draws(1), draws(2), learning_rates, strict=True):
        theta.copy_(place)
        theta.grad = gradient
        optimizer.param_groups[0]["lr"] = learning_rate
        optimizer.step()
        found.append(place - theta)
    return found


def farthest_from_proportional(torch_optimizer: Any, arguments: Any) -> float:
    """How far, relative to the update, c times the learning rate is from c times the update; c is another each step."""
    factors = [0.5 + 0.1 * step for step in range(STEPS)]
    whole = updates(torch_optimizer, arguments, [1.0] * STEPS)
    other = updates(torch_optimizer, arguments, factors)
    return max(
        float((o - factor * w).norm() / (factor * w).norm()) for w, o, factor in zip(whole, other, factors, strict=True)
    )


@f_opts
def test_the_update_is_proportional_to_the_learning_rate_of_the_step(f_opt: str) -> None:
    settings = F_OPTS[f_opt]
    assert farthest_from_proportional(torch_class(settings.name), settings.arguments) < 1e-12


@pytest.mark.parametrize("left_out", [torch.optim.Rprop, torch.optim.ASGD, torch.optim.Adafactor])
def test_those_left_out_are_not_proportional(left_out: Any) -> None:
    assert farthest_from_proportional(left_out, {}) > 1e-6


def test_every_optimizer_stands_in_the_tests_of_the_meta_gradient() -> None:
    assert {settings.name for settings in F_OPTS.values()} == set(OPTIMIZERS)


@names
def test_arguments_and_defaults_are_torchs_but_for_weight_decay(name: str) -> None:
    theirs = inspect.signature(torch_class(name)).parameters
    for argument, default in OPTIMIZERS[name].arguments.items():
        assert default == (0.0 if argument == "weight_decay" else theirs[argument].default), argument
    assert "fused" in theirs or not OPTIMIZERS[name].fused


@f_opts
def test_the_whole_state_is_tensors_and_comes_back_to_the_last_bit(f_opt: str) -> None:
    def run(stop_after: int | None) -> dict[str, Tensor]:
        params = {"a": draws(1)[0], "b": draws(1)[1][0]}
        group_of = {"a": "layer.1", "b": "head"}
        optimizer = TorchBaseOptimizer(F_OPTS[f_opt], params, group_of)
        for step, gradient in enumerate(draws(2)):
            rates = {"layer.1": 0.3, "head": 0.9}
            optimizer.step({"a": gradient, "b": gradient[1]}, scale=1 - step / STEPS, rates=rates)
            if step == stop_after:
                tensors = {key: value.clone() for key, value in optimizer.tensors().items()}
                optimizer = TorchBaseOptimizer(F_OPTS[f_opt], params, group_of)
                optimizer.load(tensors)
        return params

    whole = run(None)
    for stop_after in (0, 5, STEPS - 2):
        assert all(torch.equal(run(stop_after)[name], whole[name]) for name in whole)


@names
def test_defaults_of_a_recipe_move_parameters(name: str) -> None:
    from isogloss.recipe.phase import Optimizer

    asked = Optimizer.model_validate(name)
    params = {"a": draws(1)[0]}
    start = params["a"].clone()
    optimizer = TorchBaseOptimizer(OptimizerSettings(name, 1e-3, asked.arguments()), params, {"a": "head"})
    optimizer.step({"a": draws(2)[0]})
    assert (params["a"] != start).all()
