"""`isogloss list`: what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.layout import grid
from isogloss.cli.options import DEFAULT_STORE, StoreOption
from isogloss.errors import mistake, nearest


def list_(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[recipes|tasks|methods|languages|runs]", autocompletion=complete.listed, show_default=False
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List recipes, tasks, methods, languages or runs."""
    sections: dict[str, Callable[[], str]] = {
        "recipes": _recipes,
        "tasks": _tasks,
        "methods": _methods,
        "languages": _languages,
        "runs": lambda: _runs(store),
    }
    if what is not None and what not in sections:
        raise mistake(f'"{what}" cannot be listed', where="isogloss list", remedy=nearest(what, sections))
    if what is not None:
        typer.echo(sections[what]())
        return
    del sections["languages"]  # long, and the same everywhere: only when asked for
    typer.echo("\n\n".join(f"{name}\n{section()}" for name, section in sections.items()))


def _recipes() -> str:
    from isogloss.recipe.load import load_recipe
    from isogloss.recipe.source import shipped

    return grid(((name, load_recipe(name).description) for name in shipped()), indent="  ")


def _tasks() -> str:
    from isogloss.data.task import load_task, shipped_tasks

    rows = []
    for task in map(load_task, shipped_tasks()):
        languages = task.languages[0] if len(task.languages) == 1 else f"{len(task.languages)} languages"
        gold = f"{len(task.labels)} labels" if task.answers is None else "answers"
        rows.append((task.name, task.kind, languages, gold, task.licence))
    return grid(rows, indent="  ")


def _methods() -> str:
    from isogloss.registry import load, names

    return grid(((name, first_sentence(load("methods", name))) for name in names("methods")), indent="  ")


def _languages() -> str:
    from isogloss.languages import languages

    rows = ((item.code, item.name, item.family, item.branch, item.script) for item in languages().values())
    return grid(rows, indent="  ")


def _runs(root: Path) -> str:
    from isogloss.store import Store

    groups: dict[tuple[str, str], Counter[str]] = {}
    newest: dict[str, str] = {}
    for run in Store(root).runs():  # oldest first
        groups.setdefault((run.recipe, run.edition), Counter())[run.state] += 1
        newest[run.recipe] = run.edition
    if not groups:
        return f"  none in {root} yet; `isogloss run RECIPE` makes some"
    rows = [
        (recipe if edition == newest[recipe] else f"{recipe}#{edition}", _counts(counts))
        for (recipe, edition), counts in groups.items()
    ]
    return grid(rows, indent="  ")


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))


def first_sentence(thing: object) -> str:
    """Return the first line of a docstring."""
    return (thing.__doc__ or "").strip().split("\n")[0].strip()
