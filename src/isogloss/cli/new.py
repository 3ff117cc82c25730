"""`isogloss new FOLDER --from FILE`: a commented recipe for one's own data, ready to run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from isogloss.errors import mistake

_RECIPE = "recipe.toml"


def new(
    folder: Annotated[Path, typer.Argument(help="Where to; must not hold a recipe.toml yet.", metavar="FOLDER")],
    *,
    file: Annotated[Path, typer.Option("--from", help="CSV, TSV, JSON lines or Parquet.", metavar="FILE")],
    text: Annotated[list[str], typer.Option("--text", help="The text column; twice for a pair.", metavar="COLUMN")],
    label: Annotated[str, typer.Option("--label", help="The label column; empty where unknown.", metavar="COLUMN")],
    language: Annotated[
        str | None, typer.Option("--language", help="The language column: en, sw …; en+sw for both.", metavar="COLUMN")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="What rows share, such as a customer.", metavar="COLUMN")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help="The language to train on; the one with most labels if not given.", metavar="KEY"
        ),
    ] = None,
) -> None:
    """Write a recipe for a file of your own."""
    from isogloss.recipe.starter import Columns, look, starter
    from isogloss.store.files import disk_mistakes, write_text

    recipe = folder / _RECIPE
    if recipe.exists():
        raise mistake("exists already", where=str(recipe), remedy="name another folder, or edit that recipe")
    looked = look(file, Columns(tuple(text), label, language, group), source=source)
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.casefold()).strip("-") or "own"
    toml = starter(looked, folder, name)
    with disk_mistakes(folder):
        folder.mkdir(parents=True, exist_ok=True)
    write_text(recipe, toml)
    rows = sum(looked.labelled.values())
    typer.echo(f"wrote {recipe}: {rows:,} rows with {len(looked.labels)} labels in {', '.join(looked.labelled)}")
    if looked.unlabelled:
        typer.echo(f"without labels, to be predicted: {', '.join(looked.unlabelled)}")
    quoted = shlex.quote(str(recipe))
    typer.echo(f"next: isogloss doctor {quoted}, then isogloss run {quoted}")
