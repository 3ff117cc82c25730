"""The rows of one language and split out of a folder, after the task's file rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from isogloss.data.table import Table, read_lines, read_table
from isogloss.data.task import FileRule, Task, leads_out
from isogloss.errors import mistake, nearest


def read_folder(task: Task, folder: Path, language: str, split: str) -> tuple[Table, dict[str, str]]:
    """Return the rows, and the files that they came from with the SHA-256 of what is in each.

    Raises:
        Mistakes: folder, file, language or split is missing (and which exist), or a file is malformed.
    """
    rule = _rule(task, folder, split)
    path = _file(task, folder, rule, language, split)
    if rule.index is None:
        table = read_table(path)
        used = {_name(path, folder): table.sha256}
    else:
        table, used = _indexed(task, folder, rule.index, path)
    if rule.column is not None:
        table = table.where([str(value) == rule.value for value in table.column(rule.column)])
    if rule.index is not None:
        table = _present(table, task.texts[0])
    if not len(table):
        raise mistake(
            f'language "{language}" has no rows in split "{split}"',
            where=str(path),
            remedy=f"use another split of {', '.join(task.files)}, or leave the language out",
        )
    return table, used


def files_of(task: Task, folder: Path, language: str, split: str) -> list[Path]:
    """Return the files that hold the rows, without reading them.

    Raises:
        Mistakes: as `read_folder`, for what is missing.
    """
    rule = _rule(task, folder, split)
    path = _file(task, folder, rule, language, split)
    return [path] if rule.index is None else [_packed_or_not(folder / rule.index) or folder / rule.index, path]


def languages_in(task: Task, folder: Path, split: str) -> tuple[str, ...]:
    """Return the languages of the task for which the folder has a file, in the task's order."""
    rule = _rule(task, folder, split)
    return tuple(name for name in task.languages if _packed_or_not(_inside(task, folder, rule, name)))


def _rule(task: Task, folder: Path, split: str) -> FileRule:
    if not folder.is_dir():
        raise mistake("no such folder", where=str(folder), remedy=f'give the folder with the files of "{task.name}"')
    if split not in task.files:
        remedy = nearest(split, task.files) if task.files else "say where they are: files = { train = … }"
        raise mistake(f'task "{task.name}" has no files for split "{split}"', where=f"task {task.name}", remedy=remedy)
    return task.files[split]


def _file(task: Task, folder: Path, rule: FileRule, language: str, split: str) -> Path:
    task.check_language(language)
    wanted = _inside(task, folder, rule, language)
    path = _packed_or_not(wanted)
    if path is None:
        there = languages_in(task, folder, split)
        remedy = f"languages with such a file: {', '.join(there)}" if there else "check folder and pattern"
        what = f'no such file, for language "{language}", split "{split}"'
        raise mistake(what, where=str(wanted), remedy=remedy)
    return path


def _inside(task: Task, folder: Path, rule: FileRule, language: str) -> Path:
    """Return the path that a pattern stands for in a language.

    Links are not followed: a folder may well hold links to files that lie elsewhere (the hub's cache does).

    Raises:
        Mistakes: what is filled in leads out of the folder.
    """
    filled = task.fill(rule.pattern, language)
    if leads_out(filled):
        raise mistake(
            f'"{filled}" leads out of the folder',
            where=f'task {task.name}: files, language "{language}"',
            remedy=f"mend its code: {task.codes.get(language, language)}",
        )
    return folder / filled


def _packed_or_not(path: Path) -> Path | None:
    """Return `path` or its gzipped (or unpacked) twin, whichever exists."""
    twin = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    return next((candidate for candidate in (path, twin) if candidate.is_file()), None)


def _indexed(task: Task, folder: Path, index: str, path: Path) -> tuple[Table, dict[str, str]]:
    """Join line k of a text file to row k of the index."""
    table = read_table(_packed_or_not(folder / index) or folder / index)
    lines, sha256 = read_lines(path)
    if len(lines) != len(table):
        what = f"{len(lines)} lines where {index} has {len(table)} rows"
        raise mistake(what, where=str(path), remedy="line k is the text of row k: give both from one release")
    used = {index: table.sha256, _name(path, folder): sha256}
    # A message about a label is about the index; the lines of the two differ by the header only.
    return replace(table, columns={**table.columns, task.texts[0]: lines}), used


def _present(table: Table, text: str) -> Table:
    """Drop the rows that this language does not have; the others keep their positions."""
    keep = [bool(value) for value in table.column(text)]
    return replace(table.where(keep), positions=[k for k, there in zip(table.positions, keep, strict=True) if there])


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
