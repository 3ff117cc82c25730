"""What an auxiliary language is expected to bring to a target, how sure that is, and which set of them to take.

The interval of an expectation is as wide as errors were where they could be seen: each measured target is left out in
turn, and half the interval is the size that 95 % of these errors stay below (the quantile of split conformal
prediction, Vovk et al. 2005, which counts one error more; there they are exchangeable, here those of one target hang
together, so that the coverage is to be measured: `isogloss.analysis.selection.evaluate`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from isogloss.analysis.selection.features import Features, centred
from isogloss.analysis.selection.observed import Observed
from isogloss.analysis.selection.ridge import Strength, choose, fit, left_out, never_measured
from isogloss.analysis.statistics.pairs import Floats
from isogloss.errors import mistake

FEWEST_TARGETS = 5
"""With fewer targets than this nothing is fitted: each is left out in turn, and what is left has to say how far."""

FEWEST_CANDIDATES = 5
"""With fewer measured candidates than this, errors do not say how far off one is that was never measured."""

_EXHAUSTIVE = 20_000  # sets that are all looked at; beyond, one language after the other is added


@dataclass(frozen=True, eq=False)
class Expectation:
    """What is expected of C candidates for T targets.

    Attributes:
        candidates: keys of languages.
        targets: keys of languages.
        gains: points above the mean of all candidates for this target, measured or asked for, [C, T].
        half_widths: half the interval around a gain, [C]; NaN where too few errors were seen for its level, or too few
            candidates measured to tell of one that was not.
        parts: what each feature, and last the candidate itself, brings to the gain, [C, T, F + 1].
        over_reference: points above the same recipe without an auxiliary, [C, T]; None where that was not measured.
        reference_half_widths: half the interval around these, [C].
        strength: of the fit.
        fitted_on: the number of targets that it rests on.
    """

    candidates: tuple[str, ...]
    targets: tuple[str, ...]
    gains: Floats
    half_widths: Floats
    parts: Floats
    over_reference: Floats | None
    reference_half_widths: Floats | None
    strength: Strength
    fitted_on: int


def expect(
    features: Features,
    observed: Observed,
    candidates: Sequence[str],
    targets: Sequence[str],
    *,
    oracle: bool = False,
    level: float = 0.05,
) -> Expectation:
    """Return what is expected of candidates for targets.

    Args:
        features: of all candidates, asked and measured, for all targets, asked and measured.
        observed: what was measured. Nothing of the targets asked for is used: neither their scores, nor those of what
            was trained on them.
        candidates: which may be taken; those that were never measured are judged by their features alone.
        targets: for which.
        oracle: use the targets' scores, too.
        level: 1 − the coverage aimed at.

    Raises:
        Mistakes: fewer than `FEWEST_TARGETS` other targets have two measured candidates.
    """
    known = observed if oracle else observed.without_language(*targets)
    if known.informative < FEWEST_TARGETS:
        what = f"{known.informative} targets other than {', '.join(targets)} with 2 measured candidates"
        raise mistake(what, where="RUNS", remedy=f"at least {FEWEST_TARGETS} are needed to learn from")
    strength = choose(features, known)
    (ridge,) = fit(features, known, [strength])
    # The mean that a gain is above is of all that were measured or are asked for, whichever of them are asked for.
    mine = [code for code in known.candidates if code not in targets]
    every = tuple(dict.fromkeys([*mine, *candidates]))
    all_parts = ridge.parts(features.take(every, targets))
    parts = all_parts[[every.index(code) for code in candidates]]
    gains = parts.sum(axis=-1)
    anchor = all_parts[: len(mine)].sum(axis=-1).mean(axis=0)
    measured = np.array([code in known.candidates for code in candidates])
    errors = _errors(features, known, strength, unmeasured=not measured.all())
    over = _over_reference(gains - anchor, measured, known, errors, level)
    return Expectation(
        candidates=tuple(candidates),
        targets=tuple(targets),
        gains=gains,
        half_widths=_half_widths(errors, measured, level),
        parts=parts,
        over_reference=None if over is None else over[0],
        reference_half_widths=None if over is None else over[1],
        strength=strength,
        fitted_on=known.informative,
    )


def half_width(errors: Floats, level: float) -> float:
    """Return the size that a further error exceeds with probability `level` at most; NaN where there are too few.

    Args:
        errors: as many as were seen; NaN counts for nothing.
        level: a probability.
    """
    sizes = np.sort(np.abs(errors[np.isfinite(errors)]))
    rank = math.ceil((1 - level) * (sizes.size + 1))
    return float(sizes[rank - 1]) if rank <= sizes.size else math.nan


def best_set(gains: Floats, budget: int) -> tuple[int, ...]:
    """Return which candidates to take where `budget` may be, as positions, the most useful first.

    It is the set whose best member is best for each target, on average; of equals the one with the larger sum of mean
    gains. For one target that is simply the best ones. Of many sets not all are looked at: then one candidate after the
    other is added, the best addition each time.

    Args:
        gains: [C, T].
        budget: at most how many.
    """
    count, budget = len(gains), min(budget, len(gains))

    def worth(members: tuple[int, ...]) -> tuple[float, float]:
        rows = gains[list(members)]
        return round(float(rows.max(axis=0).mean()), 12), float(rows.mean(axis=1).sum())

    if math.comb(count, budget) <= _EXHAUSTIVE:
        found = max(combinations(range(count), budget), key=worth)
    else:
        found = ()
        for _ in range(budget):
            found = max(((*found, one) for one in range(count) if one not in found), key=worth)
    return tuple(sorted(found, key=lambda row: -gains[row].mean()))


def _errors(features: Features, known: Observed, strength: Strength, *, unmeasured: bool) -> tuple[Floats, Floats]:
    """Return the errors for targets that were left out, [C, T], of candidates that were measured, and that were not."""
    outcome = centred(known.values, np.isfinite(known.values))
    seen = left_out(features, known, [strength])[0] - outcome
    if not unmeasured or len(known.candidates) < FEWEST_CANDIDATES:
        return seen, np.full(seen.shape, np.nan)
    return seen, never_measured(features, known, strength) - outcome


def _half_widths(errors: tuple[Floats, Floats], measured: Floats, level: float) -> Floats:
    """Return half the interval of each candidate, [C], by whether it was measured."""
    seen, unseen = (half_width(one, level) for one in errors)
    return np.where(measured, seen, unseen)


def _over_reference(
    gains: Floats, measured: Floats, known: Observed, errors: tuple[Floats, Floats], level: float
) -> tuple[Floats, Floats] | None:
    """Return the gains over the reference, [C, T], and half their intervals, [C]; `gains` are above the measured ones.

    How far the measured candidates are above the reference on average is taken from the other targets, and its error
    counts in the interval. None without a reference, or where no candidate asked for was measured.
    """
    if known.reference is None or not measured.any():
        return None
    above = np.nanmean(known.values, axis=0) - known.reference
    if np.isfinite(above).sum() < FEWEST_TARGETS:
        return None
    others = np.array([np.nanmean(np.delete(above, column)) for column in range(len(above))])
    with_level = tuple(one + (others - above) for one in errors)
    return np.nanmean(above) + gains, _half_widths((with_level[0], with_level[1]), measured, level)
