"""`isogloss analyse transfer RUNS`: scores over sources and targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli.analyse.observed import MetricOption, ObservedArgument, observe
from isogloss.cli.analyse.output import kept_folder, say_frame, say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, StoreOption, known_format

if TYPE_CHECKING:
    from isogloss.analysis.statistics.pairs import Matrix
    from isogloss.evaluation.render import Table


def transfer(
    runs: ObservedArgument,
    *,
    metric: MetricOption = "accuracy",
    printed: Annotated[
        bool, typer.Option("--printed", help="Put figure 3 of Philippy et al. (2023) below it.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Draw it: FILE.svg, .png, .pdf or .html.", metavar="FILE")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Also write the small frames there.", metavar="FOLDER")
    ] = None,
    form: FormatOption = "text",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Scores over sources and targets, as means over seeds."""
    from isogloss.analysis.statistics.printed import figure3
    from isogloss.store.files import disk_mistakes

    written = known_format(form)
    observed = observe(runs, store, metric=metric).observed
    if keep is not None:
        with disk_mistakes(kept_folder(keep)):
            observed.write(keep)
    matrices = [(f"{observed.name}/{name}: {metric}", observed.transfer_matrix(name)) for name in observed.variants]
    if printed:
        matrices.append(("Philippy et al. 2023, figure 3, as printed: accuracy", figure3().times(100)))
    if figure is not None:
        from isogloss.analysis.figures import save, transfer_figure

        save(transfer_figure(matrices), figure)
    if written in ("csv", "json"):
        say_frame(observed.transfer, written)
        return
    say_tables(list(_tables(matrices)), written)


def _tables(matrices: list[tuple[str, Matrix]]) -> Iterator[Table]:
    """A row for each source with its mean over the other languages, a column for each target."""
    import numpy as np

    from isogloss.evaluation.render import Cell, Column, Table

    for title, matrix in matrices:
        columns = [Column(name, "number", digits=1, many=True) for name in matrix.languages]
        others = matrix.values.copy()
        np.fill_diagonal(others, np.nan)
        rows = []
        for source, row, rest in zip(matrix.languages, matrix.values, others, strict=True):
            if not np.isnan(row).all():
                cells = (Cell(None if np.isnan(value) else float(value)) for value in row)
                rows.append((Cell(source), Cell(float(np.nanmean(rest))), *cells))
        heads = (Column("source"), Column("mean of the others", "number", digits=1))
        yield Table(title, (*heads, *columns), tuple(rows))
