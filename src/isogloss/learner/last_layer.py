"""The last layer of a BERT-like encoder, for a head that reads the first token alone.

Of the last layer's output such a head reads one position. Keys and values are needed of every token, but queries,
the feed-forward part and the norms of that one only: the logits are the same, for a twelfth less work with 12 layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from isogloss.learner.attention import attend


def first_token_forward(layer: nn.Module, wanted: Callable[[], bool]) -> Callable[..., Tensor]:
    """Return a forward for the last layer that computes the first token's output, [B, 1, H].

    Args:
        layer: a layer of BERT, RoBERTa or XLM-R.
        wanted: whether only the first token will be read; otherwise the layer computes all, [B, S, H].
    """
    whole: Callable[..., Tensor] = layer.forward

    def forward(hidden: Tensor, attention_mask: Tensor | None = None, *args: Any, **kwargs: Any) -> Tensor:
        if not wanted():
            return whole(hidden, attention_mask, *args, **kwargs)
        return _first(layer, hidden, attention_mask)

    return forward


def _first(layer: Any, hidden: Tensor, attention_mask: Tensor | None) -> Tensor:
    first, attention = hidden[:, :1], layer.attention.self

    def heads(projected: Tensor) -> Tensor:
        return projected.view(*projected.shape[:2], -1, attention.attention_head_size).transpose(1, 2)

    context, _ = attend(
        attention,
        heads(attention.query(first)),
        heads(attention.key(hidden)),
        heads(attention.value(hidden)),
        attention_mask,
        scaling=attention.scaling,
        dropout=attention.dropout.p,
    )
    attended = layer.attention.output(context.flatten(2), first)
    output: Tensor = layer.output(layer.intermediate(attended), attended)
    return output
