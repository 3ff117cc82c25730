"""Attention in blocks, twice differentiable, keeping nothing as large as the scores.

Written out, attention passes over its [B, heads, S, T] scores some ten times forward and backward, keeps several of
them for the backward pass, and more for a Hessian-vector product: gigabytes at hundreds of tokens, which the C library
asks the system for anew each time. Here everything between the products happens to a few heads at a time, and what a
derivative needs of the scores is computed again from queries and keys (as FlashAttention does, Dao et al. 2022, though
by whole rows, with no running maximum).

With q the scaled queries, m the additive mask, D the dropout mask (ones and zeros) and ∘ the product of elements:

    P = softmax(q Kᵀ + m),  O = (P ∘ D) V

The first derivative, of ⟨O, g⟩ for a cotangent g, with r the row sums of P ∘ dP:

    dP = (g Vᵀ) ∘ D,  dS = P ∘ (dP − r),  dq = dS K,  dK = dSᵀ q,  dV = (P ∘ D)ᵀ g

The second, of ⟨dq, a⟩ + ⟨dK, b⟩ + ⟨dV, c⟩ for cotangents a, b, c, with A = a Kᵀ + q bᵀ and α the row sums of P ∘ A:

    E = P ∘ (A − α)                              (what dP gets)
    F = dP ∘ (A − α) − r A + (g cᵀ) ∘ D          (what P gets)
    G = P ∘ (F − row sums of P ∘ F)              (what the scores get)
    to q: dS b + G K,  to K: dSᵀ a + Gᵀ q,  to V: (E ∘ D)ᵀ g,  to g: (E ∘ D) V + (P ∘ D) c
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from isogloss.learner.dropout import Noise

# Bytes of scores beyond which glibc never keeps memory for the next time (its greatest threshold for mmap).
LARGE = 32 << 20
_BLOCK = 4 << 20  # bytes of the scores of a block

Block = tuple[slice, slice]


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, noise: Noise | None) -> Tensor:
    """Return the context [B, heads, S, D] of every query, softmax(q Kᵀ + bias) V, on a CPU.

    Args:
        query: scaled, [B, heads, S, D].
        key: [B, heads, T, D].
        value: [B, heads, T, D].
        bias: added to the scores, [1 or B, 1 or heads, 1 or S, T], a constant; none where nothing is padded.
        noise: what is dropped of the weights, [B, heads, S, T]; the others are not scaled here.
    """
    if bias is not None:
        bias = bias.expand(*query.shape[:2], -1, -1)
    drawn, dropped = noise or (None, 0)
    context: Tensor = _Attention.apply(query, key, value, bias, drawn, dropped)  # type: ignore[no-untyped-call]
    return context


def is_large(query: Tensor, key: Tensor) -> bool:
    """Return whether the scores of queries [B, heads, S, D] and keys [B, heads, T, D] are large."""
    return query.shape[:3].numel() * key.shape[2] * query.element_size() > LARGE


class _Rest(NamedTuple):
    """What attention has besides queries, keys and values, and no derivative is taken of."""

    bias: Tensor | None
    drawn: Tensor | None  # bytes of noise
    dropped: int

    def kept(self, block: Block, dtype: torch.dtype) -> Tensor | None:
        """Return the dropout mask of a block, ones and zeros; none where nothing is dropped."""
        return None if self.drawn is None else Noise(self.drawn[block], self.dropped).mask(dtype)

    def weights(self, query: Tensor, key: Tensor, block: Block) -> Tensor:
        """Return the attention weights of a block before dropout, in the format of the queries."""
        scores = torch.matmul(query, key.transpose(2, 3))
        if self.bias is not None:
            scores += self.bias[block]
        return torch.softmax(scores, -1, dtype=_wide(scores.dtype)).to(scores.dtype)


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, drawn: Tensor | None, dropped: int
    ) -> Tensor:
        ctx.save_for_backward(query, key, value, bias, drawn)
        ctx.dropped = dropped
        rest = _Rest(bias, drawn, dropped)
        context = _like(query)
        for block in _blocks(query, key):
            weights = rest.weights(query[block], key[block], block)
            context[block] = torch.matmul(_times(weights, rest.kept(block, weights.dtype)), value[block])
        return context

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        slopes = _Derivative.apply(cotangents[0], *ctx.saved_tensors, ctx.dropped)  # type: ignore[no-untyped-call]
        return *slopes, None, None, None


class _Derivative(torch.autograd.Function):
    @staticmethod
    def forward(  # noqa: PLR0917
        ctx: Any,
        cotangent: Tensor,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bias: Tensor | None,
        drawn: Tensor | None,
        dropped: int,
    ) -> Any:
        ctx.save_for_backward(cotangent, query, key, value, bias, drawn)
        ctx.dropped = dropped
        rest = _Rest(bias, drawn, dropped)
        to_query, to_key, to_value = map(_like, (query, key, value))
        for block in _blocks(query, key):
            q, k, v, g = query[block], key[block], value[block], cotangent[block]
            weights = rest.weights(q, k, block)
            kept = rest.kept(block, weights.dtype)
            to_weights = _times(torch.matmul(g, v.transpose(2, 3)), kept)
            to_scores = torch._softmax_backward_data(to_weights, weights, -1, weights.dtype)
            to_query[block] = torch.matmul(to_scores, k)
            to_key[block] = torch.matmul(to_scores.transpose(2, 3), q)
            to_value[block] = torch.matmul(_times(weights, kept).transpose(2, 3), g)
        return to_query, to_key, to_value

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError("attention in blocks has two derivatives, and no graph of the second to take a third of")
        cotangent, query, key, value, bias, drawn = ctx.saved_tensors
        rest = _Rest(bias, drawn, ctx.dropped)
        to_cotangent, to_query, to_key, to_value = map(_like, (cotangent, query, key, value))
        for block in _blocks(query, key):
            q, k, v, g = query[block], key[block], value[block], cotangent[block]
            a, b, c = (each[block] for each in cotangents)
            weights = rest.weights(q, k, block)
            kept, narrow = rest.kept(block, weights.dtype), weights.dtype
            p = weights.to(_wide(narrow))
            dp = _times(torch.matmul(g, v.transpose(2, 3)), kept).to(p.dtype)
            r = _row_products(p, dp)
            directions = torch.matmul(torch.cat((a, q), -1), torch.cat((k, b), -1).transpose(2, 3)).to(p.dtype)
            centred = directions - _row_products(p, directions)
            to_p = _times(torch.matmul(g, c.transpose(2, 3)), kept).to(p.dtype)
            to_p.addcmul_(dp, centred).addcmul_(r, directions, value=-1)
            to_scores = torch._softmax_backward_data(to_p, p, -1, p.dtype).to(narrow)
            to_dp = _times(centred.mul_(p).to(narrow), kept)
            of_scores = dp.sub_(r).mul_(p).to(narrow)
            to_query[block] = torch.matmul(of_scores, b) + torch.matmul(to_scores, k)
            to_key[block] = torch.matmul(of_scores.transpose(2, 3), a) + torch.matmul(to_scores.transpose(2, 3), q)
            to_value[block] = torch.matmul(to_dp.transpose(2, 3), g)
            to_cotangent[block] = torch.matmul(to_dp, v) + torch.matmul(_times(weights, kept), c)
        return to_cotangent, to_query, to_key, to_value, None, None, None


def _blocks(query: Tensor, key: Tensor) -> Iterator[Block]:
    """Yield which examples and heads to compute together: several examples whole, or some heads of one."""
    examples, heads, length, _ = query.shape
    at_once = max(1, _BLOCK // (length * key.shape[2] * query.element_size()))
    if at_once >= heads:
        step = at_once // heads
        for start in range(0, examples, step):
            yield slice(start, start + step), slice(None)
    else:
        for example in range(examples):
            for start in range(0, heads, at_once):
                yield slice(example, example + 1), slice(start, start + at_once)


def _like(of_heads: Tensor) -> Tensor:
    """Return an empty [B, heads, S, D] that lies in memory as [B, S, heads, D], as linear maps read and write it."""
    examples, heads, length, size = of_heads.shape
    return of_heads.new_empty(examples, length, heads, size).transpose(1, 2)


def _times(values: Tensor, mask: Tensor | None) -> Tensor:
    """Multiply in place, if there is a mask."""
    return values if mask is None else values.mul_(mask)


def _row_products(left: Tensor, right: Tensor) -> Tensor:
    """Return the sums of products over the last dimension, kept as one of 1."""
    sums: Tensor = torch.linalg.vecdot(left, right)
    return sums.unsqueeze(-1)


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
