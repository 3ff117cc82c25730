"""The loop on a random BERT: stopped and resumed, the same to the last bit; what it keeps, and what it refuses."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from isogloss.errors import Interrupted, Mistakes
from isogloss.keys import Key
from isogloss.learner.learner import Learner
from isogloss.methods.base import Length, Method
from isogloss.methods.finetune import Finetune
from isogloss.methods.meta_optimizer import MetaOptimizer
from isogloss.store.phase import PhaseFolder
from isogloss.training.loop import TrainingPhase, train
from isogloss.training.optimizer import OptimizerSettings
from isogloss.training.progress import Observer, Progress
from isogloss.training.schedule import LearningRateSchedule
from isogloss.training.selection import Selection
from learner import tiny

METHODS = {
    "finetune": (Finetune(Finetune.Settings()), Length("steps", 12)),
    "meta_optimizer": (MetaOptimizer(MetaOptimizer.Settings(rounds=3, window=2, query_examples=5)), None),
    "joint": (MetaOptimizer(MetaOptimizer.Settings(rounds=2, window=2, meta_training="joint")), None),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tiny.save_encoder(tmp_path_factory.mktemp("bert"), "bert")


def bags() -> dict:
    lengths = [tuple(int(n) for n in np.random.default_rng(seed).integers(3, 20, 22)) for seed in (1, 2)]
    return {language: tiny.bag(lengths[i], seed=i) for i, language in enumerate(("el", "en"))}


def phase_of(method: Method, learner: Learner, **changes: object) -> TrainingPhase:
    settings: dict = {
        "name": "adapt",
        "key": Key(2, "1.weights"),
        "method": method,
        "objective": tiny.OBJECTIVE,
        "bags": bags(),
        "batch_size": 6,
        "length": None,
        "optimizer": OptimizerSettings("adamw", 3e-3, {"weight_decay": 0.01}, clip=1.0),
        "schedule": LearningRateSchedule("linear", 0.2),
        "rates": dict.fromkeys(learner.groups.names, 1.0) | {"embeddings": 0.0, "layer.1": 0.5},
    }
    return TrainingPhase(**(settings | changes))


def carry_out(
    encoder: Path, method: str, where: Path, observe: Observer = lambda progress: None, **changes: object
) -> tuple[dict[str, Tensor], list[dict]]:
    learner = tiny.load(encoder, precision="fp32")
    phase_folder = PhaseFolder(where)
    phase_folder.begin({})
    chosen, length = METHODS[method]
    train(learner, phase_of(chosen, learner, **{"length": length} | changes), phase_folder, observe=observe)  # type: ignore[arg-type]
    return {name: tensor.clone() for name, tensor in learner.params.items()}, phase_folder.read_log()


def scalars(log: list[dict]) -> list[dict]:
    """What is logged, but for what this machine has to do with it."""
    return [{name: value for name, value in row.items() if name not in ("seconds", "peak_memory")} for row in log]


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_run_to_the_last_bit(method: str, folder: Path, tmp_path: Path) -> None:
    one, log = carry_out(folder, method, tmp_path / "one")
    torch.manual_seed(99)  # hidden generator state has no part in it
    other, _ = carry_out(folder, method, tmp_path / "other")
    third, _ = carry_out(folder, method, tmp_path / "third", key=Key(3, "1.weights"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not all(torch.equal(one[name], third[name]) for name in one)
    assert len(log) > 3


@pytest.mark.parametrize("method", METHODS)
def test_stopped_by_a_signal_and_resumed_is_the_same_to_the_last_bit(method: str, folder: Path, tmp_path: Path) -> None:
    whole, log = carry_out(folder, method, tmp_path / "whole")
    steps = len(log)
    for stop_at in (1, steps // 2, steps - 1):

        def stop(progress: Progress, stop_at: int = stop_at) -> None:
            if progress.step == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)

        where = tmp_path / f"stopped-{stop_at}"
        with pytest.raises(Interrupted, match="resumes it"):
            carry_out(folder, method, where, stop)
        resumed, resumed_log = carry_out(folder, method, where)
        assert all(torch.equal(resumed[name], whole[name]) for name in whole)
        assert scalars(resumed_log) == scalars(log)


def test_only_what_may_move_has_moved(folder: Path, tmp_path: Path) -> None:
    start = tiny.load(folder, precision="fp32").params
    end, _ = carry_out(folder, "finetune", tmp_path / "phase")
    still = {name for name in start if torch.equal(start[name], end[name])}
    assert still == {name for name in start if ".embeddings." in name}


def test_log_counts_examples_seen(folder: Path, tmp_path: Path) -> None:
    _, log = carry_out(folder, "finetune", tmp_path / "phase", length=Length("epochs", 2))
    assert [row["step"] for row in log] == list(range(1, 17))
    assert [row["examples"] for row in log if row["step"] in (8, 16)] == [44, 88]
    assert all(row["seconds"] > 0 and row["peak_memory"] > 1e6 for row in log)


def test_each_rounds_surprise_language_is_logged(folder: Path, tmp_path: Path) -> None:
    _, log = carry_out(folder, "meta_optimizer", tmp_path / "phase")
    schedule = METHODS["meta_optimizer"][0].schedule(bags(), batch_size=6, length=None, key=Key(2, "1.weights"))
    assert [row["surprise"] for row in log] == [
        schedule[step][0].extra["pair"].query[0] for step in range(schedule.steps)
    ]
    _, joint = carry_out(folder, "joint", tmp_path / "joint")
    assert all("surprise" not in row for row in joint)


def test_best_held_out_step_is_kept(folder: Path, tmp_path: Path) -> None:
    """With a policy, the parameters after the best-scoring step are what the phase leaves."""
    held_out = {"en": tiny.bag(tuple([5] * 40), seed=9)}
    changes = {
        "selection": Selection(held_out, every=2),
        "optimizer": OptimizerSettings("adamw", 0.05, {}),
        "schedule": LearningRateSchedule(),
    }
    end, log = carry_out(folder, "finetune", tmp_path / "phase", **changes)
    scores = {row["step"]: row["held_out_accuracy"] for row in log if "held_out_accuracy" in row}
    assert list(scores) == [2, 4, 6, 8, 10, 12]
    learner = tiny.load(folder, precision="fp32")
    learner.update(end)
    assert Selection(held_out, every=2).score(learner) == max(scores.values())
    assert len(set(scores.values())) > 1


@pytest.mark.parametrize("method", ["finetune", "joint"])
def test_resuming_keeps_the_best_step_so_far(method: str, folder: Path, tmp_path: Path) -> None:
    changes = {"selection": Selection({"en": tiny.bag(tuple([5] * 40), seed=9)}, every=2)}
    whole, log = carry_out(folder, method, tmp_path / "whole", **changes)

    def stop(progress: Progress) -> None:
        if progress.step == len(log) - 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        carry_out(folder, method, tmp_path / "stopped", stop, **changes)
    resumed, _ = carry_out(folder, method, tmp_path / "stopped", **changes)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


def test_a_loss_that_is_not_finite_names_step_and_remedy(folder: Path, tmp_path: Path) -> None:
    changes = {"optimizer": OptimizerSettings("sgd", 1e30, {}), "schedule": LearningRateSchedule()}
    with pytest.raises(Mistakes, match=r"phase adapt, step \d+: loss is (nan|inf) .*learning_rate"):
        carry_out(folder, "finetune", tmp_path / "phase", **changes)


def test_accumulation_changes_memory_and_not_the_gradient(folder: Path, tmp_path: Path) -> None:
    """Without dropout (whose masks follow the micro-batch) two parts of a batch add up to the whole."""
    learner = tiny.load(folder)
    params, batches = tiny.everything(learner), (tiny.batch(7, 9), tiny.batch(4, 6, seed=1))
    whole = learner.gradient(params, batches, tiny.OBJECTIVE, Key(0), train=False)
    learner.accumulation = 3
    parts = learner.gradient(params, batches, tiny.OBJECTIVE, Key(0), train=False)
    tiny.assert_close(parts.values, whole.values, 1e-10)
    assert float(parts.weight) == float(whole.weight) == 11
