"""Accuracy without labels: closed forms, worlds in which the estimators must hold, and one in which they must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isogloss.evaluation.unlabelled import Answered, above, agreement, estimate, left_out, threshold

ROWS, LABELS = 3000, 4


def one_language(
    generator: np.random.Generator, hardness: float, *, seeds: int = 2, belief: float | None = None
) -> Answered:
    """Rows with a law over labels each, from which the label and every seed's prediction are drawn.

    Then E[agreement] = E[accuracy] = mean Σ q². With a `belief`, confidence is the greatest probability of the law at
    that hardness: the same in every language.
    """
    noise = generator.normal(0, 1, (ROWS, LABELS))

    def law(at: float) -> np.ndarray:
        scores = np.exp(noise / at)
        return scores / scores.sum(axis=1, keepdims=True)

    q = law(hardness)
    draws = [(q.cumsum(axis=1)[:, :-1] < generator.random((ROWS, 1))).sum(axis=1) for _ in range(seeds + 1)]
    drawn = np.array(draws)
    labels, predictions = drawn[0], drawn[1:]
    if belief is None:
        confidence = np.stack([q[np.arange(ROWS), one] for one in predictions])
    else:
        confidence = np.stack([law(belief).max(axis=1)] * seeds)
    return Answered(confidence, predictions, predictions == labels)


def world(seed: int, hardness: list[float], *, seeds: int = 2, believed: bool = True) -> dict[str, Answered]:
    generator = np.random.default_rng(seed)
    beliefs = [None if believed else 0.5 for _ in hardness]
    return {
        f"l{number}": one_language(generator, hard, seeds=seeds, belief=belief)
        for number, (hard, belief) in enumerate(zip(hardness, beliefs, strict=True))
    }


HARDNESS = [0.15, 0.25, 0.35, 0.5, 0.7, 0.9, 1.2]


def test_agreement_by_hand() -> None:
    predictions = np.array([[0, 1, 2, 2], [0, 1, 1, 1], [0, 0, 1, 2]])  # pairs agree on 2, 2 and 2 of 4
    assert agreement(predictions) == pytest.approx((2 + 2 + 2) / 12)
    assert agreement(predictions[:1]) is None


def test_agreement_is_accuracy_where_seeds_and_labels_are_drawn_alike() -> None:
    """The identity of Jiang et al. 2022: both are the mean of Σ q²."""
    for one in world(0, HARDNESS).values():
        assert agreement(one.predictions) == pytest.approx(one.accuracy, abs=0.025)


def test_the_threshold_by_hand() -> None:
    """Three of five right: the three surest reach it; where languages differ in size, they weigh the same."""
    confidence = np.array([[0.9, 0.5, 0.8, 0.6, 0.7]])
    one = Answered(confidence, np.zeros((1, 5), int), np.array([[True, True, False, True, False]]))
    assert threshold([one], 0) == 0.7
    assert above(one, [0.7]) == pytest.approx(0.6)
    sure = Answered(np.full((1, 20), 0.95), np.zeros((1, 20), int), np.zeros((1, 20), bool))
    # Accuracy 0.3 over both: 0.6 · half the weight, and the 20 rows of 0.95 have half of it.
    assert threshold([one, sure], 0) == 0.95
    assert threshold([replace(one, right=np.ones((1, 5), bool))], 0) == 0.5
    assert threshold([sure], 0) == np.inf
    assert above(sure, [np.inf]) == 0


def test_thresholded_confidence_is_the_accuracy_where_it_was_set() -> None:
    languages = list(world(1, HARDNESS).values())
    thresholds = [threshold(languages, seed) for seed in range(2)]
    assert np.mean([above(one, thresholds) for one in languages]) == pytest.approx(
        np.mean([one.accuracy for one in languages]), abs=1e-3
    )


def test_where_calibration_holds_the_error_is_small_and_reported_so() -> None:
    answered = world(2, HARDNESS)
    spread = np.std([one.accuracy for one in answered.values()])
    assert spread > 0.15
    for language, found in left_out(answered).items():
        assert found.accuracy == pytest.approx(answered[language].accuracy, abs=0.05)
        assert found.mean_absolute_error is not None
        assert found.mean_absolute_error < 0.025
        assert found.errors["mean"] > 0.12  # the simple thing knows nothing of the language
        assert found.languages == 6


def test_where_it_does_not_hold_the_error_says_so() -> None:
    """Confidence alike in every language: the threshold and the mean confidence tell nothing, agreement still does."""
    answered = world(3, HARDNESS, believed=False)
    (found, *_) = left_out(answered).values()
    assert found.errors["agreement"] < 0.02
    assert found.errors["atc"] > 0.08 < found.errors["confidence"]
    # One seed: nothing but confidence, and the reported error is that large.
    alone = {name: replace(one, predictions=one.predictions[:1], confidence=one.confidence[:1], right=one.right[:1])
             for name, one in answered.items() if one.right is not None}  # fmt: skip
    (found, *_) = left_out(alone).values()
    assert "agreement" not in found.parts
    assert found.mean_absolute_error == pytest.approx(found.errors["atc"])
    assert found.mean_absolute_error > 0.08


def test_the_reported_error_is_that_of_leaving_each_language_out() -> None:
    answered = world(4, HARDNESS)
    target = answered.pop("l3")
    found = estimate(answered, target)
    each = [abs(one.accuracy - answered[name].accuracy) for name, one in left_out(answered).items() if one.accuracy]
    assert found.mean_absolute_error == pytest.approx(np.mean(each))
    assert found.accuracy == pytest.approx((found.parts["atc"] + found.parts["agreement"]) / 2)


def test_no_label_of_the_target_is_read() -> None:
    answered = world(5, HARDNESS)
    target = answered.pop("l1")
    assert target.right is not None
    assert estimate(answered, target) == estimate(answered, replace(target, right=None))
    assert estimate(answered, target) == estimate(answered, replace(target, right=~target.right))


def test_languages_trained_on_bear_no_error() -> None:
    answered = world(6, HARDNESS)
    answered["l0"] = replace(answered["l0"], trained_on=True)
    target = answered.pop("l6")
    found = estimate(answered, target)
    assert found.languages == 5
    assert found.parts["mean"] == pytest.approx(np.mean([answered[f"l{n}"].accuracy for n in range(1, 6)]))


@pytest.mark.parametrize(
    ("labelled", "unknown", "words"),
    [
        (4, 0.0, "4 labelled languages beside those trained on, fewer than 5"),
        (6, 0.21, "21% of its tokens are unknown"),
        (6, None, "nobody kept"),
    ],
)
def test_there_is_no_number_where_none_can_be_believed(labelled: int, unknown: float | None, words: str) -> None:
    answered = world(7, HARDNESS)
    target = replace(answered.pop("l6"), unknown_share=unknown)
    found = estimate(dict(list(answered.items())[:labelled]), target)
    assert (found.accuracy, found.mean_absolute_error) == (None, None)
    assert words in found.reason
    # At the limits there is one.
    assert estimate(dict(list(answered.items())[:5]), replace(target, unknown_share=0.2)).accuracy is not None


def test_a_labelled_language_that_cannot_be_read_is_left_out() -> None:
    answered = world(8, HARDNESS)
    target = answered.pop("l6")
    more = {**answered, "odd": replace(answered["l0"], unknown_share=0.5), "bare": replace(answered["l0"], right=None)}
    assert estimate(more, target) == estimate(answered, target)


def test_a_straight_line_is_drawn_through_what_is_seen() -> None:
    """Confidence c, accuracy 0.2 + c/2 in every language: exactly so in the language left out."""
    rows = 1000
    answered = {}
    for c in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        right = np.arange(rows) < round(rows * (0.2 + c / 2))
        answered[str(c)] = Answered(np.full((1, rows), c), np.zeros((1, rows), int), right[None])
    for name, found in left_out(answered).items():
        assert found.parts["confidence"] == pytest.approx(0.2 + float(name) / 2)
    same = {name: replace(one, confidence=np.full((1, rows), 0.5)) for name, one in answered.items()}
    for name, found in left_out(same).items():  # nothing seen differs: the mean of the others
        others = [one.accuracy for other, one in same.items() if other != name]
        assert found.parts["confidence"] == pytest.approx(np.mean(others))
