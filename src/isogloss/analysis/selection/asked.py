"""For which task, with which encoder, and between which languages: as a task, a recipe or runs say it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from isogloss.analysis.selection.overlap import rows_of
from isogloss.analysis.selection.runs import reference_of
from isogloss.data.task import Task, load_task
from isogloss.errors import Mistake, Mistakes, mistake, nearest
from isogloss.languages import get


class Asked(NamedTuple):
    """What is asked for.

    Attributes:
        task: whose rows and languages; None where nothing says.
        encoder: whose tokenizer and pre-training.
        max_length: tokens of a row at most.
        source: languages that are trained on anyway, and therefore no candidates.
        recipe: its name; None where only a task was named.
    """

    task: Task | None = None
    encoder: str = "mini"
    max_length: int = 128
    source: tuple[str, ...] = ()
    recipe: str | None = None


def by_task(name: str, folders: Mapping[str, Path]) -> Asked:
    """Return what a task's name says, with the embedded encoder.

    Args:
        name: of a task, or the path of its file.
        folders: of a task's files, by its name.

    Raises:
        Mistakes: there is no such task.
    """
    task = load_task(name)
    return Asked(replace(task, path=folders.get(task.name, task.path)))


def by_settings(settings: Mapping[str, Any], folders: Mapping[str, Path]) -> Asked:
    """Return what a recipe says.

    Args:
        settings: the recipe, as a store keeps it. Where it is repeated over sources, the source is what is ranked.
        folders: of a task's files, by its name; they win over the recipe's own.
    """
    task = load_task(reference_of(settings))
    named = settings["data"].get(task.name)
    own = Path(named) if named is not None and task.path is None else task.path
    source = () if "source" in settings["axes"] else tuple(settings["languages"]["source"])
    located = replace(task, path=folders.get(task.name, own))
    return Asked(located, settings["encoder"], settings["max_length"], source, settings["name"])


def languages_asked(
    asked: Asked, targets: Sequence[str], candidates: Sequence[str], measured: Collection[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return targets and candidates, each once.

    Args:
        asked: the setting.
        targets: as named.
        candidates: as named; if none is, those that were measured, or else all that the task's source has, less targets
            and source.
        measured: candidates that were measured.

    Raises:
        Mistakes: a language is unknown or not the task's, a candidate is a target, or none is left; all at once.
    """
    targets, candidates = tuple(dict.fromkeys(targets)), tuple(dict.fromkeys(candidates))
    if not targets:
        remedy = "give --target for each language that you want to do well in"
        raise mistake("no target", where="isogloss analyse auxiliary", remedy=remedy)
    found = [*_unknown(asked.task, targets, "--target"), *_unknown(asked.task, candidates, "--candidate")]
    for code in set(targets) & set(candidates):
        found.append(Mistake(f'"{code}" is a target, too', "--candidate", "name it once: a target has no labels"))
    if found:
        raise Mistakes(found)
    if not candidates:
        known = tuple(measured) or (rows_of(asked.task, asked.task.languages)[1] if asked.task else ())
        candidates = tuple(code for code in known if code not in {*targets, *asked.source})
    if not candidates:
        remedy = "name some with --candidate, or say of which --task or --recipe"
        raise mistake("no candidates", where="isogloss analyse auxiliary", remedy=remedy)
    return targets, candidates


def _unknown(task: Task | None, codes: Sequence[str], where: str) -> Iterator[Mistake]:
    for code in codes:
        try:
            get(code, where=where)
        except Mistakes as unknown:
            yield from unknown.mistakes
            continue
        if task is not None and code not in task.languages:
            remedy = nearest(code, task.languages)
            yield Mistake(f'task "{task.name}" has no language "{code}"', where, remedy)
