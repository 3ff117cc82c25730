"""What an analysis prints: tables for reading, a long frame for going on with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import polars as pl

    from isogloss.evaluation.render import Format, Table


def say_tables(tables: Sequence[Table], form: Format) -> None:
    """Print tables, folded where they are wider than the terminal."""
    from isogloss.evaluation.render import render

    typer.echo(render(tables, form, width=shutil.get_terminal_size((120, 24)).columns), nl=False)


def say_frame(frame: pl.DataFrame, form: Format) -> None:
    """Print a long frame as CSV, or as JSON: one object a row."""
    typer.echo(frame.write_csv() if form == "csv" else frame.write_json(), nl=form == "json")
