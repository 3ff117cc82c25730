"""The learning rate over a phase, against the schedules of torch and transformers where they mean the same."""

from __future__ import annotations

import math

import pytest

from isogloss.training.schedule import LearningRateSchedule


def factors(name: str, warmup: float, steps: int) -> list[float]:
    schedule = LearningRateSchedule(name, warmup)  # type: ignore[arg-type]
    return [schedule(step, steps) for step in range(steps)]


def test_constant_stays_at_one() -> None:
    assert factors("constant", 0.0, 7) == [1.0] * 7


def test_linear_falls_evenly_and_would_reach_zero_one_step_after_the_last() -> None:
    assert factors("linear", 0.0, 4) == [1.0, 0.75, 0.5, 0.25]


def test_warmup_rises_evenly_to_one() -> None:
    assert factors("linear", 0.5, 8)[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_cosine_is_half_way_down_in_the_middle() -> None:
    values = factors("cosine", 0.0, 100)
    assert values[0] == 1.0
    assert values[50] == pytest.approx(0.5)
    assert values[25] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))


@pytest.mark.parametrize("name", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 17])
def test_every_step_moves(name: str, warmup: float, steps: int) -> None:
    assert all(0 < factor <= 1 for factor in factors(name, warmup, steps))
