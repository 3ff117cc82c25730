"""Which examples are hard for all, and on how many two variants disagree: frames for the tables of a page."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from isogloss.evaluation.comparison import baseline_of
from isogloss.evaluation.frame import arms
from isogloss.evaluation.naming import named
from isogloss.evaluation.paired import holm

if TYPE_CHECKING:
    from isogloss.evaluation.frame import Arm
    from isogloss.evaluation.outcomes import LanguageOutcome
    from isogloss.report.material import Material

Bools = NDArray[np.bool_]

RIGHT = 50.0
"""Percent of an example: above it an answer that is scored by its F1 counts as right."""
HARDEST = {
    "language": pl.String,
    "id": pl.String,
    "label": pl.String,
    "predicted": pl.String,
    "wrong": pl.Int64,
    "runs": pl.Int64,
    "variants": pl.Int64,
}
DISAGREEMENTS = {
    "arm": pl.String,
    "baseline": pl.String,
    "language": pl.String,
    "n": pl.Int64,
    "only_arm": pl.Int64,
    "only_baseline": pl.Int64,
    "both": pl.Int64,
    "neither": pl.Int64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
}


def hardest(material: Material, *, most: int = 10) -> pl.DataFrame:
    """Return the examples that most runs get wrong, at most `most` a language, the hardest first.

    Only examples that every run was tested on count. Where as many runs are wrong, those come first that more variants
    get wrong with every seed, then the smaller id, so that the order is always the same. An example that all get wrong
    may be hard, or its label may be wrong: look at it. An answer is wrong that has an F1 of `RIGHT` percent or less.

    Returns:
        language; id; label, the right one; predicted, what most of the wrong runs say (both null where nothing is
        labelled, or the labels' names are not known); wrong and runs, how many of how many; variants, how many of
        them are wrong with every seed.
    """
    rows = _judged(material)
    if rows.is_empty():
        return pl.DataFrame(schema=HARDEST)
    whole = pl.col("wrong").all().over("language", "id", "variant")
    by_example = (
        rows.with_columns(never=whole)
        .group_by("language", "id", maintain_order=True)
        .agg(
            label=pl.col("label").first(),
            predicted=pl.col("prediction").filter("wrong").mode().sort().first(),
            wrong=pl.col("wrong").sum(),
            runs=pl.len(),
            variants=pl.col("variant").filter("never").n_unique(),
        )
        .filter(pl.col("runs") == pl.col("runs").max().over("language"), pl.col("wrong") > 0)
        .sort("language", "wrong", "variants", "id", descending=[False, True, True, False])
        .group_by("language", maintain_order=True)
        .head(most)
    )
    return by_example.select(list(HARDEST)).cast(HARDEST)  # type: ignore[arg-type]


def disagreements(material: Material) -> pl.DataFrame:
    """Return by language how many examples only one of two variants gets right: each variant against the baseline.

    An example counts as right where more than half of a variant's runs get it right, so that each counts once; only
    examples that all runs of both have count.

    Returns:
        arm and baseline; language; n, examples; only_arm, only_baseline, both, neither: by how many they are got
        right; p, McNemar's exact two-sided test of only_arm against only_baseline (McNemar 1947: binomial with 1/2);
        p_adjusted, by Holm over the arm's languages. The test takes examples as independent and the models as given:
        neither is how variants are compared (`isogloss.evaluation.comparison` is), and `p` alone decides nothing.
    """
    outcomes = material.outcomes
    if outcomes is None:
        return pl.DataFrame(schema=DISAGREEMENTS)
    scores = named(material.scores)
    baseline = baseline_of(scores, material.against)
    frames = []
    for arm in arms(scores):
        other = arm._replace(variant=baseline)
        if arm != other and (rows := _of_pair(arm, other, outcomes.by_arm)):
            frame = pl.DataFrame(rows)
            adjusted = holm(frame["p"].to_numpy())
            frames.append(frame.with_columns(p_adjusted=pl.Series(adjusted)))
    if not frames:
        return pl.DataFrame(schema=DISAGREEMENTS)
    return pl.concat(frames).select(list(DISAGREEMENTS)).cast(DISAGREEMENTS)  # type: ignore[arg-type]


def _judged(material: Material) -> pl.DataFrame:
    """Every prediction: variant, language, id, wrong, and the names of label and prediction where there are."""
    found = material.predictions
    if found.is_empty():
        return pl.DataFrame()
    labels = dict(enumerate(material.labels))
    wrong = [pl.col("value") <= RIGHT] if material.answers else []
    if "label" in found.columns:
        wrong.append(pl.col("label") != pl.col("prediction"))
    named_labels = [
        pl.col(name).cast(pl.Int64).replace_strict(labels, default=None, return_dtype=pl.String).alias(name)
        if name in found.columns and labels
        else pl.lit(None, pl.String).alias(name)
        for name in ("label", "prediction")
    ]
    return found.with_columns(wrong=pl.coalesce(wrong)).select(
        "variant", "language", pl.col("id").cast(pl.String), "wrong", *named_labels
    )


def _of_pair(
    arm: Arm, baseline: Arm, by_arm: Mapping[Arm, Mapping[str, Mapping[str, LanguageOutcome]]]
) -> list[dict[str, object]]:
    ours, theirs = by_arm.get(arm, {}), by_arm.get(baseline, {})
    rows: list[dict[str, object]] = []
    for language in ours:
        if language in theirs:
            a, b = _shared(ours[language].values(), theirs[language].values())
            only_arm, only_baseline = int((a & ~b).sum()), int((~a & b).sum())
            discordant = only_arm + only_baseline
            tail = special.bdtr(min(only_arm, only_baseline), discordant, 0.5)
            rows.append(
                {
                    "arm": str(arm),
                    "baseline": str(baseline),
                    "language": language,
                    "n": len(a),
                    "only_arm": only_arm,
                    "only_baseline": only_baseline,
                    "both": int((a & b).sum()),
                    "neither": int((~a & ~b).sum()),
                    "p": min(2 * float(tail), 1.0),
                }
            )
    return rows


def _shared(ours: Iterable[LanguageOutcome], theirs: Iterable[LanguageOutcome]) -> tuple[Bools, Bools]:
    """Whether each side gets each example right that all their runs have."""
    sides = [list(ours), list(theirs)]
    ids = functools.reduce(np.intersect1d, [one.ids for side in sides for one in side])
    right = [
        np.mean([one.values[np.searchsorted(one.ids, ids)] > RIGHT for one in side], axis=0) > 0.5 for side in sides
    ]
    return right[0], right[1]
