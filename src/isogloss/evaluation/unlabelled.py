"""How well without labels: a language's accuracy, estimated from predictions alone, with the error of the estimate.

Two things can be seen of predictions without labels, and both go with accuracy:

- average thresholded confidence (Garg, Balakrishnan, Lipton, Neyshabur & Sedghi 2022, Leveraging Unlabeled Data to
  Predict Out-of-Distribution Performance, ICLR): the share of examples whose confidence is at least a threshold, which
  is set where labels are so that this share is the accuracy there;
- agreement of seeds (Jiang, Nagarajan, Baek & Kolter 2022, Assessing Generalization of SGD via Disagreement, ICLR):
  how often two runs that differ in their seed alone predict the same. Where runs are calibrated together, that is the
  accuracy.

Neither holds on its own in another language, where models are too sure. So each is put on a straight line that is
fitted through the labelled languages, and the error that is reported is what comes out when each labelled language in
turn is taken for unlabelled: the line, and the threshold, are then fitted on the others. Nothing here reads a label of
the language that is estimated.

With too few labelled languages for that, the slope from confidence to accuracy may come from elsewhere
(`isogloss.evaluation.slopes`), with the error that was measured there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from isogloss.evaluation.slopes import Slope

LEAST_LANGUAGES = 5
MOST_UNKNOWN = 0.2
MOST_ERROR = 0.1
"""An estimate with a slope from elsewhere that errs by more is none."""
ESTIMATORS = ("atc", "agreement", "confidence", "mean")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answered:
    """What runs that differ in their seed alone predicted in one language; S seeds, N examples.

    Attributes:
        confidence: probability of each predicted label, [S, N].
        predictions: the predicted labels, [S, N].
        right: which of them are right, [S, N]; None where the language has no labels.
        trained_on: whether the runs were trained on the language: what is true there says little of others.
        unknown_share: of its tokens to the encoder's vocabulary, 0 to 1; None where nobody knows.
    """

    confidence: Floats
    predictions: NDArray[np.int64]
    right: NDArray[np.bool_] | None = None
    trained_on: bool = False
    unknown_share: float | None = 0.0

    @property
    def accuracy(self) -> float:
        """The share of right predictions, over all seeds; the language has labels."""
        assert self.right is not None, "a labelled language"
        return float(self.right.mean())

    @property
    def readable(self) -> bool:
        """Whether the encoder is known to read it: at most one token in five is unknown."""
        return self.unknown_share is not None and self.unknown_share <= MOST_UNKNOWN


@dataclass(frozen=True)
class Estimate:
    """The accuracy of a language without labels, 0 to 1.

    Attributes:
        accuracy: the mean of `atc` and `agreement`, or `atc` alone with one seed; None where there is no number.
        mean_absolute_error: of such estimates of the labelled languages that were not trained on, each from the others.
        parts: each estimator's own number; beside the two `confidence`, the mean confidence on a line of its own, and
            `mean`, the mean accuracy of the labelled languages: the simple things.
        errors: the mean absolute error of each.
        languages: how many labelled languages the error is over.
        reason: why there is no number; "" if there is one.
        slope: from elsewhere, if the number was made with one: `accuracy` is then that of `confidence` alone, and the
            errors are those measured between the data sets of the slope, widened by how few labelled rows there are.
    """

    accuracy: float | None
    mean_absolute_error: float | None
    parts: Mapping[str, float]
    errors: Mapping[str, float]
    languages: int
    reason: str = ""
    slope: Slope | None = None


def estimate(labelled: Mapping[str, Answered], target: Answered, slope: Slope | None = None) -> Estimate:
    """Return the accuracy that a language without labels is expected to have.

    Args:
        labelled: language → predictions and whether they are right; not the target, whose labels are not read.
        target: of the same runs, in the same order.
        slope: of the encoder, from other data sets; used where there are too few labelled languages.
    """
    held = {language: one for language, one in labelled.items() if one.right is not None and one.readable}
    told = [language for language, one in held.items() if not one.trained_on]
    reason = _reason(target, len(told))
    if slope is not None and held and target.readable and len(told) < LEAST_LANGUAGES:
        return _with_slope([held[language] for language in told or held], target, slope, len(told))
    if reason:
        return Estimate(None, None, {}, {}, len(told), reason)
    parts = _parts(list(held.values()), target)
    each = {
        language: _parts([one for other, one in held.items() if other != language], held[language]) for language in told
    }
    accuracies = np.array([held[language].accuracy for language in told])

    def error(found: Sequence[float]) -> float:
        return float(np.abs(np.array(found) - accuracies).mean())

    errors = {name: error([each[language][name] for language in told]) for name in parts}
    whole = error([_together(each[language]) for language in told])
    return Estimate(_together(parts), whole, parts, errors, len(told))


def _with_slope(anchors: Sequence[Answered], target: Answered, slope: Slope, languages: int) -> Estimate:
    """Estimate with a slope from elsewhere, from languages that were not trained on, or else from those that were."""
    rows = np.array([one.confidence.shape[1] for one in anchors], dtype=np.float64)
    level = float(np.average([one.accuracy for one in anchors], weights=rows))
    confidence = float(np.average([one.confidence.mean() for one in anchors], weights=rows))
    moved = level + slope.value * (float(target.confidence.mean()) - confidence)
    elsewhere = slope.error(languages) / 100
    # What is expected of |a normal error| is sqrt(2/π) of its deviation; both are of that kind, and independent.
    # Chance does not end where all of a few rows are right: Laplace's rule of succession takes one more of either.
    share = (level * rows.sum() + 1) / (rows.sum() + 2)
    drawn = float(np.sqrt(2 / np.pi * share * (1 - share) / rows.sum()))
    error = float(np.hypot(elsewhere, drawn))
    if error > MOST_ERROR:
        why = f"an estimate from {rows.sum():,.0f} labelled rows errs by {error:.0%}, more than {MOST_ERROR:.0%}"
        return Estimate(None, None, {}, {}, languages, why)
    accuracy = float(np.clip(moved, 0, 1))
    parts = {"confidence": accuracy, "mean": level}
    return Estimate(accuracy, error, parts, {"confidence": error}, languages, slope=slope)


def left_out(answered: Mapping[str, Answered]) -> dict[str, Estimate]:
    """Return the estimate of each language as if it alone had no labels."""
    return {
        language: estimate({other: one for other, one in answered.items() if other != language}, target)
        for language, target in answered.items()
    }


def agreement(predictions: NDArray[np.int64]) -> float | None:
    """Return how often two seeds predict the same, over all pairs of seeds [S, N]; None with one seed."""
    pairs = list(combinations(predictions, 2))
    return float(np.mean([np.mean(one == other) for one, other in pairs])) if pairs else None


def threshold(labelled: Sequence[Answered], seed: int) -> float:
    """Return the confidence that as large a share reaches as is right: each language weighs the same.

    That is the greatest t with (share of examples with confidence ≥ t) ≥ accuracy (Garg et al. 2022, equation 2, with
    s = the greatest probability), or more than any confidence where nothing is right.

    Args:
        labelled: languages with labels.
        seed: which run.
    """
    confidence = np.concatenate([one.confidence[seed] for one in labelled])
    weights = np.concatenate([np.full(one.confidence.shape[1], 1 / one.confidence.shape[1]) for one in labelled])
    accuracy = np.mean([one.right[seed].mean() for one in labelled if one.right is not None])
    if accuracy == 0:
        return float("inf")
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(weights[order]) / len(labelled)
    first = min(int(np.searchsorted(share, accuracy - 1e-12)), len(order) - 1)
    return float(confidence[order[first]])


def above(answered: Answered, thresholds: Sequence[float]) -> float:
    """Return the share of examples that reach their seed's threshold, over all seeds."""
    return float(np.mean(answered.confidence >= np.array(thresholds)[:, None]))


