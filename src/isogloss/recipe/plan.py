"""From a checked recipe to the phases to carry out: each once, however many variants and cells share it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from isogloss.data.task import Task
from isogloss.recipe import keys
from isogloss.recipe.keys import Fingerprints
from isogloss.recipe.model import Recipe
from isogloss.recipe.phase import On, Phase
from isogloss.recipe.resolve import (
    evaluation_task,
    languages_of,
    method_of,
    selection_languages,
    task_of,
)

Product = Literal["weights", "rates"]


class PlannedRows(NamedTuple):
    """Rows as a recipe asks for them, their task, and their languages: codes, sorted; streams keep this order."""

    on: On
    task: Task
    languages: tuple[str, ...]


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
        target: languages tested on.
        seen: every language that a phase of it is trained on, sorted.
        phases: keys, in the order to carry them out.
        final: key of the phase whose weights are evaluated.
        task: what is evaluated on.
        split: of it.
        examples: a language, whole groups; None for all.
        precision: in which numbers it is tested, "fp32" or "bf16".
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
    seen: tuple[str, ...]
    phases: tuple[str, ...]
    final: str
    task: Task
    split: str
    examples: int | None
    precision: str
    effective: Recipe = field(repr=False, compare=False)

    def role(self, language: str) -> Literal["source", "auxiliary", "seen", "unseen"]:
        """Return the part that a tested language has played in training."""
        if language not in self.seen:
            return "unseen"
        if language in self.source:
            return "source"
        return "auxiliary" if language in self.auxiliary else "seen"


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


def make_plan(recipe: Recipe, fingerprints: Fingerprints) -> Plan:
    """Return what is to be carried out.

    Args:
        recipe: from `isogloss.recipe.load.load_recipe`.
        fingerprints: of data and encoders.

    Raises:
        Mistakes: data or encoder is not there (from `fingerprints`).
    """
    phases: dict[str, PlannedPhase] = {}
    cells = []
    for variant, axes in itertools.product(recipe.variants, axis_values(recipe)):
        effective, whole = recipe.for_cell(variant.name, axes), recipe.for_cell(None, axes)
        for seeds in seed_values(effective):
            planner = _Planner(effective, whole, seeds, fingerprints)
            planned = planner.phases()
            phases |= {phase.key: phase for phase in planned.values()}
            cells.append(planner.cell(recipe.name, axes, planned))
    return Plan(recipe, tuple(cells), phases)


def axis_values(recipe: Recipe) -> Iterator[dict[str, tuple[str, ...]]]:
    """Yield every combination of the axes' values, the last axis fastest; an empty one without axes."""
    for values in itertools.product(*recipe.axes.values()):
        yield dict(zip(recipe.axes, values, strict=True))


def seed_values(recipe: Recipe) -> Iterator[dict[str, int]]:
    """Yield every assignment of seeds to phases.

    One number n: the same seed, 0 to n − 1, in every phase. By phase: crossed; a phase without a number of
    its own has the seed of the phase that it comes after, or 0.
    """
    together = recipe.seeds.together
    if together is not None:
        for seed in range(together):
            yield {phase.name: seed for phase in recipe.phases}
        return
    counts = recipe.seeds.by_phase
    named = [phase.name for phase in recipe.phases if phase.name in counts]
    for values in itertools.product(*(range(counts[name]) for name in named)):
        seeds = dict(zip(named, values, strict=True))
        for phase in recipe.phases:
            seeds.setdefault(phase.name, seeds.get(phase.after or "", 0))
        yield {phase.name: seeds[phase.name] for phase in recipe.phases}


