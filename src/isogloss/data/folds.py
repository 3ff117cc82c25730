"""Folds: rows that nobody has split, cut so that each is tested on by a model that is trained on the others.

What is dealt are units: rows that share a group, or the same row in several languages. Dealing is a function of the
rows alone; it must never change, or test rows become training rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from isogloss.data.collect import Collector
from isogloss.data.table import Table
from isogloss.data.task import Task
from isogloss.errors import mistake


def deal(units: Mapping[str, Iterable[str]], folds: int) -> dict[str, int]:
    """Return the fold of every unit, from 0.

    One stratum after the other, the rarest first, deals the units that are most of it: the largest first, each to the
    fold that has least of the stratum, then of its language, then fewest rows, then the lowest number. Equal ones come
    in the order of a hash: where rows have ids or groups, their order in a file does not matter.

    Args:
        units: unit → the strata of its rows.
        folds: how many.
    """
    counts = {unit: Counter(strata) for unit, strata in units.items()}
    total = sum(counts.values(), Counter[str]())
    own = {
        unit: max(held, key=lambda stratum: (held[stratum], -total[stratum], stratum)) for unit, held in counts.items()
    }
    order = sorted(counts, key=lambda unit: (total[own[unit]], own[unit], -counts[unit].total(), _hash(unit), unit))
    filled: list[Counter[str]] = [Counter() for _ in range(folds)]
    dealt = {}
    for unit in order:
        fold = min(
            range(folds), key=lambda k: (filled[k][own[unit]], _of_kind(filled[k], own[unit]), filled[k].total(), k)
        )
        filled[fold].update(counts[unit])
        dealt[unit] = fold
    return dealt


def _of_kind(filled: Counter[str], stratum: str) -> int:
    """How many rows of a stratum's language (what stands before the separator) a fold has."""
    language = stratum.partition("\x1f")[0]
    return sum(count for other, count in filled.items() if other.partition("\x1f")[0] == language)


def dealt(task: Task, tables: Mapping[str, Table]) -> dict[str, int]:
    """Return the fold of every unit of a task.

    Args:
        task: with `split`.
        tables: language → its rows.

    Raises:
        Mistakes: a language with labels has fewer units than there are folds, or they do not reach all of them.
    """
    assert task.split is not None
    strata: dict[str, list[str]] = {}
    for language, table in tables.items():
        labels = table.column(task.label) if task.label and task.split.stratify else [""] * len(table)
        for unit, label in zip(units(table, task, language), labels, strict=True):
            strata.setdefault(unit, []).append(f"{language}\x1f{label}")
    found = deal(strata, task.split.folds)
    for language, table in tables.items():
        if not any(value not in (None, "") for value in table.columns.get(str(task.label), ())):
            continue  # predicted, and not tested on
        folds = {found[unit] for unit in units(table, task, language)}
        if len(folds) < task.split.folds:
            what = f'the {len(table)} rows of "{language}" are in {len(folds)} of {task.split.folds} folds'
            remedy = f'ask for {max(len(folds), 2)} folds, or leave "{language}" and its rows out'
            raise mistake(what, where=f"task {task.name}: split", remedy=remedy)
    return found


def units(table: Table, task: Task, language: str) -> list[str]:
    """Return what each row is dealt with: its group if the task has some, else its id or number.

    The value of a group's column is the same group in every language: a customer who writes in two is in one fold.

    Raises:
        Mistakes: a row has nothing in that column, with file and line.
    """
    rule = task.group if task.group is not None and task.group.holds_in(str(task.pool)) else None
    if rule is not None and rule.column is not None and rule.consecutive is None:
        values = table.column(rule.column)
        mistakes = Collector()
        for row, value in enumerate(values):
            if value in (None, ""):
                what = f'nothing in column "{rule.column}", by which rows are kept in one fold'
                mistakes.add(what, table.place(row), "write what the row belongs to, if only its own number")
        mistakes.raise_any(table.origin)
        return [f"group\x1f{value}" for value in values]
    if task.id is not None:
        own = [str(value) for value in table.column(task.id)]
    else:
        own = [str(position // (rule.consecutive if rule and rule.consecutive else 1)) for position in table.positions]
    scope = "" if task.parallel else f"{language}\x1f"
    return [scope + name for name in own]


def within(table: Table, task: Task, language: str, split: str, folds: Mapping[str, int]) -> Table:
    """Return the rows of "train" or "test"; they keep their numbers."""
    tested = split == "test"
    keep = [(folds[unit] == task.fold) == tested for unit in units(table, task, language)]
    positions: Sequence[int] = [position for position, kept in zip(table.positions, keep, strict=True) if kept]
    return replace(table.where(keep), positions=positions)


def _hash(unit: str) -> bytes:
    return hashlib.blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8, person=b"isogloss.fold").digest()
