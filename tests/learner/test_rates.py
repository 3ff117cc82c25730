"""Rates from what a recipe says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from isogloss.errors import Mistakes
from isogloss.learner.rates import resolve_rates

NAMES = ("embeddings", "layer.1", "layer.2", "layer.3", "head")


def test_one_rate_for_all_or_rates_by_group() -> None:
    assert resolve_rates(NAMES) == dict.fromkeys(NAMES, 1.0)
    assert resolve_rates(NAMES, 0.25) == dict.fromkeys(NAMES, 0.25)
    assert resolve_rates(NAMES, {"layer.2": 0.5}) == dict.fromkeys(NAMES, 1.0) | {"layer.2": 0.5}


def test_freezing_layers_by_number_and_groups_by_name() -> None:
    rates = resolve_rates(NAMES, freeze=[1, 3, "embeddings"])
    assert rates == {"embeddings": 0, "layer.1": 0, "layer.2": 1, "layer.3": 0, "head": 1}


@pytest.mark.parametrize(("bottom", "frozen"), [(0, 1), (2, 3), (3, 4)])
def test_freezing_from_the_bottom_takes_the_embeddings_too(bottom: int, frozen: int) -> None:
    assert list(resolve_rates(NAMES, freeze_bottom=bottom).values()) == [0.0] * frozen + [1.0] * (5 - frozen)


def test_decay_counts_down_from_the_head() -> None:
    rates = resolve_rates(NAMES, layer_decay=0.9)
    assert rates == pytest.approx(
        {"embeddings": 0.9**4, "layer.1": 0.9**3, "layer.2": 0.9**2, "layer.3": 0.9, "head": 1.0}
    )


def test_all_mistakes_are_found_at_once() -> None:
    with pytest.raises(Mistakes) as caught:
        resolve_rates(NAMES, {"layer.9": 2.0}, freeze=[7], freeze_bottom=4, layer_decay=0.0)
    text = str(caught.value)
    assert len(caught.value.mistakes) == 5
    for part in ('"layer.9"', "is 2.0", '"layer.7"', "no 4 layers", "decay is 0.0"):
        assert part in text


def test_not_a_number_is_no_rate() -> None:
    with pytest.raises(Mistakes):
        resolve_rates(NAMES, float("nan"))


def test_rates_need_no_torch() -> None:
    code = "import sys, isogloss.learner.rates; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
