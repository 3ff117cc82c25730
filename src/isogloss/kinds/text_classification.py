"""Text classification: one label for one text or a pair of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


class TextClassification:
    """One label for each text or pair of texts; one window an example.

    Attributes:
        name: the kind's name.
        version: changes whenever encoding, loss or prediction change what they compute.
        auto_class: the class of transformers whose heads serve this kind.
    """

    name = "text_classification"
    version = 1
    auto_class = "AutoModelForSequenceClassification"

    def encode(self, texts: Sequence[tuple[str, ...]], tokenizer: Any, max_length: int) -> dict[str, list[list[int]]]:
        """Turn texts into token numbers, without padding.

        Args:
            texts: one tuple of one or two texts an example.
            tokenizer: a fast tokenizer of transformers.
            max_length: how many tokens an example keeps at most; the longer text is cut first.

        Returns:
            For `input_ids`, and `token_type_ids` where the encoder reads them, one list an example.
        """
        columns = [list(column) for column in zip(*texts, strict=True)]
        encoded = tokenizer(
            *columns,
            truncation="longest_first",
            max_length=max_length,
            return_attention_mask=False,
            padding=False,
        )
        return {name: encoded[name] for name in ("input_ids", "token_type_ids") if name in encoded}

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return each example's cross-entropy, in float32 at least.

        Args:
            logits: [B, C].
            targets: indices of labels, [B].

        Returns:
            Losses in nats, [B].
        """
        import torch

        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return torch.nn.functional.cross_entropy(wide, targets, reduction="none")

    def predict(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return the index of the likeliest label of each example, [N], from logits [N, C]."""
        likeliest: NDArray[np.int64] = np.argmax(logits, axis=-1).astype(np.int64)
        return likeliest

    def metrics(
        self, labels: NDArray[np.integer[Any]], predictions: NDArray[np.integer[Any]], n_labels: int
    ) -> dict[str, float]:
        """Return accuracy and macro-F1, in percent.

        Macro-F1 is the plain mean of the F1 of all `n_labels` labels that occur among labels or predictions,
        as scikit-learn's `f1_score(average="macro")` has it; not the F1 of mean precision and mean recall.

        Args:
            labels: the right labels' indices, [N] with N > 0.
            predictions: the predicted labels' indices, [N].
            n_labels: C, the number of labels.
        """
        right = labels == predictions
        hits = np.bincount(labels[right], minlength=n_labels)
        total = np.bincount(labels, minlength=n_labels) + np.bincount(predictions, minlength=n_labels)
        f1 = 2 * hits[total > 0] / total[total > 0]
        return {"accuracy": 100 * float(right.mean()), "macro_f1": 100 * float(f1.mean())}
