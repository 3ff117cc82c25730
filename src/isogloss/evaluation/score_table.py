"""The first table: a row for each arm, a column for each language, and what they come to."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from isogloss.errors import mistake, nearest
from isogloss.evaluation.frame import Arm, arms, axis_columns, named, only
from isogloss.evaluation.reference import AVERAGE, PrintedRow, Reference, deviations
from isogloss.evaluation.render import MARKS, Cell, Column, Table

SEEN = ("source", "auxiliary")


@dataclass(frozen=True)
class ArmScores:
    """One arm's scores for one metric.

    Attributes:
        arm: which.
        by_seed: seed → language → value in percent.
        roles: language → role.
        failed: seeds that failed and have no scores.
        examples_seen: of one run, its phases together; None where it is not known.
    """

    arm: Arm
    by_seed: Mapping[str, Mapping[str, float]]
    roles: Mapping[str, str]
    failed: tuple[str, ...]
    examples_seen: int | None

    @classmethod
    def of(cls, frame: pl.DataFrame, arm: Arm, metric: str) -> ArmScores:
        """Collect the rows of `arm` in a score frame."""
        own = only(frame, arm)
        rows = own.filter((pl.col("metric") == metric) & (pl.col("role") != "failed"))
        by_seed: dict[str, dict[str, float]] = {}
        for seed, language, value in rows.select("seed", "language", "value").iter_rows():
            by_seed.setdefault(seed, {})[language] = value
        failed = own.filter(pl.col("role") == "failed")["seed"].unique(maintain_order=True).to_list()
        seen = rows["examples_seen"].drop_nulls()
        return cls(
            arm,
            by_seed,
            dict(rows.select("language", "role").iter_rows()),
            tuple(seed for seed in failed if seed not in by_seed),
            round(float(seen.to_numpy().mean())) if seen.len() else None,
        )

    @cached_property
    def means(self) -> Mapping[str, float]:
        """Language → mean over seeds."""
        return {
            language: statistics.fmean(own[language] for own in self.by_seed.values() if language in own)
            for language in self.roles
        }

    @property
    def unseen(self) -> tuple[str, ...]:
        """The targets that no phase was trained on."""
        return tuple(language for language, role in self.roles.items() if role == "unseen")

    def average(self, languages: Sequence[str]) -> list[float]:
        """The mean over `languages` by seed; empty where one of them was not tested."""
        if not languages or not self.by_seed:
            return []
        complete = [own for own in self.by_seed.values() if all(language in own for language in languages)]
        return [statistics.fmean(own[language] for language in languages) for own in complete]


def score_table(
    scores: pl.DataFrame,
    comparisons: pl.DataFrame | None,
    *,
    metric: str | None,
    average: Sequence[str],
    printed: Reference | None,
    settings: Mapping[str, Any] | None,
    source: bool,
) -> Table:
    """Build the table of scores; arguments as in `isogloss.evaluation.table.tables`.

    `average` holds the languages of the paper's own mean.

    Raises:
        Mistakes: there is no run, or none with this metric.
    """
    if scores.is_empty():
        raise mistake("no run to make a table of", where="table", remedy="run the recipe first")
    scores = named(scores)
    metric = _metric(scores, metric)
    found = [ArmScores.of(scores, arm, metric) for arm in arms(scores)]
    languages = _languages(found, source=source)
    layout = _Layout(found, languages, tuple(average), axis_columns(scores), _decided(comparisons, metric))
    rows = [layout.row(one) for one in found]
    if printed is not None:
        rows += [layout.printed_row(printed, row) for row in printed.rows]
    recipes = scores["recipe"].unique(maintain_order=True).to_list()
    title = f"{', '.join(recipes)}: {metric} in percent, mean over seeds"
    footnotes = (*_legend(rows, comparisons), *layout.footnotes())
    return Table(title, layout.columns(), tuple(rows), _notes(printed, settings), footnotes)


def _metric(scores: pl.DataFrame, metric: str | None) -> str:
    known = [name for name in scores["metric"].unique(maintain_order=True).to_list() if name]
    if metric is None:
        return "accuracy" if "accuracy" in known or not known else str(known[0])
    if metric not in known:
        raise mistake(f'no run has the metric "{metric}"', where="--metric", remedy=nearest(metric, known))
    return metric


def _languages(found: Sequence[ArmScores], *, source: bool) -> list[str]:
    """All languages tested, those that are a source in every arm first, or left out."""
    every = list(dict.fromkeys(language for one in found for language in one.roles))
    tested = [one for one in found if one.roles]
    first = [each for each in every if all(one.roles.get(each, "source") == "source" for one in tested)]
    return (first if source else []) + [language for language in every if language not in first]


def _decided(comparisons: pl.DataFrame | None, metric: str) -> dict[tuple[str, ...], str]:
    """(variant, axis values …, language) → verdict, where a test decided; what is tested is accuracy."""
    if comparisons is None or metric != "accuracy":
        return {}
    axes = axis_columns(comparisons)
    rows = comparisons.filter(
        pl.col("verdict").is_in(["better", "worse"]), pl.col("scope").is_in(["language", "unseen"])
    )
    language = pl.when(pl.col("scope") == "unseen").then(pl.lit("")).otherwise("language")
    keys = rows.select("variant", *[pl.col(axis).fill_null("") for axis in axes], language.alias("language"))
    return dict(zip(keys.iter_rows(), rows["verdict"], strict=True))


@dataclass(frozen=True)
class _Layout:
    """Which columns there are, and how an arm fills them."""

    found: Sequence[ArmScores]
    languages: Sequence[str]
    paper: tuple[str, ...]
    axes: Sequence[str]
    decided: Mapping[tuple[str, ...], str]

    @cached_property
    def common(self) -> tuple[str, ...]:
        """The targets unseen in every arm, where the arms differ in that; else empty."""
        sets = [set(one.unseen) for one in self.found if one.roles]
        shared = set.intersection(*sets) if sets else set()
        if all(own == shared for own in sets):
            return ()
        return tuple(language for language in self.languages if language in shared)

    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of `row`."""
        axes = [Column(axis.removeprefix("axis.")) for axis in self.axes]
        languages = [Column(language, "number", many=True) for language in self.languages]
        means = [Column("unseen mean", "number")]
        means += [Column(f"mean of {len(self.common)} unseen in all rows", "number")] if self.common else []
        means += [Column(f"paper's mean ({len(self.paper)})", "number")] if self.paper else []
        counts = [Column("sd", "number"), Column("seeds", "integer")]
        counts += [Column("failed", "integer")] if self._any_failed else []
        return (Column("variant"), *axes, *languages, *means, *counts, Column("examples seen", "integer"))

    @property
    def _any_failed(self) -> bool:
        return any(one.failed for one in self.found)

    def row(self, one: ArmScores) -> tuple[Cell, ...]:
        """One arm's cells."""
        unseen = one.average(one.unseen)
        means = [Cell(_mean(unseen), self._verdict(one.arm, ""))]
        means += [Cell(_mean(one.average(self.common)))] if self.common else []
        means += [Cell(_mean(one.average(self.paper)))] if self.paper else []
        counts = [Cell(statistics.stdev(unseen) if len(unseen) > 1 else None), Cell(len(one.by_seed))]
        counts += [Cell(len(one.failed))] if self._any_failed else []
        axes = [Cell(value) for _, value in one.arm.cell]
        languages = [self._score(one, language) for language in self.languages]
        return (Cell(one.arm.variant), *axes, *languages, *means, *counts, Cell(one.examples_seen))

    def _score(self, one: ArmScores, language: str) -> Cell:
        if language not in one.means:
            return Cell()
        seen = ("seen",) if one.roles[language] in SEEN else ()
        return Cell(one.means[language], seen + self._verdict(one.arm, language))

    def _verdict(self, arm: Arm, language: str) -> tuple[str, ...]:
        verdict = self.decided.get((arm.variant, *(value for _, value in arm.cell), language))
        return (verdict,) if verdict else ()

    def printed_row(self, reference: Reference, row: PrintedRow) -> tuple[Cell, ...]:
        """A printed row's cells; its means where all their languages are printed."""
        cell = dict(row.arm.cell)
        seen = {language for value in cell.values() for language in value.split("+")}
        axes = [Cell(cell.pop(axis.removeprefix("axis."), "")) for axis in self.axes]
        rest = "".join(f" {value}" for value in cell.values() if value)
        marks = ("oracle",) if row.arm.variant in reference.oracle else ()
        values = row.values
        languages = [
            Cell(values.get(language), ("seen",) if language in seen and language in values else ())
            for language in self.languages
        ]
        alike = [one for one in self.found if one.roles and [v for _, v in one.arm.cell] == [c.value for c in axes]]
        unseen = _printed_mean(values, alike[0].unseen if alike else ())
        means = [Cell(unseen)]
        means += [Cell(_printed_mean(values, self.common))] if self.common else []
        own = values.get(AVERAGE, _printed_mean(values, reference.average))
        means += [Cell(own)] if self.paper else []
        counts = [Cell(), Cell(reference.runs)] + ([Cell()] if self._any_failed else [])
        name = Cell(f"{row.arm.variant}{rest} (printed)", marks)
        return (name, *axes, *languages, *means, *counts, Cell())

    def footnotes(self) -> list[str]:
        """What a reader must know to read the means and counts."""
        sizes = sorted({len(one.unseen) for one in self.found if one.roles})
        lines = (
            [f"Unseen mean: over {' or '.join(map(str, sizes))} targets; sd: its spread over seeds."] if sizes else []
        )
        if self.common:
            lines.append("Rows differ in which targets are unseen: compare them on those unseen in all rows.")
        tested = [one for one in self.found if one.roles]
        lacking = sorted({each for one in tested for each in self.paper if each not in one.roles})
        if lacking:
            lines.append(f"No paper's mean where one of its languages was not tested: {', '.join(lacking)}.")
        elif self.paper:
            lines.append(f"The paper's mean is over {', '.join(self.paper)}, whether seen or not.")
        for one in self.found:
            if one.failed:
                lines.append(f"Failed and not in the means: {one.arm}, seed {'; '.join(one.failed)}.")
            if not one.by_seed and not one.failed:
                lines.append(f"{one.arm} has no score for this metric.")
        return lines


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _printed_mean(values: Mapping[str, float], languages: Sequence[str]) -> float | None:
    if not languages or not all(language in values for language in languages):
        return None
    return statistics.fmean(values[language] for language in languages)


def _notes(printed: Reference | None, settings: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The printed table's source, and every difference in setting that the paper lets one see."""
    if printed is None:
        return ()
    notes = [f"Printed: {printed.citation}. {printed.about}"]
    if settings is not None:
        differing = deviations(settings, printed.setting)
        notes += [str(one) for one in differing] or ["No difference from the setting that the paper states."]
    return tuple(notes)


def _legend(rows: Sequence[Sequence[Cell]], comparisons: pl.DataFrame | None) -> list[str]:
    used = {mark for row in rows for cell in row for mark in cell.marks}
    lines = [f"{MARKS['seen']} trained on in that row."] if "seen" in used else []
    if "oracle" in used:
        lines.append(f"{MARKS['oracle']} oracle: chosen on the targets' own test scores.")
    if comparisons is not None and used & {"better", "worse"}:
        baseline = comparisons["baseline"][0]
        lines.append(
            f"{MARKS['better']} better, {MARKS['worse']} worse than {baseline} by the paired test (level "
            "5 %, Holm over languages); without a mark the test did not decide."
        )
    return lines
