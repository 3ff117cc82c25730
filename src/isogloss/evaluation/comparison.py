"""Every variant against a baseline: the comparison frame, from which tables and sentences are written.

| column | holds |
|---|---|
| recipe, variant, axis.* | the arm |
| baseline | the variant that it is compared with, in the same cell of the axes |
| scope | "language", or the mean: "unseen" over targets unseen by both, "targets" over all where there are none |
| language | the language; for a mean the languages averaged, joined by "+" (`naming.together`) |
| difference, standard_error | arm minus baseline in points, on the same examples |
| low, high | 95 % interval, not corrected for the number of languages |
| conditional | "" or what interval (and with one seed the p-value too) is conditional on: "3 seeds" … |
| p | two-sided, over seeds and clusters |
| p_adjusted | by Holm over the arm's languages; a mean stands by itself |
| p_given_seeds | the same as p_adjusted for these very models: over clusters alone |
| verdict | "better", "worse", "undecided", or "identical" where no example differs |
| minimum | smallest true difference that this test would have found with a power of 80 % |
| equivalent_within | margin within which both are shown to be equal: two one-sided tests at 5 %, not corrected |
| seeds, clusters, n, left_out | repetitions, clusters, examples; examples that not all runs have |
| unit | what differs between repetitions: "seed", or "draw" of the examples |
| family | how many tests `p_adjusted` is corrected for |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from isogloss.errors import mistake, nearest
from isogloss.evaluation.frame import Arm, arm_of, arms, averaged, axis_columns, only, read_csv
from isogloss.evaluation.naming import named, together
from isogloss.evaluation.outcomes import Differences, Outcomes
from isogloss.evaluation.paired import (
    UNCONDITIONAL_SEEDS,
    Contributions,
    Floats,
    Uncertainty,
    contributions,
    holm,
    holm_levels,
    uncertainty,
)

LEVEL = 0.05
MOST = 100.0
"""Points of percent: there is no greater difference, so that a test with a greater `minimum` could show nothing."""
MEANS = {"unseen": "unseen targets", "targets": "targets"}
"""Scopes that are a mean, and what it is over."""
COMPARISONS: dict[str, type[pl.DataType]] = {
    "recipe": pl.String,
    "variant": pl.String,
    "baseline": pl.String,
    "scope": pl.String,
    "language": pl.String,
    "difference": pl.Float64,
    "standard_error": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "conditional": pl.String,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "p_given_seeds": pl.Float64,
    "verdict": pl.String,
    "minimum": pl.Float64,
    "equivalent_within": pl.Float64,
    "unit": pl.String,
    "seeds": pl.Int64,
    "clusters": pl.Int64,
    "n": pl.Int64,
    "left_out": pl.Int64,
    "family": pl.Int64,
}


def compare(scores: pl.DataFrame, outcomes: Outcomes, *, baseline: str | None = None) -> pl.DataFrame:
    """Compare every arm with the baseline variant in the same cell of the axes.

    Args:
        scores: a score frame; it says which targets are unseen; its first variant with scores is the default baseline.
        outcomes: what each arm got right.
        baseline: a variant's name.

    Returns:
        A comparison frame; arms that share no run with the baseline are not in it.

    Raises:
        Mistakes: no variant is called `baseline`.
    """
    scores = named(scores)
    baseline = baseline_of(scores, baseline)
    rows: list[dict[str, object]] = []
    for arm in arms(scores):
        other = Arm(baseline, arm.cell)
        differences = outcomes.differences(arm, other) if arm != other else None
        if differences is not None:
            mean = _mean(_roles(scores, arm), _roles(scores, other))
            about = {"recipe": only(scores, arm)["recipe"][0], "variant": arm.variant, "baseline": baseline}
            about |= {f"axis.{name}": value for name, value in arm.cell}
            rows += [{**about, **row} for row in _tests(differences, *mean)]
    return _typed(pl.DataFrame(rows, infer_schema_length=None), axis_columns(scores))


def decisive(comparisons: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Return a comparison frame in which every arm has a mean: that over one target is the row of this language.

    Args:
        comparisons: a comparison frame.
        scores: the score frame that it was made of; it says which targets are unseen.
    """
    scores, parts = named(scores), [comparisons]
    for arm in comparison_arms(comparisons):
        own = only(comparisons, arm)
        scope, languages = _mean(_roles(scores, arm), _roles(scores, Arm(own["baseline"][0], arm.cell)))
        if len(languages) == 1:
            parts.append(own.filter(scope="language", language=next(iter(languages))).with_columns(scope=pl.lit(scope)))
    return pl.concat(parts)


def baseline_of(scores: pl.DataFrame, baseline: str | None) -> str:
    """Return the baseline's name: the one given, or the first variant's that has a finished run, if one has.

    Raises:
        Mistakes: there is no such variant, or no run at all.
    """
    variants = scores["variant"].unique(maintain_order=True).to_list()
    if not variants:
        raise mistake("no run to make a table of", where="table", remedy="run the recipe first")
    if baseline is not None and baseline not in variants:
        raise mistake(f'no variant is called "{baseline}"', where="--against", remedy=nearest(baseline, variants))
    return baseline or next(iter(finished(scores)), str(variants[0]))


def finished(scores: pl.DataFrame) -> list[str]:
    """Return the variants of a score frame that have scores, in its order; runs of others all failed."""
    return scores.filter(pl.col("role") != "failed")["variant"].unique(maintain_order=True).to_list()


