"""Attention: the same in evaluation, where it is fused, as where it can be differentiated."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from isogloss.keys import Key
from isogloss.learner import dropout
from isogloss.learner.attention import attend, padding_bias

SEEN = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]])


class Carrier(nn.Module):
    """Stands in for an attention module."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.randomness = dropout.install(self)


def inputs(dtype: torch.dtype, queries: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(3, 3, 2, len(SEEN[0]), 8, generator=generator).to(dtype)
    return drawn[0, :, :, :queries], drawn[1], drawn[2]


@pytest.mark.parametrize(
    ("dtype", "closeness"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.03)]
)
@pytest.mark.parametrize("queries", [5, 1])
@pytest.mark.parametrize("bias", ["none", "padding", "by query"])
def test_evaluation_is_what_training_differentiates(
    dtype: torch.dtype, closeness: float, queries: int, bias: str
) -> None:
    of = inputs(dtype, queries)
    mask = None
    if bias != "none":
        mask = padding_bias(
            batch_size=3, q_length=queries, kv_length=5, attention_mask=SEEN, allow_is_bidirectional_skip=True
        )
        assert mask is not None
    if bias == "by query":
        assert mask is not None
        mask = mask.expand(-1, -1, queries, -1).clone()
        mask[:, :, 0, 1] = torch.finfo(torch.bfloat16).min
    plain, _ = attend(Carrier(), *of, mask, scaling=0.7, dropout=0.5)
    with torch.inference_mode():
        fused, _ = attend(Carrier(), *of, mask, scaling=0.7, dropout=0.5)
    assert fused.shape == plain.shape == (3, queries, 2, 8)
    assert fused.dtype == dtype
    torch.testing.assert_close(fused, plain, atol=closeness, rtol=closeness)


def test_without_a_derivative_a_key_drops_the_same() -> None:
    of, carrier = inputs(torch.float64, 5), Carrier()
    with carrier.randomness.under(Key(0)):
        plain, _ = attend(carrier, *of, None, dropout=0.5)
    with carrier.randomness.under(Key(0)), torch.no_grad():
        again, _ = attend(carrier, *of, None, dropout=0.5)
    whole, _ = attend(carrier, *of, None, dropout=0.5)
    assert torch.equal(plain, again)
    assert not torch.allclose(plain, whole)
