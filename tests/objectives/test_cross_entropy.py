"""The plain objective."""

from __future__ import annotations

import torch

from isogloss import registry
from isogloss.data.batch import Batch
from isogloss.kinds.text_classification import TextClassification
from isogloss.objectives.cross_entropy import CrossEntropy


def test_it_is_the_loss_of_the_kind_on_the_batch_as_it_is() -> None:
    assert registry.load("objectives", "cross_entropy") is CrossEntropy
    batch = Batch(
        {"input_ids": torch.tensor([[1], [2]])},
        {"labels": torch.tensor([1, 0])},
        torch.arange(2),
        ("a", "b"),
        ("en", "el"),
    )
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])

    def forward(given: Batch, *, embeddings: torch.Tensor | None = None) -> torch.Tensor:
        assert given is batch
        assert embeddings is None
        return logits

    losses = CrossEntropy(TextClassification())(forward, batch)  # type: ignore[arg-type]
    torch.testing.assert_close(
        losses, torch.nn.functional.cross_entropy(logits, batch.targets["labels"], reduction="none")
    )