def read_comparisons(path: Path) -> pl.DataFrame:
    """Read a comparison frame that `write_frame` wrote.

    Raises:
        Mistakes: there is no such file, or it is no comparison frame.
    """
    frame = read_csv(path)
    missing = [name for name in COMPARISONS if name not in frame.columns]
    if missing:
        raise mistake(f"no column {', '.join(missing)}", where=str(path), remedy="write it with `write_frame`")
    return _typed(frame, axis_columns(frame))


def comparison_arms(comparisons: pl.DataFrame) -> list[Arm]:
    """Return the arms of a comparison frame in order."""
    columns = axis_columns(comparisons)
    rows = comparisons.select("variant", *columns).unique(maintain_order=True).iter_rows()
    return [arm_of(columns, variant, values) for variant, *values in rows]


def _typed(frame: pl.DataFrame, axes: Sequence[str]) -> pl.DataFrame:
    types = COMPARISONS | dict.fromkeys(axes, pl.String)
    frame = frame.with_columns(pl.lit(None).alias(name) for name in types if name not in frame.columns)
    first, rest = ["recipe", "variant", *axes], list(COMPARISONS)[2:]
    return frame.select(pl.col(name).cast(types[name]) for name in first + rest)


def _roles(scores: pl.DataFrame, arm: Arm) -> dict[str, str]:
    return dict(only(scores, arm).select("language", "role").iter_rows())


def _mean(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, set[str]]:
    """The scope of the test of a mean, and its languages, from the roles that they have for either arm."""
    unseen = {language for language, role in ours.items() if role == theirs.get(language) == "unseen"}
    return ("unseen", unseen) if unseen else ("targets", set(averaged(ours)) & set(averaged(theirs)))


def _tests(found: Differences, scope: str, averaged: set[str]) -> list[dict[str, object]]:
    """One test a language, corrected by Holm, and one for the mean over some of them if they are several."""
    languages = list(found.by_language)
    average = [position for position, language in enumerate(languages) if language in averaged]
    means = [average] if len(average) > 1 else []
    parts = contributions([one.differences for one in found.by_language.values()], means)
    left_out = [one.left_out for one in found.by_language.values()]
    scopes = [("language", language, len(languages), left_out[i]) for i, language in enumerate(languages)]
    for mean in means:
        scopes.append(
            (scope, together(languages[position] for position in mean), 1, sum(left_out[position] for position in mean))
        )
    rows = _rows(parts, uncertainty(parts), len(languages))
    return [
        {
            "scope": scope,
            "language": language,
            "family": family,
            "left_out": left,
            "conditional": _condition(found),
            "unit": found.units.unit,
            **row,
        }
        for (scope, language, family, left), row in zip(scopes, rows, strict=True)
    ]


def _rows(parts: Contributions, spread: Uncertainty, family: int) -> list[dict[str, object]]:
    """What each test found; the first `family` are one family."""
    p_values = spread.p_value(parts.estimate)
    adjusted = _adjust(p_values, family)
    single = np.full(p_values.size - family, LEVEL)
    levels = np.concatenate([holm_levels(adjusted[:family], LEVEL), single])
    half = spread.quantile(LEVEL, conditional=spread.seeds < UNCONDITIONAL_SEEDS)
    columns = {
        "difference": parts.estimate,
        "standard_error": spread.standard_error,
        "low": parts.estimate - half,
        "high": parts.estimate + half,
        "p": p_values,
        "p_adjusted": adjusted,
        "p_given_seeds": _adjust(spread.p_given_seeds(parts.estimate), family),
        "minimum": spread.minimum_detectable(levels),
        "equivalent_within": spread.equivalence_margin(parts.estimate, LEVEL),
    }
    lists = {name: [_finite(value) for value in values.tolist()] for name, values in columns.items()}
    verdicts = [
        _verdict(estimate, p, bool(discordant))
        for estimate, p, discordant in zip(parts.estimate, adjusted, parts.discordant, strict=True)
    ]
    whole = {"verdict": verdicts, "clusters": parts.clusters.tolist(), "n": parts.examples.tolist()}
    return [
        {"seeds": spread.seeds, **{name: values[test] for name, values in (lists | whole).items()}}
        for test in range(p_values.size)
    ]


def _adjust(p_values: Floats, family: int) -> Floats:
    """Holm's correction of the first `family` tests; the others stand by themselves."""
    return np.concatenate([holm(p_values[:family]), p_values[family:]])


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _verdict(estimate: float, adjusted: float, discordant: bool) -> str:
    if not discordant:
        return "identical"
    if adjusted > LEVEL:
        return "undecided"
    return "better" if estimate > 0 else "worse"


def _condition(found: Differences) -> str:
    """What an interval does not generalise over: few repetitions, and what was averaged over."""
    conditions = [_counted(size, name) for name, size in found.units.fixed]
    repeated = len(found.units.members)
    if repeated < UNCONDITIONAL_SEEDS:
        conditions.insert(0, _counted(repeated, found.units.unit))
    return " and ".join(conditions)


def _counted(size: int, name: str) -> str:
    """Say how many: "1 draw", "3 seeds", "2 source seeds"."""
    noun = name if name in ("seed", "draw") else f"{name} seed"
    return f"{size} {noun}{'s' * (size > 1)}"
