"""The worked objective of `docs/add_an_objective.md`: its losses are what they say, and a recipe carries it out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from examples import check_page, installed, loaded
from isogloss.data.batch import Batch
from isogloss.kinds.text_classification import TextClassification
from page import page

PAGE = page("add_an_objective")


def test_the_page_shows_the_code_that_is_there() -> None:
    check_page(PAGE, "focal")


def test_it_weighs_losses_by_how_wrong_the_example_is() -> None:
    """(1 − p)² · −log p, with p the probability of the right label, one loss an example."""
    logits = torch.tensor([[4.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 1])
    inputs = {"input_ids": torch.ones(3, 1, dtype=torch.long)}
    batch = Batch(inputs, {"labels": labels}, torch.arange(3), ("a", "b", "c"), ("en", "en", "de"))
    losses = loaded("focal").Focal(TextClassification())(lambda given: logits, batch)
    p = logits.softmax(-1)[torch.arange(3), labels]
    torch.testing.assert_close(losses, (1 - p) ** 2 * -p.log())


@pytest.mark.slow
def test_its_commands_do_what_they_say(tmp_path: Path) -> None:
    environment = installed("focal", tmp_path / "installed")
    smaller = {"examples = 2000": "examples = 100", "examples = 300": "examples = 40", "epochs = 3": "epochs = 1"}
    assert " focal " in PAGE.carry_out(tmp_path, smaller, python=False, **environment)
