"""The texts of the few examples that a page shows, read again from where the runs had them. Never kept in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from isogloss.data.source import read_rows
from isogloss.data.task import Task, load_task

if TYPE_CHECKING:
    from isogloss.report.material import Material
    from isogloss.store import RunInfo


def texts_of(material: Material, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the texts of examples by language and id; where a row has two, both.

    Args:
        material: the runs that were tested on them.
        wanted: language and id. A row that is there no more is left out.

    Raises:
        Mistakes: the rows cannot be read any more.
    """
    by_language: dict[str, set[str]] = {}
    for language, id in wanted:
        by_language.setdefault(language, set()).add(id)
    run = material.done[0]
    task = replace(_task(run), labels=material.labels)  # known: no other split has to be searched for them
    split = task.pool or str(run.settings["evaluation"]["split"])  # of rows in folds, all are tested on by some run
    found = {}
    for language, ids in by_language.items():
        rows = read_rows(task, language, split, offline=True)
        texts = zip(rows.ids.tolist(), rows.texts, strict=True)
        found.update({(language, str(id)): " ⏐ ".join(parts) for id, parts in texts if str(id) in ids})
    return found


def _task(run: RunInfo) -> Task:
    """Return the task that a run was tested on, where its files were then."""
    task = load_task(run.tested_on)
    folders: Mapping[str, str] = run.settings.get("data") or {}
    folder = folders.get(task.name)
    return replace(task, path=Path(folder)) if folder is not None and task.path is None else task
