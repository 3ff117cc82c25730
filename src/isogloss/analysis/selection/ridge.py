"""Ridge regression of what differs between the candidates of one target.

For candidate c and target t, both sides less their mean over the candidates of t:

    y_ct = x_ct · β + u_c + error

x are the features of the pair, u_c is what the candidate brings whatever the target. Both are shrunk,

    minimise Σ (error)² + λ R Σ_j s_j² β_j² + κ (R / C) Σ_c u_c²

with R cells, C candidates and s_j the standard deviation of feature j over the cells, so that a feature's unit does not
matter and a strength of 1 halves what is there. β is what carries over to a candidate that was never trained on, whose
u_c is 0. This is closed-form in a few lines, which is why no other library is asked for it.

λ and κ are those with the smallest squared error where each language in turn is left out: its scores as a target, and
those of what was trained on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from isogloss.analysis.selection.features import Features, centred
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.statistics.pairs import Floats

_STRENGTHS = tuple(float(10 ** (half / 2)) for half in range(-4, 5))  # 0.01 to 100
_NONE = 1e9  # a strength that leaves nothing


class Strength(NamedTuple):
    """How far the two parts are shrunk: λ of the features, κ of the candidates."""

    features: float
    candidates: float


GRID = tuple(Strength(*pair) for pair in product(_STRENGTHS, repeat=2))
FEATURES_ALONE = tuple(Strength(one, _NONE) for one in _STRENGTHS)


@dataclass(frozen=True, eq=False)
class Ridge:
    """What was fitted.

    Attributes:
        slopes: β, points a unit of each feature, [F].
        effects: u, points of each candidate that was measured.
    """

    slopes: Floats
    effects: dict[str, float]

    def parts(self, features: Features) -> Floats:
        """Return what each feature, and last the candidate itself, brings to each expectation, [C, T, F + 1].

        In points, less the mean over the candidates of `features`; their sum is what is expected.
        """
        every = np.ones(features.values.shape[:2], dtype=bool)
        known = np.array([self.effects.get(code, 0.0) for code in features.candidates])
        own = np.broadcast_to((known - known.mean())[:, None], every.shape)
        return np.concatenate([centred(features.values, every) * self.slopes, own[..., None]], axis=-1)


def fit(features: Features, observed: Observed, strengths: Sequence[Strength]) -> list[Ridge]:
    """Return the fit at each strength, on all cells that were measured.

    Args:
        features: of the pairs of `observed` at least.
        observed: the scores.
        strengths: at which.
    """
    pairs = features.take(observed.candidates, observed.targets)
    count, width = len(observed.candidates), len(features.names)
    measured = np.isfinite(observed.values)
    indicators = np.broadcast_to(np.eye(count)[:, None, :], (*measured.shape, count))
    design = np.concatenate([centred(pairs.values, measured), centred(indicators, measured)], axis=-1)[measured]
    outcome = centred(observed.values, measured)[measured]
    rows = max(len(outcome), 1)
    variance = (design[:, :width] ** 2).mean(axis=0) if len(outcome) else np.zeros(width)
    scale = np.concatenate([np.where(variance > 0, variance, 1.0), np.full(count, 1 / max(count, 1))])
    strength = np.array([[one.features] * width + [one.candidates] * count for one in strengths])
    penalty = rows * strength * scale
    system = design.T @ design + penalty[:, :, None] * np.eye(width + count)
    found = np.linalg.solve(system, np.broadcast_to((design.T @ outcome)[:, None], (*penalty.shape, 1)))[..., 0]
    return [Ridge(one[:width], dict(zip(observed.candidates, one[width:].tolist(), strict=True))) for one in found]


def left_out(features: Features, observed: Observed, strengths: Sequence[Strength]) -> Floats:
    """Return what is expected of each measured pair by a fit that does not know its target, [strengths, C, T].

    Less the mean over the measured candidates of the target; NaN where nothing was measured.
    """
    found = np.full((len(strengths), *observed.values.shape), np.nan)
    for column, target in enumerate(observed.targets):
        rows = np.flatnonzero(np.isfinite(observed.values[:, column]))
        asked = features.take([observed.candidates[row] for row in rows], [target])
        for position, ridge in enumerate(fit(features, observed.without_language(target), strengths)):
            found[position, rows, column] = ridge.parts(asked).sum(axis=-1)[:, 0]
    return found


def never_measured(features: Features, observed: Observed, strength: Strength) -> Floats:
    """Return what is expected of each measured pair by a fit that knows neither its target nor its candidate, [C, T].

    Less the mean over the measured candidates of the target.
    """
    found = np.full(observed.values.shape, np.nan)
    for column, target in enumerate(observed.targets):
        rows = np.flatnonzero(np.isfinite(observed.values[:, column]))
        asked = features.take([observed.candidates[row] for row in rows], [target])
        known = observed.without_language(target)
        for place, row in enumerate(rows):
            (ridge,) = fit(features, known.without(candidates=[observed.candidates[row]]), [strength])
            found[row, column] = ridge.parts(asked).sum(axis=-1)[place, 0]
    return found


def choose(features: Features, observed: Observed, grid: Sequence[Strength] = GRID) -> Strength:
    """Return the strength of the smallest squared error over targets that were left out."""
    measured = np.isfinite(observed.values)
    errors = left_out(features, observed, grid) - centred(observed.values, measured)
    return grid[int(np.nansum(errors**2, axis=(1, 2)).argmin())]
