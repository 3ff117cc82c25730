"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isogloss.errors import Mistake, Mistakes

StoreOption = Annotated[Path, typer.Option("--store", help="The folder of all runs.", metavar="DIR")]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="An overlay that the recipe names.", metavar="NAME")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change any key: phases.adapt.epochs=1. May be repeated.", metavar="KEY=VALUE"),
]
DataOption = Annotated[
    list[str] | None,
    typer.Option("--data", help="The folder of a task's files. May be repeated.", metavar="TASK=FOLDER"),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never reach for the network.")]
ProgressOption = Annotated[bool, typer.Option("--progress/--no-progress", help="Show how far it has come.")]

DEFAULT_STORE = Path("runs")


def folders(data: list[str] | None) -> dict[str, Path]:
    """Return `--data TASK=FOLDER` as folders by task.

    Raises:
        Mistakes: one is not written so, or its folder is not there.
    """
    found, mistakes = {}, []
    for text in data or ():
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            mistakes.append(
                Mistake(f'"{text}" names no task and folder', "--data", "write TASK=FOLDER, as xnli=data/xnli")
            )
        elif not Path(folder).is_dir():
            mistakes.append(Mistake(f'there is no folder "{folder}"', f"--data {name}", "check the path"))
        else:
            found[name] = Path(folder)
    if mistakes:
        raise Mistakes(mistakes)
    return found
