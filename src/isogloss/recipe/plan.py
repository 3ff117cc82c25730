"""From a checked recipe to the phases to carry out: each once, however many variants and cells share it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from isogloss.data.task import Task
from isogloss.recipe import keys
from isogloss.recipe.analysis import ANALYSIS_VERSIONS, ENCODER, ImpactAnalysis
from isogloss.recipe.keys import Fingerprints
from isogloss.recipe.model import Recipe
from isogloss.recipe.phase import On, Phase
from isogloss.recipe.planned import (
    Cell,
    DevelopmentRows,
    Plan,
    PlannedAnalysis,
    PlannedPhase,
    PlannedRows,
    PlannedSimple,
)
from isogloss.recipe.resolve import (
    EVERY,
    among,
    evaluation_task,
    languages_of,
    method_of,
    selection_languages,
    task_of,
)
from isogloss.registry import load


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
            planner = _Planner(effective, whole, seeds, fingerprints, recipe.draw)
            planned = planner.phases()
            if effective.simple is None:
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
    tested_draw: int  # the recipe's own: an axis of draws is over what is trained on, and tested on the same rows

    def phases(self) -> dict[str, PlannedPhase]:
        planned: dict[str, PlannedPhase] = {}
        for phase in self.recipe.phases:
            planned[phase.name] = self._planned(phase, planned)
        return planned

    def cell(self, name: str, axes: Mapping[str, tuple[str, ...]], planned: Mapping[str, PlannedPhase]) -> Cell:
        """Return the run that these phases make up, in the recipe called `name`."""
        leave_weights = [phase for phase in planned.values() if phase.product == "weights"]
        final = leave_weights[-1]
        recipe, evaluation = self.recipe, self.recipe.evaluation
        simple = PlannedSimple(recipe.simple, tuple(leave_weights)) if recipe.simple is not None else None
        task = evaluation_task(recipe)
        targets = self._targets()
        precision = self.fingerprints.precision(recipe.precision)
        tested = {
            "task": keys.task_content(task),
            "rows": {code: self.fingerprints.data(task, code, evaluation.split) for code in targets},
            "examples": evaluation.examples and {"count": evaluation.examples, "draw": self.tested_draw},
        }
        unlabelled = recipe.languages.unlabelled or ()
        content = keys.content_key(
            {
                "format": keys.FORMAT,
                **({"final": final.key} if simple is None else {"simple": self._simple_content(simple)}),
                **tested,
                **({"unlabelled": self._unlabelled_content(task, unlabelled)} if unlabelled else {}),
                **({"precision": precision} if precision != final.precision else {}),  # else the phase's key has it
                **self._development_content(self._development()),
            }
        )
        beside = {**tested, "precision": precision}
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
            unlabelled=unlabelled,
            seen=tuple(sorted({code for phase in planned.values() for code in phase.trained})),
            simple=simple,
            phases=() if simple else tuple(dict.fromkeys(phase.key for phase in planned.values())),
            final="" if simple else final.key,
            task=task,
            split=evaluation.split,
            examples=evaluation.examples,
            draw=self.tested_draw,
            development=self._development(),
            precision=precision,
            analyses=() if simple else self._analyses(planned, final.name, beside),
            effective=recipe,
        )

    def _simple_content(self, simple: PlannedSimple) -> dict[str, Any]:
        """What a simple model depends on: rows, tokenizer and encoder, and not how an encoder would be trained."""
        return {
            "model": [simple.name, load("simple", simple.name).version],
            "precision": simple.phases[0].precision,
            "encoder": self.fingerprints.encoder(self.recipe.encoder),
            "max_length": self.recipe.max_length,
            "labels": evaluation_task(self.recipe).labels,
            "rows": [
                {
                    "task": keys.task_content(task),
                    "rows": {code: self.fingerprints.data(task, code, on.split) for code in languages},
                    "subset": keys.subset_content(on, phase.phase, phase.draw),
                }
                for phase in simple.phases
                for on, task, languages in phase.rows
            ],
        }

    def _unlabelled_content(self, task: Task, languages: tuple[str, ...]) -> dict[str, str]:
        return {code: self.fingerprints.data(task, code, self.recipe.evaluation.split) for code in languages}

    def _analyses(
        self, planned: Mapping[str, PlannedPhase], final: str, tested: Mapping[str, Any]
    ) -> tuple[PlannedAnalysis, ...]:
        """Those of single runs whose phases this variant does not skip, each once."""
        return tuple({one.key: one for one in self._each_analysis(planned, final, tested)}.values())

    def _each_analysis(
        self, planned: Mapping[str, PlannedPhase], final: str, tested: Mapping[str, Any]
    ) -> Iterator[PlannedAnalysis]:
        for analysis in self.recipe.analyses:
            if not isinstance(analysis, ImpactAnalysis):
                continue
            pretrained = analysis.against == ENCODER
            of, against = planned.get(analysis.of or final), None if pretrained else planned.get(analysis.against)
            if of is None or (against is None and not pretrained):
                continue
            content = {
                "format": keys.FORMAT,
                "analysis": [analysis.name, ANALYSIS_VERSIONS[analysis.name]],
                "of": of.key,
                "against": against.key if against else self.fingerprints.encoder(of.encoder),
                "pooling": analysis.pooling,
                **tested,
            }
            yield PlannedAnalysis(
                key=keys.content_key(content),
                name=analysis.name,
                of=of.key,
                against=against.key if against else None,
                phases=(of.name, analysis.against),
                pooling=analysis.pooling,
            )

    def _targets(self) -> tuple[str, ...]:
        """Return the languages tested on; for "all" and "grid", those that the source of the evaluation's task has."""
        if self.recipe.final:
            return ()
        target = self.recipe.languages.target
        if target not in EVERY:
            return target
        return among(
            self.recipe, self.fingerprints.languages(evaluation_task(self.recipe), self.recipe.evaluation.split)
        )

    def _development(self, *trained: PlannedRows) -> DevelopmentRows | None:
        """The recipe's development rows; with rows that are trained on, only if any of them may be among these."""
        evaluation = self.recipe.evaluation
        if evaluation.development is None or self.recipe.final:
            return None
        task, split = evaluation_task(self.recipe), evaluation.development.split
        if trained and not any(rows.task == task and task.shares_rows(rows.on.split, split) for rows in trained):
            return None
        return DevelopmentRows(task, split, evaluation.development.share, self._targets(), self.tested_draw)

    def _planned(self, phase: Phase, before: Mapping[str, PlannedPhase]) -> PlannedPhase:
        after = before.get(phase.after or "")
        rates_from = before.get(phase.rates.taken_from or "")
        depth = self._depth(phase.name)
        product = method_of(phase.method).product
        queries, support = self._rows(phase.on), self._rows(phase.support) if phase.support else None
        planned = PlannedPhase(
            key="",
            name=phase.name,
            phase=phase,
            task=queries.task,
            languages=queries.languages,
            support=support,
            selection=selection_languages(self.recipe, phase),
            development=self._development(queries, *filter(None, [support])),
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
            adapters=phase.adapters or self.recipe.adapters,
            max_length=self.recipe.max_length,
            labels=evaluation_task(self.recipe).labels,
            depth=depth,
        )
        return replace(planned, key=self._key(planned))

    def _depth(self, name: str) -> int:
        """How many phases a phase comes after, as the recipe has it before a variant skips any: so it draws alike."""
        after = self.whole.phase(name).after
        return self._depth(after) + 1 if after else 0

    def _rows(self, on: On) -> PlannedRows:
        return PlannedRows(on, task_of(self.recipe, on.task), languages_of(self.recipe, on, targets=self._targets()))

    def _as_long_as(self, phase: Phase) -> tuple[PlannedPhase, ...]:
        if phase.as_long_as is None:
            return ()
        seeds: dict[str, int] = {}
        for other in self.whole.phases:
            inherited = seeds.get(other.after or "", self.seeds[phase.name])
            seeds[other.name] = self.seeds.get(other.name, inherited)
        planned = _Planner(self.whole, self.whole, seeds, self.fingerprints, self.tested_draw).phases()
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
                # Nothing where there are none, so that such phases keep their keys.
                **({"adapters": planned.adapters.content()} if planned.adapters else {}),
                **self._support_content(planned),
                **self._development_content(planned.development),
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

    def _development_content(self, rows: DevelopmentRows | None) -> dict[str, Any]:
        """What a key holds of development rows: nothing where there are none, so that all else keeps its key."""
        if rows is None:
            return {}
        content = {
            "task": keys.task_content(rows.task),
            "rows": {code: self.fingerprints.data(rows.task, code, rows.split) for code in rows.languages},
            "share": rows.share,
            "draw": rows.draw,
        }
        return {"development": content}
