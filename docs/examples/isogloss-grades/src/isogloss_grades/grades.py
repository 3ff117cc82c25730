"""Labels in an order, such as one to five stars: to be wrong by one is better than to be wrong by four."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isogloss.kinds.base import Columns
from isogloss.kinds.text_classification import LabelPredictions, TextClassification

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag


class Grades(TextClassification):
    """One grade for each text or pair of texts; the task's labels are in their order.

    What it does not say differently is as in text classification: how a text is encoded, what is kept of a prediction.
    """

    name = "grades"
    version = 1

    def loss(self, logits: Tensor, targets: Mapping[str, Tensor], example: Tensor) -> Tensor:
        """Return each example's ranked probability score (Epstein 1969), in float32 at least.

        Σ_k (P(grade ≤ k) − [y ≤ k])²: 0 where all probability is on the right grade, the less the nearer it is.

        Args:
            logits: [B, C].
            targets: `labels`, indices of grades, [B].
            example: 0 … B − 1.

        Returns:
            Losses, [B].
        """
        import torch

        del example
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        at_most = wide.softmax(-1).cumsum(-1)
        is_at_most = torch.arange(wide.shape[-1], device=wide.device) >= targets["labels"][:, None]
        return (at_most - is_at_most.to(wide)).square().sum(-1)

    def decode(self, bag: Bag, scores: NDArray[np.float32]) -> LabelPredictions:
        """Return each example's median grade, from logits [N, C]: no other is nearer on average."""
        likeliest = super().decode(bag, scores)
        median = (likeliest.probabilities.cumsum(axis=1) >= 0.5).argmax(axis=1)
        return likeliest._replace(predictions=median.astype(np.int64))

    def metrics(self, outcome: Columns) -> dict[str, float]:
        """Return accuracy and macro-F1, and the share that is wrong by one grade at most, in percent."""
        wrong_by = np.abs(np.asarray(outcome["label"]) - np.asarray(outcome["prediction"]))
        return {**super().metrics(outcome), "within_one": 100 * float((wrong_by <= 1).mean())}
