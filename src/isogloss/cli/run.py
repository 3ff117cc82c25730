"""`isogloss run RECIPE`: carry a recipe out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isogloss.cli import complete
from isogloss.cli.layout import duration, grid
from isogloss.cli.options import (
    DEFAULT_STORE,
    DataOption,
    OfflineOption,
    ProfileOption,
    ProgressOption,
    SetOption,
    StoreOption,
    folders,
)

if TYPE_CHECKING:
    from isogloss.recipe.model import Recipe
    from isogloss.recipe.rehearsal import RehearsalRow
    from isogloss.run import RunReport
    from isogloss.run.rehearsal import LanguageRow
    from isogloss.store import Store


def run(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A shipped recipe's name, or a TOML file.", metavar="RECIPE", autocompletion=complete.recipes
        ),
    ],
    *,
    sets: SetOption = None,
    profile: ProfileOption = None,
    store: StoreOption = DEFAULT_STORE,
    data: DataOption = None,
    offline: OfflineOption = False,
    rehearse: Annotated[
        bool,
        typer.Option("--rehearse", "--dry-run", help="Check everything and print the phases to come; train nothing."),
    ] = False,
    final: Annotated[
        bool,
        typer.Option("--final", help="Of a recipe with folds: train on all rows, test on none, keep the models."),
    ] = False,
    progress: ProgressOption = True,
) -> None:
    """Carry a recipe out, or go on with it."""
    from isogloss.recipe.load import load_recipe

    loaded = load_recipe(recipe, profile=profile, sets=sets or (), final=final)
    if rehearse:
        typer.echo(rehearsal(loaded, store, folders(data), offline=offline))
        return
    report = carry_out(loaded, store, folders(data), offline=offline, progress=progress)
    typer.echo(told(report, loaded, store))
    if report.failed:
        raise typer.Exit(1 if any(failure.ours for failure in report.failed) else 2)


def carry_out(recipe: Recipe, store: Path, data: dict[str, Path], *, offline: bool, progress: bool) -> RunReport:
    """Carry a checked recipe out, with progress on stderr."""
    from isogloss.cli.progress import watching
    from isogloss.run import run as run_recipe
    from isogloss.store import Store

    with watching(progress) as watch:
        return run_recipe(recipe, Store(store), offline=offline, data=data, progress=watch)


def rehearsal(recipe: Recipe, store: Path, data: dict[str, Path], *, offline: bool) -> str:
    """Return the phases to come with their sizes, and how the encoder reads the languages, after every check."""
    from isogloss.run import rehearse
    from isogloss.store import Store

    found = rehearse(recipe, Store(store), offline=offline, data=data)
    rows, languages = found.phases, found.languages
    header = ("phase", "languages", "seed", "steps", "examples", "runs")
    steps = sum(row.steps for row in rows)
    examples = sum(row.examples for row in rows)
    total = f"{len(rows)} phases, {steps:,} steps, {examples:,} examples"
    read = grid(map(_language_row, languages), header=("language", "rows", "unknown %", "tokens a word"))
    return "\n\n".join([grid(map(_row, rows), header=header), total, *([read] if languages else [])])


def _row(row: RehearsalRow) -> tuple[object, ...]:
    between = ", " if any("+" in language for language in row.languages) else "+"  # "en+sw" is one language
    languages = between.join(row.languages) if len(row.languages) <= 6 else f"{len(row.languages)} languages"
    return row.phase, languages, row.seed, f"{row.steps:,}", f"{row.examples:,}", row.runs


def _language_row(row: LanguageRow) -> tuple[object, ...]:
    tokens = "–" if math.isnan(row.tokens_per_word) else row.tokens_per_word
    return row.language, f"{row.rows:,}", 100 * row.unknown_share, tokens


def told(report: RunReport, recipe: Recipe, store: Path) -> str:
    """Return what came of a recipe: runs, failures, the rates learned, and the command for the table."""
    from isogloss.cli.explain_run import learned_rates
    from isogloss.store import Store

    counts = f"{report.done} runs done, {report.found} found finished, {len(report.failed)} failed"
    lines = [f"{counts}, in {duration(report.seconds)}"]
    lines += [f"failed in {one.phase or 'no phase'}: {one.variant} {one.cell}: {one.error}" for one in report.failed]
    address = address_of(recipe, Store(store))
    option = "" if store == DEFAULT_STORE else f" --store {store}"
    rates = learned_rates(Store(store), address)
    take = f"take one away: isogloss export {address}/{recipe.variants[0].name}@0 FOLDER{option}"
    return "\n".join([*lines, *rates, take if recipe.final else f"the table: isogloss table {address}{option}"])


def address_of(recipe: Recipe, store: Store) -> str:
    """Return what names the runs of this recipe with these settings: its name, where they are the newest."""
    from isogloss.store.runs import edition, newest

    mine = edition(recipe.model_dump(mode="json"))
    latest = newest([run for run in store.runs() if run.recipe == recipe.name])[0].edition
    return recipe.name if latest == mine else f"{recipe.name}#{mine}"
