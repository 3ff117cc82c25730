"""Fine-tuning is the torch optimizer; a rate is a share of its update; rate 0 is `requires_grad=False`."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from isogloss.keys import Key
from isogloss.methods.base import Episode
from isogloss.methods.finetune import Finetune
from isogloss.training.optimizer import OptimizerSettings
from methods.toy import F_OPTS, ToyLearner, batches, setup, torch_class

KEY = Key(seed=1, phase="adapt")
ONE = dict.fromkeys(("embeddings", "layer.1", "layer.2", "head"), 1.0)


def finetune(optimizer: OptimizerSettings, rates: Mapping[str, float], steps: int = 8) -> dict[str, Tensor]:
    learner = ToyLearner()
    method = Finetune(Finetune.Settings())
    state = method.begin(learner, setup(learner, optimizer, rates=rates), KEY)
    for step, batch in enumerate(batches(steps, seed=5)):
        episode = Episode((), (batch,), {"step": step, "steps": steps})
        method.step(learner, state, [episode], KEY._replace(step=step))
    return learner.params


def plain_torch(optimizer: OptimizerSettings, frozen: set[str], steps: int = 8) -> dict[str, Tensor]:
    """A loop as anyone would write it: requires_grad, backward, clip, step."""
    learner = ToyLearner()
    leaves = {name: p.clone() for name, p in learner.params.items()}
    moving = []
    for name, leaf in leaves.items():
        leaf.requires_grad_(learner.groups.of[name] not in frozen)
        moving += [leaf] if leaf.requires_grad else []
    kernel = {"fused": True} if optimizer.name in ("adam", "adamw", "sgd") else {}
    torch_optimizer = torch_class(optimizer.name)(moving, lr=optimizer.learning_rate, **kernel, **optimizer.arguments)
    for step, batch in enumerate(batches(steps, seed=5)):
        key = KEY._replace(step=step, purpose="dropout", micro_batch=0)
        torch_optimizer.zero_grad()
        (learner.forward(leaves, batch, key) / len(batch)).backward()
        if optimizer.clip:
            torch.nn.utils.clip_grad_norm_(moving, optimizer.clip)
        torch_optimizer.step()
    return {name: leaf.detach() for name, leaf in leaves.items()}


@pytest.mark.parametrize("name", F_OPTS)
@pytest.mark.parametrize("frozen", [set(), {"embeddings"}, {"embeddings", "layer.1"}, {"layer.2"}])
def test_rate_zero_is_requires_grad_false_to_the_last_bit(name: str, frozen: set[str]) -> None:
    ours = finetune(F_OPTS[name], ONE | dict.fromkeys(frozen, 0.0))
    theirs = plain_torch(F_OPTS[name], frozen)
    for tensor in ours:
        assert torch.equal(ours[tensor], theirs[tensor]), tensor


def test_clipping_is_on_in_the_clipped_case() -> None:
    clipped = finetune(F_OPTS["adamw, clipped"], ONE)
    unclipped = finetune(F_OPTS["adamw"], ONE)
    assert not torch.equal(clipped["head.w"], unclipped["head.w"])


@pytest.mark.parametrize("name", F_OPTS)
def test_a_rate_multiplies_the_update(name: str) -> None:
    """After one step the displacement is λ times that at rate 1, weight decay included."""
    start = ToyLearner().params
    whole = finetune(F_OPTS[name], ONE, steps=1)
    rates = {"embeddings": 0.1, "layer.1": 0.5, "layer.2": 1.0, "head": 0.25}
    part = finetune(F_OPTS[name], rates, steps=1)
    of = ToyLearner().groups.of
    for tensor in start:
        expected = rates[of[tensor]] * (whole[tensor] - start[tensor])
        torch.testing.assert_close(part[tensor] - start[tensor], expected, rtol=1e-9, atol=1e-14)
