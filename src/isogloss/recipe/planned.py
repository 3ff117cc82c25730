"""What is to be carried out: rows, phases and runs with everything resolved that a recipe leaves to names and roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from isogloss.data.task import Task
from isogloss.languages import parts
from isogloss.learner.adapters import Adapters
from isogloss.recipe.model import Recipe
from isogloss.recipe.phase import On, Phase

Product = Literal["weights", "rates"]


class PlannedRows(NamedTuple):
    """Rows as a recipe asks for them, their task, and their languages: codes, sorted; streams keep this order."""

    on: On
    task: Task
    languages: tuple[str, ...]


class DevelopmentRows(NamedTuple):
    """Rows on which something may be chosen: a share of a split's groups (premises), in every language tested on.

    Attributes:
        task: that is evaluated on.
        split: another one than is tested on.
        share: of the groups.
        languages: codes.
        draw: which random groups.
    """

    task: Task
    split: str
    share: float
    languages: tuple[str, ...]
    draw: int


class PlannedAnalysis(NamedTuple):
    """An analysis of a cell with everything resolved.

    Attributes:
        key: of its content; equal keys, equal results.
        name: "impact".
        of: key of the phase.
        against: key of the phase that is compared with; None for the pre-trained encoder.
        phases: the names of both, as the recipe has them.
        pooling: "first" or "mean".
    """

    key: str
    name: str
    of: str
    against: str | None
    phases: tuple[str, str]
    pooling: Literal["first", "mean"]


@dataclass(frozen=True)
class PlannedPhase:
    """A phase with everything resolved that the recipe leaves to roles and names.

    Attributes:
        key: of its content; equal keys, equal results.
        name: in the recipe.
        phase: its settings.
        task: what it is trained on.
        languages: codes, sorted; streams take them in this order.
        support: what supports are drawn from where the recipe says it; None for the same rows.
        selection: languages on whose held-out rows the step is chosen, sorted.
        development: rows that are kept from it; None where it has none of their task and split anyway.
        after: key of the phase whose weights it starts from; None for the encoder and a fresh head.
        rates_from: key of the phase whose learned rates it uses.
        rates_reduce: "mean" for their mean in place of each group's own.
        as_long_as: it sees as many examples as these; empty where `phase.length` or the method says it.
        seed: of its draws.
        stream: names its draws, `Key(seed, stream, …)`: its place in the chain and its product, so that
            renaming a phase changes nothing, and a phase draws alike in all variants.
        draw: which random subset is taken.
        product: "weights" or "rates".
        encoder: name or folder.
        precision: "fp32" or "bf16"; what "auto" means on this machine.
        adapters: low-rank adapters; None where the encoder's own parameters move.
        max_length: tokens an example at most.
        labels: of the head, in its order; empty where only the data can tell.
        depth: how many phases it comes after.
    """

    key: str
    name: str
    phase: Phase
    task: Task
    languages: tuple[str, ...]
    support: PlannedRows | None
    selection: tuple[str, ...]
    development: DevelopmentRows | None
    after: str | None
    rates_from: str | None
    rates_reduce: Literal["mean"] | None
    as_long_as: tuple[PlannedPhase, ...]
    seed: int
    stream: str
    draw: int
    product: Product
    encoder: str
    precision: str
    adapters: Adapters | None
    max_length: int
    labels: tuple[str, ...]
    depth: int

    @property
    def rows(self) -> tuple[PlannedRows, ...]:
        """All that it is trained on: queries first, then supports where they have rows of their own."""
        queries = PlannedRows(self.phase.on, self.task, self.languages)
        return (queries,) if self.support is None else (queries, self.support)

    @property
    def trained(self) -> tuple[str, ...]:
        """Every language that it is trained on, sorted."""
        return tuple(sorted({code for rows in self.rows for code in rows.languages}))


class PlannedSimple(NamedTuple):
    """A simple model, and the phases on whose rows it is fitted: those that would leave weights."""

    name: str
    phases: tuple[PlannedPhase, ...]


@dataclass(frozen=True)
class Cell:
    """One run: a variant, a value of every axis, a seed of every phase.

    Attributes:
        key: of the run; names count, since a run stands under them in tables.
        recipe: its name.
        variant: its name.
        axes: value of every axis, languages or a draw's number.
        seeds: by phase name.
        source: source languages.
        auxiliary: auxiliary languages.
        target: languages tested on; none of a model that is trained on all rows.
        unlabelled: languages predicted and not tested on.
        seen: every language that a phase of it is trained on, sorted.
        simple: the simple model that stands in place of the phases, which are then not carried out; or None.
        phases: keys, in the order to carry them out.
        final: key of the phase whose weights are evaluated; "" with `simple`.
        task: what is evaluated on.
        split: of it.
        examples: a language, whole groups; None for all.
        draw: which random test rows: the recipe's own, the same in every cell, whatever is drawn to train on.
        development: what it is scored on beside; None for nothing.
        precision: in which numbers it is tested, "fp32" or "bf16".
        analyses: on the rows that it is tested on.
        effective: the recipe of this cell, for the record.
    """

    key: str
    recipe: str
    variant: str
    axes: Mapping[str, tuple[str, ...]]
    seeds: Mapping[str, int]
    source: tuple[str, ...]
    auxiliary: tuple[str, ...]
    target: tuple[str, ...]
    unlabelled: tuple[str, ...]
    seen: tuple[str, ...]
    simple: PlannedSimple | None
    phases: tuple[str, ...]
    final: str
    task: Task
    split: str
    examples: int | None
    draw: int
    development: DevelopmentRows | None
    precision: str
    analyses: tuple[PlannedAnalysis, ...]
    effective: Recipe = field(repr=False, compare=False)

    def role(self, language: str) -> Literal["source", "auxiliary", "seen", "unseen"]:
        """Return the part that a tested language has played in training.

        A cell of two languages is unseen where one of them is.
        """
        own = parts([language])
        if not own <= parts(self.seen):
            return "unseen"
        if own <= parts(self.source):
            return "source"
        return "auxiliary" if own <= parts([*self.source, *self.auxiliary]) else "seen"


@dataclass(frozen=True)
class Plan:
    """All runs of a recipe, and the phases that they are made of.

    Attributes:
        recipe: with variants and axes.
        cells: in the recipe's order: variants, axes, seeds.
        phases: by key, each after those it depends on.
    """

    recipe: Recipe
    cells: tuple[Cell, ...]
    phases: Mapping[str, PlannedPhase]

    def users(self, key: str) -> tuple[Cell, ...]:
        """Return the runs that a phase is part of."""
        return tuple(cell for cell in self.cells if key in cell.phases)
