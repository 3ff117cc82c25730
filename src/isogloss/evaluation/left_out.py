"""Which runs are not among those shown, and why: what a reader must know that no table says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isogloss.store import RunInfo


def left_out(everything: Sequence[RunInfo], found: Sequence[RunInfo], addresses: Sequence[str]) -> list[str]:
    """Return a sentence for each kind of runs that are left out: unfinished, with other settings, made again.

    Args:
        everything: all runs of a store.
        found: those that `addresses` name.
        addresses: what was asked for.
    """
    notes = []
    unfinished = sum(run.state == "unfinished" for run in found)
    if unfinished:
        lacking = sorted({run.variant for run in found if run.state == "unfinished"})
        of = f" (of {', '.join(lacking)})" if "fold" in found[0].axes else ""
        notes.append(f"{unfinished} of {len(found)} runs have not finished and are left out{of}")
    shown = {(run.recipe, run.edition) for run in found}
    named = {address for address in addresses if any(run.recipe == address for run in found)}
    others = {(run.recipe, run.edition) for run in everything if run.recipe in named} - shown
    notes += [
        f"runs of {recipe} with other settings are left out: isogloss table {recipe}#{edition}"
        for recipe, edition in sorted(others)
    ]
    return notes + _made_again(everything, found)


def _made_again(everything: Sequence[RunInfo], found: Sequence[RunInfo]) -> list[str]:
    """Return what to know of runs with the settings and seeds of those found: the same was run on other data, say."""
    shown = {run.place: run for run in found}
    rivals = [(run, shown[run.place]) for run in everything if run.place in shown and run not in found]
    older = sum(run.begun <= mine.begun for run, mine in rivals)
    pending = {mine.key for run, mine in rivals if run.begun > mine.begun and run.state != "done"}
    what = "data, encoder or the version of a part has changed since"
    notes = []
    if older:
        notes.append(f"{older} older runs with the same settings and seeds are left out: {what}")
    if pending:
        notes.append(f"{len(pending)} runs were begun again and are not done; the older ones are shown: {what}")
    return notes
