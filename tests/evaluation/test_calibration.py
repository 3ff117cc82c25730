"""One temperature, the calibration error and accuracy at coverage, against closed forms and another implementation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import multiclass_calibration_error

from isogloss.errors import Mistakes
from isogloss.evaluation.calibration import (
    Calibration,
    coverage_curve,
    expected_calibration_error,
    fit_temperature,
    label_probabilities,
    tempered,
)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def drawn(probabilities: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Labels drawn by these probabilities, so that they are calibrated."""
    below = probabilities.cumsum(axis=1)
    return np.minimum((below < generator.random((len(below), 1))).sum(axis=1), below.shape[1] - 1)


def test_a_temperature_is_that_of_softmax() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (20, 4))
    for temperature in (0.3, 1.0, 2.5):
        assert np.abs(tempered(softmax(logits), temperature) - softmax(logits / temperature)).max() < 1e-12
    assert (tempered(softmax(logits), None) == softmax(logits)).all()


def test_the_temperature_has_its_closed_form() -> None:
    """All rows p = (0.9, 0.1), 7 of 10 right: likelihood is greatest where p^(1/T) over its sum is 0.7."""
    probabilities, labels = np.tile([0.9, 0.1], (10, 1)), np.array([0] * 7 + [1] * 3)
    fit = fit_temperature(probabilities, labels)
    assert fit.temperature == pytest.approx(np.log(9) / np.log(7 / 3), rel=1e-5)
    assert fit.nll_before == pytest.approx(-0.7 * np.log(0.9) - 0.3 * np.log(0.1))
    assert fit.nll_after == pytest.approx(-0.7 * np.log(0.7) - 0.3 * np.log(0.3))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature: float) -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 2, (20_000, 5))
    labels = drawn(softmax(logits / temperature), generator)
    fit = fit_temperature(softmax(logits).astype(np.float32), labels)
    assert fit.temperature == pytest.approx(temperature, rel=0.04)
    right = logits.argmax(axis=1) == labels
    before, after = (tempered(softmax(logits), one).max(axis=1) for one in (None, fit.temperature))
    assert expected_calibration_error(after, right) < 0.012
    assert temperature == 1 or expected_calibration_error(before, right) > 0.1


def test_a_temperature_stays_within_bounds() -> None:
    sure = np.tile([0.8, 0.2], (60, 1))
    assert fit_temperature(sure, np.zeros(60, int)).temperature == 0.05
    assert fit_temperature(sure, np.ones(60, int)).temperature == 20


def test_the_calibration_error_by_hand() -> None:
    """Bins are open below and closed above: 3/15 belongs to the third, what is above it to the fourth."""
    confidence, right = np.array([3 / 15, 3 / 15 + 1e-9, 0.95, 0.99]), np.array([1, 0, 1, 0])
    by_hand = (abs(1 - 3 / 15) + abs(0 - 3 / 15) + abs(1 - 0.95 - 0.99)) / 4
    assert expected_calibration_error(confidence, right) == pytest.approx(by_hand, abs=1e-8)
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([0, 1])) == 0  # the ends belong to the outer bins


def test_the_calibration_error_is_that_of_another_implementation() -> None:
    generator = np.random.default_rng(2)
    probabilities = softmax(generator.normal(0, 2, (500, 4)))
    labels = generator.integers(0, 4, 500)
    theirs = multiclass_calibration_error(torch.tensor(probabilities), torch.tensor(labels), 4, n_bins=15, norm="l1")
    right = probabilities.argmax(axis=1) == labels
    assert expected_calibration_error(probabilities.max(axis=1), right) == pytest.approx(float(theirs), abs=1e-6)


def test_accuracy_at_coverage_by_hand() -> None:
    confidence, right = np.array([0.5, 0.6, 0.7, 0.9]), np.array([False, True, False, True])
    assert coverage_curve(confidence, right, [0.0, 0.6, 0.7, 0.8, 0.95]) == [
        (0.0, 1.0, 0.5),
        (0.6, 0.75, 2 / 3),  # at least so confident: 0.6 is answered
        (0.7, 0.5, 0.5),
        (0.8, 0.25, 1.0),
        (0.95, 0.0, None),
    ]


def test_kept_probabilities_stand_in_the_order_of_labels() -> None:
    columns = {"prediction": [1], **{f"p{label}": [label / 100] for label in (10, 2, 1, 0, *range(3, 10))}}
    assert label_probabilities(columns, "here").tolist() == [[label / 100 for label in range(11)]]
    with pytest.raises(Mistakes, match=r"here: .*without probabilities"):
        label_probabilities({"prediction": [1], "premise": ["a"]}, "here")


def test_a_calibration_says_what_it_is() -> None:
    made = Calibration(1.5, "", "xnli", "validation", ("en",), 2490, 0.9, 0.8)
    assert Calibration.of(made.plain()) == made
    assert str(made) == (
        "probabilities are calibrated: temperature 1.500, fitted on 2,490 validation rows of xnli in en"
    )
    assert "before" in str(Calibration.of(None))
    assert str(Calibration(None, "why")) == "probabilities are raw: why"
