"""Attention in blocks: its derivatives are those of attention written out, and so is what a key drops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from isogloss.keys import Key
from isogloss.learner import blockwise
from isogloss.learner.attention import attend
from isogloss.learner.dropout import Noise
from learner.test_attention import Carrier

EXAMPLES, HEADS, QUERIES, KEYS, SIZE = 2, 3, 3, 4, 2
ONE_HEAD = QUERIES * KEYS * 8  # bytes of its scores
# All in one, an example at a time, two heads at a time (so that one is left over), a head at a time.
BLOCKS = (1 << 20, HEADS * ONE_HEAD, 2 * ONE_HEAD, 1)


def drawn(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Queries, keys and values, laid out in memory as linear maps write them."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(EXAMPLES, length, HEADS, SIZE) for length in (QUERIES, KEYS, KEYS)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).transpose(1, 2) for shape in shapes]


def bias(name: str) -> Tensor | None:
    """What is added to the scores: nothing, for padding, or for each query."""
    if name == "none":
        return None
    padding = torch.zeros(EXAMPLES, 1, 1, KEYS, dtype=torch.float64)
    padding[1, :, :, -2:] = -1e38
    by_query = padding.expand(-1, -1, QUERIES, -1).clone()
    by_query[:, :, 0, 1] = -1e38
    return {"padding": padding, "by query": by_query, "for all examples": by_query[1:2]}[name]


def noise() -> Noise:
    shape = (EXAMPLES, HEADS, QUERIES, KEYS)
    return Noise(torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(1)), 90)


@pytest.fixture(params=BLOCKS)
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "_BLOCK", request.param)


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("added", ["none", "padding", "by query", "for all examples"])
@pytest.mark.usefixtures("block")
def test_it_has_the_slopes_that_it_says(*, drop: bool, added: str) -> None:
    """Against finite differences: of the context, and of its gradient."""
    of = tuple(one.requires_grad_() for one in drawn())

    def context(*of: Tensor) -> Tensor:
        return blockwise.attention(*of, bias(added), noise() if drop else None)

    assert torch.autograd.gradcheck(context, of)
    assert torch.autograd.gradgradcheck(context, of, fast_mode=True)


def derivatives(dtype: torch.dtype, *, dropout: float) -> list[Tensor]:
    """Context, gradient, and a product with the Hessian, of attention under a key."""
    carrier, of = Carrier(), [one.requires_grad_() for one in drawn(dtype)]
    with carrier.randomness.under(Key(0)):
        context, _ = attend(carrier, *of, bias("padding"), dropout=dropout)
    gradient = torch.autograd.grad(context.square().sum(), of, create_graph=True)
    product = torch.autograd.grad(gradient, of, [one.detach() for one in of])
    return [context.detach(), *(one.detach() for one in gradient), *product]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.usefixtures("block")
def test_large_scores_give_what_small_ones_do(
    dtype: torch.dtype, dropout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_out = derivatives(dtype, dropout=dropout)
    monkeypatch.setattr(blockwise, "LARGE", 0)
    in_blocks = derivatives(dtype, dropout=dropout)
    close = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.05}[dtype]
    for ours, theirs in zip(in_blocks, written_out, strict=True):
        assert ours.dtype == dtype
        torch.testing.assert_close(ours, theirs, atol=close * float(theirs.abs().max()), rtol=close)


def test_it_is_for_scores_that_the_allocator_does_not_keep() -> None:
    few, many = (torch.empty(count, 12, 384, 32) for count in (4, 5))
    assert not blockwise.is_large(few, few)
    assert blockwise.is_large(many, many)
    assert not blockwise.is_large(many[:, :, :1], many)


def test_a_bias_that_is_learned_has_its_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "LARGE", 0)
    learned = bias("by query")
    assert learned is not None
    context, _ = attend(Carrier(), *drawn(), learned.requires_grad_())
    (slope,) = torch.autograd.grad(context.square().sum(), learned)
    assert float(slope.abs().max()) > 0


def test_a_third_derivative_is_refused() -> None:
    """Its graph would leave out what the second derivative has of queries, keys and values."""
    of = tuple(one.requires_grad_() for one in drawn())
    context = blockwise.attention(*of, None, None)
    gradient = torch.autograd.grad(context.square().sum(), of, create_graph=True)
    with pytest.raises(RuntimeError, match="two derivatives"):
        torch.autograd.grad(gradient, of, [one.detach() for one in of], create_graph=True)


def test_nothing_as_large_as_the_scores_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the bytes that make the mask, which go where saved tensors go: a recomputed layer keeps none."""
    kept: list[Tensor] = []
    monkeypatch.setattr(blockwise, "LARGE", 0)
    of, carrier = [one.requires_grad_() for one in drawn()], Carrier()
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda one: kept.append(one) or one, lambda one: one)
    with hooks, carrier.randomness.under(Key(0)):
        context, _ = attend(carrier, *of, None, dropout=0.3)
        torch.autograd.grad(context.square().sum(), of, create_graph=True)
    scores = EXAMPLES * HEADS * QUERIES * KEYS
    assert max(one.numel() for one in kept if one.dtype != torch.uint8) <= EXAMPLES * HEADS * KEYS * SIZE < scores
    assert {one.numel() for one in kept if one.dtype == torch.uint8} == {scores}
