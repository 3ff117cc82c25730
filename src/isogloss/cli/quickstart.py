"""`isogloss quickstart`: the whole thing, offline, in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from isogloss.cli.layout import duration
from isogloss.cli.options import ProgressOption, StoreOption

if TYPE_CHECKING:
    from isogloss.cli.estimate import Expected
    from isogloss.recipe.model import Recipe

RECIPE = "massive-quickstart"
PAGE = "report.html"  # in the store
_PATIENCE = 215.0
"""Seconds that the estimate may come to, of five minutes: the trial before, loading, and the page after are not in it,
and a phase's small batches take longer than the trial's (measured: 292 s of phases and tests where 236 were expected).
"""
_SIZES: tuple[tuple[str, ...], ...] = (
    (),
    ("phases.source.on.examples=2000", "phases.meta.method.rounds=2", "evaluation.examples=60"),
    (
        "phases.source.on.examples=1200",
        "phases.meta.method.rounds=1",
        "evaluation.examples=40",
        'variants=["pooled", "source_only", "meta_optimizer", "pooled_same_compute"]',
    ),
)
"""From the whole recipe to what a slow machine carries; a method and its control for compute are in all of them."""
_NEXT = """
next, with a table of your own (CSV, TSV, JSON lines or Parquet), a column of texts and one of labels:
  isogloss new my-project --from messages.csv --text text --label label --language language
  isogloss run my-project/recipe.toml --rehearse"""


def quickstart(store: StoreOption = Path("isogloss-quickstart"), progress: ProgressOption = True) -> None:
    """Carry English intents into 21 languages, in minutes."""
    from isogloss.cli.run import carry_out, told

    recipe = _sized(store)
    report = carry_out(recipe, store, {}, offline=True, progress=progress)
    typer.echo(told(report, recipe, store))
    if report.done or report.found:
        typer.echo("")
        _show(recipe, store)
    if report.failed:
        raise typer.Exit(1 if any(failure.ours for failure in report.failed) else 2)


def _sized(store: Path) -> Recipe:
    """Return the recipe at the size that the store has runs of, or else at the largest that is done here in time.

    How long it will take is said.
    """
    from isogloss.cli.estimate import estimate
    from isogloss.recipe.load import load_recipe
    from isogloss.run import rehearse
    from isogloss.store import Store

    sizes = [load_recipe(RECIPE, sets=sets) for sets in _SIZES]
    opened = Store(store)
    begun = [one for one in sizes if opened.runs() and rehearse(one, opened, offline=True).begun][:1]
    tried: list[Expected] = []
    for recipe in begun or sizes:
        tried.append(estimate(recipe, store, speed=tried[0].speed if tried else None))
        if tried[-1].seconds <= _PATIENCE:
            break
    if len(tried) > 1:
        whole = duration(tried[0].seconds)
        typer.echo(f"at full size about {whole} on this machine; so a smaller size", err=True)
    if tried[-1].phases:
        what = f"{recipe.description}: {tried[-1].phases} phases of training"
        typer.echo(f"{what}, about {duration(tried[-1].seconds)} on this machine", err=True)
    return recipe


def _show(recipe: Recipe, store: Path) -> None:
    """Print the table and what it means, write the page, and say what to do next."""
    import shutil

    from isogloss.cli.report import write_page
    from isogloss.cli.run import address_of
    from isogloss.evaluation.comparison import decisive
    from isogloss.evaluation.meaning import meaning
    from isogloss.evaluation.render import render
    from isogloss.evaluation.table import tables
    from isogloss.report.material import gathered
    from isogloss.store import Store

    opened = Store(store)
    address = address_of(recipe, opened)
    material = gathered(opened, [address])
    width = shutil.get_terminal_size((120, 24)).columns
    typer.echo(render(tables(material.scores, material.comparisons, detail=False), "text", width=width))
    if material.comparisons is not None:
        typer.echo(meaning(decisive(material.comparisons, material.scores)))
    typer.echo(f"\nby language, with tests: isogloss table {address} --store {store}")
    typer.echo(f"the page of all of it, for a browser: {write_page(material, store / PAGE)}\n{_NEXT}")
