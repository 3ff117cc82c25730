"""Text classification: one label for one text or a pair of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.data.flat import flattened, starts_of
from isogloss.kinds.base import Columns, Encoded

if TYPE_CHECKING:
    from torch import Tensor

    from isogloss.data.bag import Bag
    from isogloss.data.rows import Rows


class LabelPredictions(NamedTuple):
    """The labels of a bag's examples, in the bag's order.

    Attributes:
        ids: the examples' ids, [N].
        labels: the right labels' indices as the bag has them, [N].
        predictions: the predicted labels' indices, [N].
        logits: float32 [N, C].
    """

    ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    logits: NDArray[np.float32]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The softmax of the logits, float32 [N, C]."""
        scores: NDArray[np.float32] = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        return scores


class TextClassification:
    """One label for each text or pair of texts; one window an example."""

    name = "text_classification"
    version = 1
    auto_class = "AutoModelForSequenceClassification"
    pipeline_tag = "text-classification"
    widget: tuple[str, ...] = ("text",)
    gold: Literal["label", "answers"] = "label"
    reads_every_token = False
    settings: Mapping[str, Any] = {}
    primary = "accuracy"
    added = ("predicted_label", "predicted_probability")

    def check_language(self, language: str, where: str) -> None:
        """A label is right or wrong in every language."""

    def check_length(self, max_length: int, where: str) -> None:
        """Texts are cut to any length."""

    def head_size(self, labels: Sequence[str]) -> int:
        """Return C, the number of labels."""
        return len(labels)

    def encode(self, rows: Rows, tokenizer: Any, max_length: int) -> Encoded:
        """Turn texts into token numbers, without padding.

        Args:
            rows: one or two texts an example.
            tokenizer: a fast tokenizer of transformers.
            max_length: how many tokens an example keeps at most; the longer text is cut first.
        """
        columns = [list(column) for column in zip(*rows.texts, strict=True)]
        encoded = tokenizer(
            *columns,
            truncation="longest_first",
            max_length=max_length,
            return_attention_mask=False,
            padding=False,
        )
        lengths = np.fromiter(map(len, encoded["input_ids"]), dtype=np.int64, count=len(rows))
        inputs = {"input_ids": flattened(encoded["input_ids"], np.int32)}
        if "token_type_ids" in encoded:
            inputs["token_type_ids"] = flattened(encoded["token_type_ids"], np.uint8)
        assert rows.labels is not None, "the task of a kind that labels has labels"
        windows = np.arange(len(rows) + 1)
        return Encoded(windows, starts_of(lengths), inputs, {"labels": rows.labels}, aside={}, texts={})

    def logits(self, output: Any, mask: Tensor) -> Tensor:
        """Return the network's logits, [B, C]."""
        del mask
        logits: Tensor = output.logits
        return logits

    def loss(self, logits: Tensor, targets: Mapping[str, Tensor], example: Tensor) -> Tensor:
        """Return each example's cross-entropy, in float32 at least.

        Args:
            logits: [B, C].
            targets: `labels`, indices of labels, [B].
            example: 0 … B − 1.

        Returns:
            Losses in nats, [B].
        """
        import torch

        del example
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return torch.nn.functional.cross_entropy(wide, targets["labels"], reduction="none")

    def decode(self, bag: Bag, scores: NDArray[np.float32]) -> LabelPredictions:
        """Return the likeliest label of each example, from logits [N, C]."""
        likeliest = np.argmax(scores, axis=-1).astype(np.int64)
        return LabelPredictions(bag.ids, bag.targets["labels"], likeliest, scores)

    def tempered(self, predictions: LabelPredictions, temperature: float) -> LabelPredictions:
        """Return predictions with the probabilities of logits over a temperature; the likeliest labels stay."""
        return predictions._replace(logits=predictions.logits / np.float32(temperature))

    def outcome(self, bag: Bag, predictions: LabelPredictions) -> Columns:
        """Return label and prediction (indices, int16), and p0 … (probabilities, float32)."""
        del bag
        probabilities = predictions.probabilities
        return {
            "label": predictions.labels.astype(np.int16),
            "prediction": predictions.predictions.astype(np.int16),
            **{f"p{label}": probabilities[:, label] for label in range(probabilities.shape[1])},
        }

    def metrics(self, outcome: Columns) -> dict[str, float]:
        """Return accuracy and macro-F1, in percent.

        Macro-F1 is the plain mean of the F1 of all labels that occur among labels or predictions, as scikit-learn's
        `f1_score(average="macro")` has it; not the F1 of mean precision and mean recall.

        Args:
            outcome: `label` and `prediction`, [N] with N > 0.
        """
        labels, predictions = np.asarray(outcome["label"]), np.asarray(outcome["prediction"])
        right = labels == predictions
        n_labels = 1 + int(max(labels.max(), predictions.max()))
        hits = np.bincount(labels[right], minlength=n_labels)
        total = np.bincount(labels, minlength=n_labels) + np.bincount(predictions, minlength=n_labels)
        f1 = 2 * hits[total > 0] / total[total > 0]
        return {"accuracy": 100 * float(right.mean()), "macro_f1": 100 * float(f1.mean())}

    def collapsed(self, outcome: Columns, labels: Sequence[str]) -> str | None:
        """Return the label that every example is given, though not every one has it."""
        given = np.unique(outcome["prediction"])
        return labels[given[0]] if len(given) == 1 and len(np.unique(outcome["label"])) > 1 else None

    def answers(self, bag: Bag, predictions: LabelPredictions, labels: Sequence[str]) -> Columns:
        """Return the predicted label of each example, and its probability."""
        best = predictions.probabilities[np.arange(len(bag)), predictions.predictions]
        values = [labels[index] for index in predictions.predictions], [round(float(value), 4) for value in best]
        return dict(zip(self.added, values, strict=True))
