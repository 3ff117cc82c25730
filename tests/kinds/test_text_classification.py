"""Text classification: encoding, loss, metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from isogloss import registry
from isogloss.kinds.text_classification import TextClassification

KIND = TextClassification()


def test_it_is_registered() -> None:
    assert registry.load("kinds", "text_classification") is TextClassification


@pytest.mark.parametrize("present", [4, 2])
def test_metrics_are_those_of_scikit_learn(present: int) -> None:
    generator = np.random.default_rng(0)
    labels, predictions = generator.integers(0, present, (2, 300))
    ours = KIND.metrics(labels, predictions, n_labels=4)
    assert ours["accuracy"] == pytest.approx(100 * accuracy_score(labels, predictions))
    assert ours["macro_f1"] == pytest.approx(100 * f1_score(labels, predictions, average="macro"))


def test_a_label_that_is_never_predicted_counts_as_zero() -> None:
    labels = np.array([0, 0, 1])
    assert KIND.metrics(labels, np.array([0, 0, 0]), n_labels=2)["macro_f1"] == pytest.approx(100 * (0.8 + 0) / 2)


def test_the_loss_is_one_number_an_example_in_float32() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]], dtype=torch.bfloat16)
    losses = KIND.loss(logits, torch.tensor([0, 2]))
    expected = -torch.log_softmax(logits.float(), 1)[[0, 1], [0, 2]]
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected)
    assert KIND.loss(logits.double(), torch.tensor([0, 2])).dtype == torch.float64


def test_predictions_are_the_likeliest_labels() -> None:
    predictions = KIND.predict(np.array([[0.1, 0.9], [3.0, -1.0]], dtype=np.float32))
    assert predictions.dtype == np.int64
    assert predictions.tolist() == [1, 0]


class _Tokenizer:
    """Records what it is asked."""

    def __call__(self, *texts: list[str], **settings: Any) -> dict[str, list[list[int]]]:
        self.texts, self.settings = texts, settings
        return {"input_ids": [[1, 2], [3]], "token_type_ids": [[0, 0], [0]]}


@pytest.mark.parametrize(
    ("examples", "columns"),
    [([("a",), ("b",)], (["a", "b"],)), ([("a", "b"), ("c", "d")], (["a", "c"], ["b", "d"]))],
)
def test_texts_and_pairs_are_encoded_without_padding(examples: Any, columns: Any) -> None:
    tokenizer = _Tokenizer()
    encoded = KIND.encode(examples, tokenizer, max_length=7)
    assert tokenizer.texts == columns
    assert tokenizer.settings["max_length"] == 7
    assert tokenizer.settings["padding"] is False
    assert tokenizer.settings["truncation"] == "longest_first"
    assert encoded == {"input_ids": [[1, 2], [3]], "token_type_ids": [[0, 0], [0]]}
