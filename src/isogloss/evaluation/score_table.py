"""The first table: a row for each arm, a column for each language, and what they come to."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import polars as pl

from isogloss.errors import mistake, nearest
from isogloss.evaluation.choice import ORACLE
from isogloss.evaluation.comparison import MEANS, finished
from isogloss.evaluation.frame import Arm, arms, averaged, axis_columns, only, other_metric, primary_metric
from isogloss.evaluation.grid_table import GridPart, grid_table, is_grid, plain
from isogloss.evaluation.naming import factors, named
from isogloss.evaluation.notes import legend, notes
from isogloss.evaluation.reference import AVERAGE, PrintedRow, Reference
from isogloss.evaluation.tabular import Cell, Column, Table

SEEN = ("source", "auxiliary")
PRINTED = " (printed)"
"""After the name of a row of printed numbers."""
KEYS = ("mean", "common mean", "paper's mean", "sd", "seeds", "sd of draws", "draws", "failed", "examples seen")
"""What a layout calls the columns after the languages, as far as a table has them."""
SPREAD = "; sd: its spread over seeds"
GRID_BELOW = "Targets of two languages, that of the context and that of the question, stand in the next table."


@dataclass(frozen=True)
class ArmScores:
    """One arm's scores for one metric.

    Attributes:
        arm: which.
        by_seed: seed → language → value in percent.
        roles: language → role.
        examples: language → how many it was tested on.
        failed: seeds that failed and have no scores.
        chosen: language → the value of an axis that was chosen for it; empty where none was.
        examples_seen: of one run, its phases together; None where it is not known.
    """

    arm: Arm
    by_seed: Mapping[str, Mapping[str, float]]
    roles: Mapping[str, str]
    examples: Mapping[str, int]
    failed: tuple[str, ...]
    chosen: Mapping[str, str]
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
            dict(rows.select("language", "n").iter_rows()),
            tuple(seed for seed in failed if seed not in by_seed),
            dict(rows.select("language", "chosen").iter_rows()) if "chosen" in rows.columns else {},
            round(float(seen.to_numpy().mean())) if seen.len() else None,
        )

    @cached_property
    def means(self) -> Mapping[str, float]:
        """Language → mean over seeds."""
        return {
            language: statistics.fmean(own[language] for own in self.by_seed.values() if language in own)
            for language in self.roles
        }

    @cached_property
    def averaged(self) -> tuple[str, ...]:
        """The languages of its mean: targets that no phase was trained on; if there are none, all but the source."""
        return averaged(self.roles)

    @cached_property
    def drawn(self) -> bool:
        """Whether runs differ in which examples were drawn."""
        return any("draw" in factors(seed) for seed in self.by_seed)

    def average(self, languages: Sequence[str]) -> dict[str, float]:
        """The mean over `languages` by seed; empty where one of them was not tested."""
        if not languages:
            return {}
        complete = {seed: own for seed, own in self.by_seed.items() if all(each in own for each in languages)}
        return {seed: statistics.fmean(own[each] for each in languages) for seed, own in complete.items()}


def score_tables(
    scores: pl.DataFrame,
    comparisons: pl.DataFrame | None,
    *,
    metric: str | None,
    average: Sequence[str],
    printed: Reference | None,
    settings: Mapping[str, Any] | None,
    source: bool,
) -> tuple[Table, ...]:
    """Build the table of scores; arguments as in `isogloss.evaluation.table.tables`.

    `average` holds the languages of the paper's own mean. Where most targets are cells of two languages, these stand
    in a table of their own.

    Raises:
        Mistakes: there is no run, or none with this metric.
    """
    if scores.is_empty():
        raise mistake("no run to make a table of", where="table", remedy="run the recipe first")
    scores = named(scores)
    metric = _metric(scores, metric)
    found = [ArmScores.of(scores, arm, metric) for arm in arms(scores)]
    languages = _languages(found, source=source)
    of_primary = comparisons if metric == primary_metric(scores) else None
    columns = plain(languages) if is_grid(languages) else languages
    layout = _Layout(found, columns, tuple(average), axis_columns(scores), _decided(of_primary))
    rows = [layout.row(one) for one in found]
    if printed is not None:
        rows += [layout.printed_row(printed, row) for row in printed.rows]
    recipes = ", ".join(scores["recipe"].unique(maintain_order=True).to_list())
    footnotes = (*legend(rows, comparisons), *layout.footnotes(), *_of_tests(scores, comparisons, metric))
    above = () if printed is None else notes(printed, settings, scores.filter(metric=metric))
    title = f"{recipes}: {metric} in percent, mean over seeds"
    first = Table(title, layout.columns(), tuple(rows), above, footnotes)
    if columns == languages:
        return (first,)
    parts = [GridPart(layout.head(one), one.averaged, partial(layout.score, one)) for one in found if one.roles]
    title = f"{recipes}: {metric} by language of the context (rows) and of the question (columns)"
    grid = grid_table(title, layout.heads(), languages, parts)
    lines = (*legend(grid.rows, comparisons), "Means are over the targets of the mean in the first table.")
    return replace(first, footnotes=(*footnotes, GRID_BELOW)), replace(grid, footnotes=lines)


def _of_tests(scores: pl.DataFrame, comparisons: pl.DataFrame | None, shown: str) -> list[str]:
    """What must be known of tests: their metric where another is shown, their baseline where it is not the first."""
    if comparisons is None or comparisons.is_empty():
        return []
    tested = other_metric(scores, shown)
    lines = [f"Tests are of {tested}, and not of {shown}."] if tested else []
    first, baseline = scores["variant"][0], comparisons["baseline"][0]
    if first not in finished(scores):
        lines.append(f"Differences are from {baseline} in place of {first}, the first variant, whose runs all failed.")
    return lines


def _metric(scores: pl.DataFrame, metric: str | None) -> str:
    known = [name for name in scores["metric"].unique(maintain_order=True).to_list() if name]
    if metric is None:
        return primary_metric(scores)
    if metric not in known:
        raise mistake(f'no run has the metric "{metric}"', where="--metric", remedy=nearest(metric, known))
    return metric


def _languages(found: Sequence[ArmScores], *, source: bool) -> list[str]:
    """All languages tested, those that are a source in every arm first, or left out."""
    every = list(dict.fromkeys(language for one in found for language in one.roles))
    tested = [one for one in found if one.roles]
    first = [each for each in every if all(one.roles.get(each, "source") == "source" for one in tested)]
    return (first if source else []) + [language for language in every if language not in first]


def _decided(comparisons: pl.DataFrame | None) -> dict[tuple[str, ...], str]:
    """(variant, axis values …, language) → verdict, where a test decided; what is tested is the primary metric."""
    if comparisons is None:
        return {}
    axes = axis_columns(comparisons)
    rows = comparisons.filter(pl.col("verdict").is_in(["better", "worse"]), pl.col("scope").is_in(["language", *MEANS]))
    language = pl.when(pl.col("scope") != "language").then(pl.lit("")).otherwise("language")
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
        sets = [set(one.averaged) for one in self.found if one.roles]
        shared = set.intersection(*sets) if sets else set()
        if all(own == shared for own in sets):
            return ()
        every = dict.fromkeys(language for one in self.found for language in one.roles)
        return tuple(language for language in every if language in shared)

    def heads(self) -> tuple[Column, ...]:
        """The columns that name an arm."""
        return (Column("variant"), *(Column(axis.removeprefix("axis.")) for axis in self.axes))

    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order of `row`."""
        languages = [Column(language, "number", many=True) for language in self.languages]
        means = [Column("unseen mean" if self._all_unseen else "mean", "number", key="mean")]
        name = f"mean of {len(self.common)} unseen in all rows"
        means += [Column(name, "number", key="common mean")] if self.common else []
        name = f"paper's mean ({len(self.paper)})"
        means += [Column(name, "number", key="paper's mean")] if self.paper else []
        counts = [Column("sd", "number"), Column("seeds", "integer")]
        counts += [Column("sd of draws", "number"), Column("draws", "integer")] if self._any_drawn else []
        counts += [Column("failed", "integer")] if self._any_failed else []
        return (*self.heads(), *languages, *means, *counts, Column("examples seen", "integer"))

    @property
    def _any_failed(self) -> bool:
        return any(one.failed for one in self.found)

    @property
    def _all_unseen(self) -> bool:
        """Whether every arm has targets that it has not seen."""
        return all("unseen" in one.roles.values() for one in self.found if one.roles)

    @property
    def _any_drawn(self) -> bool:
        return any(one.drawn for one in self.found)

    def head(self, one: ArmScores) -> tuple[Cell, ...]:
        """The cells that name an arm."""
        axes = [Cell(value, ("oracle",) if one.chosen and value == ORACLE else ()) for _, value in one.arm.cell]
        return (Cell(one.arm.variant), *axes)

    def row(self, one: ArmScores) -> tuple[Cell, ...]:
        """One arm's cells."""
        own = one.average(one.averaged)
        means = [Cell(_mean(own), self._verdict(one.arm, ""))]
        means += [Cell(_mean(one.average(self.common)))] if self.common else []
        means += [Cell(_mean(one.average(self.paper)))] if self.paper else []
        counts = self._spread(one, own, of_draws=False)
        counts += self._spread(one, own, of_draws=True) if self._any_drawn else []
        counts += [Cell(len(one.failed))] if self._any_failed else []
        languages = [self.score(one, language) for language in self.languages]
        return (*self.head(one), *languages, *means, *counts, Cell(one.examples_seen))

    def _spread(self, one: ArmScores, means: Mapping[str, float], *, of_draws: bool) -> list[Cell]:
        """How means spread over seeds or draws, and how many there are, those that lack a language among them."""
        levels = _levels(means, of_draws=of_draws)
        number = len(_levels(dict.fromkeys(one.by_seed, 0.0), of_draws=of_draws))
        return [Cell(statistics.stdev(levels) if len(levels) > 1 else None), Cell(number)]

    def score(self, one: ArmScores, language: str) -> Cell:
        """One arm's cell of a language."""
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
        means = [Cell(_printed_mean(values, alike[0].averaged if alike else ()))]
        means += [Cell(_printed_mean(values, self.common))] if self.common else []
        own = values.get(AVERAGE, _printed_mean(values, reference.average))
        means += [Cell(own)] if self.paper else []
        counts = [Cell(), Cell(reference.runs), *([Cell(), Cell()] if self._any_drawn else [])]
        counts += [Cell()] if self._any_failed else []
        name = Cell(f"{row.arm.variant}{rest}{PRINTED}", marks)
        return (name, *axes, *languages, *means, *counts, Cell())

    def footnotes(self) -> list[str]:
        """What a reader must know to read the means and counts."""
        sizes = " or ".join(map(str, sorted({len(one.averaged) for one in self.found if one.roles})))
        name = "Unseen mean" if self._all_unseen else "Mean"
        lines = [f"{name}: over {sizes} targets{SPREAD}."] if sizes else []
        if self._any_drawn:
            lines.append("Scores are means over draws of the examples and seeds; sd of draws: their spread over draws.")
        if self.common:
            lines.append("Rows differ in which targets are unseen: compare them on those unseen in all rows.")
        tested = [one for one in self.found if one.roles]
        lacking = sorted({each for one in tested for each in self.paper if each not in one.roles})
        if lacking:
            lines.append(f"No paper's mean where one of its languages was not tested: {', '.join(lacking)}.")
        elif self.paper:
            lines.append(f"The paper's mean is over {', '.join(self.paper)}, whether seen or not.")
        lines += self._chosen()
        for one in self.found:
            if one.failed:
                lines.append(f"Failed and not in the means: {one.arm}, seed {'; '.join(one.failed)}.")
            if not one.by_seed and not one.failed:
                lines.append(f"{one.arm} has no score for this metric.")
        return lines

    def _chosen(self) -> list[str]:
        """By what an axis was chosen, and what was."""
        found = [(f"{one.arm}: {_by_value(one.chosen)}.", _is_oracle(one.arm)) for one in self.found if one.chosen]
        rule = (
            "Chosen for each target on the development rows of the other languages that no candidate for it has seen; "
            "none for a target that every candidate was trained on."
        )
        oracle = "Chosen on each target's own test scores, and so not tested:"
        return [
            line
            for asked, head in ((False, rule), (True, oracle))
            if (own := [text for text, is_oracle in found if is_oracle == asked])
            for line in (head, *own)
        ]


def _is_oracle(arm: Arm) -> bool:
    return any(value == ORACLE for _, value in arm.cell)


def _by_value(chosen: Mapping[str, str]) -> str:
    """Say which value was chosen for which languages."""
    by_value: dict[str, list[str]] = {}
    for language, value in chosen.items():
        by_value.setdefault(value, []).append(language)
    return "; ".join(f"{value} for {', '.join(languages)}" for value, languages in by_value.items())


def _levels(by_seed: Mapping[str, float], *, of_draws: bool) -> list[float]:
    """Return the mean over seeds for each draw, or the mean over draws for each seed."""
    levels: dict[str, list[float]] = {}
    for seed, value in by_seed.items():
        rest = factors(seed)
        draw = rest.pop("draw", "")
        levels.setdefault(draw if of_draws else repr(rest), []).append(value)
    return [statistics.fmean(level) for level in levels.values()]


def _mean(values: Mapping[str, float]) -> float | None:
    return statistics.fmean(values.values()) if values else None


def _printed_mean(values: Mapping[str, float], languages: Sequence[str]) -> float | None:
    if not languages or not all(language in values for language in languages):
        return None
    return statistics.fmean(values[language] for language in languages)
