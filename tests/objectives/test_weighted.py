"""Labels that do not count alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from isogloss.objectives.weighted import Weighted, balanced


class _Bag:
    labels = ("a", "b", "c", "d")

    def __init__(self, targets: list[int]) -> None:
        self.targets = {"labels": np.array(targets)}


class _Batch:
    def __init__(self) -> None:
        self.targets = {"labels": torch.tensor([2, 0, 0])}


class _Losses:
    version = 4

    def __call__(self, forward: object, batch: object) -> torch.Tensor:
        return torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)


def test_balanced_weights_are_scikit_learns_and_1_on_average() -> None:
    labels = [0, 0, 0, 0, 0, 2, 2, 3]
    found = balanced([_Bag(labels[:3]), _Bag(labels[3:])])  # type: ignore[list-item]
    wanted = compute_class_weight("balanced", classes=np.array([0, 2, 3]), y=np.array(labels))
    np.testing.assert_allclose(found[[0, 2, 3]].numpy(), wanted, rtol=1e-6)
    assert found[1] == 0
    assert found[torch.tensor(labels)].mean().item() == pytest.approx(1, rel=1e-6)


def test_each_loss_is_weighed_by_its_own_label() -> None:
    objective = Weighted(_Losses(), torch.tensor([0.5, 7.0, 2.0]))  # type: ignore[arg-type]
    losses = objective(None, _Batch())  # type: ignore[arg-type]
    assert losses.tolist() == [2.0, 1.0, 1.5]
    assert losses.requires_grad
    assert losses.dtype == torch.float64
    assert objective.version == 4
