"""Where rows are read from: a folder, the embedded sample, or the hub; and what names their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import cache, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from isogloss.data.folder import files_of, languages_in, read_folder
from isogloss.data.folds import dealt, within
from isogloss.data.hub import read_hub, where_on_hub
from isogloss.data.rows import Rows, label_names, make_rows, unlabelled_rows
from isogloss.data.rules import FileRule, names_second
from isogloss.data.table import Table, read_bytes
from isogloss.data.task import FOLDED, Task
from isogloss.errors import mistake, nearest
from isogloss.languages import cell

__all__ = ["Rows", "fingerprint", "hub_of", "languages_at", "read_rows", "read_unlabelled", "with_labels"]


def read_rows(task: Task, language: str, split: str, *, path: Path | None = None, offline: bool = False) -> Rows:
    """Return the rows of a task in one language and split.

    They come from the folder `path`, or the task's own; without one from its embedded sample, if it has one
    and the hub is not asked for; else from the hub.

    Args:
        task: what to read.
        language: one of the task's.
        split: one of the task's.
        path: a folder with the task's files.
        offline: of the hub take only what is in its cache.

    Raises:
        Mistakes: rows, columns, files or the hub are not what the task says; each with file and line.
    """
    task = with_labels(task, path=path, offline=offline)
    table, provenance = _read_table(task, language, split, path, offline)
    return make_rows(table, task, language, _as_filed(task, split), provenance)


def read_unlabelled(task: Task, language: str, split: str, *, path: Path | None = None, offline: bool = False) -> Rows:
    """Return the rows of a language whose labels nobody knows, to be predicted; of a task with folds, all rows.

    Raises:
        Mistakes: as `read_rows`; or there are labels after all.
    """
    task = with_labels(task, path=path, offline=offline)
    table, _ = _read_filed(task, language, _as_filed(task, split), path, offline)
    labelled = [row for row, value in enumerate(table.columns.get(str(task.label), ())) if value not in (None, "")]
    if labelled:
        what = f'language "{language}" is said to be unlabelled, and {len(labelled)} of its rows have a label'
        raise mistake(what, where=table.place(labelled[0]), remedy="take it out of `unlabelled`, and it is tested on")
    return unlabelled_rows(table, task.texts, task)


def with_labels(task: Task, *, path: Path | None = None, offline: bool = False) -> Task:
    """Return the task with its label names: those found in its first split, sorted, unless it has them.

    Only the first split is asked, in every language that has it: a name that first occurs in a later split
    could not have been learned, and is more likely a slip of the pen. A task with answers has no label names.
    """
    if task.labels or task.answers is not None:
        return task
    if not task.splits:
        raise mistake("no files are named", where=f"task {task.name}", remedy="write files = { train = … }")
    split = task.splits[0]
    found: set[str] = set()
    for language in languages_at(task, split, path=path):
        found |= label_names(_read_table(task, language, split, path, offline)[0], task)
    if len(found) < 2:
        what = f"split {split} holds {len(found)} label names in column {task.label}"
        raise mistake(what, where=f"task {task.name}", remedy='name them: labels = ["…", "…"]')
    return replace(task, labels=tuple(sorted(found)))


def languages_at(task: Task, split: str, *, path: Path | None = None) -> tuple[str, ...]:
    """Return the languages that the source of the task has, without reading rows.

    A folder or an embedded sample may hold fewer than the task names; of the hub all are taken to be there.
    """
    folder = _folder(task, path)
    return languages_in(task, folder, _as_filed(task, split)) if folder else task.languages


def hub_of(task: Task, path: Path | None = None) -> str | None:
    """Return the data set of the hub that a task's rows come from; None for a folder and an embedded sample."""
    return task.hub.path if _folder(task, path) is None and task.hub is not None else None


