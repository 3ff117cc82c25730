"""The rows of one language and split from the Hugging Face hub: Parquet only, no code from there is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isogloss.data.hub_files import commit_of, unreachable, whole
from isogloss.data.linked import linked
from isogloss.data.rules import HubRule, leads_out, names_second
from isogloss.data.table import Table
from isogloss.data.task import Task
from isogloss.errors import Mistakes, mistake, nearest

if TYPE_CHECKING:
    from datasets import Dataset


def read_hub(task: Task, language: str, split: str, *, offline: bool = False) -> tuple[Table, dict[str, str]]:
    """Return the rows under the task's own column names, and what names them for good (`where_on_hub`).

    Integer labels are turned into the names that the data set gives them.

    Args:
        task: which is on the hub.
        language: one of the task's.
        split: one of the task's.
        offline: take only what is in the hub's cache, and never reach for the network.

    Raises:
        Mistakes: `datasets` is not installed, the hub cannot be reached, its cache lacks something, or it has no such
            rows or columns.
    """
    rule = _rule(task, split)
    task.check_language(language)
    provenance = where_on_hub(task, language, split, offline=offline)
    table = _table(task, rule, language, split, provenance, offline=offline)
    for column, of in task.links(None, split):
        there = {**provenance, "files": _part(task, rule, of, split)}
        assert task.id is not None
        table = linked(table, _table(task, rule, of, split, there, offline=offline), task.id, column, of)
    return table, provenance


def _table(task: Task, rule: HubRule, language: str, split: str, provenance: dict[str, str], *, offline: bool) -> Table:
    """Return the rows of one language and split."""
    data = _load(rule, provenance, offline=offline)
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


def where_on_hub(task: Task, language: str, split: str, *, offline: bool = False) -> dict[str, str]:
    """Return what names the rows for good: path, commit, configuration or files, split.

    Touches the network only where the task's revision is not a commit, and never offline.

    Raises:
        Mistakes: the task has no such split on the hub, or what is filled in leads out of the data set.
    """
    rule = _rule(task, split)
    part = _part(task, rule, language, split)
    commit = commit_of(rule.path, rule.revision, offline=offline)
    return {"hub": rule.path, "revision": commit, "files": part, "split": rule.splits[split]}


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


def _load(rule: HubRule, provenance: dict[str, str], *, offline: bool) -> Dataset:
    """Load one split out of the cache; scripts are refused by `datasets` itself, other formats than Parquet by us."""
    try:
        from datasets import load_dataset_builder
    except ImportError:
        raise mistake(
            "reading from the hub needs `datasets`", where=rule.path, remedy='pip install "isogloss[hub]"'
        ) from None
    part = provenance["files"]
    config, pattern = (None, part) if rule.data_files else (part if rule.config else None, None)
    folder = whole(rule.path, provenance["revision"], config, pattern, offline=offline)
    if not any(folder.rglob("*.parquet")):
        raise mistake("holds no Parquet there", where=rule.path, remedy='use files: path = "FOLDER"')
    what: dict[str, Any] = {"name": config} if pattern is None else {"data_files": {provenance["split"]: pattern}}
    try:
        builder = load_dataset_builder(str(folder), **what)
        if builder.name != "parquet":
            raise mistake(f"holds {builder.name}, not Parquet", where=rule.path, remedy='use files: path = "FOLDER"')
        builder.download_and_prepare()
        return builder.as_dataset(split=provenance["split"])
    except Mistakes:
        raise
    except Exception as fault:  # noqa: BLE001 (of `datasets`; their classes change with its version)
        raise unreachable(rule.path, fault) from None


def _column(data: Dataset, name: str, origin: str) -> list[Any]:
    if name not in data.column_names:
        raise mistake(f'no column "{name}"', where=origin, remedy=nearest(name, data.column_names))
    values: list[Any] = data[name][:]
    names = getattr(data.features[name], "names", None)  # of a ClassLabel; −1 is its "no label"
    return [names[value] if value is not None and value >= 0 else None for value in values] if names else values
