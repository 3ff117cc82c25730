"""Distances between languages from the features of URIEL, by the formula of URIEL+.

The features of two languages are vectors; their distance is the angle between these, as a share of a right angle:
d = (2/π) arccos(a·b / |a||b|), over the features known for both (Khan et al. 2025, COLING; `urielplus` does so by
default). This holds for all six kinds: the genetic distance is an angle between sets of ancestors, and the geographic
one an angle between vectors of nearness, not kilometres (`isogloss.analysis.kilometres`).

Two differences from what `urielplus` prints: it gives a vector that is 0 throughout a constant in its place, so that
a language without a classified ancestor has distances; here they are undefined. And it calculates in float32, where a
language is up to 0.0003 away from itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from isogloss.analysis.matrix import DistanceMatrix, checked
from isogloss.analysis.uriel import read_features, refuse_macrolanguages
from isogloss.errors import mistake, nearest
from isogloss.languages import languages as table

Aggregation = Literal["union", "average"]
Missing = Literal["pairwise", "zero"]
Metric = Literal["angular", "cosine"]
DIGITS = 12  # decimals of a distance: fewer than processors agree in, more than tell two languages apart
_CHOICES = {"aggregation": ("union", "average"), "missing": ("pairwise", "zero"), "metric": ("angular", "cosine")}


def distances(
    languages: Sequence[str],
    kind: str,
    *,
    aggregation: Aggregation = "union",
    missing: Missing = "pairwise",
    metric: Metric = "angular",
) -> DistanceMatrix:
    """Return the distances of one kind between languages.

    Scripts of one language (`zh`, `zh-Hant`) share their features: their distance is 0.

    Args:
        languages: keys of our table.
        kind: one of `isogloss.analysis.uriel.KINDS`.
        aggregation: of several sources of a feature: "union" has it where one of them has it (the largest value),
            "average" is the mean over those that speak of it.
        missing: "pairwise" leaves out features that are not known for both; "zero" takes what is not known for 0, as
            the distances of lang2vec do.
        metric: "angular", as above; "cosine" is 1 − cos.

    Returns:
        Values 0 to 1. NaN where no feature is known for both languages, or where one has none of them (a vector of
        zeros has no direction). The diagonal is 0 where the language has data.

    Raises:
        Mistakes: a language or a setting is unknown, a macrolanguage is asked for, or `urielplus` is not installed.
    """
    settings = {"aggregation": str(aggregation), "missing": str(missing), "metric": str(metric)}
    for name, choice in settings.items():
        if choice not in _CHOICES[name]:
            raise mistake(f'no {name} is called "{choice}"', where=name, remedy=nearest(choice, _CHOICES[name]))
    refuse_macrolanguages(languages)
    keys = checked(languages)
    features = read_features([table()[key].iso639_3 for key in keys], kind)
    values = aggregate(features.values, aggregation)
    known = ~np.isnan(values)
    return DistanceMatrix(
        kind=kind,
        languages=keys,
        values=_between(values, known, missing, metric),
        settings=settings,
        source=features.source,
        coverage=known.astype(np.int64) @ known.T.astype(np.int64),
        without_data=tuple(key for key, row in zip(keys, known, strict=True) if not row.any()),
    )


def aggregate(values: NDArray[np.float64], aggregation: str) -> NDArray[np.float64]:
    """Return [n, F] of [n, F, sources]; NaN where every source is silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all sources silent: NaN is what we want
        together: NDArray[np.float64] = (np.nanmax if aggregation == "union" else np.nanmean)(values, axis=-1)
    return together


def angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the angle between two vectors of numbers ≥ 0 as a share of a right angle; NaN where one is 0 throughout.

    Written with both sum and difference: arccos loses half of the digits where the vectors are nearly the same. Rounded
    to `DIGITS`, so that equal distances stay equal: their last bit depends on the processor, and ranks on ties.
    """
    lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if not all(lengths):
        return float("nan")
    a, b = first / lengths[0], second / lengths[1]
    return round(float(4 / np.pi * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))), DIGITS)


def _between(values: NDArray[np.float64], known: NDArray[np.bool_], missing: str, metric: str) -> NDArray[np.float64]:
    n = len(values)
    found = np.full((n, n), np.nan)
    filled = np.where(known, values, 0.0)
    for i in range(n):
        if not known[i].any():
            continue
        found[i, i] = 0.0
        for j in range(i):
            shared = known[i] & known[j] if missing == "pairwise" else np.full(known.shape[1], known[j].any())
            share = angle(filled[i, shared], filled[j, shared])
            found[i, j] = found[j, i] = share if metric == "angular" else 1 - np.cos(share * np.pi / 2)
    return found
