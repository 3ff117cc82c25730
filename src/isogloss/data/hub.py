"""The rows of one language and split from the Hugging Face hub: Parquet only, no code from there is run."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from isogloss.data.linked import linked
from isogloss.data.rules import HubRule, leads_out, names_second
from isogloss.data.table import Table
from isogloss.data.task import Task
from isogloss.errors import Mistakes, mistake, nearest

if TYPE_CHECKING:
    from datasets import Dataset


def read_hub(task: Task, language: str, split: str) -> tuple[Table, dict[str, str]]:
    """Return the rows under the task's own column names, and what names them for good (`where_on_hub`).

    Integer labels are turned into the names that the data set gives them.

    Raises:
        Mistakes: `datasets` is not installed, the hub cannot be reached, or it has no such rows or columns.
    """
    rule = _rule(task, split)
    task.check_language(language)
    provenance = where_on_hub(task, language, split)
    table = _table(task, rule, language, split, provenance)
    for column, of in task.links(None, split):
        there = {**provenance, "files": _part(task, rule, of, split)}
        assert task.id is not None
        table = linked(table, _table(task, rule, of, split, there), task.id, column, of)
    return table, provenance


def _table(task: Task, rule: HubRule, language: str, split: str, provenance: dict[str, str]) -> Table:
    """Return the rows of one language and split."""
    data = _load(rule, provenance)
    names = _names(task, rule)
    origin = f"{rule.path} {provenance['files']}"
    columns = {ours: _column(data, theirs, origin) for ours, theirs in names.items()}
    rows = len(data)
    if task.id and rule.id == "":
        columns[task.id] = [f"{split}-{row}" for row in range(rows)]
    return _of_language(task, rule, language, Table(origin, columns, range(1, rows + 1), range(rows)))


def _names(task: Task, rule: HubRule) -> dict[str, str]:
    """Return the columns that are needed: our name → the name there."""
    names = dict(zip(task.texts, rule.texts or task.texts, strict=True))
    if task.label is not None:
        names[task.label] = rule.label or task.label
    if task.answers is not None:
        names[task.answers] = rule.answers or task.answers
    if task.id and rule.id != "":
        names[task.id] = rule.id or task.id
    if task.group and task.group.column:
        names.setdefault(task.group.column, task.group.column)
    if task.second is not None and not names_second(_pattern(rule)):
        names[task.second] = task.second
    return names


def _of_language(task: Task, rule: HubRule, language: str, table: Table) -> Table:
    """Return the rows of a language, where others lie in the same place."""
    if rule.prefix is not None and task.id is not None:
        prefix = task.fill(rule.prefix, language)
        table = table.where([str(name).startswith(prefix) for name in table.column(task.id)])
    if task.second is not None and not names_second(_pattern(rule)):
        code = task.code(task.pair(language)[1])
        table = table.where([value == code for value in table.column(task.second)])
    if not len(table):
        raise mistake(f'no rows in language "{language}"', where=table.origin, remedy="leave the language out")
    return table


def where_on_hub(task: Task, language: str, split: str) -> dict[str, str]:
    """Return what names the rows for good: path, commit, configuration or files, split.

    Touches the network only where the task's revision is not a commit.

    Raises:
        Mistakes: the task has no such split on the hub, or what is filled in leads out of the data set.
    """
    rule = _rule(task, split)
    part = _part(task, rule, language, split)
    return {"hub": rule.path, "revision": _commit(rule.path, rule.revision), "files": part, "split": rule.splits[split]}


def _pattern(rule: HubRule) -> str:
    return rule.data_files or rule.config or "default"


def _part(task: Task, rule: HubRule, language: str, split: str) -> str:
    """Return the configuration, or the pattern of files, that holds a language."""
    theirs = rule.splits[split]
    part = task.fill(_pattern(rule), language, split=theirs)
    if leads_out(part):
        codes = ", ".join(dict.fromkeys(map(task.code, task.pair(language))))
        raise mistake(
            f'"{part}" leads out of the data set',
            where=f'task {task.name}: hub, language "{language}"',
            remedy=f"mend its code or the split's name: {codes}, {theirs}",
        )
    return part


def _rule(task: Task, split: str) -> HubRule:
    if task.hub is None:
        raise mistake(
            f'task "{task.name}" is not on the hub',
            where=f"task {task.name}",
            remedy='say where it is: path = "FOLDER"',
        )
    if split not in task.hub.splits:
        raise mistake(f'no split "{split}"', where=f"{task.hub.path} (hub)", remedy=nearest(split, task.hub.splits))
    return task.hub


@cache
def _commit(path: str, revision: str) -> str:
    """Return the commit that a revision stands for; a commit stands for itself."""
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(path, revision=revision).sha)
    except Exception as fault:  # noqa: BLE001 (of the client or its transport; their classes change with its version)
        raise _unreachable(path, fault) from None


def _load(rule: HubRule, provenance: dict[str, str]) -> Dataset:
    """Load one split; scripts are refused by `datasets` itself, other formats than Parquet by us."""
    try:
        from datasets import load_dataset_builder
    except ImportError:
        raise mistake(
            "reading from the hub needs `datasets`", where=rule.path, remedy='pip install "isogloss[hub]"'
        ) from None
    what: dict[str, Any]
    if rule.data_files:
        what = {"data_files": {provenance["split"]: provenance["files"]}}
    else:
        what = {"name": provenance["files"] if rule.config else None}
    try:
        builder = load_dataset_builder(rule.path, revision=provenance["revision"], **what)
        if builder.name != "parquet":
            raise mistake(f"holds {builder.name}, not Parquet", where=rule.path, remedy='use files: path = "FOLDER"')
        builder.download_and_prepare()
        return builder.as_dataset(split=provenance["split"])
    except Mistakes:
        raise
    except Exception as fault:  # noqa: BLE001 (as above)
        raise _unreachable(rule.path, fault) from None


def _unreachable(path: str, fault: Exception) -> Mistakes:
    told = " ".join(str(fault).split())[:200]
    return mistake(
        f"cannot be had from the hub: {told or type(fault).__name__}",
        where=path,
        remedy='check name and network, or give a folder with the files: path = "FOLDER"',
    )


def _column(data: Dataset, name: str, origin: str) -> list[Any]:
    if name not in data.column_names:
        raise mistake(f'no column "{name}"', where=origin, remedy=nearest(name, data.column_names))
    values: list[Any] = data[name][:]
    names = getattr(data.features[name], "names", None)  # of a ClassLabel; −1 is its "no label"
    return [names[value] if value is not None and value >= 0 else None for value in values] if names else values
