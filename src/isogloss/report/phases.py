"""The phases that runs went through: on which rows, which step was kept and by whose labels, how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from isogloss.evaluation.frame import span
from isogloss.evaluation.tabular import Cell, Column, Table
from isogloss.recipe.public import without_paths

if TYPE_CHECKING:
    from isogloss.report.material import Material
    from isogloss.store import PhaseFolder, RunInfo

_ROWS = (
    ("examples", "about {} a language"),
    ("share", "a share of {}"),
    ("per_label", "{} of each label"),
)


def phases_of(material: Material) -> dict[str, PhaseFolder]:
    """Return the phases of runs that were begun at least, by key: each once, however many runs share it."""
    keys = dict.fromkeys(key for run in material.runs for key in run.phases)
    folders = ((key, material.store.phase(key)) for key in keys)
    return {key: folder for key, folder in folders if (folder.path / "phase.json").is_file()}


class DeviceTime(NamedTuple):
    """Seconds that devices were at work."""

    training: float
    testing: float


def device_time(material: Material, phases: Mapping[str, PhaseFolder]) -> DeviceTime:
    """Return how long devices were at work: phases that runs share count once; what failed left no time behind."""
    tested = (material.store.run(run.key).summary.get("evaluation_seconds", 0) for run in material.done)
    trained = (folder.summary.get("seconds", 0) for folder in phases.values() if folder.done)
    return DeviceTime(sum(map(float, trained)), sum(map(float, tested)))


def phase_table(phases: Mapping[str, PhaseFolder]) -> Table:
    """A row for phases of one name, method and rows: how often, how long, and which step was kept."""
    groups: dict[tuple[str, ...], list[PhaseFolder]] = {}
    for folder in phases.values():
        spec = folder.spec
        settings = spec["settings"]
        key = (spec["name"], settings["method"]["name"], ", ".join(spec["languages"]), _amount(spec), _chosen(spec))
        groups.setdefault(key, []).append(folder)
    rows = []
    for (name, method, languages, amount, chosen), folders in groups.items():
        done = [folder.summary for folder in folders if folder.done]
        texts = (
            name,
            method,
            languages,
            amount,
            chosen,
            span(pl.Series(steps)) if (steps := list(_steps(done))) else None,
        )
        seconds = sum(float(one.get("seconds", 0)) for one in done)
        rows.append((*map(Cell, texts), Cell(len(done)), Cell(seconds / 60 if done else None)))
    names = ("phase", "method", "languages", "rows", "checkpoint", "step kept")
    columns = (*map(Column, names), Column("times", "integer"), Column("device minutes", "number", digits=1))
    return Table("Phases, each carried out once for all runs that share it", columns, tuple(rows))


def _chosen(spec: Mapping[str, Any]) -> str:
    """Say how a phase's checkpoint was chosen, and by whose labels."""
    select = spec["settings"].get("select") or {}
    if select.get("on", "last") == "last" or spec.get("product") == "rates":
        return "the last step"
    rows = f"held-out rows ({100 * select['held_out']:g} %) of the {select['on']} languages"
    return f"the best on {rows}, of every {select['every']} steps"


def _steps(done: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for summary in done:
        step = summary.get("selected_step")
        if step is not None:
            yield int(step) + 1  # counted from 1, as the log does
        elif "steps" in summary:
            yield int(summary["steps"])


def trained_on(material: Material, run: RunInfo) -> str:
    """Say on which rows of which languages a run was trained, phase by phase."""
    if not run.phases:
        return f"{_simple(run)}: the rows of all phases"
    specs = _specs(material, run)
    return "; ".join(f"{spec['name']}: {', '.join(spec['languages'])} ({_amount(spec)})" for spec in specs)


def _specs(material: Material, run: RunInfo) -> list[dict[str, Any]]:
    folders = map(material.store.phase, dict.fromkeys(run.phases))
    return [folder.spec for folder in folders if (folder.path / "phase.json").is_file()]


def chosen_on(material: Material, run: RunInfo) -> tuple[str, ...]:
    """Return the languages whose labels chose a step of a run's phases."""
    specs = _specs(material, run)
    asked = {(spec["settings"].get("select") or {}).get("on", "last") for spec in specs if spec["product"] != "rates"}
    roles = {**run.settings["languages"], **run.axes}
    return tuple(dict.fromkeys(language for role in sorted(asked - {"last"}) for language in roles.get(role) or ()))


def variant_of(run: RunInfo) -> Mapping[str, Any]:
    """Return what the recipe of a run says of its variant, names in place of paths."""
    every: Sequence[Mapping[str, Any]] = without_paths(run.settings).get("variants") or ()
    return next((one for one in every if one.get("name") == run.variant), {})


def _simple(run: RunInfo) -> str:
    simple = run.settings.get("simple")
    return str((variant_of(run).get("set") or {}).get("simple") or simple or "a simple model")


def _amount(spec: Mapping[str, Any]) -> str:
    """Say which rows a phase was trained on."""
    on = spec["settings"]["on"]
    told = [wording.format(f"{on[name]:,}" if name != "share" else on[name]) for name, wording in _ROWS if on.get(name)]
    task = "" if on.get("task") is None else f" of {without_paths({'task': spec['task']})['task']}"
    return f"{told[0] if told else 'all'} of {on['split']}{task}"
