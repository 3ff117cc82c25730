"""What whoever watches a run is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from isogloss.training.progress import Progress


class PhaseBegins(NamedTuple):
    """A phase is about to be trained, or goes on from a checkpoint."""

    phase: str
    languages: tuple[str, ...]
    seed: int
    key: str


class CellDone(NamedTuple):
    """A cell of the recipe is finished, was found finished, or failed.

    Attributes:
        variant: the cell's variant.
        cell: the values of its axes and its seeds, in words.
        position: how many cells are settled now.
        cells: of how many.
        state: "done" now, "found" in the store, or "failed".
        error: why it failed, in one line; empty otherwise.
    """

    variant: str
    cell: str
    position: int
    cells: int
    state: str
    error: str = ""


class Warned(NamedTuple):
    """Something that does not stop the run but that a reader of its table should know."""

    message: str


Event: TypeAlias = PhaseBegins | Progress | CellDone | Warned
Watch: TypeAlias = Callable[[Event], None]
