"""Correlation over the targets of one source: a row of a matrix with the same row of another.

Targets are permuted, which takes them for exchangeable: related languages are not, and no test here knows their tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from isogloss.analysis.statistics.correlation import COEFFICIENTS, Coefficient, correlate, scores
from isogloss.analysis.statistics.frame import as_frame
from isogloss.analysis.statistics.levels import warning
from isogloss.analysis.statistics.mantel import Randomised, chunks, p_value, permutations, permuted
from isogloss.analysis.statistics.pairs import FEWEST, Floats, Matrix, constants
from isogloss.errors import mistake
from isogloss.keys import Key

PERMUTATION = "permutation of targets"


def relate_targets(
    outcomes: Sequence[Matrix], explanatory: Sequence[Matrix], *, source: str, key: Key, draws: int = 9_999
) -> pl.DataFrame:
    """Relate the row of one source in every outcome to the same row in every explanatory matrix.

    Args:
        outcomes: transfer, or the impact of each layer; rows of other sources may be missing.
        explanatory: distances; or transfer, where impact is the outcome.
        source: whose rows.
        key: where randomness comes from.
        draws: permutations of the targets; all of them where those are not more.

    Returns:
        A row a test, with and without the source itself as target; the columns are those of `relate`. The tests are
        "naive" and "permutation of targets", of each coefficient.

    Raises:
        Mistakes: a matrix has no such source, or too few targets in common with another.
    """
    rows = [
        {**about, **answer}
        for same in (True, False)
        for outcome in outcomes
        for one in explanatory
        for about, x, y in [_row(outcome, one, source, same=same)]
        for answer in _answers(
            x, y, key._replace(purpose=f"{outcome.name}/{outcome.layer}/{one.name}/{same}"), draws, same=same
        )
    ]
    return as_frame(rows)


def _row(outcome: Matrix, one: Matrix, source: str, *, same: bool) -> tuple[dict[str, Any], Floats, Floats]:
    """What a row says of its matrices, and the numbers of the targets that both have."""
    rows = {}
    for matrix in (one, outcome):
        if source not in matrix.languages:
            has = ", ".join(matrix.languages)
            raise mistake(f'no row of "{source}"', where=matrix.name, remedy=f"has: {has}")
        values = matrix.values[matrix.languages.index(source)]
        rows[matrix.name] = dict(zip(matrix.languages, values.tolist(), strict=True))
    known = [code for code in outcome.languages if all(not np.isnan(row.get(code, np.nan)) for row in rows.values())]
    shared = [code for code in known if same or code != source]
    if len(shared) < FEWEST:
        what = f"{len(shared)} targets of {source} that both know"
        raise mistake(what, where=f"{one.name} and {outcome.name}", remedy=f"at least {FEWEST} are needed")
    x, y = (np.array([row[code] for code in shared]) for row in rows.values())
    dropped = [code for code in outcome.languages if code not in known]
    about = {
        "outcome": outcome.name,
        "explanatory": one.name,
        "layer": outcome.layer if outcome.layer is not None else one.layer,
        "with_same_language": same,
        "cells": len(shared),
        "languages": len(shared),
        "dropped": "; ".join(f"{code}: missing" for code in dropped),
    }
    return about, x, y


def _answers(x: Floats, y: Floats, key: Key, draws: int, *, same: bool) -> Iterator[dict[str, Any]]:
    constant = constants(("explanatory", x), ("outcome", y))
    for coefficient in COEFFICIENTS:
        if constant:
            yield {"test": "naive", "coefficient": coefficient, "note": constant}
            yield {"test": PERMUTATION, "coefficient": coefficient, "note": constant}
            continue
        found = correlate(x, y, coefficient)
        # The naive p-value is that of the permutation but for its draws, and so is its level.
        note = warning(PERMUTATION, coefficient, with_same_language=same)
        about = {"coefficient": coefficient, "value": found.value, "statistic": found.value, "note": note}
        yield {"test": "naive", **about, "p": found.p}
        rng = key._replace(purpose=f"{key.purpose}/{coefficient}").generator()
        yield {"test": PERMUTATION, **about, **permute_targets(x, y, coefficient, draws=draws, rng=rng)._asdict()}


def permute_targets(
    x: Floats, y: Floats, coefficient: Coefficient, *, draws: int = 9_999, rng: np.random.Generator
) -> Randomised:
    """Test the correlation of two rows by permuting the targets of one.

    Args:
        x: [targets].
        y: [targets].
        coefficient: which.
        draws: permutations; all of them where those are not more.
        rng: whence they come.
    """
    value = correlate(x, y, coefficient).value
    drawn, exhaustive = _permuted(x, y, coefficient, draws, rng)
    return Randomised(value, value, p_value(value, drawn, exhaustive=exhaustive), drawn.size)


def _permuted(
    x: Floats, y: Floats, coefficient: Coefficient, draws: int, rng: np.random.Generator
) -> tuple[Floats, bool]:
    """The coefficient with each permutation of the targets of x, [draws], and whether they are all there are."""
    orders, exhaustive = permutations(x.size, draws, rng)
    if coefficient == "kendall":  # tau-b is the product of the signs of all differences, put to norm 1
        left, right = (np.sign(vector[:, None] - vector) for vector in (x, y))
        pairs = ~np.eye(x.size, dtype=bool)
        drawn = [right[pairs] @ permuted(left, chunk, pairs) for chunk in chunks(orders)]
        return np.concatenate(drawn) / (np.linalg.norm(left) * np.linalg.norm(right)), exhaustive
    left, right = (scores(vector, coefficient) for vector in (x, y))
    left, right = left - left.mean(), right - right.mean()
    return left[orders] @ right / (np.linalg.norm(left) * np.linalg.norm(right)), exhaustive
