"""The rows of one language and split out of a folder, after the task's file rules."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from isogloss.data.collect import Collector, shown
from isogloss.data.linked import linked, part_of
from isogloss.data.rules import FileRule, leads_out, names_second
from isogloss.data.table import Table, joined, read_lines, read_table
from isogloss.data.task import Task
from isogloss.errors import Mistakes, mistake, nearest

_SAID = 20  # values of a column that a message knows; a wrong column has thousands


def read_folder(task: Task, folder: Path, language: str, split: str) -> tuple[Table, dict[str, str]]:
    """Return the rows, and the files that they came from with the SHA-256 of what is in each.

    Raises:
        Mistakes: folder, file, language or split is missing (and which exist), or a file is malformed.
    """
    tables, used = [], {}
    for rule in _rules(task, folder, split):
        table, files = _read(task, folder, rule, language, split)
        tables.append(table)
        used.update(files)
    table = joined(tables)
    if not len(table):
        raise _no_rows(task, language, split, table.origin)
    return table, used


def files_of(task: Task, folder: Path, language: str, split: str) -> list[Path]:
    """Return the files that say what the rows are, without reading them, each once.

    Raises:
        Mistakes: as `read_folder`, for what is missing.
    """
    files: list[Path] = []
    for rule in _rules(task, folder, split):
        if rule.index is not None:
            files.append(_packed_or_not(folder / rule.index) or folder / rule.index)
        others = [of for _, of in task.links(rule, split)]
        files += [_file(task, folder, rule, name, split) for name in (language, *others)]
    return list(dict.fromkeys(files))


def languages_in(task: Task, folder: Path, split: str) -> tuple[str, ...]:
    """Return the languages of the task for which the folder has a file by every rule, in the task's order.

    Of a task with second languages only the plain ones: which there are together, only the rows say.
    """
    rules = _rules(task, folder, split)
    return tuple(name for name in task.languages if all(_holds(task, folder, rule, name) for rule in rules))


def _holds(task: Task, folder: Path, rule: FileRule, language: str) -> bool:
    """Return whether there is the file of a language and, where a column says whose rows they are, a row in it."""
    path = _packed_or_not(_inside(task, folder, rule, language))
    if path is None or rule.language is None:
        return path is not None
    return task.code(language) in set(map(str, _kept(path).column(rule.language)))


def _rules(task: Task, folder: Path, split: str) -> tuple[FileRule, ...]:
    if not folder.is_dir():
        raise mistake("no such folder", where=str(folder), remedy=f'give the folder with the files of "{task.name}"')
    if split not in task.files:
        remedy = nearest(split, task.files) if task.files else "say where they are: files = { train = … }"
        raise mistake(f'task "{task.name}" has no files for split "{split}"', where=f"task {task.name}", remedy=remedy)
    return task.files[split]


def _no_rows(task: Task, language: str, split: str, origin: str) -> Mistakes:
    return mistake(
        f'language "{language}" has no rows in split "{split}"',
        where=origin,
        remedy=f"use another split of {', '.join(task.files)}, or leave the language out",
    )


def _read(task: Task, folder: Path, rule: FileRule, language: str, split: str) -> tuple[Table, dict[str, str]]:
    """Return the rows of one rule, perhaps none."""
    table, used = _of_all_parts(task, folder, rule, language, split)
    for column, of in task.links(rule, split):
        reference, files = _of_all_parts(task, folder, rule, of, split)
        assert task.id is not None
        table = linked(table, reference, task.id, column, of)
        used = {**used, **files}
    if rule.part is not None:
        table = part_of(table, rule.part)
    if task.second is not None and not names_second(rule.pattern):
        code = task.code(task.pair(language)[1])
        table = table.where([value == code for value in table.column(task.second)])
    return _present(table, task.texts[0]) if rule.index is not None else table, used


def _of_all_parts(task: Task, folder: Path, rule: FileRule, language: str, split: str) -> tuple[Table, dict[str, str]]:
    """Return what the file of a language has in a split: of all parts, and in every second language."""
    path = _file(task, folder, rule, language, split)
    if rule.index is not None:
        table, used = _indexed(task, folder, rule.index, path)
    else:
        several = task.second is not None or rule.language is not None or task.links(rule, split)
        table = _kept(path) if several else read_table(path)
        used = {_name(path, folder): table.sha256}
    if rule.language is not None:
        table = _of_language(table, task, rule.language, language)
    if rule.column is None:
        return table, used
    values = [str(value) for value in table.column(rule.column)]
    if rule.value not in values:
        what = f'language "{language}" has no rows in split "{split}": column "{rule.column}" never says "{rule.value}"'
        raise mistake(what, where=str(path), remedy=nearest(str(rule.value), sorted(set(values))[:_SAID]))
    return table.where([value == rule.value for value in values]), used


def _of_language(table: Table, task: Task, column: str, language: str) -> Table:
    """Return the rows that a column says are in a language; a row that says nothing, or something else, is an error.

    A row in two languages ("en+sw") is in neither: the task names it as a language of its own.
    """
    values, known = [str(value) for value in table.column(column)], {task.code(name) for name in task.languages}
    mistakes = Collector()
    for row, value in enumerate(values):
        if value not in known:
            what = f'no language of the task is called {shown(value)} (column "{column}")'
            mistakes.add(what, table.place(row), nearest(value, known))
    mistakes.raise_any(table.origin)
    return table.where([value == task.code(language) for value in values])


def _kept(path: Path) -> Table:
    """Read a file that other cells, and other languages' rows, will ask for again: the last two are remembered."""
    status = path.stat()
    return _parsed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _parsed(path: Path, size: int, changed: int) -> Table:
    del size, changed
    return read_table(path)


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
            remedy=f"mend its code: {', '.join(dict.fromkeys(map(task.code, task.pair(language))))}",
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
