"""`isogloss analyse`: why transfer works, and what to choose."""

from __future__ import annotations

import typer

from isogloss.cli.analyse import auxiliary, calibration, correlate, distances, estimate, impact, layers, transfer

app = typer.Typer(help="Why transfer works, and what to choose.", no_args_is_help=True, rich_markup_mode=None)
app.command("distances")(distances.distances)
app.command("impact")(impact.impact)
app.command("transfer")(transfer.transfer)
app.command("correlate")(correlate.correlate)
app.command("layers")(layers.layers)
app.command("auxiliary")(auxiliary.auxiliary)
app.command("calibration")(calibration.calibration)
app.command("coverage")(calibration.coverage)
app.command("estimate")(estimate.estimate)
