"""From a table to rows: labels matched by name or answers, ids, and the groups that must stay together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isogloss.data.answers import Answers, gold_answers
from isogloss.data.collect import Collector
from isogloss.data.linked import linked_name
from isogloss.data.table import Table
from isogloss.data.task import Task
from isogloss.errors import nearest
from isogloss.languages import cell


@dataclass(frozen=True)
class Rows:
    """The rows of one task, language and split.

    Attributes:
        ids: [N] strings, distinct.
        texts: N tuples of one or two texts.
        labels: [N] int64, indices into `label_names`; None where the rows have answers.
        groups: [N] int64; rows with the same number stay together. In a parallel task the same example (or
            premise) has the same number in every language. Not to be confused with labels or row numbers: the
            numbers are hashes.
        label_names: in the order of their indices; none where the rows have answers.
        provenance: where the rows are from: files with their SHA-256, or the hub's data set and commit.
        fingerprint: SHA-256 (hex) of all of the above but provenance, and of the answers.
        answers: of each row one or more gold answers: text, and where it starts in the row's last text, in code
            points; None where the rows have labels.
        origin: the file, or the hub's data set, as messages name it.
        places: [N] what messages call the rows: `file:line`.
    """

    ids: NDArray[np.str_]
    texts: list[tuple[str, ...]]
    labels: NDArray[np.int64] | None
    groups: NDArray[np.int64]
    label_names: tuple[str, ...]
    provenance: Mapping[str, Any]
    fingerprint: str
    answers: list[Answers] | None = None
    origin: str = ""
    places: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def between(self, start: int, stop: int) -> Rows:
        """Return the rows from `start` to `stop` − 1; the fingerprint stays that of all."""
        return replace(
            self,
            ids=self.ids[start:stop],
            texts=self.texts[start:stop],
            labels=None if self.labels is None else self.labels[start:stop],
            groups=self.groups[start:stop],
            answers=None if self.answers is None else self.answers[start:stop],
            places=self.places[start:stop],
        )


def make_rows(table: Table, task: Task, language: str, split: str, provenance: Mapping[str, Any]) -> Rows:
    """Return the rows in a table with the task's columns.

    Raises:
        Mistakes: labels that are missing or that the task does not name (likeness is no match), answers that are
            missing or not at their place, texts that are missing (or empty, where there are answers), ids that
            repeat, groups that do not hold; up to ten, each with file and line.
    """
    mistakes = Collector()
    columns = [_texts(table, name, mistakes, full=task.answers is not None) for name in task.texts]
    labels = None if task.label is None else _label_indices(table, task, task.label, mistakes)
    ids = _ids(table, task, mistakes)
    answers = None if task.answers is None else gold_answers(table, task.answers, columns[-1], ids, mistakes)
    _check_runs(table, task, split, mistakes)
    mistakes.raise_any(table.origin)
    texts = list(zip(*columns, strict=True))
    groups = _groups(table, task, ids, language, split)
    fingerprint = _fingerprint(_strings(ids, texts, task.labels, answers), labels, groups)
    about = np.array(ids), texts, labels, groups, task.labels, dict(provenance), fingerprint, answers
    return Rows(*about, table.origin, _places(table))


def unlabelled_rows(table: Table, texts: Sequence[str], task: Task) -> Rows:
    """Return the rows of a table whose labels or answers are to be predicted, every one a group of its own.

    Args:
        table: with other columns than the task's, maybe.
        texts: its text columns, in the order of the task's own.
        task: what is asked of them; its labels stand for the unknown ones, which are all the first.

    Raises:
        Mistakes: texts that are missing (or empty, where answers are asked for); up to ten, each with file and line.
    """
    mistakes = Collector()
    columns = [_texts(table, name, mistakes, full=task.answers is not None) for name in texts]
    mistakes.raise_any(table.origin)
    rows, number, places = list(zip(*columns, strict=True)), np.arange(len(table)), _places(table)
    labels = None if task.label is None else np.zeros_like(number)
    ids = np.array([str(each) for each in number])
    fingerprint = _fingerprint(_strings(ids.tolist(), rows, task.labels, None), labels, number)
    return Rows(ids, rows, labels, number, task.labels, {}, fingerprint, None, table.origin, places)


def _places(table: Table) -> list[str]:
    return [table.place(row) for row in range(len(table))]


def label_names(table: Table, task: Task) -> set[str]:
    """Return the label names that occur in a table; the task has labels."""
    assert task.label is not None
    return {str(value) for value in table.column(task.label) if value not in (None, "")}


def _texts(table: Table, name: str, mistakes: Collector, *, full: bool) -> Sequence[str]:
    """Return a column of texts, which `full` ones are not empty in."""
    values = table.column(name)
    for row, value in enumerate(values):
        if not isinstance(value, str):
            mistakes.add(f'no text in column "{name}" (found {value!r})', table.place(row), "write the text")
        elif full and not value.strip():
            mistakes.add(f'an empty text in column "{name}"', table.place(row), "write the text, or drop the row")
        elif full and not _is_unicode(value):
            what = f'half a character (a lone surrogate) in column "{name}"'
            mistakes.add(what, table.place(row), "write the file as UTF-8")
    return values


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _label_indices(table: Table, task: Task, column: str, mistakes: Collector) -> NDArray[np.int64]:
    index = {name: number for number, name in enumerate(task.labels)}
    indices = np.zeros(len(table), dtype=np.int64)
    for row, value in enumerate(table.column(column)):
        found = index.get(value if isinstance(value, str) else str(value))
        if found is not None:
            indices[row] = found
        elif value in (None, ""):
            mistakes.add(f'no label in column "{column}"', table.place(row), "write the label, or drop the row")
        else:
            mistakes.add(f'label "{value}" is none of the task\'s', table.place(row), nearest(str(value), task.labels))
    return indices


def _ids(table: Table, task: Task, mistakes: Collector) -> list[str]:
    if task.id is None:
        return [str(position) for position in table.positions]
    ids = [str(value) for value in table.column(task.id)]
    first: dict[str, int] = {}
    for row, name in enumerate(ids):
        if first.setdefault(name, row) != row:
            before = table.place_beside(first[name], row)
            mistakes.add(f'id "{name}" is that of {before} too', table.place(row), "give each row an id of its own")
    return ids


def _check_runs(table: Table, task: Task, split: str, mistakes: Collector) -> None:
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
        name = rule.column if rule.of is None else linked_name(rule.column, rule.of)
        shared = [str(value) for value in table.column(name)]
    elif task.id is not None:
        shared = ids
    else:
        shared = [f"{split}\x1f{position}" for position in table.positions]
    scope = "" if task.parallel else f"{cell(language)[0]}\x1f"
    return np.array([_hash63(scope + value) for value in shared], dtype=np.int64)


def _hash63(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") >> 1


def _strings(
    ids: Sequence[str], texts: Sequence[tuple[str, ...]], names: Sequence[str], answers: Sequence[Answers] | None
) -> Iterator[str]:
    yield from ids
    for row in texts:
        yield from row
    yield from names
    for given in answers or ():
        yield str(len(given))
        for text, start in given:
            yield text
            yield str(start)


def _fingerprint(strings: Iterator[str], labels: NDArray[np.int64] | None, groups: NDArray[np.int64]) -> str:
    digest = hashlib.sha256()
    while part := list(islice(strings, 100_000)):
        digest.update(np.array([len(text) for text in part]).tobytes())
        digest.update("".join(part).encode("utf-8", "surrogatepass"))
    if labels is not None:
        digest.update(labels.tobytes())
    digest.update(groups.tobytes())
    return digest.hexdigest()
