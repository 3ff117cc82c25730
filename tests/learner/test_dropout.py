"""Dropout under a key: how much it drops, and what decides."""

from __future__ import annotations

import math

import pytest
import torch

from isogloss.keys import Key
from isogloss.learner import dropout

KEY = Key(1, "p", 3, "dropout")


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3, 0.5])
def test_the_share_dropped_is_the_rate_and_the_mean_is_kept(rate: float) -> None:
    randomness = dropout.Randomness()
    layer = dropout.KeyedDropout(rate, randomness, site=0)
    count = 400_000
    with randomness.under(KEY):
        kept = layer(torch.ones(count, dtype=torch.float64))
    dropped = float((kept == 0).double().mean())
    quantum, scale = dropout.quantised(rate)
    assert abs(quantum / 256 - rate) <= 1 / 512
    assert abs(dropped - quantum / 256) < 5 * math.sqrt(rate * (1 - rate) / count)
    assert set(kept.unique().tolist()) == {0.0, scale}
    assert scale * (1 - quantum / 256) == pytest.approx(1, rel=1e-15)


def test_a_mask_depends_on_key_site_and_turn_and_on_nothing_else() -> None:
    like = torch.ones(1000)

    def mask(key: Key = KEY, site: int = 0, turn: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        draws = dropout.Draws(key)
        return [draws.mask(site, like.shape, 26, like.to(dtype)) for _ in range(turn + 1)][-1]

    assert torch.equal(mask(), mask())
    assert torch.equal(mask(), mask(dtype=torch.bfloat16).float())
    others = [mask(KEY._replace(seed=2)), mask(KEY._replace(micro_batch=1)), mask(site=1), mask(turn=1)]
    for other in others:
        shared = float(((1 - mask()) * (1 - other)).mean())
        assert shared == pytest.approx((26 / 256) ** 2, abs=0.01)


def test_nothing_is_dropped_without_a_key_or_a_rate() -> None:
    randomness = dropout.Randomness()
    inputs = torch.ones(100)
    assert dropout.KeyedDropout(0.5, randomness, 0)(inputs) is inputs
    with randomness.under(KEY):
        assert dropout.KeyedDropout(0.0, randomness, 0)(inputs) is inputs
        with randomness.under(None):
            assert dropout.KeyedDropout(0.5, randomness, 0)(inputs) is inputs
        assert not torch.equal(dropout.KeyedDropout(0.5, randomness, 0)(inputs), inputs)
    assert randomness.draws is None


def test_every_place_of_a_network_has_a_number_of_its_own() -> None:
    network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Sequential(torch.nn.Dropout(0.5)))
    randomness = dropout.install(network)
    assert not any(isinstance(module, torch.nn.Dropout) for module in network.modules())
    with randomness.under(KEY):
        first = network[0](torch.ones(1000))
        second = network[1](torch.ones(1000))
    assert not torch.equal(first, second)
