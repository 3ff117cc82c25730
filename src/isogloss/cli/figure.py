"""`isogloss figure RUNS NAME -o FILE`: one figure of some runs as a file; without a name, which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isogloss.cli.layout import grid
from isogloss.cli.options import DEFAULT_STORE, AddressArgument, AgainstOption, MetricOption, StoreOption
from isogloss.errors import mistake


def figure(
    runs: AddressArgument,
    name: Annotated[
        str | None, typer.Argument(help="Which figure; listed if not given.", metavar="FIGURE", show_default=False)
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="FILE.svg, .png, .pdf, .html or .json.", metavar="FILE"),
    ] = None,
    against: AgainstOption = None,
    metric: MetricOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Also write what is drawn, as CSV.", metavar="FILE.csv")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Draw one figure of runs."""
    from isogloss.report.figures import figures, one_figure
    from isogloss.report.figures.drawing import known_suffix, save
    from isogloss.report.material import gathered
    from isogloss.store import Store
    from isogloss.store.files import write_text

    if name is not None and output is None:
        raise mistake("no file to write to", where="--output", remedy=f"say which: -o {name}.svg")
    if output is not None:
        known_suffix(output)
    if data is not None and data.suffix != ".csv":
        raise mistake(f'"{data}" is no CSV file', where="--data", remedy="name one that ends in .csv")
    opened = Store(store)
    material = gathered(opened, [runs], against=against, metric=metric)
    for note in material.notes:
        typer.echo(note, err=True)
    if name is None:
        if output is not None or data is not None:
            raise mistake("no figure is named", where="figure", remedy=f"see which there are: isogloss figure {runs}")
        rows = [(one.name, one.title) for one in figures(material)]
        typer.echo(grid(rows, header=("figure", "shows")))
        return
    drawn = one_figure(material, name)
    assert output is not None
    save(drawn.chart, output, title=drawn.title)
    if data is not None:
        write_text(data, drawn.csv())
    typer.echo(f"{output}: {drawn.title}" + (f"; its data: {data}" if data is not None else ""))
