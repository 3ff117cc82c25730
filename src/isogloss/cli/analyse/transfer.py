"""`isogloss analyse transfer RUNS`: scores over sources and targets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isogloss.cli.analyse.observed import MetricOption, ObservedArgument, observe
from isogloss.cli.analyse.output import kept_folder, say_frame, say_tables
from isogloss.cli.options import DEFAULT_STORE, FormatOption, StoreOption, known_format


def transfer(
    runs: ObservedArgument,
    *,
    metric: MetricOption = None,
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
    from isogloss.analysis.transfer_table import titled, transfer_tables
    from isogloss.store.files import disk_mistakes

    written = known_format(form)
    observed = observe(runs, store, metric=metric).observed
    if keep is not None:
        with disk_mistakes(kept_folder(keep)):
            observed.write(keep)
    matrices = titled(observed)
    if printed:
        matrices.append(("Philippy et al. 2023, figure 3, as printed: accuracy", figure3().times(100)))
    if figure is not None:
        from isogloss.report.figures.drawing import save
        from isogloss.report.figures.philippy2023 import transfer_figure

        save(transfer_figure(matrices), figure)
    if written in ("csv", "json"):
        say_frame(observed.transfer, written)
        return
    say_tables(list(transfer_tables(matrices)), written)
