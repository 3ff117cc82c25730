"""`isogloss analyse layers RUNS`: which layers to freeze, as a recipe that tries it out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.analyse.observed import DrawsOption, MetricOption, ObservedArgument, observe, question
from isogloss.cli.analyse.output import say_tables
from isogloss.cli.options import DEFAULT_STORE, ProfileOption, StoreOption
from isogloss.errors import mistake

if TYPE_CHECKING:
    from isogloss.analysis.layers import Layer
    from isogloss.evaluation.tabular import Table


def layers(
    runs: ObservedArgument,
    *,
    like: Annotated[
        str,
        typer.Option(
            "--recipe",
            help="The recipe of these runs, which is to be changed.",
            metavar="RECIPE",
            autocompletion=complete.recipes,
        ),
    ],
    profile: ProfileOption = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Try it out with this source alone.", metavar="L")
    ] = None,
    naive: Annotated[
        bool, typer.Option("--naive", help="By p-values that take pairs for independent, as the paper does.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the recipe that freezes them there.", metavar="FILE")
    ] = None,
    draws: DrawsOption = None,
    metric: MetricOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Which layers to freeze: those whose impact goes with a distance and not with transfer."""
    from isogloss.analysis.correlations import answer
    from isogloss.analysis.layers import TESTS, freezing_recipe
    from isogloss.analysis.layers import layers as known_layers
    from isogloss.recipe.load import load_recipe
    from isogloss.store.files import write_text

    recipe = load_recipe(like, profile=profile)
    asked = observe(runs, store, like=like, metric=metric)
    if len(asked.observed.variants) != 1:
        remedy = f"name one of them: {', '.join(asked.observed.variants)}"
        raise mistake("these are runs of several variants", where=", ".join(runs), remedy=remedy)
    kept = next((one.model_dump(include={"kinds", "distances", "draws"}) for one in asked.questions), {})
    distance = question({"outcome": "impact", **kept, **({} if draws is None else {"draws": draws})})
    transfer = distance.model_copy(update={"explanatory": "transfer"})
    found = known_layers(*(answer(one, asked.observed, tests=TESTS) for one in (distance, transfer)))
    chosen = [layer.layer for layer in found if (layer.chosen_naively if naive else layer.chosen)]
    text = freezing_recipe(recipe, chosen, variant=asked.observed.variants[0], source=source)
    say_tables([_table(found, asked.observed.name, naive=naive)], "text")
    if not chosen:
        typer.echo("no layer meets the criterion: nothing is proposed" + ("" if naive else "; as the paper: --naive"))
        return
    if output is None:
        typer.echo(text, nl=False)
        return
    write_text(output, text)
    typer.echo(f"try it out: isogloss run {output}")


def _table(found: Sequence[Layer], name: str, *, naive: bool) -> Table:
    """A row for each layer: the coefficients and p-values that the choice goes by."""
    from isogloss.evaluation.tabular import Cell, Column, Table

    kinds = [link.name for link in found[0].distances]
    columns = [Column("layer", "integer"), Column("freeze")]
    for heading in (*kinds, "transfer"):
        columns += [Column(heading, "signed"), Column("p", "p")]
    rows = []
    for layer in found:
        cells = [Cell(layer.layer), Cell("yes" if (layer.chosen_naively if naive else layer.chosen) else "")]
        for link in (*layer.distances, layer.transfer):
            cells += [Cell(link.value), Cell(link.p_naive)] if naive else [Cell(link.two_way), Cell(link.p)]
        rows.append(tuple(cells))
    title = f"{name}: what the impact on each layer goes with, without same-language pairs"
    note = (
        "Pearson's coefficient and its naive p, which takes pairs for independent; not corrected, as in the paper"
        if naive
        else "coefficient of two-way residuals and p of spectral randomisation; for distances corrected over both"
    )
    return Table(title, tuple(columns), tuple(rows), footnotes=(note,))
