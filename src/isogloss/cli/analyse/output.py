"""What an analysis prints: tables for reading, a long frame for going on with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.render import Format
    from isogloss.evaluation.tabular import Table


def say_tables(tables: Sequence[Table], form: Format) -> None:
    """Print tables, folded where they are wider than the terminal."""
    from isogloss.evaluation.render import render

    typer.echo(render(tables, form, width=shutil.get_terminal_size((120, 24)).columns), nl=False)


def say_frame(frame: pl.DataFrame, form: Format) -> None:
    """Print a long frame as CSV, or as JSON: one object a row."""
    typer.echo(frame.write_csv() if form == "csv" else frame.write_json(), nl=form == "json")


def kept_folder(folder: Path) -> Path:
    """Return a folder that is there to be written to.

    Raises:
        Mistakes: it cannot be made.
    """
    from isogloss.store.files import disk_mistakes

    with disk_mistakes(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
