"""Which seed of a variant is taken away: one by its name, or the best by what the recipe declares to choose by.

Zero-shot is a promise here, too. The best seed is best on development rows (`development` under `[evaluation]`) of the
source languages, and of those of `selection` that the run was trained on; or by the score on held-out rows by which the
last phase kept its step (`select`). Test rows have no part in it, and no label of a language that is called unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from isogloss.errors import Mistakes, mistake, nearest
from isogloss.evaluation.frame import DEVELOPMENT, primary_metric
from isogloss.store.runs import one

if TYPE_CHECKING:
    from isogloss.store import RunInfo, Store

BEST = "best"
_HELD_OUT = "held_out_"  # before a metric's name in a phase's log


class Picked(NamedTuple):
    """A run, and in words how it was chosen among how many; "" where the address named it alone."""

    run: RunInfo
    how: str = ""


class _Judged(NamedTuple):
    """What each run of a variant and cell scored, and on what, in words."""

    scores: Mapping[str, float]
    on: str


def pick(store: Store, address: str, seed: str | None = None) -> Picked:
    """Return the run that an address names, or that seed of its variant and cell.

    Args:
        store: that has the runs.
        address: of one run; with `seed` of the runs of one variant and cell, or any one of them by its key.
        seed: as tables print it ("0", or "source=0,adapt=3"), or "best".

    Raises:
        Mistakes: there is no such run, the address names several cells, or the recipe declares nothing to choose by.
    """
    if seed is None:
        return Picked(store.resolve_one(address))
    runs = _seeds_of(store, address)
    done = [run for run in runs if run.state == "done"]
    if seed == BEST:
        if not done:
            remedy = "run the recipe to its end first, or see why with `isogloss show RUNS`"
            raise mistake(f"none of {len(runs)} seeds has finished", where=address, remedy=remedy)
        return _best(store, done, len(runs), address)
    named = [run for run in runs if run.seed == seed]
    if not named:
        known = [run.seed for run in runs]
        raise mistake(f'no run of seed "{seed}" in "{address}"', where="--seed", remedy=nearest(seed, [*known, BEST]))
    return Picked(one(named, address, where="--seed"))


def _seeds_of(store: Store, address: str) -> list[RunInfo]:
    """Return the runs that differ from those of an address in their seed alone, in the order of their seeds.

    Raises:
        Mistakes: the address names a seed itself, or runs of several variants or cells.
    """
    if "@" in address:
        remedy = f"write {address.partition('@')[0]}, or leave --seed out"
        raise mistake(f'"{address}" names a seed already', where="--seed", remedy=remedy)
    every = store.runs()
    found = store.resolve(address, among=every)
    if len({_arm(run) for run in found}) > 1:
        one(found, address, where="--seed")
    first = found[0]
    if first.key.startswith(address):
        found = store.resolve(f"{first.recipe}#{first.edition}/{first.variant}", among=every)
        found = tuple(run for run in found if _arm(run) == _arm(first))
    return list(found)


def _arm(run: RunInfo) -> tuple[object, ...]:
    return run.variant, tuple(sorted(run.axes.items()))


def _best(store: Store, runs: Sequence[RunInfo], asked: int, address: str) -> Picked:
    judged = _on_development(store, runs) or _on_held_out(store, runs)
    if judged is None:
        raise _undeclared(store, runs[0], address)
    best = max(runs, key=lambda run: judged.scores[run.key])  # the first of equals
    others = ", ".join(f"{judged.scores[run.key]:.2f}" for run in runs if run is not best)
    beside = f", the others {others}" if others else ""
    missing = f" ({asked - len(runs)} more did not finish)" if asked > len(runs) else ""
    how = f"the best of {len(runs)} seeds{missing} by {judged.on}: {judged.scores[best.key]:.2f}{beside}"
    return Picked(best, how)


def _on_development(store: Store, runs: Sequence[RunInfo]) -> _Judged | None:
    """Return the mean over languages on development rows; None where the recipe declares none."""
    evaluation = runs[0].settings.get("evaluation") or {}
    if not evaluation.get("development") or runs[0].settings.get("final"):
        return None
    scores = store.scores(runs)
    metric = primary_metric(scores)
    selection = list(runs[0].settings["languages"].get("selection") or ())
    allowed = (pl.col("role") == "source") | (pl.col("language").is_in(selection) & (pl.col("role") != "unseen"))
    rows = scores.filter(pl.col("metric") == DEVELOPMENT + metric, allowed)
    if rows.is_empty():
        what = "no development rows of a source language, or of one of `selection` that was trained on"
        remedy = "name a source language in languages.target too, and run again"
        raise mistake(what, where=runs[0].recipe, remedy=remedy)
    means = {run.key: fmean(rows.filter(run=run.key)["value"]) for run in runs}
    languages = ", ".join(sorted(rows["language"].unique()))
    return _Judged(means, f"{metric} on development rows ({evaluation['development']['split']}) of {languages}")


def _on_held_out(store: Store, runs: Sequence[RunInfo]) -> _Judged | None:
    """Return the score of the step that the last phase has kept; None where it chose none."""
    scores, on = {}, ""
    for run in runs:
        phase = store.phase(_last(store, run))
        select = phase.spec["settings"]["select"]
        if select["on"] == "last":
            return None
        [row] = [row for row in phase.read_log() if row["step"] == phase.summary["selected_step"] + 1]
        [name] = [name for name in row if name.startswith(_HELD_OUT)]
        scores[run.key] = float(row[name])
        metric = name.removeprefix(_HELD_OUT)
        on = f"{metric} on rows of languages.{select['on']} held out of phase {phase.spec['name']}"
    return _Judged(scores, on)


def _last(store: Store, run: RunInfo) -> str:
    """Return the key of the phase whose weights a run ends with."""
    if not run.phases:
        what = f"{run.variant} is a simple model, which leaves no weights"
        raise mistake(what, where=run.address, remedy="name a variant that trains an encoder")
    return [key for key in run.phases if store.phase(key).spec["product"] == "weights"][-1]


def _undeclared(store: Store, run: RunInfo, address: str) -> Mistakes:
    phase = store.phase(_last(store, run)).spec["name"]
    select = f'select = "source" in phase "{phase}"'
    rows = "" if run.settings.get("final") else 'development = { split = "validation" } under [evaluation], or '
    what = f'the recipe of "{address}" declares nothing to choose a seed by'
    return mistake(
        what, where="--seed best", remedy=f"write {rows}{select}, and run again; or name one: --seed {run.seed}"
    )
