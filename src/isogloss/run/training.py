"""Carry planned phases out: from a planned phase to what the loop needs, and its product into the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from safetensors.torch import save_file

from isogloss import registry
from isogloss.data.bag import Bag
from isogloss.errors import Mistake, Mistakes
from isogloss.keys import Key
from isogloss.learner.groups import LayerGroups
from isogloss.learner.learner import Learner
from isogloss.learner.objective import Objective
from isogloss.learner.rates import Rates, resolve_rates
from isogloss.methods.base import Length, Schedule
from isogloss.objectives.weighted import Weighted, balanced
from isogloss.recipe.planned import Plan, PlannedPhase, PlannedRows
from isogloss.recipe.rehearsal import PhaseSize
from isogloss.recipe.resolve import kind_of_task, method_of
from isogloss.run.development import development_bags
from isogloss.run.learners import adapt, fresh_learner, learner_after, phase_spec
from isogloss.run.resources import Resources
from isogloss.store.phase import LearnedRates
from isogloss.store.store import Store
from isogloss.training.loop import TrainingPhase, train
from isogloss.training.optimizer import OptimizerSettings
from isogloss.training.progress import Observer
from isogloss.training.schedule import LearningRateSchedule
from isogloss.training.selection import Selection


@dataclass(frozen=True)
class PhaseData:
    """The rows of a phase, by language.

    Attributes:
        train: what it trains on.
        held_out: what is held out to choose a step by.
        support: what supports are drawn from, where the recipe says it.
    """

    train: Mapping[str, Bag]
    held_out: Mapping[str, Bag]
    support: Mapping[str, Bag] | None


def phase_data(planned: PlannedPhase, resources: Resources) -> PhaseData:
    """Return the rows of a phase; no group (premise) is on both sides, in any language.

    Raises:
        Mistakes: the data is not what the recipe says.
    """
    subset, held = Key(planned.draw, "", purpose="subset"), Key(planned.draw, "", purpose="held out")

    kept_apart = planned.development
    development = development_bags(kept_apart, resources) if kept_apart else {}

    def bags(rows: PlannedRows) -> dict[str, Bag]:
        on, task, languages = rows
        whole = {language: resources.bag(task, language, on.split) for language in languages}
        if kept_apart and task == kept_apart.task and task.shares_rows(on.split, kept_apart.split):
            whole = _without(whole, development)
        sizes: dict[str, Any] = {"share": on.share, "examples": on.examples, "per_label": on.per_label}
        return {language: bag.subset(**sizes, key=subset) for language, bag in whole.items()}

    queries = planned.rows[0]
    share, chosen_on = planned.phase.select.held_out, queries._replace(languages=planned.selection)
    held_out = {language: bag.split_by_group(share, held)[0] for language, bag in bags(chosen_on).items()}
    train = _without(bags(queries), held_out)
    if planned.support is None:
        return PhaseData(train, held_out, None)
    support = bags(planned.support)
    both = queries.on.split, planned.support.on.split
    same = queries.task == planned.support.task and queries.task.shares_rows(*both)
    return PhaseData(train, held_out, _without(support, held_out) if same else support)


def _without(bags: Mapping[str, Bag], held_out: Mapping[str, Bag]) -> dict[str, Bag]:
    """Bags without the groups that are held out, in any language; all of one task and split."""
    for held in held_out.values():
        bags = {language: bag.without(held.groups) for language, bag in bags.items()}
    return dict(bags)


@contextmanager
def _gathered(mistakes: dict[Mistake, None], planned: PlannedPhase | None = None) -> Iterator[None]:
    """Keep the mistakes that come up; with the phase before their place, where it does not stand there yet."""
    try:
        yield
    except Mistakes as found:
        name = "" if planned is None else f"phase {planned.name}, "
        mistakes |= dict.fromkeys(replace(mistake, where=f"{name}{mistake.where}") for mistake in found.mistakes)


class Trainer:
    """Trains the phases of a plan, and gives learners that stand where a phase ended.

    Args:
        plan: whose phases these are.
        store: where products are kept.
        resources: the data.
        observe: told after each step.
    """

    def __init__(self, plan: Plan, store: Store, resources: Resources, observe: Observer) -> None:
        self._plan, self._store, self._resources, self._observe = plan, store, resources, observe
        # A learner at hand, the phase that it stands at the end of, whether it recomputes layers, and its precision.
        self._standing: tuple[tuple[str, bool, str], Learner] | None = None

    def size(self, planned: PlannedPhase) -> PhaseSize:
        """Return a phase's steps and the examples that it will see."""
        schedule = self._schedule(planned, self._length(planned))
        return PhaseSize(schedule.steps, sum(schedule.examples(step) for step in range(schedule.steps)))

    def check(self, phases: Iterable[PlannedPhase]) -> None:
        """See that some phases can be carried out, before anything is trained. Every encoder is loaded once.

        Raises:
            Mistakes: an encoder cannot be loaded or has other labels, a phase speaks of layers or modules that it
                lacks or moves nothing, a method cannot do with it what is asked, or the rows do not make the episodes
                of a phase.
        """
        learners: dict[str, Learner] = {}
        mistakes: dict[Mistake, None] = {}
        seen: set[str] = set()  # of methods on learners and of rows: seeds and variants share most of them
        for planned in phases:
            with _gathered(mistakes):
                spec = phase_spec(planned, self._resources.labels)
                if planned.encoder not in learners:
                    learners[planned.encoder] = fresh_learner(spec, offline=self._resources.offline)
                learner = learners[planned.encoder]
                with _gathered(mistakes, planned if planned.phase.adapters else None):  # the recipe's are one mistake
                    adapt(learner, spec)
                given = planned.phase.rates
                rates = self._rates(planned, learner.groups, given.groups or given.value)
                if planned.rates_from is None and not any(rates.values()):
                    whole = "of adapters and head " if planned.adapters else ""
                    what, where = f"nothing {whole}moves", f"phase {planned.name}"
                    mistakes[Mistake(what, where, "give a layer group a rate above 0")] = None
                    continue
                asked = repr((planned.encoder, planned.adapters, planned.phase.method, rates))
                if asked not in seen:
                    seen.add(asked)
                    with _gathered(mistakes, planned):
                        method_of(planned.phase.method).check(learner, rates)
            rows = repr((planned.phase, planned.rows, planned.selection, planned.draw))
            if rows not in seen:
                seen.add(rows)
                with _gathered(mistakes, planned):
                    self._schedule(planned, Length("steps", 1) if planned.as_long_as else self._length(planned))
        if mistakes:
            raise Mistakes(mistakes)

    def train(self, key: str, guard: Callable[[], None]) -> None:
        """Carry a phase out, from its checkpoint if it has one, and store its product.

        Args:
            key: of the phase, whose claim must be held.
            guard: raises where the claim is lost; called before anything is written over.

        Raises:
            Mistakes: the training fails (a loss that is not finite, a full disk).
            Interrupted: a signal asked to stop.
        """
        planned, folder = self._plan.phases[key], self._store.phase(key)
        spec = phase_spec(planned, self._resources.labels)
        folder.begin(spec)
        learner = self._learner_before(planned, spec)
        learner.kind = kind_of_task(planned.task)
        phase = self.training_phase(planned, learner)
        outcome, state = train(learner, phase, folder, observe=self._observe, guard=guard)
        guard()
        summary = outcome._asdict() | {"moved": [group for group, rate in phase.rates.items() if rate > 0]}
        if planned.product == "rates":
            rates, course = phase.method.rates(state)
            folder.finish(LearnedRates(rates, tuple(course)), summary)
            return
        moved = {name: tensor.cpu() for name, tensor in learner.moving(phase.rates).items()}
        folder.finish(lambda path: save_file(moved, path), summary)
        self._standing = ((key, planned.phase.gradient_checkpointing, planned.precision), learner)

    def learner_after(self, key: str, *, precision: str, recompute: bool = False) -> Learner:
        """Return the learner at the end of a phase that has left weights.

        Args:
            key: of the phase.
            precision: in which numbers it is to compute, whatever the phase did.
            recompute: with gradient checkpointing.

        Raises:
            Mistakes: the encoder cannot be loaded, or the weights are gone.
        """
        wanted = (key, recompute, precision)
        if self._standing is None or self._standing[0] != wanted:
            offline = self._resources.offline
            learner = learner_after(self._store, key, offline=offline, recompute=recompute, precision=precision)
            self._standing = (wanted, learner)
        return self._standing[1]

    def _learner_before(self, planned: PlannedPhase, spec: dict[str, Any]) -> Learner:
        """A learner where the phase starts; it will move, so that it stands nowhere from now on."""
        recompute = planned.phase.gradient_checkpointing
        if planned.after is None:
            learner = fresh_learner(spec, offline=self._resources.offline, recompute=recompute)
        else:
            learner = self.learner_after(planned.after, precision=planned.precision, recompute=recompute)
        self._standing = None
        adapt(learner, spec)
        return learner

    def training_phase(
        self, planned: PlannedPhase, learner: Learner, *, base: float | Mapping[str, float] | None = None
    ) -> TrainingPhase:
        """Return what the loop needs to carry a phase out with a learner.

        Args:
            planned: the phase.
            learner: standing where the phase starts.
            base: rates in place of those that the recipe gives or another phase has learned, before anything is frozen.

        Raises:
            Mistakes: the data or the rates are not what the recipe says.
        """
        phase, data = planned.phase, phase_data(planned, self._resources)
        return TrainingPhase(
            name=planned.name,
            key=Key(planned.seed, planned.stream),
            method=method_of(phase.method),
            objective=self._objective(planned, learner, data),
            bags=data.train,
            support=data.support,
            batch_size=phase.batch_size,
            length=self._length(planned),
            optimizer=OptimizerSettings(
                phase.optimizer.name, phase.optimizer.learning_rate, phase.optimizer.arguments(), phase.clip
            ),
            schedule=LearningRateSchedule(phase.schedule.name, phase.schedule.warmup),
            rates=self._rates(planned, learner.groups, self._base_rates(planned) if base is None else base),
            accumulation=phase.accumulation,
            selection=Selection(data.held_out, phase.select.every) if data.held_out else None,
        )

    @staticmethod
    def _objective(planned: PlannedPhase, learner: Learner, data: PhaseData) -> Objective:
        objective: Objective = registry.load("objectives", planned.phase.objective)(learner.kind)
        if planned.phase.class_weights is None:
            return objective
        return Weighted(objective, balanced((*data.train.values(), *(data.support or {}).values())))

    def _schedule(self, planned: PlannedPhase, length: Length | None) -> Schedule:
        data = phase_data(planned, self._resources)
        return method_of(planned.phase.method).schedule(
            data.train,
            support=data.support,
            batch_size=planned.phase.batch_size,
            length=length,
            key=Key(planned.seed, planned.stream),
        )

    def _base_rates(self, planned: PlannedPhase) -> float | Mapping[str, float]:
        """The rates that the recipe gives or another phase has learned, before anything is frozen."""
        if planned.rates_from is None:
            return planned.phase.rates.groups or planned.phase.rates.value
        learned = self._store.phase(planned.rates_from).rates().rates
        if planned.rates_reduce is None:
            return learned
        moving = [rate for rate in learned.values() if rate > 0]
        return {group: sum(moving) / len(moving) if rate > 0 else 0.0 for group, rate in learned.items()}

    @staticmethod
    def _rates(planned: PlannedPhase, groups: LayerGroups, base: float | Mapping[str, float]) -> Rates:
        phase = planned.phase
        rates = resolve_rates(
            groups.names,
            base,
            freeze=phase.freeze,
            freeze_bottom=phase.freeze_bottom,
            layer_decay=phase.layer_decay,
            where=f"phase {planned.name}",
        )
        return groups.movable(rates)

    def _length(self, planned: PlannedPhase) -> Length | None:
        if planned.as_long_as:
            return Length("examples", sum(self.size(other)[1] for other in planned.as_long_as))
        return Length(*planned.phase.length) if planned.phase.length else None  # type: ignore[arg-type]
