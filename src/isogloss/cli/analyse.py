"""`isogloss analyse`: why transfer works, and what to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli.options import DEFAULT_STORE, StoreOption
from isogloss.errors import mistake, nearest

if TYPE_CHECKING:
    import polars as pl

    from isogloss.analysis.matrix import DistanceMatrix

app = typer.Typer(help="Why transfer works, and what to choose.", no_args_is_help=True, rich_markup_mode=None)

_FORMATS = ("text", "md", "csv", "json")
_SOURCES = ("uriel", "uriel-legacy", "kilometres")


@app.command("distances")
def distances(
    *,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="A language. May be repeated.", metavar="L")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="All languages of a task.", metavar="TASK")] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="syntactic, phonological, inventory, featural, genetic, geographic; all of them if not given.",
            metavar="KIND",
        ),
    ] = None,
    origin: Annotated[
        str, typer.Option("--from", help="Where they come from.", metavar="|".join((*_SOURCES, "FILE")))
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
    form: Annotated[str, typer.Option("--format", help="How it is written.", metavar="|".join(_FORMATS))] = "text",
) -> None:
    """How far languages lie apart."""
    if form not in _FORMATS:
        raise mistake(f'no format is called "{form}"', where="--format", remedy=nearest(form, _FORMATS))
    settings = {"aggregation": aggregation, "missing": missing, "metric": metric}
    chosen = {name: choice for name, choice in settings.items() if choice is not None}
    languages = _languages(language, task, needed=origin in _SOURCES)
    found = list(_matrices(origin, languages, tuple(dict.fromkeys(kind or ())), chosen))
    if form in ("csv", "json"):
        _frames(found, form)
        return
    typer.echo("\n\n".join((_text if form == "text" else _markdown)(matrix) for matrix in found))


@app.command("impact")
def impact(
    runs: Annotated[list[str], typer.Argument(help="NAME, NAME/VARIANT, NAME/VARIANT@SEED or a key.", metavar="RUNS")],
    *,
    form: Annotated[str, typer.Option("--format", help="How it is written.", metavar="|".join(_FORMATS))] = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """What a phase did to the representation of each language, layer by layer: 1 − CKA."""
    from isogloss.cli.table import chosen
    from isogloss.store import Store

    if form not in _FORMATS:
        raise mistake(f'no format is called "{form}"', where="--format", remedy=nearest(form, _FORMATS))
    opened = Store(store)
    frame = opened.impacts(chosen(opened, runs, among=opened.runs()))
    if frame.is_empty():
        remedy = 'add [[analyses]] with name = "impact" to the recipe and run it: what is trained is found again'
        raise mistake("no run of these has an impact", where=", ".join(runs), remedy=remedy)
    if form in ("csv", "json"):
        typer.echo(frame.write_csv() if form == "csv" else frame.write_json(), nl=form == "json")
        return
    same = [name for name in frame.columns if name not in ("cka", "debiased_cka", "impact", "n", "run")]
    if frame.select(same).is_duplicated().any():
        remedy = "name runs of one recipe, or write --format csv"
        raise mistake("these are runs of several settings", where=", ".join(runs), remedy=remedy)
    typer.echo("\n\n".join(_impacts(frame, form)))


def _impacts(frame: pl.DataFrame, form: str) -> Iterator[str]:
    """Yield a table of languages and layers for each analysis of each variant and cell, as means over seeds."""
    import polars as pl

    axes = [name for name in frame.columns if name.startswith("axis.")]
    about = ["recipe", "variant", *axes, "phase", "against", "pooling"]
    for values, part in frame.group_by(about, maintain_order=True):
        fact = dict(zip(about, values, strict=True))
        mean = part.group_by("language", "layer", maintain_order=True).agg(pl.col("impact").mean())
        wide = mean.sort("layer").pivot("layer", index="language", values="impact").sort("language")
        header = ["language", *wide.columns[1:]]
        rows = [[name, *("–" if value is None else f"{value:.3f}" for value in row)] for name, *row in wide.iter_rows()]
        cell = "".join(f", {axis.removeprefix('axis.')} {fact[axis]}" for axis in axes)
        seeds = part["seed"].n_unique()
        head = (
            f"{fact['recipe']}/{fact['variant']}{cell}: impact of {fact['phase']} against {fact['against']} by layer "
            f"({fact['pooling']} token{'s' * (fact['pooling'] == 'mean')}; {seeds} seed{'s' * (seeds != 1)})"
        )
        yield f"{head}\n{_grid(header, rows, form)}"


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> str:
    from isogloss.cli.layout import grid

    if form == "text":
        return grid(rows, header=header, indent="  ")
    lines = [header, ["---", *("--:" for _ in header[1:])], *rows]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
) -> Iterable[DistanceMatrix]:
    from isogloss.analysis.distance_file import read_distances
    from isogloss.analysis.kilometres import great_circle
    from isogloss.analysis.legacy import LEGACY_KINDS, legacy_distances
    from isogloss.analysis.typology import distances as uriel_distances
    from isogloss.analysis.uriel import KINDS

    if settings and origin != "uriel":
        remedy = "leave it out, or take the distances --from uriel"
        raise mistake(f"distances from {origin} are what they are", where=f"--{next(iter(settings))}", remedy=remedy)
    if origin == "uriel":
        return [uriel_distances(languages, kind, **settings) for kind in kinds or KINDS]  # type: ignore[arg-type]
    if origin == "uriel-legacy":
        return [legacy_distances(languages, kind) for kind in kinds or LEGACY_KINDS]
    if kinds:
        raise mistake(f"{origin} has no kinds", where="--kind", remedy="leave it out, or take them --from uriel")
    if origin == "kilometres":
        return [great_circle(languages)]
    if not Path(origin).is_file():
        close = nearest(origin, _SOURCES, otherwise=f"give a file, or one of {', '.join(_SOURCES)}")
        raise mistake(f'there is no file "{origin}"', where="--from", remedy=close)
    matrix = read_distances(Path(origin))
    return [matrix.among(languages) if languages else matrix]


def _frames(matrices: Sequence[DistanceMatrix], form: str) -> None:
    """Print all distances in long form; what a reader should know goes to stderr."""
    import polars as pl

    frame = pl.concat([matrix.frame() for matrix in matrices])
    typer.echo(frame.write_csv() if form == "csv" else frame.write_json(), nl=form == "json")
    for line in dict.fromkeys(line for matrix in matrices for line in _below(matrix)[1:]):
        typer.echo(line, err=True)


def _text(matrix: DistanceMatrix) -> str:
    table = _grid(("", *matrix.languages), _rows(matrix), "text")
    return "\n".join([matrix.kind, table, *(f"  {line}" for line in _below(matrix))])


def _markdown(matrix: DistanceMatrix) -> str:
    table = _grid((matrix.kind, *matrix.languages), _rows(matrix), "md")
    below = "  \n".join(_below(matrix))
    return f"{table.lstrip()}\n\n{below}"


def _rows(matrix: DistanceMatrix) -> list[list[str]]:
    write = _writer(matrix)
    return [[name, *map(write, row)] for name, row in zip(matrix.languages, matrix.values.tolist(), strict=True)]


def _writer(matrix: DistanceMatrix) -> Callable[[float], str]:
    """Return how a value is written: as a whole number where some are 100 or more (kilometres), to 2 decimals else."""
    import numpy as np

    decimals = 0 if np.nanmax(matrix.values, initial=0.0) >= 100 else 2
    return lambda value: "–" if value != value else f"{value:.{decimals}f}"  # noqa: PLR0124 (only NaN differs from itself)


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
