"""Text classification: encoding, loss, metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from isogloss import registry
from isogloss.data.rows import Rows
from isogloss.kinds.text_classification import TextClassification
from learner.tiny import bag

KIND = TextClassification()


def test_it_is_registered() -> None:
    assert registry.load("kinds", "text_classification") is TextClassification


@pytest.mark.parametrize("present", [4, 2])
def test_metrics_are_those_of_scikit_learn(present: int) -> None:
    generator = np.random.default_rng(0)
    labels, predictions = generator.integers(0, present, (2, 300))
    ours = KIND.metrics({"label": labels, "prediction": predictions})
    assert ours["accuracy"] == pytest.approx(100 * accuracy_score(labels, predictions))
    assert ours["macro_f1"] == pytest.approx(100 * f1_score(labels, predictions, average="macro"))


def test_a_label_that_is_never_predicted_counts_as_zero() -> None:
    outcome = {"label": np.array([0, 0, 1]), "prediction": np.array([0, 0, 0])}
    assert KIND.metrics(outcome)["macro_f1"] == pytest.approx(100 * (0.8 + 0) / 2)


def test_the_loss_is_one_number_an_example_in_float32() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]], dtype=torch.bfloat16)
    targets, example = {"labels": torch.tensor([0, 2])}, torch.arange(2)
    losses = KIND.loss(logits, targets, example)
    expected = -torch.log_softmax(logits.float(), 1)[[0, 1], [0, 2]]
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected)
    assert KIND.loss(logits.double(), targets, example).dtype == torch.float64


def test_predictions_are_the_likeliest_labels() -> None:
    sample = bag((3, 4))
    found = KIND.decode(sample, np.array([[0.1, 0.9, 0.0], [3.0, -1.0, 2.0]], dtype=np.float32))
    assert found.predictions.dtype == np.int64
    assert found.predictions.tolist() == [1, 0]
    outcome = KIND.outcome(sample, found)
    assert np.asarray(outcome["label"]).tolist() == sample.targets["labels"].tolist()
    assert np.asarray(outcome["prediction"]).tolist() == [1, 0]
    assert sum(np.asarray(outcome[f"p{label}"])[1] for label in range(3)) == pytest.approx(1)
    told = KIND.answers(sample, found, ("a", "b", "c"))
    assert told["predicted_label"] == ["b", "a"]
    assert told["predicted_probability"] == [pytest.approx(float(p), abs=5e-5) for p in found.probabilities.max(1)]


@pytest.mark.parametrize(
    ("right", "given", "alone"), [([0, 1], [1, 1], "b"), ([1, 1], [1, 1], None), ([0, 1], [1, 0], None)]
)
def test_one_label_for_examples_of_several_is_a_collapse(right: Any, given: Any, alone: Any) -> None:
    assert KIND.collapsed({"label": right, "prediction": given}, ("a", "b")) == alone


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
    nothing = np.array([5, 6])
    rows = Rows(np.array(["x", "y"]), examples, nothing, nothing, (), {}, "")
    encoded = KIND.encode(rows, tokenizer, max_length=7)
    assert tokenizer.texts == columns
    assert tokenizer.settings["max_length"] == 7
    assert tokenizer.settings["padding"] is False
    assert tokenizer.settings["truncation"] == "longest_first"
    assert encoded.inputs["input_ids"].tolist() == [1, 2, 3]
    assert encoded.inputs["token_type_ids"].tolist() == [0, 0, 0]
    assert encoded.offsets.tolist() == [0, 2, 3]
    assert encoded.windows.tolist() == [0, 1, 2]
    assert encoded.targets["labels"].tolist() == [5, 6]
