"""What was run: which runs came to an end, what each was trained on, how steps were chosen, where, and for how long."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from isogloss.evaluation.frame import span
from isogloss.evaluation.naming import with_cells
from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.recipe.public import said_without_paths, without_paths
from isogloss.report.material import task_name
from isogloss.report.phases import (
    DeviceTime,
    chosen_on,
    device_time,
    phase_table,
    phases_of,
    trained_on,
    variant_of,
)
from isogloss.report.section import Section, without_empty

if TYPE_CHECKING:
    from isogloss.report.material import Material
    from isogloss.store import RunInfo

_REPEATED = ("draw", "fold")  # axes whose cells repeat a measurement, or are parts of one


def provenance(material: Material) -> Section:
    """Return the section; it opens every phase's and run's description, and no weights."""
    phases = phases_of(material)
    tables = (_runs(material), _labels(material), phase_table(phases), _machines(material))
    failures = [_failure(run) for run in material.runs if run.state == "failed"]
    return Section(
        "what-was-run",
        "What was run",
        sentences=(*material.notes, *_collapses(material), *failures, _work(device_time(material, phases))),
        tables=tuple(table for table in tables if table.rows),
    )


def facts(material: Material) -> list[tuple[str, str]]:
    """Return what a reader must know before the first number, as names and values."""
    roles: dict[str, dict[str, None]] = {}
    tested = with_cells(material.scores).filter(pl.col("language") != "").select("role", "language")
    for role, language in tested.unique(maintain_order=True).iter_rows():
        roles.setdefault(role, {})[language] = None
    seen = {**roles.get("source", {}), **roles.get("auxiliary", {})}
    seeds = [len({run.seed for run in own}) for own in _by_arm(material.done).values()]
    named = [
        ("task", _several(map(task_name, material.runs))),
        ("encoder", _several(str(without_paths(run.settings).get("encoder", "")) for run in material.runs)),
        ("source", ", ".join(roles.get("source", {}))),
        ("auxiliary", ", ".join(roles.get("auxiliary", {}))),
        ("targets never trained on", str(len([one for one in roles.get("unseen", {}) if one not in seen]))),
        ("runs", _states(material.runs)),
        ("seeds", span(pl.Series(seeds)) if seeds else ""),
        ("device time", _hours(sum(device_time(material, phases_of(material))))),
        ("begun", time.strftime("%Y-%m-%d", time.gmtime(min(run.begun for run in material.runs)))),
    ]
    return [(name, value) for name, value in named if value]


def _by_arm(runs: Iterable[RunInfo]) -> dict[tuple[object, ...], list[RunInfo]]:
    found: dict[tuple[object, ...], list[RunInfo]] = {}
    for run in runs:
        cell = [(axis, values) for axis, values in sorted(run.axes.items()) if axis not in _REPEATED]
        found.setdefault((run.recipe, run.variant, *cell), []).append(run)
    return found


def _states(runs: Sequence[RunInfo]) -> str:
    counts = Counter(run.state for run in runs)
    return ", ".join(f"{counts[state]} {state}" for state in ("done", "failed", "unfinished") if counts[state])


def _failure(run: RunInfo) -> str:
    cell = ", ".join(f"{axis} {'+'.join(values)}" for axis, values in run.axes.items())
    whose = f"{run.address} ({cell})" if cell else run.address
    return f"{whose} failed in {run.failed_phase or 'no phase'}: {said_without_paths(str(run.error))}"


def _warnings(material: Material) -> dict[str, list[str]]:
    """Return what was warned of when a run was tested, by the run's key: that it says the same to everything."""
    found = {run.key: list(material.store.run(run.key).summary.get("warnings", ())) for run in material.done}
    return {key: told for key, told in found.items() if told}


def _collapses(material: Material) -> list[str]:
    return [f"Collapsed: {one}." for told in _warnings(material).values() for one in told]


