"""From a table to rows: labels matched by name, ids, and the groups that must stay together."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isogloss.data.table import Table
from isogloss.data.task import Task
from isogloss.errors import Mistake, Mistakes, nearest

_SHOWN = 10  # mistakes of one file that are listed; a wrong column makes thousands


@dataclass(frozen=True)
class Rows:
    """The rows of one task, language and split.

    Attributes:
        ids: [N] strings, distinct.
        texts: N tuples of one or two texts.
        labels: [N] int64, indices into `label_names`.
        groups: [N] int64; rows with the same number stay together. In a parallel task the same example (or
            premise) has the same number in every language. Not to be confused with labels or row numbers: the
            numbers are hashes.
        label_names: in the order of their indices.
        provenance: where the rows are from: files with their SHA-256, or the hub's data set and commit.
        fingerprint: SHA-256 (hex) of all of the above but provenance.
    """

    ids: NDArray[np.str_]
    texts: list[tuple[str, ...]]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    label_names: tuple[str, ...]
    provenance: Mapping[str, Any]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.texts)


def make_rows(table: Table, task: Task, language: str, split: str, provenance: Mapping[str, Any]) -> Rows:
    """Return the rows in a table with the task's columns.

    Raises:
        Mistakes: labels that are missing or that the task does not name (likeness is no match), texts that
            are missing, ids that repeat, groups that do not hold; up to ten, each with file and line.
    """
    mistakes = _Collector()
    columns = [_texts(table, name, mistakes) for name in task.texts]
    labels = _label_indices(table, task, mistakes)
    ids = _ids(table, task, mistakes)
    _check_runs(table, task, split, mistakes)
    mistakes.raise_any(table.origin)
    texts = list(zip(*columns, strict=True))
    groups = _groups(table, task, ids, language, split)
    fingerprint = _fingerprint(ids, texts, labels, groups, task.labels)
    return Rows(np.array(ids), texts, labels, groups, task.labels, dict(provenance), fingerprint)


def label_names(table: Table, task: Task) -> set[str]:
    """Return the label names that occur in a table."""
    return {str(value) for value in table.column(task.label) if value not in (None, "")}


class _Collector:
    """Mistakes of one table; it keeps the first few and counts the others."""

    def __init__(self) -> None:
        self.first: list[Mistake] = []
        self.more = 0

    def add(self, what: str, where: str, remedy: str) -> None:
        if len(self.first) < _SHOWN:
            self.first.append(Mistake(what, where, remedy))
        else:
            self.more += 1

    def raise_any(self, origin: str) -> None:
        if self.more:
            self.first.append(Mistake(f"{self.more} more rows like these", origin, "mend the first ones and try again"))
        if self.first:
            raise Mistakes(self.first)


def _texts(table: Table, name: str, mistakes: _Collector) -> Sequence[str]:
    values = table.column(name)
    for row, value in enumerate(values):
        if not isinstance(value, str):
            mistakes.add(f'no text in column "{name}" (found {value!r})', table.place(row), "write the text")
    return values


def _label_indices(table: Table, task: Task, mistakes: _Collector) -> NDArray[np.int64]:
    index = {name: number for number, name in enumerate(task.labels)}
    indices = np.zeros(len(table), dtype=np.int64)
    for row, value in enumerate(table.column(task.label)):
        found = index.get(value if isinstance(value, str) else str(value))
        if found is not None:
            indices[row] = found
        elif value in (None, ""):
            mistakes.add(f'no label in column "{task.label}"', table.place(row), "write the label, or drop the row")
        else:
            mistakes.add(f'label "{value}" is none of the task\'s', table.place(row), nearest(str(value), task.labels))
    return indices


def _ids(table: Table, task: Task, mistakes: _Collector) -> list[str]:
    if task.id is None:
        return [str(position) for position in table.positions]
    ids = [str(value) for value in table.column(task.id)]
    first: dict[str, int] = {}
    for row, name in enumerate(ids):
        if first.setdefault(name, row) != row:
            where, before = table.place(row), table.places[first[name]]
            mistakes.add(f'id "{name}" is that of row {before} too', where, "give each row an id of its own")
    return ids


def _check_runs(table: Table, task: Task, split: str, mistakes: _Collector) -> None:
    """Check that the rows of each run of `group.consecutive` agree in `group.column`."""
    rule = task.group
    if rule is None or rule.consecutive is None or rule.column is None or not rule.holds_in(split):
        return
    shared: dict[int, Any] = {}
    for row, value in enumerate(table.column(rule.column)):
        if shared.setdefault(table.positions[row] // rule.consecutive, value) != value:
            what = f'column "{rule.column}" differs within {rule.consecutive} rows that should share it'
            mistakes.add(what, table.place(row), "keep the rows in their order and number, or change the task's group")


def _groups(table: Table, task: Task, ids: Sequence[str], language: str, split: str) -> NDArray[np.int64]:
    """Number the groups by a hash of what they share: languages and splits then agree without a table."""
    rule = task.group if task.group and task.group.holds_in(split) else None
    shared: Sequence[str]
    if rule and rule.consecutive:
        shared = [f"{split}\x1f{position // rule.consecutive}" for position in table.positions]
    elif rule and rule.column:
        shared = [str(value) for value in table.column(rule.column)]
    elif task.id is not None:
        shared = ids
    else:
        shared = [f"{split}\x1f{position}" for position in table.positions]
    scope = "" if task.parallel else f"{language}\x1f"
    return np.array([_hash63(scope + value) for value in shared], dtype=np.int64)


def _hash63(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") >> 1


def _fingerprint(
    ids: Sequence[str],
    texts: Sequence[tuple[str, ...]],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    names: Sequence[str],
) -> str:
    digest = hashlib.sha256()
    strings = iter([*ids, *(text for row in texts for text in row), *names])
    while part := list(islice(strings, 100_000)):
        digest.update(np.array([len(text) for text in part]).tobytes())
        digest.update("".join(part).encode("utf-8", "surrogatepass"))
    digest.update(labels.tobytes())
    digest.update(groups.tobytes())
    return digest.hexdigest()
