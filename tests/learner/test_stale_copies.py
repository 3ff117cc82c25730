"""A learner that has predicted predicts anew after a fused step: converted copies of its weights do not go stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from isogloss.keys import Key
from isogloss.training.optimizer import OptimizerSettings, TorchBaseOptimizer
from learner import tiny


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_predictions_follow_fused_steps(encoder: Callable[[str], Path], optimizer: str) -> None:
    learner = tiny.load(encoder("bert"), precision="bf16")
    bag = tiny.bag()
    before = learner.predict(bag).logits
    params = tiny.everything(learner)
    steps = TorchBaseOptimizer(OptimizerSettings(optimizer, 0.05, {}), params, learner.groups.of)  # type: ignore[arg-type]
    for step in range(3):
        steps.step(learner.gradient(params, [tiny.batch(seed=step)], tiny.OBJECTIVE, Key(step)).values)
    after = learner.predict(bag).logits
    fresh = tiny.load(encoder("bert"), precision="bf16")
    fresh.update({name: tensor.clone() for name, tensor in learner.params.items()})
    assert not np.array_equal(before, after)
    assert np.array_equal(after, fresh.predict(bag).logits)
    assert all(torch.equal(fresh.params[name], learner.params[name]) for name in fresh.params)
