"""What a cell of a plan is called: its seed in short, its place in words, and what its rows of a score frame share."""

from __future__ import annotations

from typing import Any

from isogloss.recipe.planned import Cell, Plan


def words_of(cell: Cell) -> str:
    """Return a cell's axes and seed, as messages name it."""
    axes = [f"{axis}={'+'.join(values)}" for axis, values in cell.axes.items()]
    return " ".join([*axes, f"seed {seed_of(cell)}"])


def seed_of(cell: Cell) -> str:
    """Return the seeds in short: "0", or "source=0,adapt=3" where phases have seeds of their own."""
    by_phase = cell.effective.seeds.by_phase
    if by_phase:
        return ",".join(f"{phase}={seed}" for phase, seed in cell.seeds.items() if phase in by_phase)
    return str(next(iter(cell.seeds.values())))


def facts_of(plan: Plan, cell: Cell) -> dict[str, Any]:
    """Return recipe, variant, axis.NAME, seed, seed.PHASE and run: what a score frame says in every row of a cell."""
    axes = {f"axis.{axis}": "+".join(values) for axis, values in cell.axes.items()}
    seeds = {f"seed.{phase}": seed for phase, seed in cell.seeds.items()}
    names = {"recipe": plan.recipe.name, "variant": cell.variant, "seed": seed_of(cell), "run": cell.key}
    return {**names, **axes, **seeds}
