"""What a plan will cost: its phases with their sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from isogloss.recipe.planned import Plan, PlannedPhase


class PhaseSize(NamedTuple):
    """How much work a phase is: optimizer steps, and examples seen (support and query, with repetition)."""

    steps: int
    examples: int


class RehearsalRow(NamedTuple):
    """A phase to come: `runs` of the recipe's runs share it."""

    key: str
    phase: str
    languages: tuple[str, ...]
    seed: int
    steps: int
    examples: int
    runs: int


def rehearse(plan: Plan, size: Callable[[PlannedPhase], PhaseSize]) -> list[RehearsalRow]:
    """Return the phases to come with their sizes, each once.

    Args:
        plan: what is to be carried out.
        size: steps and examples of a phase; for `as_long_as` it adds up the phases named there.
    """
    return [
        RehearsalRow(key, phase.name, phase.trained, phase.seed, *size(phase), len(plan.users(key)))
        for key, phase in plan.phases.items()
    ]
