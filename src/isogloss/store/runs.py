"""RUNS: the runs of a store by address, wherever a command takes them.

An address is a recipe's name, `name/variant`, `name/variant@seed`, or a key (its first 6 characters do).
Where the same recipe was run with different settings (an edited file, another profile), a name means the
settings of the newest run: rows of different settings never meet in one table. `name#edition` asks for an
older one. Where a run was made again with equal settings, because its data, its encoder or the version of a
part has changed, a name means the newest that is done; the key of an older one still names it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from isogloss.errors import mistake, nearest

State = Literal["done", "failed", "unfinished"]
_ADDRESS = re.compile(r"(?P<recipe>[^/@#]+)(#(?P<edition>[^/@#]+))?(/(?P<variant>[^/@#]+)(@(?P<seed>[^/@#]+))?)?")
_NOT_SETTINGS = {"name", "description", "seeds", "axes", "variants", "profiles", "keep", "extends", "analyses"}


@dataclass(frozen=True)
class RunInfo:
    """What the store knows of a run without opening its results.

    Attributes:
        key: its content key, the name of its folder.
        recipe: the recipe's name.
        variant: the variant's name.
        axes: axis → the languages (or draw) of its cell.
        seeds: phase → seed.
        seed: the seeds in short.
        phases: the keys of its phases, in order.
        settings: the whole effective recipe.
        state: done, failed (the next `run` tries again), or unfinished (never reached an end, or still going
            on).
        error: why it failed, in one line; "" if it did not.
        failed_phase: the name of the phase in which it failed; "" if in none.
        begun: when it was begun, in seconds since 1970.
        edition: what tells runs of one recipe with different settings apart: 8 characters.
        change: the same for what its variant changes.
    """

    key: str
    recipe: str
    variant: str
    axes: Mapping[str, tuple[str, ...]]
    seeds: Mapping[str, int]
    seed: str
    phases: tuple[str, ...]
    settings: Mapping[str, Any]
    state: State
    error: str
    failed_phase: str
    begun: float
    edition: str
    change: str

    @property
    def tested_on(self) -> Any:
        """The task that it is tested on, as its recipe refers to it: a name, a path, or a table."""
        return self.settings.get("evaluation", {}).get("task") or self.settings.get("task")

    @property
    def measured_as(self) -> str:
        """The recipe whose runs are tested: of a model that is trained on all rows, that with the folds."""
        return self.recipe.removesuffix(".final") if self.settings.get("final") else self.recipe

    def folds(self, among: Iterable[RunInfo]) -> list[RunInfo]:
        """Return, of a final run, the finished runs over folds of the same recipe, settings, variant and cell."""
        mine = self.measured_as, edition({**self.settings, "final": None}), self.variant, dict(self.axes)

        def place(run: RunInfo) -> tuple[Any, ...]:
            cell = {axis: value for axis, value in run.axes.items() if axis != "fold"}
            return run.recipe, run.edition, run.variant, cell

        return [run for run in among if run.state == "done" and "fold" in run.axes and place(run) == mine]

    @property
    def facts(self) -> dict[str, str]:
        """What a score frame says of the run in every row: recipe, variant, axis.NAME, seed, run (the key)."""
        cell = {f"axis.{axis}": "+".join(values) for axis, values in self.axes.items()}
        return {"recipe": self.recipe, "variant": self.variant, **cell, "seed": self.seed, "run": self.key}

    @property
    def place(self) -> Hashable:
        """What runs that were made again have in common: settings, variant, cell and seed, of which a table has one."""
        return self.recipe, self.edition, self.variant, self.change, tuple(sorted(self.axes.items())), self.seed

    @property
    def address(self) -> str:
        """The run as `name/variant@seed`."""
        return f"{self.recipe}/{self.variant}@{self.seed}"


def edition(settings: Mapping[str, Any]) -> str:
    """Return 8 characters that depend on what a recipe does, not on how often or in which variants.

    Keys that are not set count for nothing, so that a key which a later version adds makes no other edition.
    """
    return _digest(_given({key: value for key, value in settings.items() if key not in _NOT_SETTINGS}))


def change(settings: Mapping[str, Any], variant: str) -> str:
    """Return 8 characters that depend on what a variant changes."""
    return _digest([entry for entry in settings.get("variants") or () if entry.get("name") == variant])


def find(runs: Sequence[RunInfo], address: str, *, where: str) -> tuple[RunInfo, ...]:
    """Return the runs that an address names, ordered by variant, cell and seed.

    Args:
        runs: all that there are.
        address: a recipe's name, `name/variant`, `name/variant@seed`, `name#edition…`, or a key.
        where: the store's path, for messages.

    Raises:
        Mistakes: none has this address; names what is nearest, or what is here.
    """
    if not runs:
        raise mistake("no run is here yet", where=where, remedy="make some with `isogloss run RECIPE`, or name --store")
    if re.fullmatch(r"[0-9a-f]{6,}", address) and all(run.recipe != address for run in runs):
        return _by_key(runs, address, where)
    parts = _ADDRESS.fullmatch(address)
    if parts is None:
        raise mistake(
            f'"{address}" is no address of runs',
            where=where,
            remedy="write NAME, NAME/VARIANT, NAME/VARIANT@SEED or a key",
        )
    found = _named(runs, address, "recipe", parts["recipe"], where)
    if parts["edition"]:
        found = _named(found, address, "edition", parts["edition"], where)
    found = newest(found)
    for name in ("variant", "seed"):
        if parts[name]:
            found = _named(found, address, name, parts[name], where)
    return tuple(sorted(found, key=_order))


def newest(runs: Sequence[RunInfo]) -> list[RunInfo]:
    """Return those of one recipe's runs with the newest edition, and the newest form of each variant.

    Of those that were made again it is the newest that is done, or the newest of all where none is.
    """
    latest = max(runs, key=lambda run: run.begun).edition
    runs = sorted((run for run in runs if run.edition == latest), key=lambda run: run.begun)
    changes = {run.variant: run.change for run in runs}
    runs = sorted((run for run in runs if run.change == changes[run.variant]), key=lambda run: run.state == "done")
    return list({run.place: run for run in runs}.values())


def distinct(runs: Iterable[RunInfo]) -> tuple[RunInfo, ...]:
    """Return each run once, whatever the settings that it counts for, in the order given."""
    first: dict[str, RunInfo] = {}
    for run in runs:
        first.setdefault(run.key, run)
    return tuple(first.values())


def _named(runs: Sequence[RunInfo], address: str, attribute: str, value: str, where: str) -> list[RunInfo]:
    found = [run for run in runs if getattr(run, attribute) == value]
    if not found:
        known = sorted({getattr(run, attribute) for run in runs})
        remedy = nearest(value, known, otherwise=f"{_PLURAL[attribute]} here: {', '.join(known)}")
        raise mistake(f'no runs of this {attribute}: "{value}" (in "{address}")', where=where, remedy=remedy)
    return found


_PLURAL = {"recipe": "recipes", "edition": "editions", "variant": "variants", "seed": "seeds"}


def _by_key(runs: Iterable[RunInfo], prefix: str, where: str) -> tuple[RunInfo, ...]:
    found = distinct(run for run in runs if run.key.startswith(prefix))
    if len(found) == 1:
        return found
    if found:
        keys = ", ".join(run.key for run in found)
        raise mistake(f'several keys begin with "{prefix}"', where=where, remedy=f"write more of one of them: {keys}")
    raise mistake(f'no run has the key "{prefix}"', where=where, remedy="see `isogloss list runs`")


def _order(run: RunInfo) -> tuple[Any, ...]:
    names = [entry.get("name") for entry in run.settings.get("variants") or ()]
    place = names.index(run.variant) if run.variant in names else len(names)
    return place, run.variant, sorted(run.axes.items()), sorted(run.seeds.items()), run.begun


def _given(value: Any) -> Any:
    """Leave out keys that are not set."""
    if isinstance(value, Mapping):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def one(found: Sequence[RunInfo], address: str, *, where: str) -> RunInfo:
    """Return the only run that an address names.

    Raises:
        Mistakes: it names several; lists their keys.
    """
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{run.key[:8]} = {_cell(run)}" for run in found[:6])
    more = f"; and {len(found) - 6} more" if len(found) > 6 else ""
    raise mistake(f'"{address}" names {len(found)} runs', where=where, remedy=f"name one: {listed}{more}")


def _cell(run: RunInfo) -> str:
    axes = " ".join(f"{axis}={'+'.join(values)}" for axis, values in run.axes.items())
    return f"{run.variant}@{run.seed} {axes}".strip()
