"""`isogloss report RUNS -o report.html`: one self-contained page that people show each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli.options import DEFAULT_STORE, AgainstOption, CompareOption, MetricOption, RunsArgument, StoreOption

if TYPE_CHECKING:
    from isogloss.report.material import Material


def report(
    runs: RunsArgument,
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to; replaced if there is one.")] = Path(
        "report.html"
    ),
    against: AgainstOption = None,
    compare: CompareOption = None,
    metric: MetricOption = None,
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="Also write its tables there, as Markdown, LaTeX and CSV.", metavar="FOLDER"),
    ] = None,
    with_texts: Annotated[
        bool, typer.Option("--with-texts", help="Show the texts of the examples on the page, which the runs left out.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a page: scores, tests, figures, hard examples, and what was run."""
    from isogloss.report.material import gathered
    from isogloss.report.write import writable, writable_folder
    from isogloss.store import Store

    file, folder = writable(output), None if tables is None else writable_folder(tables)
    opened = Store(store)
    material = gathered(opened, runs, against=against, metric=metric)
    for note in material.notes:
        typer.echo(note, err=True)
    said = write_page(material, file, compare=compare, texts=with_texts)
    if folder is not None:
        said += f"; its tables: {write_tables_of(material, folder, compare)}"
    typer.echo(said)


def write_page(material: Material, file: Path, *, compare: str | None = None, texts: bool = False) -> str:
    """Write the page of some runs, whole or not at all; return a line that says what was written.

    Raises:
        Mistakes: the file cannot be written, or as `isogloss.report.page.page`.
    """
    from isogloss.report.page import page
    from isogloss.report.write import page_html
    from isogloss.store.files import write_text

    made = page(material, compare=compare, texts=texts)
    write_text(file, page_html(made))
    counted = (
        f"{len(made.drawings)} figures" if not made.without_figures else "no figures (pip install 'isogloss[report]')"
    )
    return f"wrote {file}: {file.stat().st_size / 1e6:.1f} MB, {counted}"


def write_tables_of(material: Material, folder: Path, compare: str | None) -> str:
    """Write the tables of scores and comparisons; return where they are.

    Raises:
        Mistakes: the folder cannot be made or written into.
    """
    from isogloss.report.page import tables
    from isogloss.report.write import write_tables

    scores, differences = tables(material, compare)
    write_tables(folder, [("scores", scores), *([("comparisons", differences)] if differences else [])])
    return str(folder)