def _parts(labelled: Sequence[Answered], target: Answered) -> dict[str, float]:
    """Each estimator's number of a target, from labelled languages; without `agreement` with one seed."""
    accuracies = np.array([one.accuracy for one in labelled])
    thresholds = [threshold(labelled, seed) for seed in range(len(target.confidence))]
    seen = {
        "atc": [above(one, thresholds) for one in (*labelled, target)],
        "confidence": [float(one.confidence.mean()) for one in (*labelled, target)],
    }
    agreements = [agreement(one.predictions) for one in (*labelled, target)]
    if None not in agreements:
        seen["agreement"] = [each for each in agreements if each is not None]
    parts = {name: _on_line(np.array(seen[name]), accuracies) for name in ESTIMATORS if name in seen}
    return {**parts, "mean": float(np.mean([one.accuracy for one in labelled if not one.trained_on]))}


def _on_line(seen: Floats, accuracies: Floats) -> float:
    """Return where the last of `seen` lies on the least-squares line through the others' accuracies, 0 to 1."""
    known, asked = seen[:-1], seen[-1]
    centred = known - known.mean()
    spread = float(centred @ centred)
    slope = float(centred @ accuracies) / spread if spread > 1e-12 else 0.0
    return float(np.clip(accuracies.mean() + slope * (asked - known.mean()), 0, 1))


def _together(parts: Mapping[str, float]) -> float:
    return float(np.mean([parts[name] for name in ("atc", "agreement") if name in parts]))


def _reason(target: Answered, languages: int) -> str:
    """Return why there is no number; "" where there may be one."""
    if target.unknown_share is None:
        return "nobody kept how many of its tokens the encoder does not know"
    if not target.readable:
        return f"{target.unknown_share:.0%} of its tokens are unknown to the encoder, more than {MOST_UNKNOWN:.0%}"
    if languages < LEAST_LANGUAGES:
        return f"{languages} labelled languages beside those trained on, fewer than {LEAST_LANGUAGES}"
    return ""
