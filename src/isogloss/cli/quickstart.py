"""`isogloss quickstart`: the whole thing, offline, in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from isogloss.cli.layout import duration
from isogloss.cli.options import ProgressOption, StoreOption

if TYPE_CHECKING:
    import polars as pl

    from isogloss.recipe.model import Recipe

RECIPE = "massive-quickstart"
_PATIENCE = 300.0  # seconds; what is estimated to take longer is made smaller
_SMALLER = ("phases.source.on.examples=2000", "phases.meta.method.rounds=2", "evaluation.examples=60")
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
    """Return the recipe at a size that this machine carries, having said how long it will take."""
    from isogloss.cli.estimate import estimate
    from isogloss.recipe.load import load_recipe

    recipe = load_recipe(RECIPE)
    expected = estimate(recipe, store)
    if expected.seconds > _PATIENCE:
        typer.echo(f"at full size about {duration(expected.seconds)} on this machine; so a smaller size", err=True)
        recipe = load_recipe(RECIPE, sets=_SMALLER)
        expected = estimate(recipe, store, speed=expected.speed)
    if expected.phases:
        what = f"{recipe.description}: {expected.phases} phases of training"
        typer.echo(f"{what}, about {duration(expected.seconds)} on this machine", err=True)
    return recipe


def _show(recipe: Recipe, store: Path) -> None:
    """Print the table, what it means, and what to do next."""
    import shutil

    from isogloss.cli.run import address_of
    from isogloss.evaluation.comparison import compare
    from isogloss.evaluation.evidence import chosen, evidence
    from isogloss.evaluation.render import render
    from isogloss.evaluation.table import tables
    from isogloss.store import Store

    opened = Store(store)
    address = address_of(recipe, opened)
    scores, outcomes = evidence(opened, chosen(opened, [address]))
    comparisons = None if outcomes is None else compare(scores, outcomes)
    width = shutil.get_terminal_size((120, 24)).columns
    typer.echo(render(tables(scores, comparisons, detail=False), "text", width=width))
    if comparisons is not None:
        typer.echo(meaning(comparisons))
    typer.echo(f"\nby language, with tests: isogloss table {address} --store {store}\n{_NEXT}")


def meaning(comparisons: pl.DataFrame) -> str:
    """Return in two sentences what a comparison of variants means for somebody who has to choose one."""
    import polars as pl

    from isogloss.evaluation.naming import how_many

    means = comparisons.filter(pl.col("scope") == "unseen").sort("difference", descending=True)
    if means.is_empty():
        return "There is no mean over unseen languages to compare: one variant or one such language is left."
    rows = list(means.iter_rows(named=True))
    count, baseline = how_many(rows[0]["language"]), rows[0]["baseline"]
    found = "; ".join(map(_finding, rows))
    first = f'Against "{baseline}", on the mean over {count} languages without any labels: {found}.'
    return f"{first}\n{_advice(rows, baseline)}"


def _finding(row: dict[str, object]) -> str:
    interval = f" [{row['low']:+.2f}, {row['high']:+.2f}]" if row["low"] is not None else ""
    return f"{row['variant']} is {row['verdict']} ({row['difference']:+.2f} points{interval})"


def _advice(rows: list[dict[str, object]], baseline: str) -> str:
    seeds = rows[0]["seeds"]
    caution = f"with {seeds} seeds this says little about other seeds"
    better = [str(row["variant"]) for row in rows if row["verdict"] == "better"]
    if better:
        return f'"{better[0]}" is the one to use for data like these; {caution}.'
    least = min((float(str(row["minimum"])) for row in rows if row["minimum"] is not None), default=None)
    hidden = f", and a difference below {least:.1f} points would not have shown" if least is not None else ""
    return f'Nothing here beats "{baseline}", so the simple thing is the one to use{hidden}; {caution}.'
