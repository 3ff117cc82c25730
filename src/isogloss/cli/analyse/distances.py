"""`isogloss analyse distances`: how far languages lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.analysis.origins import ORIGINS
from isogloss.cli import complete
from isogloss.cli.analyse.output import say_frame, say_tables
from isogloss.cli.options import FormatOption, known_format
from isogloss.errors import mistake, nearest

if TYPE_CHECKING:
    from isogloss.analysis.matrix import DistanceMatrix
    from isogloss.evaluation.render import Format
    from isogloss.evaluation.tabular import Table


def distances(
    *,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            help="A language. May be repeated.",
            metavar="L",
            autocompletion=complete.languages,
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            help="All languages of a task.",
            metavar="TASK",
            autocompletion=complete.tasks,
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="syntactic, phonological, inventory, featural, genetic, geographic; all of them if not given.",
            metavar="KIND",
        ),
    ] = None,
    origin: Annotated[
        str, typer.Option("--from", help="Where they come from.", metavar="|".join((*ORIGINS, "FILE")))
    ] = "uriel",
    aggregation: Annotated[
        str | None,
        typer.Option("--aggregation", help="Of several sources; union if not given.", metavar="union|average"),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option("--missing", help="Features not known for both; pairwise if not given.", metavar="pairwise|zero"),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="angular if not given.", metavar="angular|cosine")
    ] = None,
    form: FormatOption = "text",
) -> None:
    """How far languages lie apart."""
    written = known_format(form)
    settings = {"aggregation": aggregation, "missing": missing, "metric": metric}
    chosen = {name: choice for name, choice in settings.items() if choice is not None}
    languages = _languages(language, task, needed=origin in ORIGINS)
    found = list(_matrices(origin, languages, tuple(dict.fromkeys(kind or ())), chosen))
    if written in ("csv", "json"):
        _say_frames(found, written)
        return
    say_tables(tuple(map(_table, found)), written)


def _languages(named: list[str] | None, task: str | None, *, needed: bool) -> tuple[str, ...]:
    """Return the languages asked for; none where a file may say which."""
    from isogloss.data.task import load_task

    if named and task:
        raise mistake("both --language and --task", where="isogloss analyse distances", remedy="give one of them")
    if task:
        return load_task(task).languages
    if needed and not named:
        remedy = "give --language for each, or --task"
        raise mistake("no languages", where="isogloss analyse distances", remedy=remedy)
    return tuple(named or ())


def _matrices(
    origin: str, languages: tuple[str, ...], kinds: Sequence[str], settings: Mapping[str, str]
) -> list[DistanceMatrix]:
    from isogloss.analysis.distance_file import read_distances
    from isogloss.analysis.origins import distances_from

    if origin in ORIGINS:
        return distances_from(origin, languages, kinds, settings)
    if not Path(origin).is_file():
        close = nearest(origin, ORIGINS, otherwise=f"give a file, or one of {', '.join(ORIGINS)}")
        raise mistake(f'there is no file "{origin}"', where="--from", remedy=close)
    if kinds or settings:
        raise mistake(f"{origin} has nothing to choose", where="--kind", remedy="leave it out, or take them from uriel")
    matrix = read_distances(Path(origin))
    return [matrix.among(languages) if languages else matrix]


def _say_frames(matrices: Sequence[DistanceMatrix], form: Format) -> None:
    """Print all distances in long form; what a reader should know goes to stderr."""
    import polars as pl

    say_frame(pl.concat([matrix.frame() for matrix in matrices]), form)
    for line in dict.fromkeys(line for matrix in matrices for line in _below(matrix)[1:]):
        typer.echo(line, err=True)


def _table(matrix: DistanceMatrix) -> Table:
    """Return a matrix as a table; its values are whole where some are 100 or more (kilometres), to 2 decimals else."""
    import numpy as np

    from isogloss.evaluation.tabular import Cell, Column, Table

    digits = 0 if np.nanmax(matrix.values, initial=0.0) >= 100 else 2
    columns = (Column("language"), *(Column(name, "number", digits, many=True) for name in matrix.languages))
    rows = tuple(
        (Cell(name), *(Cell(None if np.isnan(value) else value) for value in row))
        for name, row in zip(matrix.languages, matrix.values.tolist(), strict=True)
    )
    return Table(matrix.kind, columns, rows, footnotes=tuple(_below(matrix)))


def _below(matrix: DistanceMatrix) -> list[str]:
    """Return what stands below a matrix: settings and source, and what a reader should know."""
    import numpy as np

    settings = ", ".join(f"{name} {choice}" for name, choice in matrix.settings.items())
    lines = [f"{settings}; from {matrix.source}"]
    if matrix.without_data:
        lines.append(f"no {matrix.kind} data: {' '.join(matrix.without_data)}")
    undefined = np.argwhere(np.triu(np.isnan(matrix.values), k=1))
    lacking = set(matrix.without_data)
    others = [f"{matrix.languages[i]}-{matrix.languages[j]}" for i, j in undefined]
    others = [pair for pair in others if not lacking & set(pair.split("-"))]
    if others:
        lines.append(f"undefined, with too little known for both: {' '.join(others)}")
    return [*lines, *matrix.notes]
