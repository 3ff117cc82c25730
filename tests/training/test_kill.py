"""Killed (SIGKILL, nothing to be caught) at any of 20 random moments and resumed: the same end."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from isogloss.methods.base import Length
from isogloss.methods.finetune import Finetune
from isogloss.methods.meta_optimizer import MetaOptimizer
from isogloss.store.phase import PhaseFolder
from isogloss.training.loop import train
from learner import tiny
from training.test_loop import phase_of

METHODS = {
    "finetune": (Finetune(Finetune.Settings()), Length("steps", 300)),
    "search": (MetaOptimizer(MetaOptimizer.Settings(rounds=60, window=3, query_examples=6)), None),
    "joint": (MetaOptimizer(MetaOptimizer.Settings(rounds=40, window=3, meta_training="joint")), None),
}


def carry_out(encoder: Path, method: str, where: Path, told: multiprocessing.connection.Connection | None) -> None:
    """Train from where the folder's checkpoint stands; tell each step; leave weights and state in `end.safetensors`."""
    torch.set_num_threads(1)
    learner = tiny.load(encoder, precision="fp32")
    chosen, length = METHODS[method]
    folder = PhaseFolder(where)
    folder.begin({})

    def observe(progress: object) -> None:
        if told is not None:
            told.send(progress.step)  # type: ignore[attr-defined]

    phase = phase_of(chosen, learner, length=length)
    _, state = train(learner, phase, folder, observe=observe, checkpoint_seconds=0.0)
    carried = {f"state/{name}": tensor.contiguous() for name, tensor in state.tensors().items()}
    save_file({**learner.params, **carried}, where / "end.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_killed_at_random_moments_and_resumed(method: str, tmp_path: Path) -> None:
    encoder = tiny.save_encoder(tmp_path / "bert", "bert")
    carry_out(encoder, method, tmp_path / "whole", None)
    context = multiprocessing.get_context("spawn")
    moments, kills, resumed_at = random.Random(4), 0, []
    for _ in range(10):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=carry_out, args=(encoder, method, tmp_path / "killed", theirs))
        child.start()
        theirs.close()
        resumed_at.append(ours.recv())
        child.join(moments.uniform(0.0, 0.15))
        kills += child.is_alive()
        child.kill()
        child.join()
    assert kills >= 8  # a few may have come after the end
    assert max(resumed_at) > 1  # checkpoints were used
    carry_out(encoder, method, tmp_path / "killed", None)
    whole, killed = (load_file(tmp_path / name / "end.safetensors") for name in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