def fingerprint(task: Task, language: str, split: str, path: Path | None = None, offline: bool = False) -> str:
    """Return a name for the content of the rows (SHA-256, hex) without parsing them: for content keys.

    It covers the files' bytes (unpacked), or the hub's commit, and what the task makes of them. Not to be
    confused with `Rows.fingerprint`, which is of the rows once read.
    """
    task = with_labels(task, path=path, offline=offline)
    folder = _folder(task, path)
    filed = _as_filed(task, split)
    if folder is None:
        _refuse_nowhere(task)
        content: Any = where_on_hub(task, language, split, offline=offline)
    else:
        each = [language] if filed == split else languages_at(task, filed, path=path)  # folds are dealt over all
        files = list(dict.fromkeys(file for one in each for file in files_of(task, folder, one, filed)))
        names = [file.relative_to(folder).as_posix().removesuffix(".gz") for file in files]
        content = dict(zip(names, map(_file_digest, files), strict=True))
    rule = _hub_rule(task, language) if folder is None else _file_rules(task, language, filed)
    about = {**_meaning(task), **({} if filed == split else {"fold": _fold(task)})}
    text = json.dumps([content, about, rule, language, split], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


_MEANING = {"name", "kind", "version", "labels", "texts", "label", "id", "group", "parallel"}
_LATER = {"answers", "second", "settings"}  # told only where they are given: older tasks keep their fingerprints
_SAMPLES = "isogloss.samples"


def _meaning(task: Task) -> dict[str, Any]:
    """Return what of a task says what its rows mean."""
    about: dict[str, Any] = TypeAdapter(Task).dump_python(task, mode="json", include=_MEANING | _LATER)
    about = {name: value for name, value in about.items() if name in _MEANING or value}
    if task.group is not None and task.group.of is None:
        del about["group"]["of"]
    return about


def _as_filed(task: Task, split: str) -> str:
    """Return the split that the files know: that which a fold is cut out of."""
    return task.pool if task.pool is not None and split in FOLDED else split


def _fold(task: Task) -> dict[str, Any]:
    assert task.split is not None
    return {**asdict(task.split), "fold": task.fold}


def _file_rules(task: Task, language: str, split: str) -> dict[str, Any] | list[dict[str, Any]]:
    """Return which rows of its files a split has; the files themselves are known by what is in them."""
    rules = [_file_rule(task, rule, language) for rule in task.files[split]]
    if len(rules) == 1:
        return rules[0]
    files = [task.fill(rule.pattern, language).removesuffix(".gz") for rule in task.files[split]]
    return [{**rule, "file": file} for rule, file in zip(rules, files, strict=True)]


def _file_rule(task: Task, rule: FileRule, language: str) -> dict[str, Any]:
    index = rule.index and rule.index.removesuffix(".gz")
    told: dict[str, Any] = {"index": index, "column": rule.column, "value": rule.value}
    if rule.part is not None:
        told["part"] = asdict(rule.part)
    if rule.language is not None:
        told["language"] = [rule.language, task.code(language)]
    if task.second is not None and not names_second(rule.pattern):
        told["second"] = task.code(task.pair(language)[1])
    return told


def _hub_rule(task: Task, language: str) -> dict[str, Any]:
    """Return what the columns on the hub are called; where the rows are there is known by commit and files."""
    hub = task.hub
    assert hub is not None
    told: dict[str, Any] = {
        "by_files": hub.data_files is not None,
        "texts": hub.texts or task.texts,
        "label": hub.label or task.label,
        "id": task.id if hub.id is None else hub.id,
    }
    if task.answers is not None:
        told["answers"] = hub.answers or task.answers
    if hub.prefix is not None:
        told["prefix"] = task.fill(hub.prefix, language)
    if task.second is not None and not names_second(hub.data_files or hub.config or ""):
        told["second"] = task.code(task.pair(language)[1])
    return told


def _read_table(
    task: Task, language: str, split: str, path: Path | None, offline: bool
) -> tuple[Table, Mapping[str, Any]]:
    filed = _as_filed(task, split)
    table, provenance = _read_filed(task, language, filed, path, offline)
    if filed == split:
        return table, provenance
    if task.fold is None and split == "test":
        what, remedy = 'the rows are cut into folds, and none is "test"', "write fold = 0, or axes.fold = [0, 1, …]"
        raise mistake(what, where=f"task {task.name}", remedy=remedy)
    if task.fold is None:
        return table, provenance
    every = {one: _read_filed(task, one, filed, path, offline)[0] for one in languages_at(task, filed, path=path)}
    return within(table, task, language, split, dealt(task, every)), {**provenance, "fold": _fold(task)}


def _read_filed(
    task: Task, language: str, split: str, path: Path | None, offline: bool
) -> tuple[Table, Mapping[str, Any]]:
    folder = _folder(task, path)
    if folder is None:
        _refuse_nowhere(task)
        return read_hub(task, language, split, offline=offline)
    given = path is not None or task.path is not None
    if not given and cell(language)[0] not in (there := languages_in(task, folder, split)):
        task.check_language(language)
        raise mistake(
            f'the embedded sample of "{task.name}" lacks language "{language}" (it has {", ".join(there)})',
            where=f"task {task.name}",
            remedy=f'task = {{ name = "{task.name}", source = "hub" }}, or path = "FOLDER" there',
        )
    table, files = read_folder(task, folder, language, split)
    return table, {"source": "folder" if given else "embedded", "files": files}


def _folder(task: Task, path: Path | None) -> Path | None:
    """Return the folder to read from, or None for the hub."""
    if path is not None or task.path is not None:
        return path if path is not None else task.path
    if task.embedded is None or task.source == "hub":
        return None
    sample = _sample(task.embedded)
    if sample is not None:
        return Path(sample())
    if task.source == "embedded" or task.hub is None:
        raise mistake(
            f'no installed package has a sample "{task.embedded}"',
            where=f"task {task.name}: embedded",
            remedy=nearest(task.embedded, entry_points(group=_SAMPLES).names) + ' (or give path = "FOLDER")',
        )
    return None


@cache
def _sample(name: str) -> Callable[[], Path] | None:
    """Return what says where a sample is, or None where no installed package declares one of that name."""
    found = entry_points(group=_SAMPLES, name=name)
    return next(iter(found)).load() if found else None


def _refuse_nowhere(task: Task) -> None:
    if task.hub is None:
        raise mistake("nothing says where its rows are", where=f"task {task.name}", remedy='give path = "FOLDER"')


def _file_digest(path: Path) -> str:
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _digest(path: Path, size: int, changed: int) -> str:
    """Hash a file's content; size and time of change tell a new content from a remembered one."""
    del size, changed
    return hashlib.sha256(read_bytes(path)).hexdigest()
