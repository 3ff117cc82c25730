"""`isogloss fetch RECIPE`: bring what a recipe takes from the hub, for a machine that has no network later."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.options import DEFAULT_STORE, DataOption, ProfileOption, SetOption, StoreOption, folders

if TYPE_CHECKING:
    from isogloss.run.fetch import Part


def fetch(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A shipped recipe's name, or a TOML file.", metavar="RECIPE", autocompletion=complete.recipes
        ),
    ],
    *,
    sets: SetOption = None,
    profile: ProfileOption = None,
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = None,
) -> None:
    """Bring the encoder and data of a recipe from the hub, to be run without a network."""
    from isogloss.recipe.load import load_recipe
    from isogloss.run.fetch import fetch as bring
    from isogloss.store import Store

    loaded = load_recipe(recipe, profile=profile, sets=sets or ())
    found = bring(loaded, Store(store).bags, data=folders(data))
    for part in found.parts:
        typer.echo(_told(part))
    for name in found.local:
        typer.echo(f"{name}: on this machine, nothing to bring")
    if not any(part.brought for part in found.parts):
        typer.echo("nothing needed to be brought")
    options = [*_each("--set", sets or ()), *_each("--data", data or ())]
    options += [] if profile is None else ["--profile", profile]
    options += [] if store == DEFAULT_STORE else ["--store", str(store)]
    typer.echo(f"now, without a network: {shlex.join(['isogloss', 'run', recipe, *options, '--offline'])}")


def _told(part: Part) -> str:
    told = {"was there": part.there, "brought": part.brought}
    sizes = ", ".join(f"{size / 2**20:,.1f} MiB {what}" for what, size in told.items() if size)
    return f"{part.kind} {part.name}: {sizes or 'empty'}"


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
