"""`isogloss show NAME`: a recipe, task, method, language or run explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.options import DEFAULT_STORE, ProfileOption, StoreOption
from isogloss.errors import mistake, nearest


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A recipe, task, method or language, or RUNS.", metavar="NAME", autocompletion=complete.anything
        ),
    ],
    profile: ProfileOption = None,
    toml: Annotated[bool, typer.Option("--toml", help="A recipe as TOML, to change and run: > my-recipe.toml")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Explain a recipe, task, method, language or run."""
    from isogloss.cli import explain
    from isogloss.languages import languages
    from isogloss.recipe.source import shipped

    if name.endswith(".toml") or name in shipped():
        typer.echo(
            explain.recipe_toml(name, profile) if toml else explain.recipe(name, profile, _runs_here(store, name))
        )
        return
    if toml or profile is not None:
        remedy = nearest(name, shipped(), otherwise="give a recipe's name or file")
        raise mistake(f'"{name}" is no recipe', where="isogloss show", remedy=remedy)
    typer.echo(_explainer(name, store, tuple(languages()))(name))


def _explainer(name: str, store: Path, languages: tuple[str, ...]) -> Callable[[str], str]:
    """Return what explains `name`: of a task, a method, a language (in this order), or else of runs."""
    from isogloss.cli import explain, explain_run
    from isogloss.data.task import shipped_tasks
    from isogloss.languages import canonical
    from isogloss.recipe.source import shipped
    from isogloss.registry import names

    known: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
        (shipped_tasks(), explain.task),
        (names("methods"), explain.method),
        (languages, explain.language),
    )
    for group, explainer in known:
        if name in group:
            return explainer
    if _names_runs(store, name):
        return lambda address: explain_run.runs(store, address)
    meant = canonical(name)
    everything = (*shipped(), *shipped_tasks(), *names("methods"), *(name for name, _ in _recipes_run(store)))
    remedy = (
        f'did you mean the language "{meant}"?' if meant else nearest(name, everything, otherwise="see `isogloss list`")
    )
    raise mistake(f'nothing is called "{name}"', where="isogloss show", remedy=remedy)


def _names_runs(store: Path, name: str) -> bool:
    """Return whether `name` is an address, good or not, of runs; those have messages of their own."""
    if "/" in name or "@" in name or "#" in name:
        return True
    from isogloss.store import Store

    return any(name == run.recipe or (len(name) >= 6 and run.key.startswith(name)) for run in Store(store).runs())


def _recipes_run(store: Path) -> list[tuple[str, str]]:
    from isogloss.store import Store

    return [(run.recipe, run.state) for run in Store(store).runs()]


def _runs_here(store: Path, name: str) -> str:
    """Return one line about a recipe's runs in the store, or nothing."""
    states = [state for recipe, state in _recipes_run(store) if recipe == name]
    if not states:
        return ""
    return f"{len(states)} runs of it in {store}, {states.count('done')} done: `isogloss table {name}`"