def _runs(material: Material) -> Table:
    """A row for each variant: what it is, and what came of its runs."""
    collapsed = _warnings(material)
    by_variant: dict[tuple[str, str], list[RunInfo]] = {}
    for run in material.runs:
        by_variant.setdefault((run.recipe, run.variant), []).append(run)
    rows, several = [], len({recipe for recipe, _ in by_variant}) > 1
    for (recipe, variant), own in by_variant.items():
        states = Counter(run.state for run in own)
        about = (Cell(variant), Cell(recipe if several else None), Cell(_description(own[0])))
        counts = (states["done"], sum(run.key in collapsed for run in own), states["failed"], states["unfinished"])
        rows.append((*about, Cell(_several(run.seed for run in own)), *map(Cell, counts)))
    texts = ("variant", "recipe", "what it is", "seeds")
    columns = [Column(name) for name in texts]
    columns += [Column(name, "integer") for name in ("done", "collapsed", "failed", "unfinished")]
    note = "Collapsed: done, and yet it says one and the same of every example of a language; it counts like any other."
    footnotes = (note,) if collapsed else ()
    return without_empty(Table("Variants and their runs", tuple(columns), tuple(rows), footnotes=footnotes))


def _description(run: RunInfo) -> str:
    """Return what a recipe says of a variant, or what it changes."""
    mine = variant_of(run)
    if mine.get("description"):
        return str(mine["description"])
    changes = [f"without {name}" for name in mine.get("skip") or ()]
    changes += [f"{key} = {value}" for key, value in (mine.get("set") or {}).items()]
    return "; ".join(changes) or "as the recipe says"


def _labels(material: Material) -> Table:
    """A row for each arm: whose labels its numbers have seen."""
    rows, spoilt = [], dict[str, None]()
    for own in _by_arm(material.done).values():
        run = own[0]
        unseen = _unseen(material, run)
        looked = chosen_on(material, run)
        spoilt |= dict.fromkeys(language for language in unseen if language in looked)
        cell = " ".join(f"{axis}={'+'.join(values)}" for axis, values in run.axes.items() if axis not in _REPEATED)
        texts = (cell, trained_on(material, run), ", ".join(looked), ", ".join(unseen))
        rows.append((Cell(material.variant(run)), *(Cell(text or None) for text in texts)))
    names = ("variant", "cell", "labels trained on", "labels that chose a step", "zero-shot: no label trained on")
    notes = (
        "A language whose labels were trained on is marked † in every table: few-shot where they were few, as the rows "
        "say.",
        f"Not zero-shot in the strict sense, since their labels chose a step: {', '.join(spoilt)}."
        if spoilt
        else "No training step was chosen on the labels of a zero-shot target.",
    )
    table = Table("Which labels the numbers have seen", tuple(map(Column, names)), tuple(rows), footnotes=notes)
    return without_empty(table)


def _unseen(material: Material, run: RunInfo) -> list[str]:
    own = with_cells(material.scores).filter(
        pl.col("run").str.contains(run.key, literal=True), pl.col("role") == "unseen"
    )
    return list(dict.fromkeys(own["language"]))


def _machines(material: Material) -> Table:
    """Versions and machine, with every value that occurs among the runs."""
    told: dict[str, dict[str, None]] = {}
    for run in material.runs:
        spec = material.store.run(run.key).spec.provenance
        every = {**{f"{name} (version)": value for name, value in spec.get("versions", {}).items()}, **spec}
        for name, value in every.items():
            if name != "versions" and value is not None:
                told.setdefault(name, {})[str(value)] = None
    rows = tuple((Cell(name), Cell(" or ".join(values))) for name, values in told.items())
    return Table("Versions and machine", (Column("what"), Column("value")), rows)


def _several(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _work(spent: DeviceTime) -> str:
    return (
        f"{_hours(sum(spent))} of device time: {_hours(spent.training)} of training (phases that runs share count "
        f"once), {_hours(spent.testing)} of testing."
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"
