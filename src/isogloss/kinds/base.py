"""What every kind offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


class Kind(Protocol):
    """What a task asks of a model. Implementations import torch within their functions only.

    Attributes:
        name: the name under which the kind is registered.
        version: an integer that changes whenever the kind computes something else; part of content keys.
        auto_class: the class of transformers whose heads serve this kind.
    """

    name: str
    version: int
    auto_class: str

    def encode(self, texts: Sequence[tuple[str, ...]], tokenizer: Any, max_length: int) -> dict[str, list[list[int]]]:
        """Turn examples into windows of token numbers, without padding."""
        ...

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return one loss an example, in float32 at least."""
        ...

    def predict(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return the predictions for an array of logits."""
        ...

    def metrics(
        self, labels: NDArray[np.integer[Any]], predictions: NDArray[np.integer[Any]], n_labels: int
    ) -> dict[str, float]:
        """Return the kind's metrics by name."""
        ...
