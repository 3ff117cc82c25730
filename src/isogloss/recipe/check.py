"""What only the whole of a recipe can show: names, their order, languages, the promise of zero-shot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from isogloss import languages, registry
from isogloss.errors import Mistake, Mistakes, nearest
from isogloss.keys import Key
from isogloss.recipe.analysis import check_analyses
from isogloss.recipe.document import NUMBERS, Document
from isogloss.recipe.model import AXES, ROLES, Recipe
from isogloss.recipe.phase import LENGTHS, On, Phase
from isogloss.recipe.resolve import (
    EVERY,
    kind_of_task,
    languages_of,
    method_of,
    selection_languages,
    targets_of,
    task_of,
)
from isogloss.wording import setting_mistakes

if TYPE_CHECKING:
    from isogloss.data.task import Task
    from isogloss.methods.base import Method

ONE_LENGTH = f"give exactly one of {', '.join(LENGTHS)}"


def check_frame(recipe: Recipe, document: Document) -> list[Mistake]:
    """Return what is wrong with the names in seeds and axes."""
    mistakes = []
    phases = document.names("phases")
    chained = {phase.name for phase in recipe.phases if phase.as_long_as}
    for phase in sorted(chained):
        if chained.intersection(recipe.phase(phase).as_long_as or ()):
            place = document.place(("phases", phase, "as_long_as"))
            mistakes.append(Mistake("it names a phase that has no length of its own", place, ONE_LENGTH))
    for phase in sorted(set(recipe.seeds.by_phase) - set(phases)):
        place = document.place(("seeds", phase))
        mistakes.append(Mistake(f'no phase is called "{phase}"', place, nearest(phase, phases)))
    for axis, values in recipe.axes.items():
        place = document.place(("axes", axis))
        if axis not in AXES:
            mistakes.append(Mistake(f'there is no axis "{axis}"', place, nearest(axis, AXES)))
        elif axis in NUMBERS and not all(value[0].isdecimal() for value in values):
            mistakes.append(Mistake(f"a {axis} is a whole number", place, f"write {axis} = [0, 1, 2]"))
        elif len(set(values)) < len(values):
            mistakes.append(Mistake("a value stands twice", place, "take one of them out"))
    return mistakes


def check_cell(cell: Recipe, document: Document, planned: Iterable[str]) -> list[Mistake]:
    """Return what is wrong with a recipe for one variant and one value of each axis.

    Args:
        cell: without axes and skipped phases.
        document: what it was built from, for the places.
        planned: the phases of the recipe with the skipped ones.
    """
    return _CellCheck(cell, document, tuple(planned)).run()


def _support(phase: Phase) -> tuple[str, ...]:
    return phase.support.languages if phase.support is not None else ()


class _CellCheck:
    """One pass over a cell; a name that stands for nothing keeps nothing else from being checked."""

    def __init__(self, cell: Recipe, document: Document, planned: tuple[str, ...]) -> None:
        self.cell, self.document, self.planned = cell, document, planned
        self.mistakes: list[Mistake] = []
        self.methods: dict[str, Method | None] = {}
        self.head: Task | None = None

    def run(self) -> list[Mistake]:
        self.head = self._task(self.cell.evaluation.task, ("evaluation",))
        self._roles()
        self._evaluation()
        for phase in self.cell.phases:
            self.methods[phase.name] = self._method(phase)
        for position, phase in enumerate(self.cell.phases):
            self._length(phase)
            self._order(phase, self.cell.phases[:position])
            self._optimizer(phase)
            self._rows(phase, phase.on, "on")
            self._support(phase)
            self._select(phase)
        weights = {name for name, method in self.methods.items() if method is None or method.product == "weights"}
        self.mistakes += check_analyses(self.cell.analyses, self.cell.phases, weights, self.document)
        known = [method for method in self.methods.values() if method is not None]
        if len(known) == len(self.methods) and all(method.product != "weights" for method in known):
            self._refuse(("phases",), "no phase leaves weights to evaluate", 'add a phase with method = "finetune"')
        return self.mistakes

    def _refuse(self, path: tuple[str, ...], what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(what, self.document.place(path), remedy))

    def _task(self, reference: Any, path: tuple[str, ...]) -> Task | None:
        path = ("task",) if reference is None else (*path, "task")
        try:
            task = task_of(self.cell, reference)
            kind_of_task(task).check_length(self.cell.max_length, f"max_length = {self.cell.max_length}")
        except Mistakes as error:
            for mistake in error.mistakes:
                inner = mistake.where if mistake.where not in ("task", "kind") else ""
                self._refuse(path, f"{inner}: {mistake.what}" if inner else mistake.what, mistake.remedy)
            return None
        return task

    def _roles(self) -> None:
        roles = self.cell.languages
        for role in ROLES:
            codes = getattr(roles, role)
            if role != "target" or codes not in EVERY:
                self._codes(codes, self.head, ("languages", role), in_task=role == "target")
        self._unlabelled()
        self._simple()
        self._final()
        if not roles.source:
            self._refuse(("languages", "source"), "there is no source language", 'write source = ["en"]')
        if not roles.target:
            self._refuse(("languages", "target"), "there is no target language", 'write target = "all"')
        if roles.target == ("grid",) and self.head is not None and self.head.second is None:
            what = f'the rows of "{self.head.name}" have no second language to make a grid'
            self._refuse(("languages", "target"), what, 'write target = "all"')

    def _final(self) -> None:
        if self.cell.final and self.head is not None and self.head.split is None:
            what = f'the rows of "{self.head.name}" are split already: what is tested on is not trained on'
            remedy = "export a run, or cut them into folds: split = { folds = 5 }"
            self.mistakes.append(Mistake(what, "--final", remedy))

    def _simple(self) -> None:
        name, known = self.cell.simple, registry.names("simple")
        if name is not None and name not in known:
            self._refuse(("simple",), f'no simple model is called "{name}"', nearest(name, known))
        if name is not None and self.head is not None and self.head.label is None:
            self._refuse(("simple",), "simple models are of rows with labels", "take it out")

    def _unlabelled(self) -> None:
        """Languages without labels are of the task, and nothing else is asked of them."""
        roles, path = self.cell.languages, ("languages", "unlabelled")
        self._codes(roles.unlabelled or (), self.head, path, in_task=True)
        if roles.unlabelled and self.head is not None and self.head.label is None:
            self._refuse(path, "only rows with labels can be without them", "take it out")
        for code in roles.unlabelled or ():
            others = [role for role in ROLES if code in getattr(roles, role)]
            trained = [phase.name for phase in self.cell.phases if code in (*phase.on.languages, *_support(phase))]
            for place in (*others, *(f"phase {name}" for name in trained)):
                self._refuse(path, f'"{code}" has no labels, and {place} needs some', "take it out of one of them")

    def _codes(self, codes: Iterable[str], task: Task | None, path: tuple[str, ...], *, in_task: bool) -> None:
        seen: set[str] = set()
        for code in codes:
            if code in seen:
                self._refuse(path, f'"{code}" stands twice', "take one of them out")
            seen.add(code)
            if code in ROLES or (task is not None and code in task.languages):
                continue
            try:
                if task is not None and languages.cell(code)[1] is not None:
                    task.check_language(code)
                    continue
                languages.get(code)
            except Mistakes as error:
                self._refuse(path, error.mistakes[0].what, nearest(code, ROLES, otherwise=error.mistakes[0].remedy))
            else:
                if in_task and task is not None:
                    self._refuse(path, *_lacks(task, code))

    def _evaluation(self) -> None:
        if self.head is not None:
            self._split(self.head, self.cell.evaluation.split, ("evaluation", "split"))
            self._development(self.head)

    def _development(self, head: Task) -> None:
        evaluation, path = self.cell.evaluation, ("evaluation", "development", "split")
        if evaluation.development is None:
            return
        self._split(head, evaluation.development.split, path)
        if head.shares_rows(evaluation.development.split, evaluation.split):
            what = f'development rows are of split "{evaluation.split}", on which the recipe is tested'
            self._refuse(path, what, "choose on another split, or test on another")

    def _split(self, task: Task, split: str, path: tuple[str, ...]) -> None:
        if task.splits and split not in task.splits:
            self._refuse(path, f'task "{task.name}" has no split "{split}"', nearest(split, task.splits))

    def _method(self, phase: Phase) -> Method | None:
        path = ("phases", phase.name)
        names = registry.names("objectives")
        if phase.objective not in names:
            self._refuse(
                (*path, "objective"),
                f'no objective is called "{phase.objective}"',
                nearest(phase.objective, names),
            )
        if phase.class_weights is not None and self.head is not None and self.head.label is None:
            self._refuse((*path, "class_weights"), "weights are of labels, and the rows have none", "take it out")
        try:
            return method_of(phase.method)
        except Mistakes as error:
            for mistake in error.mistakes:
                self._refuse((*path, "method"), mistake.what, mistake.remedy)
        except ValidationError as error:
            known = registry.load("methods", phase.method.name).Settings.model_fields
            for mistake in setting_mistakes(error, known):
                inner = filter(None, mistake.where.split("."))
                self._refuse((*path, "method", *inner), mistake.what, mistake.remedy)
        return None

    def _length(self, phase: Phase) -> None:
        method = self.methods[phase.name]
        given = [unit for unit in LENGTHS if getattr(phase, unit) is not None]
        path = ("phases", phase.name)
        if len(given) > 1:
            self._refuse(path, f"{' and '.join(given)} both say how long it is", ONE_LENGTH)
        elif method is not None and method.owns_length and given:
            what = f'the settings of "{phase.method.name}" say how long it is, beside {given[0]}'
            self._refuse(
                (*path, given[0]),
                what,
                f'take it out (in a variant: unset = ["{".".join(path)}.{given[0]}"])',
            )
        elif method is not None and not method.owns_length and not given:
            self._refuse(path, "nothing says how long it is", ONE_LENGTH)
        for name in phase.as_long_as or ():
            if name not in self.planned:
                self._refuse((*path, "as_long_as"), f'no phase is called "{name}"', nearest(name, self.planned))

    def _order(self, phase: Phase, earlier: tuple[Phase, ...]) -> None:
        """What a phase takes from others: weights it starts from, learned rates."""
        path = ("phases", phase.name)
        self._taken(phase.after, (*path, "after"), earlier, "weights")
        source = phase.rates.taken_from
        if source in self.document.skipped:
            where = self.document.place(("phases", phase.name, "rates"))
            what = f'the rates come from "{source}", which this variant skips'
            self.mistakes.append(Mistake(what, where, f'let the variant set."phases.{phase.name}.rates" = 1.0'))
        else:
            self._taken(source, (*path, "rates"), earlier, "rates")

    def _taken(self, name: str | None, path: tuple[str, ...], earlier: tuple[Phase, ...], wanted: str) -> None:
        if name is None:
            return
        before = [phase.name for phase in earlier]
        if name in before:
            method = self.methods[name]
            if method is not None and method.product != wanted:
                remedy = f"name a phase that leaves {wanted}"
                self._refuse(path, f'phase "{name}" leaves {method.product}, not {wanted}', remedy)
        elif name in {phase.name for phase in self.cell.phases}:
            self._refuse(path, f'phase "{name}" does not come before "{path[1]}"', "change the order of the phases")
        else:
            remedy = nearest(name, before, otherwise="" if before else "no phase comes before it: leave the key out")
            self._refuse(path, f'no phase is called "{name}"', remedy)

    def _optimizer(self, phase: Phase) -> None:
        own = {"name", "learning_rate", *phase.optimizer.arguments()}
        for key in sorted(phase.optimizer.model_fields_set - own):
            path = ("phases", phase.name, "optimizer", key)
            self._refuse(path, f'"{phase.optimizer.name}" has no {key}', f"it has {', '.join(sorted(own - {'name'}))}")
        if phase.accumulation > phase.batch_size:
            what = f"{phase.batch_size} examples cannot be computed in {phase.accumulation} parts"
            self._refuse(("phases", phase.name, "accumulation"), what, "accumulation is at most batch_size")

    def _support(self, phase: Phase) -> None:
        """Rows of their own for supports, and whether the languages of both sides can be paired."""
        path, method = ("phases", phase.name), self.methods[phase.name]
        if phase.support is not None:
            self._rows(phase, phase.support, "support")
            if method is not None and not method.draws_support:
                what = f'the method "{phase.method.name}" draws no support from rows of its own'
                remedy = f'take it out (in a variant: unset = ["{".".join(path)}.support"])'
                self._refuse((*path, "support"), what, remedy)
                return
        query = languages_of(self.cell, phase.on)
        support = query if phase.support is None else languages_of(self.cell, phase.support)
        if method is None or not query or not support:
            return
        try:
            method.pairing.cycle(support, query, Key(0))
        except Mistakes as error:
            for mistake in error.mistakes:
                side = "on" if phase.support is None else "support"
                self._refuse((*path, side, "languages"), mistake.what, mistake.remedy)

    def _rows(self, phase: Phase, on: On, name: str) -> None:
        path = ("phases", phase.name, name)
        task = self._task(on.task, path)
        subsets = [key for key in ("examples", "share", "per_label") if getattr(on, key) is not None]
        if len(subsets) > 1:
            self._refuse(path, f"{' and '.join(subsets)} both choose a subset", "give one of them")
        if task is None:
            return
        self._split(task, on.split, (*path, "split"))
        if self.head is not None:
            self._not_tested(task, on, (*path, "split"))
            self._same_labels(task, self.head, path)
            found = languages_of(self.cell, on)
            if not found:
                what = f"no language plays {' or '.join(on.languages) or 'a part here'}"
                self._refuse((*path, "languages"), what, "name languages, or fill the roles under [languages]")
            self._codes(on.languages, task, (*path, "languages"), in_task=False)
            chosen = selection_languages(self.cell, phase) if name == "on" else ()
            used = languages.parts({*found, *chosen}) & set(languages.languages())
            if lacking := sorted(used - set(task.languages)):
                self._refuse((*path, "languages"), *_lacks(task, *lacking))

    def _not_tested(self, task: Task, on: On, path: tuple[str, ...]) -> None:
        """Zero-shot is a promise: what is tested on, or a translation of it, is not trained on."""
        assert self.head is not None
        tested = self.cell.evaluation.split
        if self.cell.final:
            return
        if (task.name, task.path) != (self.head.name, self.head.path) or not task.shares_rows(on.split, tested):
            return
        if task.parallel or languages.parts(targets_of(self.cell)) & languages.parts(languages_of(self.cell, on)):
            if task.split is not None and task.fold is None:
                self._refuse(path, "the rows are cut into folds, and none is tested on", "write axes.fold = [0, 1, …]")
                return
            rows = "" if on.split == tested else f', with rows of "{tested}"'
            what = f'it trains on split "{on.split}" of "{task.name}"{rows}, on which the recipe is tested'
            self._refuse(path, what, "train on another split, or test on another")

    def _same_labels(self, task: Task, head: Task, path: tuple[str, ...]) -> None:
        if task.kind != head.kind:
            what = f'task "{task.name}" is of kind {task.kind}, the evaluation of kind {head.kind}'
            self._refuse((*path, "task"), what, "train on a task of the same kind")
        elif task.labels and head.labels and set(task.labels) != set(head.labels):
            what = f'task "{task.name}" has labels {_some(task.labels)}, the evaluation {_some(head.labels)}'
            self._refuse((*path, "task"), what, "train on a task with the same label names")

    def _source(self, on: On) -> tuple[Any, str]:
        """What tells rows apart; languages do not, where rows are translations of each other."""
        return self.cell.task if on.task is None else on.task, on.split

    def _select(self, phase: Phase) -> None:
        """Zero-shot is a promise: nothing is chosen on the labels of a target that was not trained on."""
        path, select = ("phases", phase.name, "select"), phase.select
        if select.on == "last":
            for key in sorted(select.model_fields_set - {"on"}):
                self._refuse(
                    (*path, key),
                    f"{key} has no use where the last step is kept",
                    'add on = "source", or take it out',
                )
            return
        method = self.methods[phase.name]
        if method is not None and method.product != "weights":
            self._refuse(path, f"a phase that leaves {method.product} has no step to choose", "take select out")
        chosen = getattr(self.cell.languages, select.on)
        if not chosen:
            self._refuse(
                ("languages", select.on),
                "it is empty, and a step is to be chosen on it",
                'name languages, or select = "last"',
            )
        for earlier in self.cell.phases[: self.cell.phases.index(phase)]:
            if self._source(phase.on) in map(self._source, earlier.rows):
                what = f'the rows held out to choose a step were trained on in phase "{earlier.name}"'
                self._refuse(path, what, 'choose the step of the first phase on these rows, or select = "last"')
        if self.head is None:
            return
        trained = languages.parts(code for each in self.cell.phases for code in languages_of(self.cell, *each.rows))
        for code in sorted(languages.parts(chosen) & languages.parts(targets_of(self.cell)) - trained):
            what = f'a step would be chosen on the labels of "{code}", which is an unseen target'
            remedy = f'take "{code}" out of languages.{select.on} or out of languages.target'
            self._refuse(path, what, remedy)


def _lacks(task: Task, *codes: str) -> tuple[str, str]:
    return f'task "{task.name}" has no language {", ".join(codes)}', f"known: {', '.join(task.languages)}"


def _some(labels: tuple[str, ...]) -> str:
    return ", ".join(labels[:4]) + (f" … ({len(labels)})" if len(labels) > 4 else "")
