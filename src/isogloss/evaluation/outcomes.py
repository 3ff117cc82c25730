"""What each variant got right, example by example: the input of every paired comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isogloss.evaluation.frame import Arm, arm_of, axis_columns
from isogloss.evaluation.naming import factors, named, named_among
from isogloss.evaluation.paired import LanguageDifferences


class LanguageOutcome(NamedTuple):
    """One run's outcome on one language, sorted by id.

    Attributes:
        ids: of the examples, [N], each once.
        groups: cluster of each example, [N]; the same number means the same premise in every language.
        values: percent right, 0 or 100 for a label, [N].
    """

    ids: NDArray[np.str_]
    groups: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Outcomes:
    """Outcomes by arm, language and seed; variants in the order in which the predictions came."""

    by_arm: Mapping[Arm, Mapping[str, Mapping[str, LanguageOutcome]]]

    @classmethod
    def from_predictions(cls, predictions: pl.DataFrame, scores: pl.DataFrame | None = None) -> Outcomes:
        """Build from predictions.

        Args:
            predictions: columns recipe, variant, axis.*, seed, language, id, group, and either label and
                prediction, or `value` in percent where an example is scored otherwise (an answer's F1); a row has one
                or the other.
            scores: a score frame of these runs, and perhaps of others, by which arms are called; by themselves if not
                given.
        """
        frame = named(predictions) if scores is None else named_among(predictions, scores)
        values = [pl.col("value")] if "value" in frame.columns else []
        if "label" in frame.columns:
            values.append((pl.col("label") == pl.col("prediction")).cast(pl.Float64) * 100)
        frame = frame.with_columns(pl.coalesce(values).alias("value"))
        axes = axis_columns(frame)
        keys = ["variant", *axes, "seed", "language"]
        frame = frame.select(*keys, pl.col("id").cast(pl.String), "group", "value")
        by_arm: dict[Arm, dict[str, dict[str, LanguageOutcome]]] = {}
        for key, part in frame.partition_by(keys, as_dict=True, include_key=False).items():
            variant, *cell, seed, language = key
            arm = arm_of(axes, variant, cell)
            by_arm.setdefault(arm, {}).setdefault(language, {})[seed] = _outcome(part)
        return cls(by_arm)

    def differences(self, arm: Arm, baseline: Arm) -> Differences | None:
        """Return `arm` minus `baseline` for the seeds and languages that both have; None if none.

        An arm that skips a phase has no seed of it: its run of the other seeds is compared with all of them.
        """
        ours, theirs = self.by_arm.get(arm, {}), self.by_arm.get(baseline, {})
        languages = [language for language in ours if language in theirs]
        pairs = _pairs(_seeds(ours, languages), _seeds(theirs, languages))
        units = seed_units(list(pairs))
        found = {}
        for language in languages if pairs else []:
            our_runs = {seed: ours[language][our] for seed, (our, _) in pairs.items()}
            their_runs = {seed: theirs[language][their] for seed, (_, their) in pairs.items()}
            difference = _subtract(our_runs, their_runs, units.members)
            if difference is not None:
                found[language] = difference
        return Differences(found, units) if found else None


class SeedUnits(NamedTuple):
    """Which runs count as one independent repetition.

    Attributes:
        members: the runs' seeds, by unit.
        fixed: what else varies, phases with seeds of their own or the draw, with how many values each has. Over these
            a unit is averaged, so that a test is conditional on them.
        unit: what a unit is one of: "seed", or "draw" of the examples.
    """

    members: tuple[tuple[str, ...], ...]
    fixed: tuple[tuple[str, int], ...]
    unit: str = "seed"


class SharedDifferences(NamedTuple):
    """The differences on the examples that all runs have, and how many others were left out for it."""

    differences: LanguageDifferences
    left_out: int


@dataclass(frozen=True)
class Differences:
    """The differences of two arms by language, and the seeds that stand behind them."""

    by_language: Mapping[str, SharedDifferences]
    units: SeedUnits


def seed_units(seeds: list[str]) -> SeedUnits:
    """Group runs into independent repetitions.

    With one seed for all phases each run is one. With seeds crossed over phases ("source=1,adapt=3"), or with
    draws of the examples ("draw=2,seed=1"), runs that share one of these are not independent: the units are the values
    of what has most, and over the others a unit is averaged.
    """
    parsed = [factors(seed) for seed in seeds]
    names = dict.fromkeys(name for seed in parsed for name in seed)
    values = {name: [seed.get(name, "") for seed in parsed] for name in names}
    if not values:
        return SeedUnits((), ())
    widest = max(values, key=lambda phase: len(set(values[phase])))
    members: dict[str, list[str]] = {}
    for unit, seed in zip(values[widest], seeds, strict=True):
        members.setdefault(unit, []).append(seed)
    fixed = []
    for name, own in values.items():
        count = len(set(own))
        follows = len(set(zip(values[widest], own, strict=True))) == len(members)
        if not follows or count < len(members):
            fixed.append((name, count))
    unit = "draw" if widest == "draw" else "seed"
    return SeedUnits(tuple(tuple(runs) for runs in members.values()), tuple(fixed), unit)


def _seeds(by_language: Mapping[str, Mapping[str, LanguageOutcome]], languages: list[str]) -> list[str]:
    """The seeds that have all the languages, in order."""
    if not languages:
        return []
    return [seed for seed in by_language[languages[0]] if all(seed in by_language[one] for one in languages)]


def _pairs(ours: list[str], theirs: list[str]) -> dict[str, tuple[str, str]]:
    """Return the seeds of both sides that agree in all that both name, by those of the side that names more."""
    named = {seed: factors(seed) for seed in [*ours, *theirs]}

    def within(few: str, many: str) -> bool:
        return named[few].items() <= named[many].items()

    found = {}
    for our in ours:
        for their in theirs:
            if within(our, their) or within(their, our):
                found[max(our, their, key=lambda seed: len(named[seed]))] = (our, their)
    return found


def _outcome(part: pl.DataFrame) -> LanguageOutcome:
    part = part.sort("id")
    return LanguageOutcome(
        part["id"].to_numpy().astype(np.str_),
        part["group"].to_numpy().astype(np.int64),
        part["value"].to_numpy().astype(np.float64),
    )


def _subtract(
    ours: Mapping[str, LanguageOutcome],
    theirs: Mapping[str, LanguageOutcome],
    members: tuple[tuple[str, ...], ...],
) -> SharedDifferences | None:
    """Difference on the examples that all runs have, averaged over a unit's runs; None if there are none."""
    runs = [side[seed] for side in (ours, theirs) for unit in members for seed in unit]
    ids = runs[0].ids
    for run in runs[1:]:
        if not np.array_equal(ids, run.ids):
            ids = np.intersect1d(ids, run.ids)
    if not ids.size:
        return None

    def pick(run: LanguageOutcome) -> LanguageOutcome:
        if run.ids.size == ids.size:
            return run
        at = np.searchsorted(run.ids, ids)
        return LanguageOutcome(ids, run.groups[at], run.values[at])

    differences = [
        np.mean([pick(ours[seed]).values - pick(theirs[seed]).values for seed in unit], axis=0) for unit in members
    ]
    left_out = max(run.ids.size for run in runs) - ids.size
    return SharedDifferences(LanguageDifferences(np.stack(differences), pick(runs[0]).groups), left_out)
