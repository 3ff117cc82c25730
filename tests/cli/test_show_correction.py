"""What `show` says of the second-order correction of a phase, from its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.conftest import Isogloss
from isogloss.store import RunSpec, Store


def logged(folder: Path, *phases: Sequence[float | None]) -> Path:
    """Return a store with a run whose phases have logged these corrections, a step each."""
    store = Store(folder / "store")
    keys = [f"{number}bbbbbbb" for number in range(len(phases))]
    for number, (key, corrections) in enumerate(zip(keys, phases, strict=True)):
        phase = store.phase(key)
        phase.begin({"name": f"meta_{number}"})
        for step, correction in enumerate(corrections, start=1):
            phase.log(step, loss=1.0, **({} if correction is None else {"correction": correction}))
    settings = {"name": "toy", "variants": [{"name": "maml"}]}
    store.run("aaaaaaaa").begin(RunSpec("toy", "maml", {}, {"meta_0": 0}, "0", keys, settings))
    return store.root


def corrections(isogloss: Isogloss, store: Path) -> list[str]:
    said = isogloss("show", "toy/maml@0", "--store", store)
    assert said.code == 0
    return [line for line in said.out.splitlines() if "correction" in line]


def test_median_and_largest_of_each_phase(isogloss: Isogloss, tmp_path: Path) -> None:
    """Red when the mean stands for the median, a share for a percentage, or one phase for another."""
    store = logged(tmp_path, [None, None], [0.052, 0.04, 0.134], [2e-5, 0.0, 4e-5, 1e-5])
    assert corrections(isogloss, store) == [
        "  correction of second order in meta_1: median 5.2 %, largest 13.4 % of the gradient's norm, over 3 steps",
        "  correction of second order in meta_2: median 0.0015 %, largest 0.004 % of the gradient's norm, over 4 steps",
    ]


@pytest.mark.parametrize("phase", [[None, None], [0.0, 0.0], []], ids=["other method", "first order", "no step yet"])
def test_no_line_where_there_is_no_correction(
    isogloss: Isogloss, tmp_path: Path, phase: Sequence[float | None]
) -> None:
    assert corrections(isogloss, logged(tmp_path, phase)) == []


def test_a_step_whose_correction_is_not_finite_is_left_out(isogloss: Isogloss, tmp_path: Path) -> None:
    (line,) = corrections(isogloss, logged(tmp_path, [float("nan"), 0.1]))
    assert line.endswith("median 10.0 %, largest 10.0 % of the gradient's norm, over 1 step")
