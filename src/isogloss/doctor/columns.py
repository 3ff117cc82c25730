"""The rows that a recipe reads, column by column: a task, a language and a split, and what they are for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from isogloss.data.rows import Rows
from isogloss.data.task import Task
from isogloss.doctor.examination import Examination, Finding
from isogloss.errors import Mistakes
from isogloss.recipe.planned import Plan, PlannedRows
from isogloss.run.preparation import Wanted, as_read

Role = Literal["trained", "selection", "development", "tested"]
Read = Callable[[Task, str, str], Rows]


@dataclass(frozen=True, eq=False)
class Column:
    """The rows of one task, language and split.

    Attributes:
        task: whose rows they are.
        language: its key, or two joined by "/".
        split: of the task.
        rows: all of them, whatever share of them a phase draws.
        roles: what the recipe does with them.
    """

    task: Task
    language: str
    split: str
    rows: Rows
    roles: frozenset[Role]

    @property
    def where(self) -> str:
        """What a finding calls it."""
        return f"{self.task.name} {self.language} {self.split}"

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N] indices into the label names, of rows that have labels."""
        assert self.rows.labels is not None
        return self.rows.labels

    @property
    def label_names(self) -> tuple[str, ...]:
        """In the order of their indices."""
        return self.rows.label_names

    @property
    def texts(self) -> list[str]:
        """[N] the texts of each row, joined by a line break."""
        return ["\n".join(row) for row in self.rows.texts]

    def by_language(self) -> Iterator[tuple[str, list[str]]]:
        """Yield plain languages with [N] texts that should be in them: one where both texts of a row are in one.

        Nothing of rows whose texts are in two languages at once.
        """
        if "+" in self.language:
            return
        context, question = self.task.pair(self.language)
        if context == question:
            yield context, self.texts
            return
        yield question, [row[0] for row in self.rows.texts]
        yield context, [row[-1] for row in self.rows.texts]


def read_columns(wanted: Iterable[Wanted], plan: Plan, read: Read) -> tuple[list[Column], Examination]:
    """Read everything that a recipe reads; what cannot be read becomes an error.

    Args:
        wanted: task, language and split of each column.
        plan: says what they are for.
        read: rows of a column.
    """
    roles = _roles(plan)
    columns, findings = [], []
    for task, language, split in wanted:
        try:
            rows = read(task, language, split)
        except Mistakes as mistakes:
            findings += [Finding("error", one.where, one.what, one.remedy) for one in mistakes.mistakes]
            continue
        columns.append(Column(task, language, split, rows, frozenset(roles.get((repr(task), language, split), ()))))
    count = sum(len(column.rows) for column in columns)
    looked = f"{len(columns)} columns (a task, a language, a split) with {count:,} rows were read"
    return columns, Examination("rows", looked, tuple(dict.fromkeys(findings)))


def _roles(plan: Plan) -> dict[tuple[str, str, str], set[Role]]:
    found: dict[tuple[str, str, str], set[Role]] = {}

    def add(task: Task, languages: Iterable[str], split: str, role: Role) -> None:
        task, split = as_read(task, split)
        for language in languages:
            found.setdefault((repr(task), language, split), set()).add(role)

    for phase in plan.phases.values():
        for on, task, languages in phase.rows:
            add(task, languages, on.split, "trained")
        chosen = PlannedRows(phase.phase.on, phase.task, phase.selection)
        add(chosen.task, chosen.languages, chosen.on.split, "selection")
    for cell in plan.cells:
        add(cell.task, cell.target, cell.split, "tested")
        if cell.development:
            add(cell.task, cell.development.languages, cell.development.split, "development")
    return found