@dataclass(frozen=True)
class _Planner:
    """Plans the phases of one cell, in the recipe's order."""

    recipe: Recipe
    whole: Recipe  # the same cell without the variant's changes, for `as_long_as`
    seeds: Mapping[str, int]
    fingerprints: Fingerprints

    def phases(self) -> dict[str, PlannedPhase]:
        planned: dict[str, PlannedPhase] = {}
        for phase in self.recipe.phases:
            planned[phase.name] = self._planned(phase, planned)
        return planned

    def cell(self, name: str, axes: Mapping[str, tuple[str, ...]], planned: Mapping[str, PlannedPhase]) -> Cell:
        """Return the run that these phases make up, in the recipe called `name`."""
        final = [phase for phase in planned.values() if phase.product == "weights"][-1]
        recipe, evaluation = self.recipe, self.recipe.evaluation
        task = evaluation_task(recipe)
        targets = self._targets()
        precision = self.fingerprints.precision(recipe.precision)
        content = keys.content_key(
            {
                "format": keys.FORMAT,
                "final": final.key,
                "task": keys.task_content(task),
                "rows": {code: self.fingerprints.data(task, code, evaluation.split) for code in targets},
                "examples": evaluation.examples and {"count": evaluation.examples, "draw": recipe.draw},
                **({"precision": precision} if precision != final.precision else {}),  # else the phase's key has it
            }
        )
        names = {"recipe": name, "variant": recipe.variants[0].name, "axes": axes, "seeds": self.seeds}
        return Cell(
            key=keys.content_key({"content": content, **names}),
            recipe=name,
            variant=recipe.variants[0].name,
            axes=axes,
            seeds=self.seeds,
            source=recipe.languages.source,
            auxiliary=recipe.languages.auxiliary,
            target=targets,
            seen=tuple(sorted({code for phase in planned.values() for code in phase.trained})),
            phases=tuple(dict.fromkeys(phase.key for phase in planned.values())),
            final=final.key,
            task=task,
            split=evaluation.split,
            examples=evaluation.examples,
            precision=precision,
            effective=recipe,
        )

    def _targets(self) -> tuple[str, ...]:
        """Return the languages tested on; for "all", those that the source of the evaluation's task really has."""
        if self.recipe.languages.target != ("all",):
            return self.recipe.languages.target
        return self.fingerprints.languages(evaluation_task(self.recipe), self.recipe.evaluation.split)

    def _planned(self, phase: Phase, before: Mapping[str, PlannedPhase]) -> PlannedPhase:
        after = before.get(phase.after or "")
        rates_from = before.get(phase.rates.taken_from or "")
        depth = self._depth(phase.name)
        product = method_of(phase.method).product
        planned = PlannedPhase(
            key="",
            name=phase.name,
            phase=phase,
            task=task_of(self.recipe, phase.on.task),
            languages=languages_of(self.recipe, phase.on, targets=self._targets()),
            support=self._support(phase),
            selection=selection_languages(self.recipe, phase),
            after=after.key if after else None,
            rates_from=rates_from.key if rates_from else None,
            rates_reduce=phase.rates.reduce,
            as_long_as=self._as_long_as(phase),
            seed=self.seeds[phase.name],
            stream=f"{depth}.{product}",
            draw=self.recipe.draw,
            product=product,
            encoder=self.recipe.encoder,
            precision=self.fingerprints.precision(phase.precision or self.recipe.precision),
            max_length=self.recipe.max_length,
            labels=evaluation_task(self.recipe).labels,
            depth=depth,
        )
        return replace(planned, key=self._key(planned))

    def _depth(self, name: str) -> int:
        """How many phases a phase comes after, as the recipe has it before a variant skips any: so it draws alike."""
        after = self.whole.phase(name).after
        return self._depth(after) + 1 if after else 0

    def _support(self, phase: Phase) -> PlannedRows | None:
        if phase.support is None:
            return None
        task = task_of(self.recipe, phase.support.task)
        return PlannedRows(phase.support, task, languages_of(self.recipe, phase.support, targets=self._targets()))

    def _as_long_as(self, phase: Phase) -> tuple[PlannedPhase, ...]:
        if phase.as_long_as is None:
            return ()
        seeds: dict[str, int] = {}
        for other in self.whole.phases:
            inherited = seeds.get(other.after or "", self.seeds[phase.name])
            seeds[other.name] = self.seeds.get(other.name, inherited)
        planned = _Planner(self.whole, self.whole, seeds, self.fingerprints).phases()
        return tuple(planned[name] for name in phase.as_long_as)

    def _key(self, planned: PlannedPhase) -> str:
        task, split = planned.task, planned.phase.on.split
        rows = {code: self.fingerprints.data(task, code, split) for code in (*planned.languages, *planned.selection)}
        return keys.content_key(
            {
                "format": keys.FORMAT,
                "settings": keys.settings_content(planned.phase),
                "task": keys.task_content(task),
                "labels": planned.labels,
                "rows": {code: rows[code] for code in planned.languages},
                "selection": {code: rows[code] for code in planned.selection},
                "subset": keys.subset_content(planned.phase.on, planned.phase, planned.draw),
                "after": planned.after,
                "rates_from": planned.rates_from,
                "as_long_as": [phase.key for phase in planned.as_long_as],
                "seed": planned.seed,
                "encoder": self.fingerprints.encoder(planned.encoder),
                "precision": planned.precision,
                "max_length": planned.max_length,
                **self._support_content(planned),
            }
        )

    def _support_content(self, planned: PlannedPhase) -> dict[str, Any]:
        """What a key holds of a support: nothing where there is none, so that such phases keep their keys."""
        if planned.support is None:
            return {}
        on, task, languages = planned.support
        content = {
            "task": keys.task_content(task),
            "rows": {code: self.fingerprints.data(task, code, on.split) for code in languages},
            "subset": keys.subset_content(on, planned.phase, planned.draw),
        }
        return {"support": content}
