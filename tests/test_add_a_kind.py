"""The worked kind of `docs/add_a_kind.md`: its loss and predictions are what they say, and a recipe takes it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from examples import check_page, installed, loaded
from page import page

PAGE = page("add_a_kind")
GRADES = loaded("grades").Grades()
LOGITS = torch.randn(7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.tensor([0, 4, 2, 1, 3, 2, 0])


def test_the_page_shows_the_code_that_is_there() -> None:
    check_page(PAGE, "grades")
    assert [name for name, _ in PAGE.files] == ["data/train-en.csv", "data/test-sw.csv", "stars.toml"]


def test_the_loss_is_the_ranked_probability_score() -> None:
    """Written out: for each grade k, how far P(grade ≤ k) is from 1 if the right one is at most k, and from 0 else."""
    probabilities = LOGITS.softmax(-1)
    expected = [
        sum((float(row[: k + 1].sum()) - float(y <= k)) ** 2 for k in range(5))
        for row, y in zip(probabilities, LABELS.tolist(), strict=True)
    ]
    losses = GRADES.loss(LOGITS, {"labels": LABELS}, torch.arange(7))
    torch.testing.assert_close(losses, torch.tensor(expected, dtype=torch.float64))


def test_the_loss_is_less_the_nearer_a_wrong_grade_is() -> None:
    sure = 20 * torch.eye(5)
    losses = GRADES.loss(sure, {"labels": torch.zeros(5, dtype=torch.long)}, torch.arange(5))
    assert losses.tolist() == pytest.approx([0, 1, 2, 3, 4], abs=1e-4)


def test_the_median_is_nearest_on_average() -> None:
    """Of all grades none has a smaller expected distance; the likeliest often has."""
    scores = LOGITS.float().numpy()
    bag = SimpleNamespace(ids=np.array(list("abcdefg")), targets={"labels": LABELS.numpy()})
    predictions = GRADES.decode(bag, scores)
    distance = np.abs(np.arange(5)[:, None] - np.arange(5))
    expected = predictions.probabilities @ distance
    chosen = expected[np.arange(7), predictions.predictions]
    np.testing.assert_allclose(chosen, expected.min(axis=1), rtol=1e-5)
    assert (predictions.predictions != scores.argmax(axis=1)).any()


def test_within_one() -> None:
    outcome = {"label": np.array([0, 0, 4, 2]), "prediction": np.array([1, 2, 4, 2])}
    found = GRADES.metrics(outcome)
    assert (found["accuracy"], found["within_one"]) == (50, 75)
    assert next(iter(found)) == GRADES.primary


@pytest.mark.slow
def test_its_commands_do_what_they_say(tmp_path: Path) -> None:
    environment = installed("grades", tmp_path / "installed")
    printed = PAGE.carry_out(tmp_path, {"epochs = 10": "epochs = 1"}, python=False, **environment)
    assert "stars: within_one in percent" in printed
