"""Attention for learners: plain mathematics that can be differentiated twice, with dropout under a key.

Registered with transformers under the name "isogloss". The library's default, fused attention has no second
derivative on a CPU when nothing is dropped, and its backward pass is slower there at the lengths of
sentences. Where there is none, in evaluation, it is what computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from isogloss.learner import blockwise
from isogloss.learner.dropout import drops, keep_mask, keep_noise

NAME = "isogloss"

# That float32 knows too. Its own lowest would become −∞ in bfloat16, and attention that sees padding alone NaN.
_LOWEST = torch.finfo(torch.bfloat16).min


def attend(  # noqa: PLR0917 -- transformers' signature
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Return the context of every query, softmax(Q Kᵀ · scaling + mask) V.

    Args:
        module: the attention module, which carries randomness and site (`isogloss.learner.dropout.install`).
        query: [B, heads, S, head size].
        key: [B, heads, S, head size].
        value: [B, heads, S, head size].
        attention_mask: added to the scores; broadcastable to [B, heads, S, S]; none where nothing is padded.
        scaling: factor of the scores; 1 / √(head size) if not given.
        dropout: the share of attention weights to drop.

    Returns:
        The context [B, S, heads, head size]; and nothing in the place of the weights.
    """
    if scaling is None:
        scaling = query.shape[-1] ** -0.5
    if attention_mask is not None:
        attention_mask = attention_mask.to(query.dtype)
    randomness: Any = module.isogloss_randomness
    site: Any = module.isogloss_site
    if not torch.is_grad_enabled() and not drops(randomness, dropout):
        fused = nn.functional.scaled_dot_product_attention
        return fused(query, key, value, attn_mask=attention_mask, scale=scaling).transpose(1, 2), None
    query = query * scaling
    learned_bias = attention_mask is not None and attention_mask.requires_grad
    if query.device.type == "cpu" and blockwise.is_large(query, key) and not learned_bias:
        noise, scale = keep_noise(randomness, site, dropout, (*query.shape[:3], key.shape[2])) or (None, 1.0)
        return (blockwise.attention(query, key, value, attention_mask, noise) * scale).transpose(1, 2), None
    scores = torch.matmul(query, key.transpose(2, 3))
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = softmax(scores)
    kept = keep_mask(randomness, site, dropout, weights)
    if kept is None:
        context = torch.matmul(weights, value)
    else:
        mask, scale = kept
        context = torch.matmul(weights * mask, value) * scale
    return context.transpose(1, 2), None


class _NarrowSoftmax(torch.autograd.Function):
    """Softmax over the last dimension, computed in float32 for scores of fewer bits.

    On a CPU this is faster than the softmax in bfloat16. Leaving the conversions to automatic differentiation would
    double the passes over the scores, and keep a float32 copy of them for the backward pass.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(scores.dtype)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (weights,) = ctx.saved_tensors
        return torch._softmax_backward_data(gradients[0], weights, -1, weights.dtype)


def softmax(scores: Tensor) -> Tensor:
    """Return the softmax over the last dimension, in the format of the scores; twice differentiable."""
    if scores.dtype in (torch.float32, torch.float64):
        return torch.softmax(scores, dim=-1)
    weights: Tensor = _NarrowSoftmax.apply(scores)  # type: ignore[no-untyped-call]
    return weights


def padding_bias(
    *,
    batch_size: int,
    q_length: int,
    kv_length: int,
    attention_mask: Tensor | None = None,
    allow_is_bidirectional_skip: bool = False,
    local_size: int | None = None,
    dtype: torch.dtype = torch.float32,
    **others: Any,
) -> Tensor | None:
    """Return what is added to the scores, [B, 1, 1, S]: 0 for tokens and the lowest number for padding.

    Nothing where no token is padded. A mask that depends on the query as well (a sliding window shorter than
    the sequence) is [B, 1, S, S].
    """
    plain = allow_is_bidirectional_skip and (local_size is None or kv_length < local_size)
    if not plain:
        bias: Tensor = eager_mask(
            batch_size=batch_size,
            q_length=q_length,
            kv_length=kv_length,
            attention_mask=attention_mask,
            dtype=dtype,
            **others,
        )
        return bias.clamp(min=_LOWEST)
    if attention_mask is None or bool(attention_mask.all()):
        return None
    hidden = ~attention_mask.bool()[:, None, None, :]
    return torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill_(hidden, _LOWEST)


def register(attention: Callable[..., Any] = attend, mask: Callable[..., Any] = padding_bias) -> None:
    """Make the attention known to transformers."""
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, mask)
