"""How far probabilities can be believed: one temperature, the calibration error, and accuracy at coverage.

Temperature scaling and the expected calibration error are those of Guo, Pleiss, Sun & Weinberger (2017), On
Calibration of Modern Neural Networks, ICML. Everything starts from probabilities as they are kept: p ∝ exp(z) has all
that of logits z counts, since p^(1/T) over its sum is the softmax of z/T.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isogloss.errors import mistake

BINS = 15
LEAST_ROWS = 50
_SMALLEST, _LARGEST = 0.05, 20.0  # temperatures beyond turn every probability into 0 or 1, or into one of C equal ones

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What became of a run's calibration.

    Attributes:
        temperature: T of softmax(z/T); None where there is none.
        reason: why there is none; "" if there is one.
        task, split, languages: the rows that it was fitted on, of source languages, never of a target.
        n: how many they were.
        nll_before, nll_after: mean negative log-likelihood on them, in nats, at T = 1 and at the temperature.
    """

    temperature: float | None
    reason: str = ""
    task: str = ""
    split: str = ""
    languages: tuple[str, ...] = ()
    n: int = 0
    nll_before: float | None = None
    nll_after: float | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Calibration:
        """Return what a run's folder keeps; None stands for a run from before there was any calibration."""
        if kept is None:
            return cls(None, "the run was scored before probabilities were calibrated")
        return cls(**{**kept, "languages": tuple(kept.get("languages", ()))})

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, as `of` takes them."""
        return asdict(self)

    def __str__(self) -> str:
        if self.temperature is None:
            return f"probabilities are raw: {self.reason}"
        rows = f"{self.n:,} {self.split} rows of {self.task} in {', '.join(self.languages)}"
        return f"probabilities are calibrated: temperature {self.temperature:.3f}, fitted on {rows}"


class Fit(NamedTuple):
    """A temperature, and the mean negative log-likelihood in nats at 1 and at it."""

    temperature: float
    nll_before: float
    nll_after: float


class Point(NamedTuple):
    """Accuracy where a model may abstain.

    Attributes:
        threshold: the least confidence that is answered.
        coverage: share of examples answered, 0 to 1.
        accuracy: share of right ones among them; None where none is.
    """

    threshold: float
    coverage: float
    accuracy: float | None


def fit_temperature(probabilities: NDArray[Any], labels: NDArray[Any]) -> Fit:
    """Return the temperature of maximum likelihood (Guo et al. 2017, section 4.2).

    The mean negative log-likelihood is convex in 1/T, so that the only minimum between 0.05 and 20 is found.

    Args:
        probabilities: softmax of the logits, [N, C].
        labels: right labels' indices, [N].
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    logs = _logs(probabilities)
    right = logs[np.arange(len(logs)), labels]

    def nll(sharpness: float) -> float:
        return float(np.mean(logsumexp(sharpness * logs, axis=1) - sharpness * right))

    bounds = 1 / _LARGEST, 1 / _SMALLEST
    found = minimize_scalar(nll, bounds=bounds, method="bounded", options={"xatol": 1e-8})
    sharpness = min((float(found.x), *bounds), key=nll)  # the search never looks at the bounds themselves
    return Fit(1 / sharpness, nll(1.0), nll(sharpness))


def tempered(probabilities: NDArray[Any], temperature: float | None) -> Floats:
    """Return the softmax of z/T from the softmax of z: float64 [N, C]; as they are where T is None."""
    if temperature is None:
        return np.asarray(probabilities, np.float64)
    logs = _logs(probabilities) / temperature
    scores: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def expected_calibration_error(confidence: NDArray[Any], right: NDArray[Any], bins: int = BINS) -> float:
    """Return the expected calibration error, 0 to 1 (Guo et al. 2017, equation 3).

    ECE = Σ_m |B_m|/N · |acc(B_m) − conf(B_m)| over M bins of equal width; B_m has the examples whose confidence lies in
    ((m − 1)/M, m/M], acc is their share of right ones and conf the mean of their confidences. Not to be confused with
    bins of equal count, nor with the error of all C probabilities.

    Args:
        confidence: probability of the predicted label, [N] with N > 0.
        right: whether that is the right label, [N].
        bins: M.
    """
    confidence, right = np.asarray(confidence, np.float64), np.asarray(right, np.float64)
    at = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(at, right, bins) - np.bincount(at, confidence, bins)
    return float(np.abs(gaps).sum() / len(confidence))


def coverage_curve(confidence: NDArray[Any], right: NDArray[Any], thresholds: Sequence[float]) -> list[Point]:
    """Return coverage and accuracy of a model that answers only where it is at least so confident.

    Args:
        confidence: probability of the predicted label, [N] with N > 0.
        right: whether that is the right label, [N].
        thresholds: of the confidence, 0 to 1.
    """
    confidence, right = np.asarray(confidence), np.asarray(right, bool)
    answered = [confidence >= threshold for threshold in thresholds]
    return [
        Point(threshold, float(mask.mean()), float(right[mask].mean()) if mask.any() else None)
        for threshold, mask in zip(thresholds, answered, strict=True)
    ]


def label_probabilities(columns: Mapping[str, Any], where: str) -> Floats:
    """Return kept probabilities p0, p1 … as [N, C].

    Args:
        columns: of kept predictions, by name: a polars frame will do as `frame.to_dict()`.
        where: the place that a message names.

    Raises:
        Mistakes: there are none: the kind gives no label a probability.
    """
    names = [name for name in columns if name[:1] == "p" and name[1:].isdigit()]
    if not names:
        remedy = "name runs of a task with labels"
        raise mistake("predictions without probabilities of labels", where=where, remedy=remedy)
    ordered = sorted(names, key=lambda name: int(name[1:]))
    return np.stack([np.asarray(columns[name], np.float64) for name in ordered], axis=1)


def _logs(probabilities: NDArray[Any]) -> Floats:
    """Logits up to a constant; what float32 has rounded to 0 is taken for the least that it can hold."""
    least = float(np.finfo(np.float32).smallest_subnormal)
    logs: Floats = np.log(np.maximum(np.asarray(probabilities, np.float64), least))
    return logs
